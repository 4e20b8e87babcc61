package pbwire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// What can be wrong with wire bytes. A *WireError wraps one of these.
var (
	ErrTruncated = errors.New("the message ends within a field")
	ErrVarint    = errors.New("a varint is longer than ten bytes")
	ErrTag       = errors.New("a tag has an impossible field number or wire type")
	ErrGroup     = errors.New("a group is malformed or not closed")
	ErrDepth     = fmt.Errorf("messages are nested more than %d deep", maxDepth)
	ErrUTF8      = errors.New("a string is not valid UTF-8")
	// ErrValue is a value that is well-formed, but has no JSON form.
	ErrValue = errors.New("a value has no JSON form")
	// ErrType is a google.protobuf.Any of a type that is not known here.
	ErrType = errors.New("the type of a google.protobuf.Any is not known")
)

// maxDepth is how deeply messages may be nested on the wire.
const maxDepth = 200

// WireError is what is wrong with wire bytes, and where.
type WireError struct {
	Offset int    // of the field or value, in bytes from the start
	Path   string // the field, in JSON names: `user.tags`; "" at the top
	Detail string // more than Err says; may be ""
	Err    error  // one of the Err variables
}

// Error implements error.
func (e *WireError) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(shortPath(e.Path) + ": ")
	}
	b.WriteString(e.Err.Error())
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	fmt.Fprintf(&b, " (at byte %d)", e.Offset)
	return b.String()
}

// maxPathShown bounds a path in a message: a hostile reply nests as deep as it may, and errors are logged.
const maxPathShown = 200

func shortPath(path string) string {
	if len(path) <= maxPathShown {
		return path
	}
	return path[:maxPathShown] + "..."
}

// Unwrap returns the Err variable.
func (e *WireError) Unwrap() error { return e.Err }

// within puts the name of a field, if it is known, before the path. The path is put together while an error travels
// up, so that it costs nothing without one.
func (e *WireError) within(f *field) *WireError {
	switch {
	case e == nil || e == errDisorder || f == nil:
	case e.Path == "":
		e.Path = f.path
	default:
		e.Path = f.path + "." + e.Path
	}
	return e
}

// errDisorder tells that a message is not in the order that the optimistic pass relies on. It never
// leaves the package.
var errDisorder = &WireError{Err: errors.New("fields repeated or out of order")}

// What readers return instead of an offset.
const (
	endTruncated = -1
	endOverflow  = -2
	endGroup     = -3
	endTag       = -4
)

// malformed is the error for what a reader returned at an offset. It is not inlined, for its many callers
// are kept small.
//
//go:noinline
func malformed(pos, code int) *WireError {
	err := &WireError{Offset: pos}
	switch code {
	case endTruncated:
		err.Err = ErrTruncated
	case endOverflow:
		err.Err = ErrVarint
	case endGroup:
		err.Err = ErrGroup
	default:
		err.Err = ErrTag
	}
	return err
}

// readVarint reads a varint at pos and returns where it ends, or a negative code.
func readVarint(b []byte, pos int) (uint64, int) {
	if pos < len(b) && b[pos] < 0x80 {
		return uint64(b[pos]), pos + 1
	}
	return readLongVarint(b, pos)
}

// readLongVarint reads a varint of any length.
func readLongVarint(b []byte, pos int) (v uint64, end int) {
	if pos+1 < len(b) && b[pos+1] < 0x80 { // two bytes, as most tags that are not one
		return uint64(b[pos]&0x7f) | uint64(b[pos+1])<<7, pos + 2
	}
	if len(b)-pos >= 8 {
		if v, n := varint8(binary.LittleEndian.Uint64(b[pos:])); n > 0 {
			return v, pos + n
		}
	}
	for shift := 0; shift < 64; shift += 7 {
		if pos >= len(b) {
			return 0, endTruncated
		}
		c := b[pos]
		pos++
		if shift == 63 && c > 1 {
			return 0, endOverflow
		}
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, pos
		}
	}
	return 0, endOverflow
}

// varint8 reads a varint of up to eight bytes and returns how many it has; 0 if it is longer. It does not
// branch on the length, for that of numbers cannot be predicted.
func varint8(w uint64) (v uint64, n int) {
	stop := ^w & 0x80808080_80808080
	if stop == 0 {
		return 0, 0
	}
	w &= (stop ^ (stop - 1)) & 0x7f7f7f7f_7f7f7f7f // up to the first byte without the high bit
	w = w&0x007f007f_007f007f | w&0x7f007f00_7f007f00>>1
	w = w&0x00003fff_00003fff | w&0x3fff0000_3fff0000>>2
	w = w&0x00000000_0fffffff | w&0x0fffffff_00000000>>4
	return w, bits.TrailingZeros64(stop)/8 + 1
}

// readLength reads the length of a value and returns where the value starts and ends; the end is a
// negative code if it does not fit.
func readLength(b []byte, pos int) (start, end int) {
	if pos < len(b) && b[pos] < 0x80 {
		start, end = pos+1, pos+1+int(b[pos])
		if end > len(b) {
			return pos, endTruncated
		}
		return start, end
	}
	n, start := readLongVarint(b, pos)
	switch {
	case start < 0:
		return pos, start
	case n > uint64(len(b)-start):
		return pos, endTruncated
	}
	return start, start + int(n)
}

// readNumber reads a value of a wire type that holds a number.
func readNumber(b []byte, pos int, typ protowire.Type) (uint64, int) {
	switch typ {
	case protowire.VarintType:
		return readVarint(b, pos)
	case protowire.Fixed32Type:
		if len(b)-pos < 4 {
			return 0, endTruncated
		}
		return uint64(binary.LittleEndian.Uint32(b[pos:])), pos + 4
	default:
		if len(b)-pos < 8 {
			return 0, endTruncated
		}
		return binary.LittleEndian.Uint64(b[pos:]), pos + 8
	}
}

// The tags that are possible.
const (
	firstTag = 1 << 3
	lastTag  = uint64(protowire.MaxValidNumber)<<3 | 7
)

// readValue finds the value after a tag: its content, without the length or the end of a group, and
// where the next field is, or a negative code.
func readValue(b []byte, pos int, tag uint64) (start, end, next int) {
	if tag-firstTag > lastTag-firstTag {
		return pos, pos, endTag
	}
	if tag&7 == uint64(protowire.BytesType) { // most fields
		start, end = readLength(b, pos)
		return start, end, end
	}
	switch typ := protowire.Type(tag & 7); typ {
	case protowire.VarintType, protowire.Fixed32Type, protowire.Fixed64Type:
		_, next = readNumber(b, pos, typ)
		return pos, next, next
	case protowire.StartGroupType:
		content, n := protowire.ConsumeGroup(protowire.Number(tag>>3), b[pos:])
		switch {
		case n >= 0:
			return pos, pos + len(content), pos + n
		case errors.Is(protowire.ParseError(n), io.ErrUnexpectedEOF):
			return pos, pos, endTruncated
		}
		return pos, pos, endGroup
	case protowire.EndGroupType:
		return pos, pos, endGroup
	default:
		return pos, pos, endTag
	}
}
