package plan

import (
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// sink is where a value goes: a field of a message, an element of its list, or a whole message.
type sink struct {
	fd   protoreflect.FieldDescriptor // nil: a whole message
	md   protoreflect.MessageDescriptor
	kind protoreflect.Kind
	tag  uint64 // of the field; 0: no tag and no length are written
	// omitZero leaves out zeros, which a field with implicit presence does not hold.
	omitZero bool
	// wrapped is the inside of a wrapper such as google.protobuf.Int32Value.
	wrapped *sink
}

// messageSink takes a whole message.
func messageSink(md protoreflect.MessageDescriptor) *sink {
	return &sink{md: md, kind: protoreflect.MessageKind, wrapped: wrappedSink(md)}
}

// fieldSink takes the value of a singular field, or one element of a list or map.
func fieldSink(fd protoreflect.FieldDescriptor) *sink {
	s := &sink{
		fd:       fd,
		md:       fd.Message(),
		kind:     fd.Kind(),
		tag:      protowire.EncodeTag(fd.Number(), wireType(fd.Kind())),
		omitZero: fd.Cardinality() != protoreflect.Repeated && !fd.HasPresence(),
	}
	if s.md != nil {
		s.wrapped = wrappedSink(s.md)
	}
	return s
}

func wrappedSink(md protoreflect.MessageDescriptor) *sink {
	if fd := wrapped(md); fd != nil {
		return fieldSink(fd)
	}
	return nil
}

// elementSink takes one number of a packed list.
func elementSink(fd protoreflect.FieldDescriptor) *sink {
	return &sink{fd: fd, kind: fd.Kind()}
}

// open begins a message whose fields are appended next. mark is for close.
func (s *sink) open(dst []byte) (out []byte, mark int) {
	if s.tag == 0 {
		return dst, 0
	}
	dst = protowire.AppendVarint(dst, s.tag)
	if s.kind == protoreflect.GroupKind {
		return dst, 0
	}
	return append(dst, 0), len(dst) + 1
}

// close ends the message that open began.
func (s *sink) close(dst []byte, mark int) []byte {
	switch {
	case s.tag == 0:
		return dst
	case s.kind == protoreflect.GroupKind:
		return protowire.AppendVarint(dst, protowire.EncodeTag(s.fd.Number(), protowire.EndGroupType))
	default:
		return patchLength(dst, mark)
	}
}

// patchLength writes the length of dst[mark:] before it, where one byte is kept free. Most lengths need no
// more; where one does, the message moves.
func patchLength(dst []byte, mark int) []byte {
	size := len(dst) - mark
	if size < 0x80 {
		dst[mark-1] = byte(size)
		return dst
	}
	extra := protowire.SizeVarint(uint64(size)) - 1
	for range extra {
		dst = append(dst, 0)
	}
	copy(dst[mark+extra:], dst[mark:mark+size])
	protowire.AppendVarint(dst[:mark-1], uint64(size))
	return dst
}

// appendMessage appends a message that is given as its wire bytes.
func (s *sink) appendMessage(dst, wire []byte) []byte {
	if s.tag == 0 {
		return append(dst, wire...)
	}
	dst = protowire.AppendVarint(dst, s.tag)
	if s.kind == protoreflect.GroupKind {
		return s.close(append(dst, wire...), 0)
	}
	return protowire.AppendBytes(dst, wire)
}

// class is what expressions know of a scalar: the many kinds of protobuf are few there.
type class int

const (
	classNone class = iota
	classBool
	classInt
	classUint
	classDouble
	classString
	classBytes
)

func classOf(kind protoreflect.Kind) class {
	switch kind {
	case protoreflect.BoolKind:
		return classBool
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Sint32Kind, protoreflect.Sint64Kind,
		protoreflect.Sfixed32Kind, protoreflect.Sfixed64Kind, protoreflect.EnumKind:
		return classInt
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return classUint
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return classDouble
	case protoreflect.StringKind:
		return classString
	case protoreflect.BytesKind:
		return classBytes
	default:
		return classNone
	}
}

// appendScalar appends a scalar. An integer that the field cannot hold is an error.
func (s *sink) appendScalar(dst []byte, from class, v value) ([]byte, error) {
	if s.wrapped != nil {
		dst, mark := s.open(dst)
		dst, err := s.wrapped.appendScalar(dst, from, v)
		return s.close(dst, mark), err
	}
	if s.omitZero && v.zero() {
		return dst, nil
	}
	if !inRange(s.kind, from, v.bits) {
		return dst, fmt.Errorf("%s is out of range for %s %s", number(from, v.bits), s.kind, s.fd.FullName())
	}
	if s.tag != 0 {
		dst = protowire.AppendVarint(dst, s.tag)
	}
	return appendScalar(dst, s.kind, v), nil
}

// inRange tells whether an integer fits a kind. Other scalars always do: a double is rounded to a float.
func inRange(kind protoreflect.Kind, from class, bits uint64) bool {
	signed := from == classInt
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind, protoreflect.EnumKind:
		if signed {
			return int64(bits) == int64(int32(bits))
		}
		return bits <= math.MaxInt32
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return bits <= math.MaxUint32
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return signed || bits <= math.MaxInt64
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return !signed || bits <= math.MaxInt64
	default:
		return true
	}
}

func number(from class, bits uint64) string {
	if from == classInt {
		return fmt.Sprint(int64(bits))
	}
	return fmt.Sprint(bits)
}
