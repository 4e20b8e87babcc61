package pbwire

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"

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
		return strconv.AppendInt(dst, int64(int32(raw)), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, uint64(uint32(raw)), 10)
	case protoreflect.Sint32Kind:
		return strconv.AppendInt(dst, int64(int32(protowire.DecodeZigZag(raw))), 10)
	case protoreflect.FloatKind:
		return appendFloat(dst, float64(math.Float32frombits(uint32(raw))), 32)
	case protoreflect.DoubleKind:
		return appendFloat(dst, math.Float64frombits(raw), 64)
	}
	dst = append(dst, '"')
	switch f.kind {
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		dst = strconv.AppendInt(dst, int64(raw), 10)
	case protoreflect.Sint64Kind:
		dst = strconv.AppendInt(dst, protowire.DecodeZigZag(raw), 10)
	default:
		dst = strconv.AppendUint(dst, raw, 10)
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

// appendText appends a string or bytes.
func (f *field) appendText(dst, text []byte) ([]byte, bool) {
	if f.kind == protoreflect.StringKind {
		return appendString(dst, text)
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, text)
	return append(dst, '"'), true
}

// appendString appends a JSON string; it returns false if text is not valid UTF-8.
func appendString(dst, text []byte) ([]byte, bool) {
	dst = append(dst, '"')
	start := 0 // of what is not copied yet
	for i := plain(text, 0); i < len(text); i = plain(text, i) {
		c := text[i]
		if c < utf8.RuneSelf {
			dst = append(dst, text[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		for i < len(text) && text[i] >= utf8.RuneSelf { // they come in runs
			n := runeLen(text[i:])
			if n == 0 {
				return dst, false
			}
			i += n
		}
	}
	dst = append(dst, text[start:]...)
	return append(dst, '"'), true
}

// plain returns where the first byte from i on is that is not ASCII, or needs an escape. It looks at
// eight bytes at a time.
func plain(text []byte, i int) int {
	for len(text)-i >= 8 {
		if hit := unplain(binary.LittleEndian.Uint64(text[i:])); hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
		i += 8
	}
	if rest := len(text) - i; rest > 0 && len(text) >= 8 {
		// The last bytes, followed by zeros, which are not plain.
		w := binary.LittleEndian.Uint64(text[len(text)-8:]) >> (8 * (8 - rest))
		return i + bits.TrailingZeros64(unplain(w))/8
	}
	for ; i < len(text); i++ {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// unplain has the high bit of the lowest byte in w set that is a control character, a quote, a
// backslash or not ASCII. Those above it may be wrong.
func unplain(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	quote, slash := w^ones*'"', w^ones*'\\'
	return (w | (w-ones*' ')&^w | (quote-ones)&^quote | (slash-ones)&^slash) & highs
}

// runeLen is the length of the character, not ASCII, at the start of b; 0 if it is not valid. The
// three bytes of most Chinese, Japanese and Korean characters come first.
func runeLen(b []byte) int {
	if len(b) >= 3 && b[0] > 0xe0 && b[0] < 0xed && b[1]&0xc0 == 0x80 && b[2]&0xc0 == 0x80 {
		return 3
	}
	if r, n := utf8.DecodeRune(b); r != utf8.RuneError || n > 1 {
		return n
	}
	return 0
}

// appendEscape appends the escape of a control character, a quote or a backslash.
func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	default:
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
	}
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
	return strconv.AppendInt(dst, int64(number), 10)
}
