package plan

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/mem"
)

// Client takes the messages of a reply stream. It is used by one goroutine at a time.
type Client interface {
	// Render makes of a reply message what the client gets. An error means that the message is malformed.
	Render(wire []byte) error
	// Send sends what was rendered last. It blocks while the client is slow; an error ends the stream.
	Send() error
}

// Stream makes the calls of a method that replies with a stream, and sends the client one message for each message of
// each stream that is called, until all have ended. The order within a stream is kept. The first message waits for
// the unary calls, which the method's timeout bounds; if the streams end without a message, what the unary calls have
// replied is sent by itself. The request must not change until Stream returns.
//
// It returns the calls that have failed without failing the method. An error is one of those of [Program.Run], of a
// stream as of a call, or one of the client. When Stream returns, none of its goroutines is left.
func (g *Program) Stream(ctx context.Context, request []byte, client Client) ([]Partial, error) {
	if g.plan.passThrough != nil {
		return nil, g.passStream(ctx, request, client)
	}
	if !g.request.check(request) {
		return nil, g.malformedRequest()
	}
	unary, cancel := ctx, context.CancelFunc(func() {})
	if timeout := g.plan.config.GetTimeout().AsDuration(); timeout > 0 {
		unary, cancel = context.WithTimeout(ctx, timeout)
	}
	defer cancel()
	r := g.runs.Get().(*run)
	r.begin(unary, request)
	r.streaming = newStreaming(ctx, g, client)
	defer r.streaming.cancel()
	r.frame.ctx = r.streaming.ctx
	err := r.runToEnd()
	if err == nil && !r.streaming.sent && g.alone != nil {
		err = r.sendAlone()
	}
	partial := r.partial()
	r.release()
	return partial, err
}

// passStream forwards a request as it is, and the messages of the reply.
func (g *Program) passStream(ctx context.Context, request []byte, client Client) error {
	c := g.calls[0]
	return c.openStream(ctx, request, func(message mem.Buffer) error {
		defer message.Free()
		if err := client.Render(message.ReadOnlyData()); err != nil {
			if malformed := c.recheck(g.plan.types, message.ReadOnlyData()); malformed != nil {
				return malformed
			}
			return err
		}
		return client.Send()
	})
}

// streaming is what a run has besides if its method replies with a stream.
type streaming struct {
	client Client
	parent context.Context // ends when the client leaves
	ctx    context.Context // ends, besides, when a call has failed the method
	cancel context.CancelFunc

	// Until all calls have begun, which is to say that unary calls are done and streams have their requests, no message
	// is sent.
	beginning atomic.Int32 // how many have not
	begun     chan struct{}

	sending sync.Mutex // held while a message is written and sent
	sent    bool       // a message was
}

func newStreaming(ctx context.Context, g *Program, client Client) *streaming {
	s := &streaming{client: client, parent: ctx, begun: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.beginning.Store(int32(g.count()))
	return s
}

// begins counts a call that has begun.
func (s *streaming) begins() {
	if s.beginning.Add(-1) == 0 {
		close(s.begun)
	}
}

// stream opens a stream and sends its messages on until it ends.
func (r *run) stream(c *programCall, state *callRun) {
	opened, err := r.prepareStream(c, state)
	r.streaming.begins()
	if opened && err == nil {
		err = c.openStream(r.streaming.ctx, state.request, func(message mem.Buffer) error {
			defer message.Free()
			return r.relay(c, state, message)
		})
	}
	if err != nil {
		r.settle(r.streaming.parent, c, state, err)
	}
}

// prepareStream writes the request of a stream, and tells whether it is opened.
func (r *run) prepareStream(c *programCall, state *callRun) (opened bool, err error) {
	if r.failed.Load() {
		return false, nil
	}
	opened, err = r.wanted(c, state)
	if opened && err == nil {
		state.request, err = r.appendRequest(c, state, state.request[:0])
	}
	return opened, err
}

func (c *programCall) openStream(ctx context.Context, request []byte, message func(mem.Buffer) error) error {
	ctx, cancel := c.context(ctx)
	defer cancel()
	return c.upstream.Caller.Stream(ctx, c.method, request, message)
}

// relay makes a message of the reply of one of a stream. An error that is not the stream's own has failed the method.
func (r *run) relay(c *programCall, state *callRun, message mem.Buffer) error {
	s := r.streaming
	select {
	case <-s.begun:
	case <-s.ctx.Done():
		return contextStatus(s.ctx)
	}
	s.sending.Lock()
	defer s.sending.Unlock()
	if s.ctx.Err() != nil {
		return contextStatus(s.ctx)
	}
	state.wire = message.ReadOnlyData()
	if !c.shape.check(state.wire) {
		return c.malformed()
	}
	state.set = true
	err := r.sendMessage(c, state)
	state.set, state.wire = false, nil
	return err
}

// sendMessage writes the reply message of one stream's, and sends it.
func (r *run) sendMessage(c *programCall, state *callRun) error {
	writer := r.program.messages[c.index].later
	if !r.streaming.sent {
		writer = r.program.messages[c.index].first
	}
	if err := r.render(writer); err != nil {
		if malformed := c.recheck(r.types, state.wire); malformed != nil {
			return malformed
		}
		if err := r.renderWithout(writer, err); err != nil {
			r.fail(err)
			return err
		}
	}
	if err := r.streaming.client.Send(); err != nil {
		r.fail(err)
		return err
	}
	if !r.streaming.sent {
		r.streaming.sent = true
		r.dropReplies()
	}
	return nil
}

// sendAlone sends what the unary calls have replied.
func (r *run) sendAlone() error {
	if err := r.render(r.program.alone); err != nil {
		if err := r.renderWithout(r.program.alone, err); err != nil {
			return err
		}
	}
	return r.streaming.client.Send()
}

// render writes a reply message, and renders it for the client.
func (r *run) render(w writer) error {
	clear(r.frame.decoded)
	wire, err := w.append(&r.frame, r.reply[:0])
	r.reply = wire
	if err != nil {
		return err
	}
	return r.streaming.client.Render(wire)
}

// renderWithout renders a message again, without the unary replies that are malformed; err is what there was to say of it.
func (r *run) renderWithout(w writer, err error) error {
	changed, recheckErr := r.recheckAll()
	switch {
	case recheckErr != nil:
		return recheckErr
	case !changed:
		return err
	}
	return r.render(w)
}

// dropReplies frees the unary replies that no later message needs.
func (r *run) dropReplies() {
	for i, c := range r.program.calls {
		if c != nil && !c.streams && !r.program.lasting[i] {
			r.calls[i].drop()
		}
	}
}
