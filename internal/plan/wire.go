package plan

import (
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxDepth bounds how deep messages that a plan decodes may nest.
const maxDepth = 200

// scanner walks the fields of one message. After next it holds one field: a varint or fixed number in
// bits, a length-delimited value or the inside of a group in data.
type scanner struct {
	rest []byte
	num  protowire.Number
	typ  protowire.Type
	bits uint64
	data []byte
	bad  bool // the message is malformed; there are no more fields
}

// next moves to the next field, and tells whether there is one.
func (s *scanner) next() bool {
	if len(s.rest) == 0 {
		return false
	}
	tag, n := uvarint(s.rest)
	num := tag >> 3
	if n <= 0 || num == 0 || num > uint64(protowire.MaxValidNumber) {
		return s.fail()
	}
	s.num, s.typ, s.rest = protowire.Number(num), protowire.Type(tag&7), s.rest[n:]
	switch s.typ {
	case protowire.VarintType:
		s.bits, n = uvarint(s.rest)
	case protowire.BytesType:
		var size uint64
		size, n = uvarint(s.rest)
		if n <= 0 || size > uint64(len(s.rest)-n) {
			return s.fail()
		}
		s.data = s.rest[n : n+int(size)]
		n += int(size)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(s.rest)
		s.bits = uint64(v)
	case protowire.Fixed64Type:
		s.bits, n = protowire.ConsumeFixed64(s.rest)
	case protowire.StartGroupType:
		s.data, n = protowire.ConsumeGroup(s.num, s.rest)
	default:
		return s.fail()
	}
	if n <= 0 {
		return s.fail()
	}
	s.rest = s.rest[n:]
	return true
}

func (s *scanner) fail() bool {
	s.bad, s.rest = true, nil
	return false
}

// uvarint reads a varint and its length, which is not positive if it is malformed.
func uvarint(b []byte) (uint64, int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return protowire.ConsumeVarint(b)
}

// value is a scalar or a message in flight: strings, bytes and messages in data, numbers in bits as the
// 64-bit integer, unsigned integer, IEEE 754 double or 0/1 that expressions see.
type value struct {
	bits uint64
	data []byte
}

func (v value) zero() bool { return v.bits == 0 && len(v.data) == 0 }

// wireType is how a singular value of a kind is encoded.
func wireType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}

// fromWire turns the number of a field into the bits of a value.
func fromWire(kind protoreflect.Kind, bits uint64) uint64 {
	switch kind {
	case protoreflect.BoolKind:
		if bits != 0 {
			return 1
		}
		return 0
	case protoreflect.Int32Kind, protoreflect.EnumKind, protoreflect.Sfixed32Kind:
		return uint64(int64(int32(bits)))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return uint64(uint32(bits))
	case protoreflect.Sint32Kind:
		return uint64(int64(int32(protowire.DecodeZigZag(bits & math.MaxUint32))))
	case protoreflect.Sint64Kind:
		return uint64(protowire.DecodeZigZag(bits))
	case protoreflect.FloatKind:
		return math.Float64bits(float64(math.Float32frombits(uint32(bits))))
	default:
		return bits
	}
}

// appendScalar appends a value of a kind without tag. Its bits are in the kind's range.
func appendScalar(dst []byte, kind protoreflect.Kind, v value) []byte {
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return protowire.AppendBytes(dst, v.data)
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(dst, protowire.EncodeZigZag(int64(v.bits)))
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.AppendFixed32(dst, uint32(v.bits))
	case protoreflect.FloatKind:
		return protowire.AppendFixed32(dst, math.Float32bits(float32(math.Float64frombits(v.bits))))
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.AppendFixed64(dst, v.bits)
	default:
		return protowire.AppendVarint(dst, v.bits)
	}
}

// packedElement reads the next number of a packed list. It tells false at its end, or where it is malformed,
// and then leaves a rest.
func packedElement(kind protoreflect.Kind, packed []byte) (v value, rest []byte, ok bool) {
	var n int
	switch wireType(kind) {
	case protowire.VarintType:
		v.bits, n = uvarint(packed)
	case protowire.Fixed32Type:
		var bits uint32
		bits, n = protowire.ConsumeFixed32(packed)
		v.bits = uint64(bits)
	default:
		v.bits, n = protowire.ConsumeFixed64(packed)
	}
	if n <= 0 {
		return value{}, packed, false
	}
	v.bits = fromWire(kind, v.bits)
	return v, packed[n:], true
}

// packable tells whether lists of a kind may be packed.
func packable(kind protoreflect.Kind) bool {
	typ := wireType(kind)
	return typ != protowire.BytesType && typ != protowire.StartGroupType
}

// wellFormed tells whether a message can be decoded whole.
func wellFormed(md protoreflect.MessageDescriptor, wire []byte, depth int) bool {
	if depth > maxDepth {
		return false
	}
	s := scanner{rest: wire}
	for s.next() {
		if fd := md.Fields().ByNumber(s.num); fd != nil && !wellFormedField(fd, &s, depth) {
			return false
		}
	}
	return !s.bad
}

func wellFormedField(fd protoreflect.FieldDescriptor, s *scanner, depth int) bool {
	switch {
	case fd.Message() != nil && s.typ == wireType(fd.Kind()):
		return wellFormed(fd.Message(), s.data, depth+1)
	case fd.Kind() == protoreflect.StringKind && s.typ == protowire.BytesType:
		return utf8.Valid(s.data)
	case fd.IsList() && packable(fd.Kind()) && s.typ == protowire.BytesType:
		return wellFormedPacked(fd.Kind(), s.data)
	}
	return true
}

func wellFormedPacked(kind protoreflect.Kind, packed []byte) bool {
	for ok := true; ok && len(packed) > 0; {
		_, packed, ok = packedElement(kind, packed)
	}
	return len(packed) == 0
}
