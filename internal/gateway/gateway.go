// Package gateway is the straight line of a request: pin the snapshot, match, run the method's
// middleware, bind, run the plan, project the reply.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/go-kratos/kratos/v2/log"
	"github.com/go-kratos/kratos/v2/middleware"
	"github.com/go-kratos/kratos/v2/middleware/recovery"
	"github.com/go-kratos/kratos/v2/transport"
	"google.golang.org/grpc/codes"

	"facet/internal/canary"
	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/plan"
	"facet/internal/snapshot"
)

// Gateway serves the methods of the current snapshot. It is safe for concurrent use.
type Gateway struct {
	snapshots *snapshot.Holder
	trial     atomic.Pointer[canary.Trial] // nil while no candidate is being tried out
	handler   middleware.Handler
	drain     *drain
}

// New returns a gateway over the published snapshots.
func New(snapshots *snapshot.Holder) *Gateway {
	g := &Gateway{snapshots: snapshots, drain: newDrain()}
	g.handler = middleware.Chain(
		recovery.Recovery(recovery.WithHandler(panicked)),
	)(g.run)
	return g
}

// panicked is the error of a request whose handling panicked: its own 500, and nobody else's.
func panicked(context.Context, any, any) error {
	return refuse(codes.Internal, "PANIC", "the gateway failed to handle the request")
}

// Serve answers a call: the reply is in c.Reply, or was passed to c.Send message by message; it returns when the
// stream has ended. Errors are *Error, or the gRPC status of an upstream.
func (g *Gateway) Serve(ctx context.Context, c *Call) error {
	if trial := g.trial.Load(); trial != nil {
		return g.serveTrial(ctx, c, trial)
	}
	return g.serve(ctx, c, g.snapshots.Pin())
}

// serve answers a call on a pinned snapshot.
func (g *Gateway) serve(ctx context.Context, c *Call, snap *snapshot.Snapshot) error {
	if snap == nil {
		return NoSnapshot()
	}
	defer snap.Unpin()
	if err := c.find(snap); err != nil {
		return err
	}
	if c.streams() && c.Send == nil {
		return refuse(codes.Unimplemented, "STREAM_NOT_CARRIED",
			fmt.Sprintf("%s replies with a stream, which %s does not carry as it was asked for", c.method.Name, c.Protocol))
	}
	c.limits = snap.Limits
	_, err := g.handler(transport.NewServerContext(ctx, c), c)
	return err
}

// find sets the method of the call, and the binding of an HTTP request.
func (c *Call) find(snap *snapshot.Snapshot) error {
	if c.HTTPMethod == "" {
		method, ok := snap.Methods[c.RPC]
		if !ok {
			return refuse(codes.Unimplemented, "METHOD_NOT_FOUND", fmt.Sprintf("method %s is not served", c.RPC))
		}
		c.method = method
		return nil
	}
	method, found, allow := snap.Router.Find(c.HTTPMethod, c.Path, &c.match)
	switch {
	case found:
		c.method, c.binding = method, c.match.Binding
		return nil
	case len(allow) > 0:
		return methodNotAllowed(c.HTTPMethod, allow)
	default:
		return refuse(codes.NotFound, "PATH_NOT_FOUND", fmt.Sprintf("no method is bound to %s", c.Path))
	}
}

// run is the innermost handler of the middleware chain.
func (g *Gateway) run(ctx context.Context, req any) (any, error) {
	c := req.(*Call)
	request, err := c.bind()
	if err != nil {
		return nil, err
	}
	view, err := c.view(request)
	if err != nil {
		return nil, err
	}
	if c.streams() {
		return nil, g.stream(ctx, c, view, request)
	}
	ctx, cancel, err := c.withDeadline(ctx)
	if err != nil {
		return nil, err
	}
	defer cancel()
	reply, err := view.Program.Run(ctx, request)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	return nil, c.project(view, reply)
}

// bind returns the request message.
func (c *Call) bind() ([]byte, error) {
	var body []byte
	if c.binding == nil || c.binding.HasBody() {
		var err error
		if body, err = c.ReadBody(int(c.limits.GetBodyBytes())); err != nil {
			return nil, err
		}
	}
	if c.binding == nil {
		return body, nil
	}
	request, err := c.binding.AppendRequest(c.scratch[:0], &c.match, c.Query, body)
	if err != nil {
		return nil, badRequest(err)
	}
	c.scratch = request
	return request, nil
}

// project renders the reply. An upstream's reply is looked at here for the first time: if it turns out
// to be malformed, the plan says whether the method can do without it.
func (c *Call) project(view *snapshot.View, reply *plan.Reply) error {
	c.Reply = slices.Grow(c.Reply[:0], view.Room())
	err := c.render(view.Projection, reply.Wire)
	if err != nil {
		changed, recheckErr := reply.Recheck()
		if recheckErr != nil {
			return recheckErr
		}
		if changed {
			log.Warnf("%s: a malformed upstream reply was left out: %v", c.method.Name, err)
			err = c.render(view.Projection, reply.Wire)
		}
	}
	if err != nil {
		return c.notRendered(err)
	}
	view.Note(len(c.Reply))
	if len(reply.Partial) > 0 { // reply's own slice is reused after Release
		c.Partial = append([]plan.Partial(nil), reply.Partial...)
	}
	return nil
}

func (c *Call) notRendered(err error) error {
	return refuse(codes.Internal, "REPLY_NOT_RENDERED", fmt.Sprintf("the reply of %s cannot be rendered: %v", c.method.Name, err))
}

// render writes a reply message. What AppendWire copies unread is checked, so that a client of gRPC gets an error with a name, or
// the rest of the reply, where it could not decode any of it.
func (c *Call) render(p *pbwire.Projection, wire []byte) (err error) {
	if c.binding != nil {
		c.Reply, err = p.AppendJSON(c.Reply[:0], wire)
		return err
	}
	if err := p.Check(wire); err != nil {
		return err
	}
	c.Reply, err = p.AppendWire(c.Reply[:0], wire)
	return err
}

// badRequest turns what is wrong with a request into the error that the client sees.
func badRequest(err error) error {
	bad := new(httprule.BadRequest)
	if !errors.As(err, &bad) {
		return refuse(codes.Internal, "REQUEST_NOT_BOUND", err.Error())
	}
	e := refuse(codes.InvalidArgument, "INVALID_REQUEST", bad.Message)
	if bad.Field != "" {
		e.Metadata = map[string]string{"field": bad.Field}
	}
	return e
}
