package pbwire

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// appendBase64 appends bytes.
func appendBase64(dst, data []byte) []byte {
	dst = base64.StdEncoding.AppendEncode(append(dst, '"'), data)
	return append(dst, '"')
}

// blockMasks[n] has the high bits of the first n bytes of a block set.
var blockMasks = func() (masks [block + 1][block / 8]uint64) {
	for n := range masks {
		for i := range n {
			masks[n][i/8] |= 0x80 << (i % 8 * 8)
		}
	}
	return masks
}()

// appendString appends a JSON string; it returns false if text is not valid UTF-8. It may read what
// is between the length and the capacity of text, but does not depend on it. Short texts without escapes, which
// are most, are copied without a branch on their length. They go by words: an array assigned through pointers may
// overlap with its source for all the compiler knows, and costs a call.
func appendString(dst, text []byte) ([]byte, bool) {
	n := len(dst)
	if len(text) > block || cap(text) < block || cap(dst)-n < block+2 {
		return appendLongString(dst, text)
	}
	src, masks := (*[block]byte)(text[:block]), &blockMasks[len(text)]
	a, b := binary.LittleEndian.Uint64(src[0:]), binary.LittleEndian.Uint64(src[8:])
	c, d := binary.LittleEndian.Uint64(src[16:]), binary.LittleEndian.Uint64(src[24:])
	if unplain(a)&masks[0]|unplain(b)&masks[1]|unplain(c)&masks[2]|unplain(d)&masks[3] != 0 {
		return appendLongString(dst, text)
	}
	out := (*[block + 2]byte)(dst[n : n+block+2])
	out[0] = '"'
	binary.LittleEndian.PutUint64(out[1:], a)
	binary.LittleEndian.PutUint64(out[9:], b)
	binary.LittleEndian.PutUint64(out[17:], c)
	binary.LittleEndian.PutUint64(out[25:], d)
	out[len(text)+1] = '"'
	return dst[:n+len(text)+2], true
}

// appendPlain appends the plain blocks at the start of a text that is longer than one, and returns how long they
// are: all of it if it is plain. The last block of a text begins in the one before.
func appendPlain(dst, text []byte) ([]byte, int) {
	n := len(dst)
	dst = slices.Grow(dst, len(text)+1)
	out := dst[n : n+len(text)]
	for i := 0; ; i = min(i+block, len(text)-block) {
		src, to := (*[block]byte)(text[i:]), (*[block]byte)(out[i:])
		a, b := binary.LittleEndian.Uint64(src[0:]), binary.LittleEndian.Uint64(src[8:])
		c, d := binary.LittleEndian.Uint64(src[16:]), binary.LittleEndian.Uint64(src[24:])
		if (unplain(a)|unplain(b)|unplain(c)|unplain(d))&highBits != 0 {
			return dst[:n+i], i
		}
		binary.LittleEndian.PutUint64(to[0:], a)
		binary.LittleEndian.PutUint64(to[8:], b)
		binary.LittleEndian.PutUint64(to[16:], c)
		binary.LittleEndian.PutUint64(to[24:], d)
		if i == len(text)-block {
			return dst[:n+len(text)], len(text)
		}
	}
}

// appendLongString is appendString for a text of any length, and with any characters.
func appendLongString(dst, text []byte) ([]byte, bool) {
	dst = append(dst, '"')
	start := 0 // of what is not copied yet
	if len(text) > block {
		dst, start = appendPlain(dst, text)
	}
	for i := plain(text, start); i < len(text); i = plain(text, i) {
		c := text[i]
		if c < utf8.RuneSelf {
			dst = append(dst, text[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		for i = wideRun(text, i); i < len(text) && text[i] >= utf8.RuneSelf; { // they come in runs
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
		if hit := unplain(binary.LittleEndian.Uint64(text[i:])) & highBits; hit != 0 {
			return i + bits.TrailingZeros64(hit)/8
		}
		i += 8
	}
	if rest := len(text) - i; rest > 0 && len(text) >= 8 {
		// The last bytes, followed by zeros, which are not plain.
		w := binary.LittleEndian.Uint64(text[len(text)-8:]) >> (8 * (8 - rest))
		return i + bits.TrailingZeros64(unplain(w)&highBits)/8
	}
	for ; i < len(text); i++ {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			break
		}
	}
	return i
}

// highBits has the high bit of each byte set.
const highBits = 0x80808080_80808080

// unplain has the high bit of the lowest byte in w set that is a control character, a quote, a
// backslash or not ASCII. Those above it may be wrong, and the other bits mean nothing.
func unplain(w uint64) uint64 {
	const ones = 0x01010101_01010101
	quote, slash := w^ones*'"', w^ones*'\\'
	return w | (w - ones*' ') | (quote - ones) | (slash - ones)
}

// wideRun returns where a run of characters of three bytes that starts at i ends, or a bit earlier.
// Most Chinese, Japanese and Korean characters are such; it looks at two at a time.
func wideRun(text []byte, i int) int {
	for len(text)-i >= 6 && cap(text)-i >= 8 {
		w := binary.LittleEndian.Uint64(text[i : i+8])
		if !wide(uint32(w)) || !wide(uint32(w>>24)) {
			break
		}
		i += 6
	}
	if len(text)-i >= 3 && cap(text)-i >= 4 && wide(binary.LittleEndian.Uint32(text[i:i+4])) {
		i += 3
	}
	return i
}

// wide tells whether the first three bytes of w are a character, of those that need no look at the second byte
// to tell surrogates and overlong forms.
func wide(w uint32) bool {
	const leads = 1<<0x10 - 1 - 1<<0x0 - 1<<0xd // bit n: 0xe0+n starts such a character
	return w&0xc0c0f0 == 0x8080e0 && leads>>(w&0xf)&1 == 1
}

// runeLen is the length of the character, not ASCII, at the start of b; 0 if it is not valid.
func runeLen(b []byte) int {
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
