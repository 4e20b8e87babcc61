package plan

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// appendField appends what cel-go has computed for a field.
func appendField(dst []byte, fd protoreflect.FieldDescriptor, val ref.Val) ([]byte, error) {
	switch {
	case fd.IsMap():
		return appendMap(dst, fd, val)
	case fd.IsList():
		return appendList(dst, fieldSink(fd), val)
	default:
		return appendVal(dst, fieldSink(fd), val)
	}
}

func appendList(dst []byte, element *sink, val ref.Val) ([]byte, error) {
	list, ok := val.(traits.Lister)
	if !ok {
		return dst, fmt.Errorf("a %s is not a list", val.Type().TypeName())
	}
	for it := list.Iterator(); it.HasNext() == types.True; {
		var err error
		if dst, err = appendVal(dst, element, it.Next()); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// appendMap appends a map with its entries in the order of their bytes, so that equal maps are equal on the wire.
func appendMap(dst []byte, fd protoreflect.FieldDescriptor, val ref.Val) ([]byte, error) {
	m, ok := val.(traits.Mapper)
	if !ok {
		return dst, fmt.Errorf("a %s is not a map", val.Type().TypeName())
	}
	key, value := fieldSink(fd.MapKey()), fieldSink(fd.MapValue())
	var entries [][]byte
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		entry, err := appendVal(nil, key, k)
		if err == nil {
			entry, err = appendVal(entry, value, m.Get(k))
		}
		if err != nil {
			return dst, err
		}
		entries = append(entries, entry)
	}
	slices.SortFunc(entries, bytes.Compare)
	for _, entry := range entries {
		dst = protowire.AppendTag(dst, fd.Number(), protowire.BytesType)
		dst = protowire.AppendBytes(dst, entry)
	}
	return dst, nil
}

// appendVal appends one value. Null is unset, except in a google.protobuf.Value.
func appendVal(dst []byte, to *sink, val ref.Val) ([]byte, error) {
	if err, ok := val.(*types.Err); ok {
		return dst, err
	}
	if to.md != nil && to.wrapped == nil {
		return appendMessageVal(dst, to, val)
	}
	if val == types.NullValue {
		return dst, nil
	}
	v, from, ok := scalarOf(val)
	if !ok || !assignable(to.scalarKind(), from) {
		return dst, fmt.Errorf("a %s does not fit %s", val.Type().TypeName(), to.scalarKind())
	}
	return to.appendScalar(dst, from, v)
}

// scalarKind is the kind of the scalar that is written, inside a wrapper if there is one.
func (s *sink) scalarKind() protoreflect.Kind {
	if s.wrapped != nil {
		return s.wrapped.kind
	}
	return s.kind
}

// scalarOf turns a scalar of cel-go into a value.
func scalarOf(val ref.Val) (value, class, bool) {
	switch v := val.(type) {
	case types.Bool:
		if v {
			return value{bits: 1}, classBool, true
		}
		return value{}, classBool, true
	case types.Int:
		return value{bits: uint64(v)}, classInt, true
	case types.Uint:
		return value{bits: uint64(v)}, classUint, true
	case types.Double:
		return value{bits: math.Float64bits(float64(v))}, classDouble, true
	case types.String:
		return value{data: []byte(v)}, classString, true
	case types.Bytes:
		return value{data: v}, classBytes, true
	default:
		return value{}, classNone, false
	}
}

// celScalar is the opposite of scalarOf.
func celScalar(c class, v value) ref.Val {
	switch c {
	case classBool:
		return types.Bool(v.bits != 0)
	case classInt:
		return types.Int(v.bits)
	case classUint:
		return types.Uint(v.bits)
	case classDouble:
		return types.Double(math.Float64frombits(v.bits))
	case classBytes:
		return types.Bytes(v.data)
	default:
		return types.String(v.data)
	}
}

// nativeTypes are the well-known types that cel-go knows as Go types rather than as messages.
var nativeTypes = map[protoreflect.FullName]reflect.Type{
	"google.protobuf.Any":       reflect.TypeFor[*anypb.Any](),
	"google.protobuf.Duration":  reflect.TypeFor[*durationpb.Duration](),
	"google.protobuf.ListValue": reflect.TypeFor[*structpb.ListValue](),
	"google.protobuf.Struct":    reflect.TypeFor[*structpb.Struct](),
	"google.protobuf.Timestamp": reflect.TypeFor[*timestamppb.Timestamp](),
	"google.protobuf.Value":     reflect.TypeFor[*structpb.Value](),
}

func appendMessageVal(dst []byte, to *sink, val ref.Val) ([]byte, error) {
	if val == types.NullValue && to.md.FullName() != "google.protobuf.Value" {
		return dst, nil
	}
	native := val.Value()
	if typ, ok := nativeTypes[to.md.FullName()]; ok {
		var err error
		if native, err = val.ConvertToNative(typ); err != nil {
			return dst, err
		}
	}
	msg, ok := native.(proto.Message)
	if !ok || msg.ProtoReflect().Descriptor().FullName() != to.md.FullName() {
		return dst, fmt.Errorf("a %s is not a %s", val.Type().TypeName(), to.md.FullName())
	}
	wire, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(msg)
	if err != nil {
		return dst, err
	}
	return to.appendMessage(dst, wire), nil
}
