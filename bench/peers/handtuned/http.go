package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	orderv1 "facet/api/order/v1"
	benchv1 "facet/bench/api/bench/v1"
)

func newHandler(b *bff) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/users/{user_id}/orders", func(w http.ResponseWriter, r *http.Request) {
		reply, err := b.ListOrders(r.Context(), &orderv1.ListOrdersRequest{UserId: r.PathValue("user_id")})
		write(w, reply, err)
	})
	mux.HandleFunc("GET /v1/users/{user_id}/screen", func(w http.ResponseWriter, r *http.Request) {
		reply, err := b.GetScreen(r.Context(), &benchv1.GetScreenRequest{
			UserId: r.PathValue("user_id"), Select: r.URL.Query().Get("select"),
		})
		write(w, reply, err)
	})
	mux.HandleFunc("GET /v1/users/{user_id}/cards", func(w http.ResponseWriter, r *http.Request) {
		reply, err := b.GetOrderCards(r.Context(), &benchv1.GetOrderCardsRequest{
			UserId: r.PathValue("user_id"), Select: r.URL.Query().Get("select"),
		})
		write(w, reply, err)
	})
	mux.HandleFunc("GET /v1/pages/{bytes}", func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.ParseInt(r.PathValue("bytes"), 10, 32)
		if err != nil {
			writeError(w, status.Errorf(codes.InvalidArgument, "bytes: %v", err))
			return
		}
		reply, err := b.GetPage(r.Context(), &benchv1.GetPageRequest{
			Bytes: int32(size), Select: r.URL.Query().Get("select"),
		})
		write(w, reply, err)
	})
	mux.HandleFunc("GET /v1/rooms/{room_id}/events", b.watchRoom)
	return mux
}

// maxKept is the largest buffer that is kept for the next reply.
const maxKept = 1 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}

func write(w http.ResponseWriter, reply proto.Message, err error) {
	if err != nil {
		writeError(w, err)
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buffer) <= maxKept {
			buffers.Put(buffer)
		}
	}()
	if *buffer, err = (protojson.MarshalOptions{}).MarshalAppend((*buffer)[:0], reply); err != nil {
		writeError(w, err)
		return
	}
	header := w.Header()
	header["Content-Type"] = []string{"application/json"}
	header["Content-Length"] = []string{strconv.Itoa(len(*buffer))}
	_, _ = w.Write(*buffer) // it fails if the client has left
}

func writeError(w http.ResponseWriter, err error) {
	code := http.StatusBadGateway
	switch s, _ := status.FromError(err); {
	case errors.Is(err, context.DeadlineExceeded), s.Code() == codes.DeadlineExceeded:
		code = http.StatusGatewayTimeout
	case s.Code() == codes.InvalidArgument:
		code = http.StatusBadRequest
	case s.Code() == codes.NotFound:
		code = http.StatusNotFound
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"message":%q}`, status.Convert(err).Message())
}
