package pbwire

// block is how many bytes are copied at once where a copy of the exact length would cost more: most
// names and texts are shorter, and their lengths cannot be predicted.
const block = 32

// cell is a short text that is appended often.
type cell struct {
	text  string
	block [block]byte // the start of the text, and zeros
}

func newCell(text string) cell {
	c := cell{text: text}
	copy(c.block[:], text)
	return c
}

// append appends the text. It may write zeros between the length and the capacity of dst.
func (c *cell) append(dst []byte) []byte {
	n := len(dst)
	if len(c.text) > block || cap(dst)-n < block {
		return append(dst, c.text...)
	}
	*(*[block]byte)(dst[n : n+block]) = c.block
	return dst[:n+len(c.text)]
}
