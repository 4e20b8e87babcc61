package pbwire

import "google.golang.org/protobuf/encoding/protowire"

// token is a field on the wire.
type token struct {
	tag   uint64 // 0 if it cannot be read
	value uint64 // a number, or where the content starts
	end   int    // of the content: before the end of a group
	next  int    // where the next field is, or a negative code
}

// span is where the content is; it is for fields that are not numbers.
func (t *token) span() span { return span{start: int(t.value), end: t.end} }

// readToken reads the field at pos, which is before the end of b. What is common is read here: calls would cost
// more than what they do.
func readToken(b []byte, pos int) (t token) {
	at := pos + 1
	if t.tag = uint64(b[pos]); t.tag >= 0x80 {
		if t.tag, at = readLongVarint(b, pos); at < 0 {
			return token{next: at}
		}
	}
	if t.tag-firstTag > lastTag-firstTag {
		return token{tag: t.tag, next: endTag}
	}
	switch protowire.Type(t.tag & 7) {
	case protowire.BytesType:
		if at < len(b) && b[at] < 0x80 {
			at++
			t.value, t.end = uint64(at), at+int(b[at-1])
			if t.next = t.end; t.next > len(b) {
				t.next = endTruncated
			}
			return t
		}
		start, end := readLength(b, at)
		t.value, t.end, t.next = uint64(start), end, end
	case protowire.VarintType:
		if at < len(b) && b[at] < 0x80 {
			t.value, t.next = uint64(b[at]), at+1
			return t
		}
		t.value, t.next = readLongVarint(b, at)
	default:
		return readRareToken(b, at, t.tag)
	}
	return t
}

// readRareToken is readToken for the wire types that are neither lengths nor varints, after the tag.
func readRareToken(b []byte, at int, tag uint64) token {
	start, end, next := readValue(b, at, tag)
	t := token{tag: tag, value: uint64(start), end: end, next: next}
	if typ := protowire.Type(tag & 7); next > 0 && (typ == protowire.Fixed32Type || typ == protowire.Fixed64Type) {
		t.value, _ = readNumber(b, start, typ)
	}
	return t
}
