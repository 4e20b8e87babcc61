package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/snapshot"
)

// The reasons of the errors that end a stream.
const (
	reasonAge      = "STREAM_AGE"
	reasonIdle     = "STREAM_IDLE"
	reasonShutdown = "STREAM_SHUTDOWN"
)

// drain ends streams when the process stops.
type drain struct {
	once   sync.Once
	window time.Duration
	begun  context.Context
	begin  context.CancelFunc
}

func newDrain() *drain {
	d := &drain{}
	d.begun, d.begin = context.WithCancel(context.Background())
	return d
}

// Drain ends the streams, each at a moment of its own within a window, so that their clients do not all come to another
// gateway at once. Streams that are opened later are ended likewise.
func (g *Gateway) Drain(window time.Duration) {
	g.drain.once.Do(func() {
		g.drain.window = window
		g.drain.begin()
	})
}

// stream answers a call with a stream. It has no total timeout: it ends with the deadline of the client, if that states
// one, or when it is silent or lasts for too long.
func (g *Gateway) stream(ctx context.Context, c *Call, view *snapshot.View, request []byte) error {
	ctx, cancel, err := c.withClientDeadline(ctx)
	if err != nil {
		return err
	}
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	idle, age := c.limits.GetStreamIdle().AsDuration(), spread(c.limits.GetStreamAge().AsDuration())
	old := time.AfterFunc(age, func() { end(g.drain.tooOld(c.limits)) })
	defer old.Stop()
	defer context.AfterFunc(g.drain.begun, func() { old.Reset(rand.N(g.drain.window + 1)) })()
	silent := time.AfterFunc(idle, func() { end(streamIdle(c.limits)) })
	defer silent.Stop()

	if c.Streaming != nil {
		c.Streaming()
	}
	c.Partial, err = view.Program.Stream(ctx, request, &streamClient{call: c, view: view, silent: silent, idle: idle})
	if limit := new(Error); err != nil && errors.As(context.Cause(ctx), &limit) {
		return limit
	}
	return err
}

// streamClient is the client of a stream. It implements plan.Client.
type streamClient struct {
	call   *Call
	view   *snapshot.View
	silent *time.Timer // ends the stream after idle
	idle   time.Duration
}

// Render implements plan.Client.
func (s *streamClient) Render(wire []byte) error {
	if err := s.call.render(s.view.Projection, wire); err != nil {
		return s.call.notRendered(err)
	}
	return nil
}

// Send implements plan.Client.
func (s *streamClient) Send() error {
	if err := s.call.Send(s.call.Reply); err != nil {
		return notTaken(err)
	}
	s.silent.Reset(s.idle)
	return nil
}

// notTaken is the status of a stream whose client takes no more messages. A server that speaks gRPC knows it, others have
// the error of a connection.
func notTaken(err error) error {
	if code := codeOf(err); code == codes.Canceled || code == codes.DeadlineExceeded {
		return err
	}
	return status.Errorf(codes.Canceled, "the client takes no message: %v", err)
}

// streamFailed tells whether the end of a stream is a failure. That the client left, that its own deadline has passed, and that a
// limit was reached are none.
func (c *Call) streamFailed(ctx context.Context, err error) bool {
	if own := new(Error); errors.As(err, &own) {
		return !slices.Contains([]string{reasonAge, reasonIdle, reasonShutdown}, own.Reason)
	}
	switch codeOf(err) {
	case codes.OK, codes.Canceled:
		return false
	case codes.DeadlineExceeded:
		_, inherited := ctx.Deadline()
		_, stated, _ := c.clientTimeout() // one that is no timeout is refused with another code
		return !inherited && !stated
	}
	return true
}

// spread shortens a duration by up to a tenth, so that what began at once does not end at once.
func spread(d time.Duration) time.Duration { return d - rand.N(d/10+1) }

// What the gateway ends a stream with is UNAVAILABLE: the client may open it again at once.

func (d *drain) tooOld(limits *gatewayv1.Limits) *Error {
	if d.begun.Err() != nil {
		return refuse(codes.Unavailable, reasonShutdown, "the gateway shuts down; open the stream again")
	}
	return refuse(codes.Unavailable, reasonAge,
		fmt.Sprintf("the stream has reached its greatest age of %v; open it again", limits.GetStreamAge().AsDuration()))
}

func streamIdle(limits *gatewayv1.Limits) *Error {
	return refuse(codes.Unavailable, reasonIdle,
		fmt.Sprintf("the stream was silent for %v; open it again", limits.GetStreamIdle().AsDuration()))
}
