package upstream_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	gatewayv1 "facet/api/facet/gateway/v1"
)

// serveHTTP2 starts an HTTP/2 server that need not know gRPC.
func serveHTTP2(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := &http.Server{Handler: handle, Protocols: new(http.Protocols)}
	server.Protocols.SetUnencryptedHTTP2(true)
	listener := listen(t)
	go server.Serve(listener) // until Close
	t.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// answerFrames answers as gRPC, with any bytes where the message should be.
func answerFrames(frames string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "grpc-status")
		io.WriteString(w, frames)
		w.Header().Set("grpc-status", "0")
	}
}

// serveText starts a server that answers every connection with a text, in no protocol, and says no more.
func serveText(t *testing.T, text string) string {
	t.Helper()
	listener := listen(t)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, text)
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn) // until the client has gone
			conn.Close()
		}
	}()
	return listener.Addr().String()
}

func refusingAddress(t *testing.T) string {
	listener := listen(t)
	listener.Close()
	return listener.Addr().String()
}

func TestFailuresNameTheUpstream(t *testing.T) {
	t.Parallel()
	const page = `<html>internal page</html>`
	answerPage := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(code)
			io.WriteString(w, page)
		}
	}
	for _, test := range []struct {
		name    string
		address func(t *testing.T) string
		code    codes.Code
		text    string
	}{
		{"nobody listens", refusingAddress, codes.Unavailable, "connection refused"},
		{"reply over the limit", func(t *testing.T) string {
			return serve(t, func(context.Context, string, []byte) ([]byte, error) { return make([]byte, 2000), nil })
		}, codes.Internal, "a reply of 2000 bytes exceeds max_reply_bytes, 1000"},
		{
			"page with 200", func(t *testing.T) string { return serveHTTP2(t, answerPage(200)) },
			codes.Unknown, "the answer is not gRPC: HTTP status 200 (OK)",
		},
		{
			"page with 404", func(t *testing.T) string { return serveHTTP2(t, answerPage(404)) },
			codes.Unimplemented, "the answer is not gRPC: HTTP status 404 (Not Found)",
		},
		{
			"page with 503", func(t *testing.T) string { return serveHTTP2(t, answerPage(503)) },
			codes.Unavailable, "the answer is not gRPC: HTTP status 503 (Service Unavailable)",
		},
		{
			"HTTP/1", func(t *testing.T) string { return serveText(t, "HTTP/1.1 400 Bad Request\r\n\r\n") },
			codes.Unavailable, "it does not speak HTTP/2 without TLS",
		},
		{
			"no protocol", func(t *testing.T) string { return serveText(t, "") },
			codes.Unavailable, "it does not speak HTTP/2 without TLS",
		},
		{
			"message cut short", func(t *testing.T) string { return serveHTTP2(t, answerFrames("\x00\x00\x00\x00\x09abc")) },
			codes.Internal, "the reply ended in the middle of a message",
		},
		{
			"no message", func(t *testing.T) string { return serveHTTP2(t, answerFrames("")) },
			codes.Internal, "the reply holds no message",
		},
		{"two messages", func(t *testing.T) string {
			return serveHTTP2(t, answerFrames("\x00\x00\x00\x00\x01a\x00\x00\x00\x00\x01b"))
		}, codes.Internal, "the reply holds more than one message"},
		{
			"unknown compression", func(t *testing.T) string { return serveHTTP2(t, answerFrames("\x01\x00\x00\x00\x01a")) },
			codes.Internal, "malformed reply",
		},
		{"stream reset", func(t *testing.T) string {
			return serveHTTP2(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, codes.Internal, "the call was reset: INTERNAL_ERROR"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			address := test.address(t)
			u := open(t, &gatewayv1.Upstream{Target: "static:///" + address, MaxReplyBytes: 1000})
			_, err := call(t, u, []byte("request"))
			want := fmt.Sprintf("upstream user (%s): %s", address, test.text)
			if st := status.Convert(err); st.Code() != test.code || st.Message() != want {
				t.Errorf("got  %s: %s\nwant %s: %s", st.Code(), st.Message(), test.code, want)
			}
		})
	}
}

func TestHangingUpstreamMeetsTheDeadline(t *testing.T) {
	address := serve(t, hang)
	u := open(t, static(address))
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := u.Call(ctx, "/user.v1.UserService/GetUser", nil)
	want := "upstream user (" + address + "): no reply before the deadline"
	if st := status.Convert(err); st.Code() != codes.DeadlineExceeded || st.Message() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A listener that never accepts: the connection is made by the kernel, and nobody speaks.
func TestSilentUpstreamMeetsTheDeadline(t *testing.T) {
	listener := listen(t)
	t.Cleanup(func() { listener.Close() })
	u := open(t, static(listener.Addr().String()))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := u.Call(ctx, "/user.v1.UserService/GetUser", nil)
	if status.Code(err) != codes.DeadlineExceeded || !strings.HasPrefix(status.Convert(err).Message(), "upstream user (") {
		t.Errorf("got %v", err)
	}
}

func TestUpstreamClosesDuringACall(t *testing.T) {
	entered := make(chan struct{})
	server, address := serveWith(t, func(ctx context.Context, method string, request []byte) ([]byte, error) {
		close(entered)
		return hang(ctx, method, request)
	})
	u := open(t, static(address))
	go func() {
		<-entered
		server.Stop()
	}()
	_, err := call(t, u, nil)
	want := "upstream user (" + address + "): the connection was lost"
	if st := status.Convert(err); st.Code() != codes.Unavailable || st.Message() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnswersOfTheUpstreamAreUntouched(t *testing.T) {
	detailed, err := status.New(codes.ResourceExhausted, "grpc: received message larger than max (9 vs. 1)").
		WithDetails(&errdetails.ErrorInfo{Reason: "QUOTA", Domain: "user"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []*status.Status{
		status.New(codes.NotFound, "no user 42"),
		status.New(codes.Unavailable, "the database is away"),
		status.New(codes.Unavailable, ""),
		status.New(codes.DeadlineExceeded, "the database is slow"),
		status.New(codes.Internal, "100% of <it>"),
		status.New(codes.Code(77), "a code of tomorrow"),
		detailed,
	} {
		for _, reply := range [][]byte{nil, []byte("a message before the status")} {
			u := open(t, static(serve(t, func(context.Context, string, []byte) ([]byte, error) { return reply, want.Err() })))
			_, err := call(t, u, nil)
			if got := status.Convert(err); !proto.Equal(got.Proto(), want.Proto()) {
				t.Errorf("after %q: got %v, want %v", reply, got, want)
			}
		}
	}
}

// A failed connection is tried again: the upstream is there once it listens.
func TestUpstreamComesBack(t *testing.T) {
	address := refusingAddress(t)
	u := open(t, static(address))
	if _, err := call(t, u, nil); status.Code(err) != codes.Unavailable {
		t.Fatalf("got %v", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the port was taken in between: %v", err)
	}
	server, _ := serveOn(t, listener, echo)
	defer server.Stop()
	eventually(t, "the call succeeds", func() bool {
		_, err := call(t, u, nil)
		return err == nil
	})
}
