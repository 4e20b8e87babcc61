package pbwire

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// appendNumber appends a number, boolean or enum as it is on the wire, masked.
func (f *field) appendNumber(dst []byte, raw uint64) []byte {
	switch f.kind {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, raw != 0)
	case protoreflect.EnumKind:
		return f.enum.append(dst, int32(raw))
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return appendInt(dst, int64(int32(raw)))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return appendUint(dst, uint64(uint32(raw)))
	case protoreflect.Sint32Kind:
		return appendInt(dst, int64(int32(protowire.DecodeZigZag(raw))))
	case protoreflect.FloatKind:
		return appendFloat(dst, float64(math.Float32frombits(uint32(raw))), 32)
	case protoreflect.DoubleKind:
		return appendFloat(dst, math.Float64frombits(raw), 64)
	}
	dst = append(dst, '"')
	switch f.kind {
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		dst = appendInt(dst, int64(raw))
	case protoreflect.Sint64Kind:
		dst = appendInt(dst, protowire.DecodeZigZag(raw))
	default:
		dst = appendUint(dst, raw)
	}
	return append(dst, '"')
}

// appendFloat appends a floating-point number with the fewest digits that identify it.
func appendFloat(dst []byte, v float64, size int) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	abs := math.Abs(v)
	if abs < maxFixed && size == 64 {
		if out, ok := appendFixed(dst, v); ok {
			return out
		}
	}
	small, large := abs < 1e-6, abs >= 1e21
	if size == 32 {
		small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
	}
	if abs == 0 || !small && !large {
		return strconv.AppendFloat(dst, v, 'f', -1, size)
	}
	dst = strconv.AppendFloat(dst, v, 'e', -1, size)
	// An exponent of one digit is written so: 1e-7, not 1e-07.
	if n := len(dst); n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// maxFixed bounds the numbers that appendFixed takes: with six decimals they have fifteen digits, and no two such
// decimals are the same float64.
const maxFixed = 1e9

// appendFixed appends a number if it is one of at most six decimals, as prices and ratings are, and tells
// whether it is. That it divides back to v makes the decimal the shortest that identifies v.
func appendFixed(dst []byte, v float64) ([]byte, bool) {
	const decimals, scale = 6, 1_000_000
	abs := math.Abs(v)
	scaled := uint64(math.RoundToEven(abs * scale))
	if float64(scaled)/scale != abs {
		return dst, false
	}
	if math.Signbit(v) {
		dst = append(dst, '-')
	}
	whole, fraction := scaled/scale, scaled%scale
	dst = appendUint(dst, whole)
	if fraction == 0 {
		return dst, true
	}
	digits := digits8(fraction) >> (8 * (8 - decimals)) // without the first two, which are zero
	n := len(dst)
	dst = binary.LittleEndian.AppendUint64(append(dst, '.'), digits|asciiZeros)
	return dst[:n+1+8-bits.LeadingZeros64(digits)/8], true
}

// enumTexts are the JSON texts of an enum's values.
type enumTexts struct {
	null  bool     // google.protobuf.NullValue
	dense []string // by number, from 0; "" if there is none
	names map[int32]string
}

// maxDenseEnum is up to which number names are found in a table.
const maxDenseEnum = 255

func newEnumTexts(ed protoreflect.EnumDescriptor) *enumTexts {
	e := &enumTexts{null: ed.FullName() == parseNullValue, names: make(map[int32]string)}
	values := ed.Values()
	for i := range values.Len() {
		number := int32(values.Get(i).Number())
		if _, alias := e.names[number]; alias {
			continue // the first name counts
		}
		e.names[number] = strconv.Quote(string(values.Get(i).Name()))
		if number >= 0 && number <= maxDenseEnum {
			for len(e.dense) <= int(number) {
				e.dense = append(e.dense, "")
			}
			e.dense[number] = e.names[number]
		}
	}
	return e
}

// append appends the name of a value, or its number if it has none.
func (e *enumTexts) append(dst []byte, number int32) []byte {
	if e.null {
		return append(dst, "null"...)
	}
	if number >= 0 && int(number) < len(e.dense) && e.dense[number] != "" {
		return append(dst, e.dense[number]...)
	}
	if name, ok := e.names[number]; ok {
		return append(dst, name...)
	}
	return appendInt(dst, int64(number))
}
