package plan

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// The type of an expression must be that of the field it fills, with these widenings: an integer, signed or
// not, fills any integer or enum (the range is checked at run time); a double fills a float (rounded); a
// scalar fills a wrapper and the other way round; any message fills a google.protobuf.Any; null leaves
// the field unset.

// accepts tells why a field does not take values of a type; it is empty if it does.
func accepts(fd protoreflect.FieldDescriptor, t *cel.Type) string {
	ok := false
	switch {
	case fd.IsMap():
		ok = t.Kind() == types.MapKind && acceptsElement(fd.MapKey(), t.Parameters()[0]) &&
			acceptsElement(fd.MapValue(), t.Parameters()[1]) || t.Kind() == types.NullTypeKind
	case fd.IsList():
		ok = t.Kind() == types.ListKind && acceptsElement(fd, t.Parameters()[0]) || t.Kind() == types.NullTypeKind
	default:
		ok = acceptsElement(fd, t)
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("%s takes %s, not %s", fd.FullName(), fieldTypeName(fd), typeName(t))
}

func acceptsElement(fd protoreflect.FieldDescriptor, t *cel.Type) bool {
	if t.Kind() == types.NullTypeKind || t.Kind() == types.TypeParamKind { // the element of an empty list
		return true
	}
	if fd.Message() == nil {
		return assignable(fd.Kind(), classOfType(t))
	}
	return acceptsMessage(fd.Message(), t)
}

// acceptsMessage tells whether a message type takes values of a type.
func acceptsMessage(md protoreflect.MessageDescriptor, t *cel.Type) bool {
	if inner := wrapped(md); inner != nil {
		return assignable(inner.Kind(), classOfType(t))
	}
	switch md.FullName() {
	case "google.protobuf.Value":
		return true
	case "google.protobuf.Any":
		return t.Kind() == types.AnyKind || t.Kind() == types.StructKind
	case "google.protobuf.ListValue":
		return t.Kind() == types.ListKind
	case "google.protobuf.Struct":
		return t.Kind() == types.MapKind && t.Parameters()[0].Kind() == types.StringKind
	}
	want := celMessageType(md)
	return want.Kind() == t.Kind() && want.TypeName() == t.TypeName()
}

// assignable tells whether scalars of a class go into fields of a kind.
func assignable(kind protoreflect.Kind, from class) bool {
	to := classOf(kind)
	return to == from && to != classNone || integer(to) && integer(from)
}

func integer(c class) bool { return c == classInt || c == classUint }

// classOfType is the class of a scalar type or of a wrapper's.
func classOfType(t *cel.Type) class {
	switch t.Kind() {
	case types.BoolKind:
		return classBool
	case types.IntKind:
		return classInt
	case types.UintKind:
		return classUint
	case types.DoubleKind:
		return classDouble
	case types.StringKind:
		return classString
	case types.BytesKind:
		return classBytes
	default:
		return classNone
	}
}

// typeName names a type as users of expressions know it.
func typeName(t *cel.Type) string { return cel.FormatCELType(t) }

// fieldTypeName names the type that a field takes.
func fieldTypeName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return fmt.Sprintf("map(%s, %s)", elementTypeName(fd.MapKey()), elementTypeName(fd.MapValue()))
	case fd.IsList():
		return fmt.Sprintf("list(%s)", elementTypeName(fd))
	default:
		return elementTypeName(fd)
	}
}

func elementTypeName(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.Message() != nil:
		return string(fd.Message().FullName())
	case fd.Enum() != nil:
		return string(fd.Enum().FullName())
	default:
		return typeName(celScalarType(fd.Kind()))
	}
}
