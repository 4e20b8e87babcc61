// Package plan fills the reply of a front-end method from downstream calls.
//
// A plan is compiled once, when the snapshot is built, from the method's configuration; for each
// selection it is pruned to a [Program], which is what runs.
package plan

import (
	"context"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/pbwire"
	"facet/internal/problem"
)

// Caller makes downstream calls: bytes out, bytes in.
type Caller interface {
	// Call sends one unary request with the outgoing metadata and the deadline of ctx. method is
	// `/user.v1.UserService/GetUser`. The caller frees the reply. Errors are gRPC statuses.
	Call(ctx context.Context, method string, request []byte) (mem.Buffer, error)
}

// Spec is what a plan is compiled from.
type Spec struct {
	// Method is the front-end method.
	Method protoreflect.MethodDescriptor
	// Config is its configuration.
	Config *gatewayv1.Method
	// Locate returns the position of a configured value below Config, by the keys that lead to it:
	// Locate("calls", "orders", "request", "user_id"). If the value is a string, the position is that of
	// its first character. A path that does not exist yields the position of its longest known part.
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

// Types is the type system of expressions, over the descriptors of a snapshot.
type Types struct{}

// Plan is a compiled plan. It is safe for concurrent use.
type Plan struct{}

// Compile makes the plan of a method, or returns every problem it has.
func Compile(spec Spec) (*Plan, problem.List) { return nil, nil }

// Prune returns what of the plan runs for a selection over the method's reply.
func (p *Plan) Prune(sel *pbwire.Selection) (*Program, error) { return nil, nil }

// Program is a plan pruned to one selection. It is safe for concurrent use.
type Program struct{}

// Run makes the calls and returns the reply. The context carries the method's deadline.
func (g *Program) Run(ctx context.Context, request []byte) (*Reply, error) { return nil, nil }

// Reply is what a run has produced.
type Reply struct {
	// Wire is the reply message, not yet projected: it may hold fields that were not selected. It is
	// valid until Release.
	Wire []byte
	// Partial names the calls that failed and were left out or replaced.
	Partial []Partial
}

// Partial is one call that failed without failing the method.
type Partial struct {
	Call     string
	Err      error // a gRPC status
	Fallback bool  // a fallback stands for its reply
}

// Release returns the reply's buffers. The reply must not be used afterwards.
func (r *Reply) Release() {}
