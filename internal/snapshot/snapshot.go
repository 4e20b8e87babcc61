// Package snapshot builds immutable snapshots from documents and publishes them.
//
// A build goes: documents are decoded (read.go), checked (check.go) and merged (merge.go), upstreams opened
// (upstreams.go), descriptors linked (build.go), methods bound and planned (compiled.go), and put together (methods.go).
// Every problem is collected; only what depends on a part that has problems is left for the next attempt, because it
// would name the same mistakes again. A [Builder] takes each of these parts from its last build where nothing that the
// part depends on has changed.
package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/plan"
	"facet/internal/schema"
)

// Document is one configuration file, or one key of a configuration store.
type Document struct {
	Name string // relative to its source, with slashes: `mall.yaml`, `mall/v1/mall.proto`; unique
	Data []byte
}

// Snapshot is one immutable version of all documents, compiled. It is safe for concurrent use.
type Snapshot struct {
	Hash      string // of all documents, in hexadecimal: their content identifies the snapshot
	Schema    *schema.Schema
	Router    *httprule.Router[*Method]
	Methods   map[string]*Method             // by full name: `mall.v1.MallService/GetHome`
	Upstreams map[string]*gatewayv1.Upstream // by name
	JSON      pbwire.Options
	Limits    *gatewayv1.Limits // defaults filled in
	CORS      *gatewayv1.Cors   // defaults filled in

	open      []io.Closer // its upstreams
	pins      users
	closeOnce sync.Once
	closeErr  error
}

// Method is one served method.
type Method struct {
	Name       string
	Descriptor protoreflect.MethodDescriptor
	Config     *gatewayv1.Method // defaults filled in
	Plan       *plan.Plan
	Bindings   []*httprule.Binding

	// Timeout bounds the whole method. It is positive.
	Timeout time.Duration
	// Options are those of projections of the reply.
	Options pbwire.Options
	// SelectionLimits bounds the selections of clients.
	SelectionLimits pbwire.SelectionLimits
	// CachedViews is how many views are kept compiled.
	CachedViews int
	// SelectParameters are the query parameters that hold a selection: those of `select`, `fields` and `$fields` that
	// are not fields of the request.
	SelectParameters []string
	// SelectField is the request's own field for a selection, a singular string named `select`; nil if it has none.
	SelectField protoreflect.FieldDescriptor

	views *views // shared with the same method of other snapshots
}

// Close releases the upstreams of a snapshot that was never published; published ones are closed by their last
// user. Closing again does nothing.
func (s *Snapshot) Close() error {
	s.closeOnce.Do(func() { s.closeErr = closeAll(s.open) })
	return s.closeErr
}

func closeAll(open []io.Closer) error {
	var errs []error
	for _, closer := range open {
		errs = append(errs, closer.Close())
	}
	return errors.Join(errs...)
}

// Hash identifies a set of documents by their names and contents, whatever their order: 64 hexadecimal digits.
func Hash(documents []Document) string {
	sorted := slices.SortedFunc(slices.Values(documents), func(a, b Document) int { return strings.Compare(a.Name, b.Name) })
	sum := sha256.New()
	for _, d := range sorted {
		var lengths [16]byte // so that no name runs into its content
		binary.BigEndian.PutUint64(lengths[:8], uint64(len(d.Name)))
		binary.BigEndian.PutUint64(lengths[8:], uint64(len(d.Data)))
		sum.Write(lengths[:])
		sum.Write([]byte(d.Name))
		sum.Write(d.Data)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
