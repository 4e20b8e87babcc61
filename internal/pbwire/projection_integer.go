package pbwire

import (
	"encoding/binary"
	"math/bits"
)

// appendUint appends an integer in decimal digits. How many digits it has cannot be predicted: eight bytes are
// written at a time, of which those are kept that count.
func appendUint(dst []byte, v uint64) []byte {
	const eight = 1e8
	first, more := v, 0 // the first digits, and how many blocks of eight follow
	for first >= eight {
		first /= eight
		more++
	}
	digits := digits8(first)
	zeros := bits.TrailingZeros64(digits|1<<56) / 8 // the last digit stays
	n := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, (digits|asciiZeros)>>(8*zeros))[:n+8-zeros]
	if more == 0 {
		return dst
	}
	if more == 2 {
		dst = binary.LittleEndian.AppendUint64(dst, digits8(v/eight%eight)|asciiZeros)
	}
	return binary.LittleEndian.AppendUint64(dst, digits8(v%eight)|asciiZeros)
}

// appendInt appends an integer in decimal digits.
func appendInt(dst []byte, v int64) []byte {
	if v < 0 {
		dst, v = append(dst, '-'), -v
	}
	return appendUint(dst, uint64(v))
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
