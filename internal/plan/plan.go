// Package plan fills the reply of a front-end method from downstream calls.
//
// A plan is compiled once, when the snapshot is built, from the method's configuration; for each
// selection it is pruned to a [Program], which is what runs.
//
// Compiling goes: calls are resolved (call.go), their variables declared and the expressions checked
// (compile.go, foreach.go, expr.go, accept.go) and lowered to readers and writers over wire bytes (mapping.go, lower.go,
// path.go, writer.go). What cannot be lowered is a slow leaf, evaluated by cel-go (slow.go). Pruning follows
// what a selection demands through the calls (demand.go, prune.go), and what of each reply must be well-formed
// follows from it (shape.go). Running starts each call the moment its inputs are in (run.go, exec.go, request.go),
// and writes the reply (reply.go).
//
// Of a method that replies with a stream the reply mapping is split by the streams that its parts read (streams.go), and
// each message is written and sent as it comes (relay.go).
//
// # What is unset
//
// A select carries presence: through a message or an optional field that is absent it yields nothing, and the
// field it fills stays unset. An absent scalar with implicit presence is its zero. A key that is missing from a
// keyed call yields nothing. An element of a list that is unset is left out of the list.
//
// The reply of a call that was skipped or failed without failing the method is unset. A call whose request refers
// to it is skipped in turn, required or not; a keyed call and the list of a for_each only lack what would
// have come from it. A slow expression that names it is unset as a whole.
package plan

import (
	"context"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/problem"
)

// Caller makes downstream calls: bytes out, bytes in.
type Caller interface {
	// Call sends one unary request with the outgoing metadata and the deadline of ctx. method is
	// `/user.v1.UserService/GetUser`. The caller frees the reply. Errors are gRPC statuses.
	Call(ctx context.Context, method string, request []byte) (mem.Buffer, error)
	// Stream sends one request likewise, and passes on the messages of the reply, which message frees, until the
	// stream has ended: nil if it ended with OK. An error of message ends the stream and is returned. The deadline of
	// ctx, if there is one, is that of the whole stream.
	Stream(ctx context.Context, method string, request []byte, message func(mem.Buffer) error) error
}

// Spec is what a plan is compiled from.
type Spec struct {
	// Method is the front-end method.
	Method protoreflect.MethodDescriptor
	// Config is its configuration.
	Config *gatewayv1.Method
	// Safe: the method has no side effects, so calls that a selection does not need are left out. Without it
	// every call is made, and only the masks shrink.
	Safe bool
	// Locate returns the position of a configured value below Config, by the keys that lead to it:
	// Locate("calls", "orders", "request", "user_id"). If the value is a string, the position is that of
	// its first character. An element of a list has its index as key. A path that does not exist yields the
	// position of its longest known part.
	Locate func(path ...string) problem.Position
	// Types is shared by all plans of a snapshot.
	Types *Types
	// Caller returns who serves a downstream service, and the default deadline of its calls.
	Caller func(service protoreflect.FullName) (Upstream, bool)
}

// Upstream is where the calls to a service go.
type Upstream struct {
	Name   string
	Caller Caller
	Config *gatewayv1.Upstream
}

// Plan is a compiled plan. It is safe for concurrent use.
type Plan struct {
	name   string
	method protoreflect.MethodDescriptor
	config *gatewayv1.Method
	types  *Types
	safe   bool

	upstreams map[protoreflect.FullName]Upstream // of the services it calls
	texts     []string                           // of its expressions

	streams bool // the method replies with a stream

	passThrough *call   // the one call of a method without a plan of its own
	calls       []*call // by name
	order       []int   // each call after those it waits for
	reply       writer
	locals      int
	slow        []*slow
}

// Compile makes the plan of a method, or returns every problem it has.
func Compile(spec Spec) (*Plan, problem.List) {
	p := &Plan{
		name:   methodName(spec.Method),
		method: spec.Method,
		config: spec.Config,
		types:  spec.Types,
		safe:   spec.Safe,

		streams: spec.Method.IsStreamingServer(),

		upstreams: map[protoreflect.FullName]Upstream{},
	}
	c := &compiler{spec: spec, plan: p, calls: map[string]*call{}, broken: map[string]bool{}}
	switch {
	case spec.Method.IsStreamingClient():
		c.problem(c.site(place{}), "%s takes a stream of requests, which a plan does not serve", p.name)
	case len(spec.Config.GetCalls()) == 0 && spec.Config.GetReply() == nil:
		c.compilePassThrough()
	default:
		c.compile()
	}
	if len(c.problems) > 0 {
		c.problems.Sort()
		return nil, c.problems
	}
	return p, nil
}

// compilePassThrough hands a method over to the upstream that serves it.
func (c *compiler) compilePassThrough() {
	service := c.spec.Method.Parent().FullName()
	upstream, ok := c.spec.Caller(service)
	if !ok {
		c.problem(c.site(place{}), "the method has no calls, and no upstream serves %s: "+
			"write `calls` and a `reply`, or add the service to the `services` of an upstream", service)
		return
	}
	c.plan.upstreams[service] = upstream
	c.plan.passThrough = &call{rpc: c.spec.Method, method: "/" + c.plan.name, streams: c.plan.streams}
}
