package pbwire

import "google.golang.org/protobuf/encoding/protowire"

// list appends a list, as repeated does.
func (r *run) list(dst []byte, f *field, in []byte, t token) ([]byte, int, *WireError) {
	before := len(dst)
	dst = append(f.name.append(dst), '[')
	first := len(dst)
	var err *WireError
	for tag := t.tag; ; {
		switch {
		case f.message != nil:
			dst, err = r.message(dst, f.message, t.span())
			dst = append(dst, ',')
		case tag != f.tag:
			dst, err = r.packed(dst, f, t.span())
		case f.textual():
			dst, err = r.text(dst, f, t.span())
			dst = append(dst, ',')
		default:
			dst = append(f.appendNumber(dst, t.value&f.mask), ',')
		}
		if err != nil {
			return dst, 0, err
		}
		if !another(in, t.next, tag) {
			break
		}
		pos := t.next
		if t = readToken(in, pos); t.next < 0 {
			return dst, 0, malformed(pos, t.next)
		}
	}
	if len(dst) == first {
		return dst[:before], t.next, nil
	}
	dst[len(dst)-1] = ']'
	return dst, t.next, nil
}

// another tells whether the field at pos has the same tag.
func another(in []byte, pos int, tag uint64) bool {
	if pos >= len(in) {
		return false
	}
	if c := uint64(in[pos]); c < 0x80 {
		return c == tag
	}
	t, at := readLongVarint(in, pos)
	return at > 0 && t == tag
}

// packed appends the numbers of a packed list, each with a comma after it.
func (r *run) packed(dst []byte, f *field, s span) ([]byte, *WireError) {
	in := r.in[:s.end]
	for pos := s.start; pos < len(in); {
		raw, next := readNumber(in, pos, protowire.Type(f.tag&7))
		if next < 0 {
			return dst, malformed(pos, next)
		}
		dst = append(f.appendNumber(dst, raw&f.mask), ',')
		pos = next
	}
	return dst, nil
}

// chainList appends the values of a list. It tells whether there are any.
func (r *run) chainList(dst []byte, f *field, values chain) (_ []byte, written bool, err *WireError) {
	dst = append(dst, '[')
	first := len(dst)
	for i := values.first; i != 0; {
		s := r.spans[i]
		i, s.next = s.next, 0 // each is an element, not a part of one
		if f.packed(s.typ) {
			dst, err = r.packed(dst, f, s)
		} else {
			dst, err = r.value(dst, f, f.message, s)
			dst = append(dst, ',')
		}
		if err != nil {
			return dst, false, err
		}
	}
	written = len(dst) > first
	return closeList(dst, first), written, nil
}

// closeList ends a list whose elements, from first on, were written with a comma after each.
func closeList(dst []byte, first int) []byte {
	if len(dst) == first {
		return append(dst, ']')
	}
	dst[len(dst)-1] = ']'
	return dst
}
