package document

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/problem"
	"facet/internal/suggest"
)

// decoder fills messages and collects problems.
type decoder struct {
	problems problem.List
}

func (d *decoder) report(at problem.Position, format string, args ...any) {
	d.problems = append(d.problems, problem.At(at, format, args...))
}

// expected reports that a value is not what its place takes. A broken value is a problem already.
func (d *decoder) expected(what string, n *node) {
	switch {
	case n.kind == broken:
	case n.kind == nothing && what == "a mapping":
		d.report(n.at, "expected a mapping, found nothing; write {} for an empty one")
	default:
		d.report(n.at, "expected %s, found %s", what, n)
	}
}

// message fills a message from a mapping, or from what its well-known type is written as.
func (d *decoder) message(n *node, m protoreflect.Message) {
	if decode, ok := wellKnown[m.Descriptor().FullName()]; ok {
		decode(d, n, m)
		return
	}
	if n.kind != mapping {
		d.expected("a mapping", n)
		return
	}
	for _, k := range n.keys {
		field := m.Descriptor().Fields().ByName(protoreflect.Name(k.name))
		switch {
		case field == nil:
			d.report(k.at, "unknown key %q%s", k.name, suggest.DidYouMean(k.name, fieldNames(m.Descriptor())))
		case takenOneof(field, m) != nil:
			d.report(k.at, "%q cannot be set together with %q", k.name, takenOneof(field, m).Name())
		default:
			d.field(k.value, field, m)
		}
	}
}

// takenOneof returns the member of the field's oneof that is set already.
func takenOneof(field protoreflect.FieldDescriptor, m protoreflect.Message) protoreflect.FieldDescriptor {
	if oneof := field.ContainingOneof(); oneof != nil {
		return m.WhichOneof(oneof)
	}
	return nil
}

func fieldNames(md protoreflect.MessageDescriptor) []string {
	names := make([]string, md.Fields().Len())
	for i := range names {
		names[i] = string(md.Fields().Get(i).Name())
	}
	return names
}

// field sets one field of a message.
func (d *decoder) field(n *node, field protoreflect.FieldDescriptor, m protoreflect.Message) {
	switch {
	case field.IsMap():
		d.mapField(n, field, m)
	case field.IsList():
		d.listField(n, field, m)
	default:
		if value, ok := d.value(n, field, m.NewField(field)); ok {
			m.Set(field, value)
		}
	}
}

func (d *decoder) listField(n *node, field protoreflect.FieldDescriptor, m protoreflect.Message) {
	if n.kind != list {
		d.expected("a list", n)
		return
	}
	values := m.Mutable(field).List()
	for _, item := range n.items {
		empty := protoreflect.Value{}
		if field.Message() != nil {
			empty = values.NewElement()
		}
		if value, ok := d.value(item, field, empty); ok {
			values.Append(value)
		}
	}
}

func (d *decoder) mapField(n *node, field protoreflect.FieldDescriptor, m protoreflect.Message) {
	if n.kind != mapping {
		d.expected("a mapping", n)
		return
	}
	values := m.Mutable(field).Map()
	for _, k := range n.keys {
		empty := protoreflect.Value{}
		if field.MapValue().Message() != nil {
			empty = values.NewValue()
		}
		name, okName := d.scalar(&node{kind: k.kind, text: k.name, at: k.at}, field.MapKey())
		value, okValue := d.value(k.value, field.MapValue(), empty)
		if okName && okValue {
			values.Set(name.MapKey(), value)
		}
	}
}

// value decodes a singular value, into the given one if it is a message.
func (d *decoder) value(n *node, field protoreflect.FieldDescriptor, empty protoreflect.Value) (protoreflect.Value, bool) {
	if field.Message() == nil {
		return d.scalar(n, field)
	}
	before := len(d.problems)
	d.message(n, empty.Message())
	return empty, len(d.problems) == before && n.kind != broken
}
