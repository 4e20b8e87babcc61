package pbwire

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Unset says what stands in JSON for a field that is not set.
type Unset int

const (
	// UnsetDefaults writes zeros, empty strings, lists and maps; unset messages and unset fields
	// with explicit presence are left out, as protojson's EmitDefaultValues.
	UnsetDefaults Unset = iota
	// UnsetKratos writes, besides, null for unset messages, as protojson's EmitUnpopulated.
	UnsetKratos
	// UnsetOmit leaves out every unset field.
	UnsetOmit
)

// Options are the settings of a projection.
type Options struct {
	Unset Unset
	// Types resolves google.protobuf.Any and extensions; nil knows none.
	Types *protoregistry.Types
}

// Projection renders or trims the wire bytes of one message type. It is safe for concurrent use.
type Projection struct{}

// Compile makes the projection of a message type under a selection; a nil selection is everything.
func Compile(md protoreflect.MessageDescriptor, sel *Selection, opts Options) (*Projection, error) {
	return nil, errors.New("pbwire: not implemented")
}

// CompileField makes the projection that renders only one top-level field of a message, as a bare
// JSON value (`response_body` of google.api.http). AppendJSON still takes the whole message.
func CompileField(fd protoreflect.FieldDescriptor, sel *Selection, opts Options) (*Projection, error) {
	return nil, errors.New("pbwire: not implemented")
}

// AppendJSON appends the message as JSON to dst.
func (p *Projection) AppendJSON(dst, wire []byte) ([]byte, error) {
	return dst, errors.New("pbwire: not implemented")
}

// AppendWire appends the message, trimmed to the selection, to dst.
func (p *Projection) AppendWire(dst, wire []byte) ([]byte, error) {
	return dst, errors.New("pbwire: not implemented")
}
