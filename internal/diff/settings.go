package diff

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
)

// settings compares messages of the documents' schema by reflection, so that a setting that is new to the schema is
// compared as the others are.
type settings struct {
	expressions *expressions
	found       []setting
}

// setting is a difference between two messages.
type setting struct {
	kind     Kind
	path     []string
	field    protoreflect.FieldDescriptor // of the outermost message
	old, new string
}

func (s setting) change(subject string) Change {
	return Change{Kind: s.kind, Subject: subject, Path: strings.Join(s.path, "."), Old: s.old, New: s.new}
}

// compare returns the differences of two messages of one type, in the order of its fields.
func (s *settings) compare(before, after protoreflect.Message) []setting {
	s.found = nil
	fields := after.Descriptor().Fields()
	for i := range fields.Len() {
		already := len(s.found)
		s.field(nil, fields.Get(i), before, after)
		for j := range s.found[already:] {
			s.found[already+j].field = fields.Get(i)
		}
	}
	return s.found
}

func (s *settings) report(kind Kind, path []string, before, after string) {
	s.found = append(s.found, setting{kind: kind, path: path, old: before, new: after})
}

func (s *settings) message(path []string, before, after protoreflect.Message) {
	fields := after.Descriptor().Fields()
	for i := range fields.Len() {
		s.field(path, fields.Get(i), before, after)
	}
}

func (s *settings) field(path []string, fd protoreflect.FieldDescriptor, before, after protoreflect.Message) {
	path = below(path, string(fd.Name()))
	was, is := before.Get(fd), after.Get(fd)
	switch {
	case fd.FullName() == "facet.gateway.v1.Method.http": // bindings are compared as they are compiled
	case fd.IsMap():
		s.entries(path, fd.MapValue(), was.Map(), is.Map())
	case fd.IsList():
		s.list(path, fd, was.List(), is.List())
	case fd.Kind() == protoreflect.BoolKind && was.Bool() != is.Bool():
		s.report(Changed, path, scalarText(fd, was), scalarText(fd, is))
	case before.Has(fd) && after.Has(fd):
		s.value(path, fd, was, is)
	case after.Has(fd):
		s.report(Added, path, "", valueText(fd, is))
	case before.Has(fd):
		s.report(Removed, path, valueText(fd, was), "")
	}
}

// entries compares maps by their keys.
func (s *settings) entries(path []string, fd protoreflect.FieldDescriptor, before, after protoreflect.Map) {
	for _, key := range keys(before, after) {
		at := below(path, key.String())
		switch {
		case !before.Has(key):
			s.report(Added, at, "", valueText(fd, after.Get(key)))
		case !after.Has(key):
			s.report(Removed, at, valueText(fd, before.Get(key)), "")
		default:
			s.value(at, fd, before.Get(key), after.Get(key))
		}
	}
}

// list compares lists as sets: in none of the schema does the order mean anything.
func (s *settings) list(path []string, fd protoreflect.FieldDescriptor, before, after protoreflect.List) {
	was, is := elements(fd, before), elements(fd, after)
	for _, element := range was {
		if !slices.Contains(is, element) {
			s.report(Removed, path, element, "")
		}
	}
	for _, element := range is {
		if !slices.Contains(was, element) {
			s.report(Added, path, "", element)
		}
	}
}

func elements(fd protoreflect.FieldDescriptor, list protoreflect.List) []string {
	texts := make([]string, list.Len())
	for i := range texts {
		texts[i] = valueText(fd, list.Get(i))
	}
	return texts
}

// value compares singular values that are both set.
func (s *settings) value(path []string, fd protoreflect.FieldDescriptor, before, after protoreflect.Value) {
	if fd.Message() != nil {
		if was, ok := before.Message().Interface().(*structpb.Value); ok {
			s.written(path, was, after.Message().Interface().(*structpb.Value))
			return
		}
		if fd.Message().FullName() != "google.protobuf.Duration" {
			s.message(path, before.Message(), after.Message())
			return
		}
	}
	was, is := valueText(fd, before), valueText(fd, after)
	if was != is && (!isExpression(fd) || !s.expressions.same(was, is)) {
		s.report(Changed, path, was, is)
	}
}

// written compares what a document may write as an expression, a number or a mapping of them.
func (s *settings) written(path []string, before, after *structpb.Value) {
	was, is := before.GetStructValue(), after.GetStructValue()
	if was != nil && is != nil {
		s.entries(path, structFields.MapValue(), was.ProtoReflect().Get(structFields).Map(), is.ProtoReflect().Get(structFields).Map())
		return
	}
	if old, current := anyText(before), anyText(after); old != current && !s.expressions.same(old, current) {
		s.report(Changed, path, old, current)
	}
}

// keys returns the keys of both maps, sorted.
func keys(a, b protoreflect.Map) []protoreflect.MapKey {
	var all []protoreflect.MapKey
	collect := func(key protoreflect.MapKey, _ protoreflect.Value) bool {
		all = append(all, key)
		return true
	}
	a.Range(collect)
	b.Range(collect)
	slices.SortFunc(all, func(x, y protoreflect.MapKey) int { return strings.Compare(x.String(), y.String()) })
	return slices.CompactFunc(all, func(x, y protoreflect.MapKey) bool { return x.String() == y.String() })
}

// below returns the path of something within what path leads to.
func below(path []string, name string) []string { return append(slices.Clip(path), name) }
