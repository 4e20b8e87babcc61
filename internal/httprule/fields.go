package httprule

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/suggest"
)

// fieldTable are the fields of a message type as paths and queries name them. Tables of types that refer
// to each other do so too, so that a recursive type has a finite one.
type fieldTable struct {
	message protoreflect.MessageDescriptor
	fields  []*field
	names   map[string]*field // by JSON name and by proto name
}

// field is a field of a message. Within one [Shared] a field is one pointer, so paths can be compared.
type field struct {
	fd protoreflect.FieldDescriptor
	// text tells that the field has a value in URLs: a scalar, an enum, or a message with a JSON string form. If it is
	// repeated, an element has.
	text bool
	// inner is the table of a singular message that is named through its own fields, nil for any other field.
	inner *fieldTable
	// oneof is the index of the oneof that the field is a member of, -1 for none. The synthetic oneof of an
	// `optional` field has no other member and does not matter.
	oneof int
}

// fieldPath is a field of a nested message, from the request's own field inwards.
type fieldPath []*field

// leaf is the field that the path leads to.
func (p fieldPath) leaf() *field { return p[len(p)-1] }

// String returns the path in proto names: `user.address.city`.
func (p fieldPath) String() string {
	names := make([]string, len(p))
	for i, f := range p {
		names[i] = string(f.fd.Name())
	}
	return strings.Join(names, ".")
}

// newFieldTable returns the table of a message type; known are those made already.
func newFieldTable(md protoreflect.MessageDescriptor, known map[protoreflect.FullName]*fieldTable) *fieldTable {
	if t := known[md.FullName()]; t != nil {
		return t
	}
	fds := md.Fields()
	t := &fieldTable{message: md, names: make(map[string]*field, 2*fds.Len())}
	known[md.FullName()] = t
	for i := range fds.Len() {
		f := newField(fds.Get(i), known)
		t.fields = append(t.fields, f)
		t.names[string(f.fd.Name())] = f
	}
	for _, f := range t.fields { // a JSON name comes before another field's proto name, as in JSON
		t.names[f.fd.JSONName()] = f
	}
	return t
}

func newField(fd protoreflect.FieldDescriptor, known map[protoreflect.FullName]*fieldTable) *field {
	f := &field{fd: fd, oneof: -1}
	if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		f.oneof = oneof.Index()
	}
	switch md := fd.Message(); {
	case md == nil:
		f.text = true
	case fd.Cardinality() == protoreflect.Repeated:
	case hasTextForm(md.FullName()):
		f.text = true
	case !isOpaque(md.FullName()):
		f.inner = newFieldTable(md, known)
	}
	return f
}

// hasTextForm tells whether a message type is a string, number or boolean in JSON.
func hasTextForm(name protoreflect.FullName) bool {
	switch name {
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask",
		"google.protobuf.BoolValue", "google.protobuf.BytesValue", "google.protobuf.StringValue",
		"google.protobuf.DoubleValue", "google.protobuf.FloatValue",
		"google.protobuf.Int32Value", "google.protobuf.Int64Value",
		"google.protobuf.UInt32Value", "google.protobuf.UInt64Value":
		return true
	}
	return false
}

// isOpaque tells whether a message type's JSON has none of its fields.
func isOpaque(name protoreflect.FullName) bool {
	switch name {
	case "google.protobuf.Any", "google.protobuf.Struct", "google.protobuf.Value", "google.protobuf.ListValue":
		return true
	}
	return false
}

// noText says why a field has no value in URLs.
func (f *field) noText() string {
	switch {
	case f.fd.IsMap():
		return "is a map"
	case f.fd.IsList():
		return fmt.Sprintf("is a list of messages (%s)", f.fd.Message().FullName())
	case f.inner == nil:
		return fmt.Sprintf("is a message (%s) without a text form", f.fd.Message().FullName())
	case len(f.inner.fields) > 0:
		return fmt.Sprintf("is a message (%s): name one of its fields, such as %s.%s", f.inner.message.FullName(), f.fd.Name(), f.inner.fields[0].fd.Name())
	default:
		return fmt.Sprintf("is a message (%s) without fields", f.inner.message.FullName())
	}
}

// field finds a field by its proto name, as rules name fields. The error suggests what was meant.
func (t *fieldTable) field(name string) (*field, error) {
	i := slices.IndexFunc(t.fields, func(f *field) bool { return string(f.fd.Name()) == name })
	if i < 0 {
		return nil, fmt.Errorf("%s has no field %q%s", t.message.FullName(), name, suggest.DidYouMean(name, t.protoNames()))
	}
	return t.fields[i], nil
}

// path finds a field by its path in proto names.
func (t *fieldTable) path(names string) (fieldPath, error) {
	var path fieldPath
	for name := range strings.SplitSeq(names, ".") {
		if t == nil {
			return nil, fmt.Errorf("%s has no fields of its own", path)
		}
		f, err := t.field(name)
		if err != nil {
			return nil, err
		}
		path, t = append(path, f), f.inner
	}
	return path, nil
}

func (t *fieldTable) protoNames() []string {
	names := make([]string, len(t.fields))
	for i, f := range t.fields {
		names[i] = string(f.fd.Name())
	}
	return names
}

// allNames are the JSON names, then the proto names that differ.
func (t *fieldTable) allNames() []string {
	var names []string
	for _, f := range t.fields {
		names = append(names, f.fd.JSONName())
	}
	for _, name := range t.protoNames() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// relation is how two field paths of one message stand to each other.
type relation uint8

const (
	apart       relation = iota
	overlapping          // one is the other, or within it
	exclusive            // they go through different members of one oneof
)

// relate compares two paths. The field at which exclusive paths part is the second result's index.
func relate(a, b fieldPath) (relation, int) {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
		case a[i].oneof >= 0 && a[i].oneof == b[i].oneof:
			return exclusive, i
		default:
			return apart, i
		}
	}
	return overlapping, 0
}

// exclusion says why two exclusive paths, which part at index i, cannot both be set.
func exclusion(a, b fieldPath, i int) string {
	return fmt.Sprintf("%s and %s exclude each other: both are in the oneof %q", a[:i+1].String(), b[:i+1].String(), a[i].fd.ContainingOneof().Name())
}
