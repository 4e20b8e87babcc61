package upstream_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/upstream"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// handler answers one call of a test server.
type handler func(ctx context.Context, method string, request []byte) ([]byte, error)

// wireCodec lets a test server see and send wire bytes, as *[]byte.
type wireCodec struct{}

func (wireCodec) Name() string { return "proto" }

func (wireCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (wireCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = append([]byte{}, data.Materialize()...)
	return nil
}

// serve starts a gRPC server that answers every method, and returns its address.
func serve(t testing.TB, handle handler) string {
	t.Helper()
	_, address := serveWith(t, handle)
	return address
}

// serveWith is serve, with the server.
func serveWith(t testing.TB, handle handler) (*grpc.Server, string) {
	t.Helper()
	return serveOn(t, listen(t), handle)
}

// serveOn is serveWith, on a listener.
func serveOn(t testing.TB, listener net.Listener, handle handler) (*grpc.Server, string) {
	t.Helper()
	answer := func(_ any, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		reply, err := handle(stream.Context(), method, request)
		if reply != nil {
			if err := stream.SendMsg(&reply); err != nil {
				return err
			}
		}
		return err
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(answer), grpc.ForceServerCodecV2(wireCodec{}), grpc.MaxRecvMsgSize(64<<20))
	go server.Serve(listener) // until Stop
	t.Cleanup(server.Stop)
	return server, listener.Addr().String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// echo answers with the request.
func echo(_ context.Context, _ string, request []byte) ([]byte, error) { return request, nil }

// hang answers nothing until the call ends.
func hang(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// open opens the upstream `user` at a target, in a pool of its own.
func open(t testing.TB, config *gatewayv1.Upstream) *upstream.Upstream {
	t.Helper()
	pool := upstream.NewPool()
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return openIn(t, pool, config)
}

func openIn(t testing.TB, pool *upstream.Pool, config *gatewayv1.Upstream) *upstream.Upstream {
	t.Helper()
	u, err := pool.Open("user", config)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// static is the configuration of an upstream at an address.
func static(address string) *gatewayv1.Upstream {
	return &gatewayv1.Upstream{Target: "static:///" + address}
}

// call calls with patience and returns a copy of the reply.
func call(t testing.TB, u *upstream.Upstream, request []byte) ([]byte, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reply, err := u.Call(ctx, "/user.v1.UserService/GetUser", request)
	if err != nil {
		return nil, err
	}
	defer reply.Free()
	return append([]byte{}, reply.ReadOnlyData()...), nil
}

// eventually fails the test unless ok becomes true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprint("still not so: ", what))
		}
		time.Sleep(time.Millisecond)
	}
}
