package server

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"facet/internal/gateway"
)

// streamContext is the context of a gRPC stream, which a handler can end while it waits for the client: grpc-go's
// RecvMsg and SendMsg end with that context alone, and tell the client its error.
type streamContext struct {
	context.Context
	cancel context.CancelFunc
	late   atomic.Bool
}

func newStreamContext(ctx context.Context, _ *tap.Info) (context.Context, error) {
	ctx, cancel := context.WithCancel(ctx)
	return &streamContext{Context: ctx, cancel: cancel}, nil
}

// Err implements context.Context.
func (c *streamContext) Err() error {
	if c.late.Load() {
		return context.DeadlineExceeded
	}
	return c.Context.Err()
}

// streamContextKey finds the context in those that are derived from it.
type streamContextKey struct{}

// Value implements context.Context.
func (c *streamContext) Value(key any) any {
	if key == (streamContextKey{}) {
		return c
	}
	return c.Context.Value(key)
}

func streamContextOf(stream grpc.ServerStream) (*streamContext, bool) {
	ctx, ok := stream.Context().Value(streamContextKey{}).(*streamContext)
	return ctx, ok
}

// cancelStream ends a stream.
func cancelStream(stream grpc.ServerStream) {
	if ctx, ok := streamContextOf(stream); ok {
		ctx.cancel()
	}
}

// within ends a stream with DEADLINE_EXCEEDED when it waits for its client for longer than a timeout, unless that is 0.
func within(stream grpc.ServerStream, timeout time.Duration, wait func() error) error {
	ctx, ok := streamContextOf(stream)
	if !ok || timeout == 0 {
		return wait()
	}
	timer := time.AfterFunc(timeout, func() {
		ctx.late.Store(true)
		ctx.cancel()
	})
	defer timer.Stop()
	return wait()
}

// receiveMessage reads a message.
func receiveMessage(stream grpc.ServerStream, message proto.Message, timeout time.Duration) error {
	return within(stream, timeout, func() error { return stream.RecvMsg(message) })
}

// receive reads the one message of a request, and that there is no other.
func receive(stream grpc.ServerStream, limit int, timeout time.Duration) (message []byte, err error) {
	err = within(stream, timeout, func() error {
		message, err = receiveOne(stream, limit)
		return err
	})
	return message, err
}

// errNoMessage and errSeveralMessages are how gRPC wants a request answered that is not one message.
var (
	errNoMessage       = status.Error(codes.Unimplemented, "the request has no message; the method takes one")
	errSeveralMessages = status.Error(codes.Unimplemented, "the request has several messages; the method takes one")
)

func receiveOne(stream grpc.ServerStream, limit int) ([]byte, error) {
	var request, more frame
	if err := stream.RecvMsg(&request); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errNoMessage
		}
		return nil, err
	}
	if request.overLimit || len(request.wire) > limit {
		return nil, gateway.BodyTooLarge(limit)
	}
	switch err := stream.RecvMsg(&more); {
	case errors.Is(err, io.EOF):
		return request.wire, nil
	case err == nil:
		return nil, errSeveralMessages
	default:
		return nil, err
	}
}
