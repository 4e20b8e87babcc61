package diff

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// typeName is the type of a field as a .proto writes it.
func typeName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return fmt.Sprintf("map<%s, %s>", typeName(fd.MapKey()), typeName(fd.MapValue()))
	case fd.Enum() != nil:
		return string(fd.Enum().FullName())
	case fd.Message() != nil:
		return string(fd.Message().FullName())
	}
	return fd.Kind().String()
}

// changedType says how clients misread a value whose type changed. Messages and enums are compared by what they are made
// of, unless they are well-known types, whose JSON is their own.
func changedType(was, is protoreflect.FieldDescriptor) []string {
	var reasons []string
	if form, formWas := jsonForm(is), jsonForm(was); form != formWas {
		reasons = append(reasons, fmt.Sprintf("JSON has %s for %s", form, formWas))
	}
	if wireForm(was) != wireForm(is) {
		reasons = append(reasons, "gRPC clients misread its bytes")
	}
	if len(reasons) == 0 && was.Kind() != is.Kind() {
		reasons = append(reasons, fmt.Sprintf("values that are no %s are misread", was.Kind()))
	}
	return reasons
}

// jsonForm tells how JSON has the values of a type.
func jsonForm(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return "a boolean"
	case protoreflect.StringKind:
		return "a text"
	case protoreflect.BytesKind:
		return "bytes in base64"
	case protoreflect.EnumKind:
		if wellKnown(fd.Enum()) {
			return "null"
		}
		return "a name"
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return "a number in quotes"
	case protoreflect.MessageKind, protoreflect.GroupKind:
		if wellKnown(fd.Message()) {
			return "a " + string(fd.Message().FullName())
		}
		return "an object"
	}
	return "a number"
}

// wireForm tells how the values of a type are encoded. Those of one form are read as each other, within the range of both.
func wireForm(fd protoreflect.FieldDescriptor) string {
	switch fd.Kind() {
	case protoreflect.BoolKind, protoreflect.EnumKind, protoreflect.Int32Kind, protoreflect.Int64Kind,
		protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		return "varint"
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return "zigzag"
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return "fixed32"
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return "fixed64"
	case protoreflect.StringKind, protoreflect.BytesKind:
		return "bytes"
	case protoreflect.MessageKind:
		if wellKnown(fd.Message()) {
			return string(fd.Message().FullName())
		}
	}
	return fd.Kind().String() // float, double, message, group
}
