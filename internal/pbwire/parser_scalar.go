package pbwire

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/bits"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads a scalar or an enum and appends it. It tells whether there is a value, see value.
func (s *parseState) scalar(f *parseField) (kept bool, err *SyntaxError) {
	start := s.pos
	ok := false
	switch c := s.peek(); {
	case c == '"':
		content, err := s.text()
		if err != nil {
			return false, err
		}
		s.out, ok = f.appendText(s.out, content)
		if !ok && f.enum != nil {
			if s.set.lenient {
				return false, nil
			}
			return false, s.errorf(start, "%s", parseUnknownValue(f.enum.ed, string(content)))
		}
	case c == '-' || '0' <= c && c <= '9':
		number, err := s.number()
		if err != nil {
			return false, err
		}
		s.out, ok = f.appendNumber(s.out, number)
	case c == 't':
		s.out, ok = append(s.out, 1), f.kind == protoreflect.BoolKind
		err = s.literal("true")
	case c == 'f':
		s.out, ok = append(s.out, 0), f.kind == protoreflect.BoolKind
		err = s.literal("false")
	case c == 'n':
		s.out, ok = append(s.out, 0), f.enum != nil && f.nulls
		err = s.literal("null")
	}
	if err != nil {
		return false, err
	}
	if !ok {
		s.pos = start
		return false, s.notA(f.want())
	}
	return true, nil
}

// want says what a value of the field is, with its article.
func (f *parseField) want() string {
	if f.enum != nil {
		return "a value of enum " + string(f.enum.ed.FullName())
	}
	return parseKindNames[f.kind]
}

// parseKindNames says what a value of a kind is: integers of all encodings look the same in JSON.
var parseKindNames = map[protoreflect.Kind]string{
	protoreflect.BoolKind:     "a bool",
	protoreflect.Int32Kind:    "an int32",
	protoreflect.Sint32Kind:   "an int32",
	protoreflect.Sfixed32Kind: "an int32",
	protoreflect.Int64Kind:    "an int64",
	protoreflect.Sint64Kind:   "an int64",
	protoreflect.Sfixed64Kind: "an int64",
	protoreflect.Uint32Kind:   "a uint32",
	protoreflect.Fixed32Kind:  "a uint32",
	protoreflect.Uint64Kind:   "a uint64",
	protoreflect.Fixed64Kind:  "a uint64",
	protoreflect.FloatKind:    "a float",
	protoreflect.DoubleKind:   "a double",
	protoreflect.StringKind:   "a string",
	protoreflect.BytesKind:    "a string of base64",
}

// appendText appends the value that stands in a JSON string.
func (f *parseField) appendText(dst, text []byte) ([]byte, bool) {
	switch f.kind {
	case protoreflect.StringKind:
		return protowire.AppendBytes(dst, text), true
	case protoreflect.BytesKind:
		return parseAppendBase64(dst, text)
	case protoreflect.EnumKind:
		number, ok := f.enum.values[string(text)]
		return protowire.AppendVarint(dst, uint64(int64(number))), ok
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		switch string(text) {
		case "NaN":
			return parseAppendFloat(dst, f.kind, math.NaN()), true
		case "Infinity":
			return parseAppendFloat(dst, f.kind, math.Inf(+1)), true
		case "-Infinity":
			return parseAppendFloat(dst, f.kind, math.Inf(-1)), true
		}
	}
	if len(text) == 0 || parseNumberLen(text) != len(text) {
		return dst, false
	}
	return f.appendNumber(dst, text)
}

// appendNumber appends the value that a JSON number stands for.
func (f *parseField) appendNumber(dst, number []byte) ([]byte, bool) {
	switch f.kind {
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		bits := 64
		if f.kind == protoreflect.FloatKind {
			bits = 32
		}
		v, err := strconv.ParseFloat(string(number), bits)
		return parseAppendFloat(dst, f.kind, v), err == nil
	case protoreflect.BoolKind, protoreflect.StringKind, protoreflect.BytesKind:
		return dst, false
	}
	bits, signed := parseIntegerType(f.kind)
	v, ok := parseInteger(number, bits, signed)
	return parseAppendInteger(dst, f.kind, v), ok
}

// parseIntegerType is the range of an integer kind; an enum's numbers are an int32.
func parseIntegerType(kind protoreflect.Kind) (bits int, signed bool) {
	switch kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 32, false
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return 64, false
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return 64, true
	default:
		return 32, true
	}
}

// parseAppendInteger appends an integer; a negative one as its two's complement of 64 bits.
func parseAppendInteger(dst []byte, kind protoreflect.Kind, v uint64) []byte {
	switch kind {
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		return protowire.AppendVarint(dst, protowire.EncodeZigZag(int64(v)))
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return protowire.AppendFixed32(dst, uint32(v))
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind:
		return protowire.AppendFixed64(dst, v)
	default:
		return protowire.AppendVarint(dst, v)
	}
}

func parseAppendFloat(dst []byte, kind protoreflect.Kind, v float64) []byte {
	if kind == protoreflect.FloatKind {
		return protowire.AppendFixed32(dst, math.Float32bits(float32(v)))
	}
	return protowire.AppendFixed64(dst, math.Float64bits(v))
}

// parseAppendBase64 appends the bytes that base64 text stands for: the standard or the URL-safe
// alphabet, padded or not.
func parseAppendBase64(dst, text []byte) ([]byte, bool) {
	urlSafe := bytes.IndexByte(text, '-') >= 0 || bytes.IndexByte(text, '_') >= 0
	padded := len(text)%4 == 0
	encoding := base64.StdEncoding
	switch {
	case urlSafe && padded:
		encoding = base64.URLEncoding
	case urlSafe:
		encoding = base64.RawURLEncoding
	case !padded:
		encoding = base64.RawStdEncoding
	}
	// The length before the bytes is known only if no line breaks stand in the text, which base64
	// passes over.
	start := len(dst)
	dst, err := encoding.AppendDecode(dst, text)
	if err != nil {
		return dst, false
	}
	n := len(dst) - start
	dst = protowire.AppendVarint(dst, uint64(n))
	length := len(dst) - start - n
	var room [10]byte
	copy(room[:], dst[start+n:])
	copy(dst[start+length:], dst[start:start+n])
	copy(dst[start:], room[:length])
	return dst, true
}

// parseInteger is the integer that a JSON number stands for, negative ones as their two's complement:
// `12`, `1.0` and `1e3` are integers, `1.5` is none.
func parseInteger(number []byte, size int, signed bool) (v uint64, ok bool) {
	negative := number[0] == '-'
	if negative {
		number = number[1:]
	}
	magnitude, ok := parseDecimal(number)
	if !ok {
		return 0, false
	}
	most := uint64(math.MaxUint64) >> (64 - size)
	if signed {
		most >>= 1
		if negative {
			most++
		}
	} else if negative {
		most = 0
	}
	if negative {
		v = -magnitude
	} else {
		v = magnitude
	}
	return v, magnitude <= most
}

// parseDecimal is the integer that a JSON number without sign stands for. It takes what protojson
// takes: with an exponent that is not negative, a number of more than 20 digits is refused, even if
// the first of them are zeros.
func parseDecimal(number []byte) (uint64, bool) {
	whole, fraction, exponent := parseNumberParts(number)
	if len(whole) == 0 && len(fraction) == 0 {
		return 0, true
	}
	const maxDigits = 20 // of a uint64
	if exponent < 0 {
		cut := len(whole) + exponent
		if len(fraction) > 0 || cut < 0 || len(bytes.Trim(whole[cut:], "0")) > 0 {
			return 0, false
		}
		return parseDigits(0, whole[:cut])
	}
	zeros := exponent - len(fraction)
	if zeros < 0 || len(whole)+exponent > maxDigits {
		return 0, false
	}
	v, ok := parseDigits(0, whole)
	if ok {
		v, ok = parseDigits(v, fraction)
	}
	if ok {
		v, ok = parseDigits(v, []byte("00000000000000000000")[:zeros])
	}
	return v, ok
}

// parseNumberParts takes a JSON number without sign apart: the digits before the point without
// leading zeros, those after it without trailing zeros, and the exponent, limited to what no number
// of digits makes up for.
func parseNumberParts(number []byte) (whole, fraction []byte, exponent int) {
	whole = number
	if i := bytes.IndexAny(number, "eE"); i >= 0 {
		whole, exponent = number[:i], parseExponent(number[i+1:])
	}
	if i := bytes.IndexByte(whole, '.'); i >= 0 {
		whole, fraction = whole[:i], bytes.TrimRight(whole[i+1:], "0")
	}
	if whole[0] == '0' {
		whole = nil
	}
	return whole, fraction, exponent
}

func parseExponent(text []byte) int {
	negative := text[0] == '-'
	v := 0
	for _, c := range bytes.TrimLeft(text, "+-") {
		v = min(v*10+int(c-'0'), math.MaxInt32)
	}
	if negative {
		return -v
	}
	return v
}

// parseDigits appends decimal digits to a number.
func parseDigits(v uint64, digits []byte) (uint64, bool) {
	for _, c := range digits {
		high, low := bits.Mul64(v, 10)
		sum, carry := bits.Add64(low, uint64(c-'0'), 0)
		if high != 0 || carry != 0 {
			return 0, false
		}
		v = sum
	}
	return v, true
}
