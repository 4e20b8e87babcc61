// Package snapshot builds immutable snapshots from documents and publishes them.
package snapshot

import (
	"context"

	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/plan"
	"facet/internal/problem"
	"facet/internal/schema"
	"facet/internal/upstream"
)

// Document is one configuration file, or one key of a configuration store.
type Document struct {
	Name string // relative to its source, with slashes: `mall.yaml`, `mall/v1/mall.proto`
	Data []byte
}

// Snapshot is one immutable version of all documents, compiled.
type Snapshot struct {
	Hash    string // of all documents: their content identifies the snapshot
	Schema  *schema.Schema
	Router  *httprule.Router[*Method]
	Methods map[string]*Method // by full name: `mall.v1.MallService/GetHome`
	Json    pbwire.Options
	Limits  *gatewayv1.Limits // defaults filled in
}

// Method is one served method.
type Method struct {
	Name       string
	Descriptor protoreflect.MethodDescriptor
	Config     *gatewayv1.Method // defaults filled in
	Plan       *plan.Plan
	Bindings   []*httprule.Binding
}

// Build compiles documents into a snapshot, or returns every problem they have.
func Build(ctx context.Context, documents []Document, pool *upstream.Pool) (*Snapshot, problem.List) {
	return nil, nil
}

// Holder publishes snapshots: readers pin the current one, and a retired one is closed when its last reader
// is done.
type Holder struct{}

// Pin returns the current snapshot, nil before the first, and what must be called when its use ends.
func (h *Holder) Pin() (*Snapshot, func()) { return nil, nil }

// Publish makes a snapshot current.
func (h *Holder) Publish(s *Snapshot) {}
