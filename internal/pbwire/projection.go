package pbwire

import (
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
//
// Only what is selected is looked at: what is not is skipped by its length, and need not be what
// proto.Unmarshal accepts. Errors are *WireError; they wrap one of the Err variables.
type Projection struct {
	set  *programSet
	root *program
	// bare is the only field whose value is rendered; nil for the whole message.
	bare *bareField
}

// bareField is the field of a projection that CompileField made.
type bareField struct {
	prefix int    // how many bytes come before the value: those of `{"name":`
	unset  string // what stands for the field when it is not set
}

// Compile makes the projection of a message type under a selection; a nil selection is everything.
// It fails if a type that can be reached from md is not linked, or if md has a well-known type that
// is not as published.
func Compile(md protoreflect.MessageDescriptor, sel *Selection, opts Options) (*Projection, error) {
	set := newProgramSet(opts)
	root, err := set.program(md, sel)
	if err != nil {
		return nil, err
	}
	return &Projection{set: set, root: root}, nil
}

// CompileField makes the projection that renders only one top-level field of a message, as a bare
// JSON value (`response_body` of google.api.http). AppendJSON still takes the whole message, and sel
// is over the whole message. A field that is not set, or not selected, is null if it has presence, and
// its zero value otherwise.
func CompileField(fd protoreflect.FieldDescriptor, sel *Selection, opts Options) (*Projection, error) {
	only := SelectNothing()
	if sub, ok := sel.Field(fd); ok {
		only = SelectField(fd, sub)
	}
	p, err := Compile(fd.ContainingMessage(), only, opts)
	if err != nil {
		return nil, err
	}
	p.bare = &bareField{prefix: len("{") + len(fieldName(fd)) - len(","), unset: unsetValue(fd)}
	return p, nil
}

// AppendJSON appends the message as JSON to dst: as a value it is what protojson writes of the message
// that proto.Unmarshal reads, less what is not selected; its fields come in the order of their
// declaration, without white space. dst is returned as it was with an error. Up to the capacity of dst, bytes
// behind those that are appended may be overwritten.
//
// It differs from protojson in these points:
//
//   - Messages may be nested 200 deep; proto.Unmarshal allows 10,000.
//   - Required fields of proto2 may be missing: a selection leaves them out, too.
//   - Under a selection, members of a map whose key is not selected are not checked.
func (p *Projection) AppendJSON(dst, wire []byte) ([]byte, error) {
	r := runs.Get().(*run)
	defer r.release()
	out, err := r.json(p, dst, wire)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// strip reduces an object at the end of out to the value of its only member.
func (b *bareField) strip(out []byte, start int) []byte {
	object := out[start:]
	if len(object) == len("{}") {
		return append(out[:start], b.unset...)
	}
	return append(out[:start], object[b.prefix:len(object)-1]...)
}

// AppendWire appends the message, trimmed to the selection, to dst. It decodes to what is left of
// the decoded message when what is not selected is cleared. dst is returned as it was with an error.
//
// Fields come in the order of the input, mostly as they were written there. What is selected as a
// whole is copied unread, with its unknown fields: Check finds what is wrong in it. Elsewhere unknown
// fields and extensions are dropped.
func (p *Projection) AppendWire(dst, wire []byte) ([]byte, error) {
	r := runs.Get().(*run)
	defer r.release()
	out, err := r.wire(p, dst, wire)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// Check tells what proto.Unmarshal would refuse in the selected part of a message. That a value has no
// JSON form, as a Timestamp out of range, is not looked at.
func (p *Projection) Check(wire []byte) error {
	r := runs.Get().(*run)
	defer r.release()
	r.start(p.set, wire)
	if err := r.check(p.root, r.whole()); err != nil {
		return err
	}
	return nil
}
