// Package upstream makes raw gRPC calls to downstream services.
package upstream

import (
	"context"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/types/descriptorpb"

	gatewayv1 "facet/api/facet/gateway/v1"
)

// Pool keeps connections alive across snapshots: upstreams with equal configuration share one.
type Pool struct{}

// NewPool returns an empty pool.
func NewPool() *Pool { return &Pool{} }

// Open returns the upstream of a configuration, connecting lazily. Close it when the snapshot that uses it is
// retired.
func (p *Pool) Open(name string, config *gatewayv1.Upstream) (*Upstream, error) { return &Upstream{}, nil }

// Close closes what is still open.
func (p *Pool) Close() error { return nil }

// Upstream is one downstream service; it satisfies plan.Caller.
type Upstream struct{}

// Call sends one unary request.
func (u *Upstream) Call(ctx context.Context, method string, request []byte) (mem.Buffer, error) {
	return nil, nil
}

// Reflect returns the file descriptors of services by server reflection.
func (u *Upstream) Reflect(ctx context.Context, services []string) (*descriptorpb.FileDescriptorSet, error) {
	return nil, nil
}

// Close releases the upstream; its connection closes with its last user.
func (u *Upstream) Close() error { return nil }
