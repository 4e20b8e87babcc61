// Package upstream makes raw gRPC calls to downstream services: protobuf wire bytes out, wire bytes in.
package upstream

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// Upstream is one downstream service; it satisfies plan.Caller. It is safe for concurrent use.
type Upstream struct {
	name string
	conn *connection
	// openTimeout bounds the opening of a stream.
	openTimeout time.Duration

	closeOnce sync.Once
	closeErr  error
}

// Call sends one unary request with the outgoing metadata and the deadline of ctx, and returns the wire bytes
// of the reply, which the caller frees. method is `/user.v1.UserService/GetUser`. The request may be reused
// as soon as Call returns.
//
// Errors are gRPC statuses. What the upstream answered is returned as it came, with its details; where there was
// no answer, the status says so and names the upstream. A context without a deadline is refused as INTERNAL: a
// call that may wait forever is a mistake of the program.
func (u *Upstream) Call(ctx context.Context, method string, request []byte) (mem.Buffer, error) {
	if _, ok := ctx.Deadline(); !ok {
		return nil, status.Errorf(codes.Internal, "upstream %s: call of %s without a deadline", u.name, method)
	}
	x := exchanges.Get().(*exchange)
	x.request = request
	err := u.conn.client.Invoke(ctx, method, x, x)
	reply := x.reply
	*x = exchange{}
	exchanges.Put(x)
	if err == nil {
		return reply, nil
	}
	if reply != nil { // a message came, and then a status that is not OK
		reply.Free()
	}
	return nil, u.failure(err)
}

// Close releases the upstream; its connection closes with its last user, and calls in flight on it end with
// CANCELED then. Closing again does nothing.
func (u *Upstream) Close() error {
	u.closeOnce.Do(func() { u.closeErr = u.conn.release() })
	return u.closeErr
}
