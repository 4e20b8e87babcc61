package httprule

import "strings"

// escapes is a set of percent escapes that a decoder leaves as they are.
type escapes bool

const (
	// decodeAll leaves none: a variable of one segment, a literal, a query.
	decodeAll escapes = false
	// keepReserved leaves those of reserved characters: in a variable of several segments `%2F` is not a
	// segment's end, so it stays distinct from one.
	keepReserved escapes = true
)

// reservedCharacters are those of RFC 3986, section 2.2.
const reservedCharacters = ":/?#[]@!$&'()*+,;="

// unescape decodes the percent escapes of a segment or path. If they are not well-formed it returns the text as it
// is, and false. It allocates only if there are any.
func unescape(s string, kept escapes) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	decoded, ok := appendUnescaped(make([]byte, 0, len(s)), s, kept)
	if !ok {
		return s, false
	}
	return string(decoded), true
}

func appendUnescaped(dst []byte, s string, kept escapes) ([]byte, bool) {
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			dst = append(dst, s[i])
			continue
		}
		c, ok := escaped(s[i:])
		if !ok {
			return dst, false
		}
		if kept == keepReserved && strings.IndexByte(reservedCharacters, c) >= 0 {
			dst = append(dst, s[i:i+3]...)
		} else {
			dst = append(dst, c)
		}
		i += 2
	}
	return dst, true
}

// escaped decodes the escape that s begins with.
func escaped(s string) (byte, bool) {
	if len(s) < 3 {
		return 0, false
	}
	high, low := hexDigit(s[1]), hexDigit(s[2])
	return high<<4 | low, high < 16 && low < 16
}

// hexDigit returns the value of a hexadecimal digit, 16 or more for any other byte.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return 16
	}
}

const upperHex = "0123456789ABCDEF"

// escapeByte returns the percent escape of a byte.
func escapeByte(c byte) string { return string([]byte{'%', upperHex[c>>4], upperHex[c&15]}) }
