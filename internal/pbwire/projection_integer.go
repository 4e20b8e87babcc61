package pbwire

import (
	"encoding/binary"
	"math/bits"
)

// appendUint appends an integer in decimal digits.
func appendUint(dst []byte, v uint64) []byte {
	const eight = 1e8
	switch {
	case v < eight:
		return appendDigits8(dst, v)
	case v < eight*eight:
		dst = appendDigits8(dst, v/eight)
	default:
		dst = appendDigits8(dst, v/eight/eight)
		dst = binary.LittleEndian.AppendUint64(dst, digits8(v/eight%eight)|asciiZeros)
	}
	return binary.LittleEndian.AppendUint64(dst, digits8(v%eight)|asciiZeros)
}

// appendInt appends an integer in decimal digits.
func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		return appendUint(append(dst, '-'), -uint64(v))
	}
	return appendUint(dst, uint64(v))
}

// appendDigits8 appends an integer below 1e8. How many digits it has cannot be predicted: eight bytes are
// written, of which those are kept that count.
func appendDigits8(dst []byte, v uint64) []byte {
	digits := digits8(v)
	zeros := bits.TrailingZeros64(digits|1<<56) / 8 // the last digit stays
	n := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, (digits|asciiZeros)>>(8*zeros))
	return dst[:n+8-zeros]
}

// asciiZeros is what makes eight digits ASCII.
const asciiZeros = 0x3030303030303030

// digits8 is the eight digits of an integer below 1e8, the first in the lowest byte. It divides in halves:
// first the whole, then both halves of it at once.
func digits8(v uint64) uint64 {
	hi := v / 10_000
	w := hi | (v-hi*10_000)<<32
	hundreds := w * 10486 >> 20 & 0x0000007f_0000007f
	w = hundreds | (w-hundreds*100)<<16
	tens := w * 103 >> 10 & 0x000f000f_000f000f
	return tens | (w-tens*10)<<8
}
