package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"facet/internal/upstream"
)

const watch = "/user.v1.UserService/WatchUser"

// streamer answers one stream of a test server.
type streamer func(ctx context.Context, request []byte, send func([]byte) error) error

// serveStreams starts a gRPC server that answers every method with a stream, and returns its address.
func serveStreams(t testing.TB, handle streamer, options ...grpc.ServerOption) string {
	t.Helper()
	listener := listen(t)
	answer := func(_ any, stream grpc.ServerStream) error {
		var request []byte
		if err := stream.RecvMsg(&request); err != nil {
			return err
		}
		return handle(stream.Context(), request, func(message []byte) error { return stream.SendMsg(&message) })
	}
	options = append(options, grpc.UnknownServiceHandler(answer), grpc.ForceServerCodecV2(wireCodec{}))
	server := grpc.NewServer(options...)
	go server.Serve(listener) // until Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

// collect returns copies of the messages of a stream, and how it ended.
func collect(ctx context.Context, u *upstream.Upstream, request []byte) (messages [][]byte, err error) {
	err = u.Stream(ctx, watch, request, func(message mem.Buffer) error {
		messages = append(messages, bytes.Clone(message.ReadOnlyData()))
		message.Free()
		return nil
	})
	return messages, err
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestStreamPassesMessagesInOrder(t *testing.T) {
	sizes := []int{0, 1, 1025, 16385, 1 << 20, 0, 7}
	u := open(t, static(serveStreams(t, func(ctx context.Context, request []byte, send func([]byte) error) error {
		md, _ := metadata.FromIncomingContext(ctx)
		if _, deadline := ctx.Deadline(); deadline || string(request) != "room" || md.Get("x-env")[0] != "gray" {
			return status.Errorf(codes.Internal, "got %q, %v, deadline %v", request, md, deadline)
		}
		for i, size := range sizes {
			if err := send(bytes.Repeat([]byte{byte(i)}, size)); err != nil {
				return err
			}
		}
		return nil
	})))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-env", "gray")
	messages, err := collect(ctx, u, []byte("room"))
	if err != nil || len(messages) != len(sizes) {
		t.Fatalf("got %d messages, %v", len(messages), err)
	}
	for i, message := range messages {
		if !bytes.Equal(message, bytes.Repeat([]byte{byte(i)}, sizes[i])) {
			t.Errorf("message %d: got %d bytes, want %d", i, len(message), sizes[i])
		}
	}
}

func TestStreamFailures(t *testing.T) {
	detailed, err := status.New(codes.FailedPrecondition, "closed").WithDetails(&errdetails.ErrorInfo{Reason: "ROOM_CLOSED"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		handle streamer
		bound  int32
		code   codes.Code
		want   string
	}{
		{
			name: "the upstream's own status", code: codes.FailedPrecondition, want: "closed",
			handle: func(_ context.Context, _ []byte, send func([]byte) error) error {
				return errors.Join(send([]byte("a")), detailed.Err())
			},
		},
		{
			name: "a message over the bound", code: codes.Internal, want: "a reply of 101 bytes exceeds max_reply_bytes, 100",
			bound: 100,
			handle: func(_ context.Context, _ []byte, send func([]byte) error) error {
				return errors.Join(send([]byte("a")), send(make([]byte, 101)))
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := static(serveStreams(t, test.handle))
			config.MaxReplyBytes = test.bound
			messages, err := collect(within(t), open(t, config), nil)
			if len(messages) != 1 || string(messages[0]) != "a" {
				t.Errorf("got %q before the end", messages)
			}
			if status.Code(err) != test.code || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %v: %s", err, test.code, test.want)
			}
		})
	}
	t.Run("details are kept", func(t *testing.T) {
		u := open(t, static(serveStreams(t, func(context.Context, []byte, func([]byte) error) error { return detailed.Err() })))
		if _, err := collect(within(t), u, nil); len(status.Convert(err).Details()) != 1 {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		_, err := collect(within(t), open(t, static(free(t))), nil)
		if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "upstream user (") {
			t.Errorf("got %v", err)
		}
	})
}

// free returns an address on which nobody listens.
func free(t testing.TB) string {
	t.Helper()
	listener := listen(t)
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).String()
}

// What ends a stream here ends it at the upstream.
func TestStreamEndsAtTheUpstream(t *testing.T) {
	ended := make(chan struct{}, 1)
	u := open(t, static(serveStreams(t, func(ctx context.Context, _ []byte, send func([]byte) error) error {
		defer func() { ended <- struct{}{} }()
		if err := send([]byte("a")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})))
	full := errors.New("the client is gone")
	err := u.Stream(t.Context(), watch, nil, func(message mem.Buffer) error { message.Free(); return full })
	if !errors.Is(err, full) {
		t.Errorf("got %v, want the error of the reader", err)
	}
	<-ended

	ctx, cancel := context.WithCancel(t.Context())
	err = u.Stream(ctx, watch, nil, func(message mem.Buffer) error { message.Free(); cancel(); return nil })
	if status.Code(err) != codes.Canceled {
		t.Errorf("got %v, want CANCELED", err)
	}
	<-ended

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err = collect(ctx, u, nil); status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v, want DEADLINE_EXCEEDED", err)
	}
	<-ended
}

// A reader that does not read stops its own stream, which holds no more than a window of messages, and no other.
func TestSlowReaderSlowsItsOwnStreamOnly(t *testing.T) {
	sent := make(chan int, 1<<16)
	u := open(t, static(serveStreams(t, func(_ context.Context, request []byte, send func([]byte) error) error {
		for i := range 1000 {
			if err := send(make([]byte, 64<<10)); err != nil {
				return err
			}
			if string(request) == "slow" {
				sent <- i
			}
		}
		return nil
	})))
	stuck, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		first := true
		done <- u.Stream(within(t), watch, []byte("slow"), func(message mem.Buffer) error {
			message.Free()
			if first {
				first = false
				close(stuck)
				<-release
			}
			return nil
		})
	}()
	<-stuck
	if messages, err := collect(within(t), u, []byte("fast")); err != nil || len(messages) != 1000 {
		t.Errorf("beside a slow stream: %d messages, %v", len(messages), err)
	}
	if n := len(sent); n > 500 {
		t.Errorf("the slow stream was sent %d messages of 64 KiB that nobody reads", n)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("the slow stream ended with %v", err)
	}
}

// A stream that the upstream does not let in, because there are too many on the connection, does not wait for ever.
func TestStreamThatCannotBeOpened(t *testing.T) {
	u := open(t, static(serveStreams(t, func(ctx context.Context, _ []byte, send func([]byte) error) error {
		if err := send([]byte("a")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	}, grpc.MaxConcurrentStreams(1))))
	err := u.Stream(t.Context(), watch, nil, func(message mem.Buffer) error {
		message.Free()
		u.SetOpenTimeout(10 * time.Millisecond) // there is a connection now
		_, err := collect(within(t), u, nil)
		return err
	})
	if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "could not be opened in 10ms") {
		t.Errorf("got %v", err)
	}
}

func TestStreamsLeaveNothing(t *testing.T) {
	u := open(t, static(serveStreams(t, func(ctx context.Context, _ []byte, send func([]byte) error) error {
		if err := send([]byte("a")); err != nil {
			return err
		}
		<-ctx.Done()
		return ctx.Err()
	})))
	turn := func() {
		if err := u.Stream(t.Context(), watch, nil, func(message mem.Buffer) error { message.Free(); return errDone }); !errors.Is(err, errDone) {
			t.Fatal(err)
		}
	}
	turn()
	before := runtime.NumGoroutine()
	for range 1000 {
		turn()
	}
	eventually(t, fmt.Sprintf("%d goroutines", before), func() bool { return runtime.NumGoroutine() <= before+5 })
}

var errDone = errors.New("done")
