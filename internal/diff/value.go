package diff

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"

	"facet/internal/document"
)

// text returns a message as a document writes it on one line: `{target: "static:///a:1", services: [a.B]}`.
func text(m protoreflect.Message) string {
	switch v := m.Interface().(type) {
	case *durationpb.Duration:
		return v.AsDuration().String()
	case *structpb.Value:
		return anyText(v)
	}
	var fields []string
	for i := range m.Descriptor().Fields().Len() {
		if fd := m.Descriptor().Fields().Get(i); m.Has(fd) {
			fields = append(fields, string(fd.Name())+": "+fieldText(fd, m.Get(fd)))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func fieldText(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch {
	case fd.IsList():
		return "[" + strings.Join(elements(fd, v.List()), ", ") + "]"
	case fd.IsMap():
		var entries []string
		for _, key := range keys(v.Map(), v.Map()) {
			entries = append(entries, key.String()+": "+valueText(fd.MapValue(), v.Map().Get(key)))
		}
		return "{" + strings.Join(entries, ", ") + "}"
	}
	return valueText(fd, v)
}

// valueText returns one value, of a list or map one element.
func valueText(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if fd.Message() != nil {
		return text(v.Message())
	}
	return scalarText(fd, v)
}

func scalarText(fd protoreflect.FieldDescriptor, v protoreflect.Value) string {
	if fd.Kind() != protoreflect.EnumKind {
		return v.String()
	}
	names, numbers := document.EnumNames(fd.Enum())
	for i, number := range numbers {
		if number == v.Enum() {
			return names[i]
		}
	}
	return strconv.Itoa(int(v.Enum()))
}

// structFields is the map that a google.protobuf.Struct is.
var structFields = (*structpb.Struct)(nil).ProtoReflect().Descriptor().Fields().ByName("fields")

// anyText returns what is an expression, a number, a boolean, or a list or mapping of them.
func anyText(v *structpb.Value) string {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return kind.StringValue
	case *structpb.Value_NumberValue:
		return strconv.FormatFloat(kind.NumberValue, 'f', -1, 64)
	case *structpb.Value_BoolValue:
		return strconv.FormatBool(kind.BoolValue)
	case *structpb.Value_ListValue:
		items := make([]string, len(kind.ListValue.GetValues()))
		for i, item := range kind.ListValue.GetValues() {
			items[i] = anyText(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case *structpb.Value_StructValue:
		return fieldText(structFields, kind.StructValue.ProtoReflect().Get(structFields))
	}
	return "null"
}
