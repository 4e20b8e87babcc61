package pbwire

import "google.golang.org/protobuf/reflect/protoreflect"

// message appends a message.
func (r *run) message(dst []byte, p *program, s span) ([]byte, *WireError) {
	if r.depth == 0 {
		return dst, &WireError{Offset: s.start, Err: ErrDepth}
	}
	r.depth--
	var err *WireError
	switch {
	case p.render != nil:
		dst, err = p.render(r, dst, p, s)
	case r.exact || s.next != 0:
		dst, err = r.gathered(dst, p, s)
	case p.shuffled:
		dst, err = r.sorted(dst, p, s)
	default:
		dst, err = r.ordered(dst, p, s)
	}
	r.depth++
	return dst, err
}

// closeObject ends the object that starts at open. Its members were written with a comma before each.
func closeObject(dst []byte, open int) []byte {
	if len(dst) == open {
		return append(dst, '{', '}')
	}
	dst[open] = '{'
	return append(dst, '}')
}

// ordered appends a message in one pass. It relies on the fields being in the order of their
// declaration and each but once, as encoders write them, and returns errDisorder if they are not.
// Whatever its error is, the exact pass finds out what is wrong.
func (r *run) ordered(dst []byte, p *program, s span) ([]byte, *WireError) {
	in := r.in[:s.end]
	open := len(dst)
	likely := p.first
	rank := 0 // of the first field that is not written yet
	for pos := s.start; pos < len(in); {
		t := readToken(in, pos)
		if t.next < 0 {
			return dst, malformed(pos, t.next)
		}
		pos = t.next
		f := likely
		if f.tag != t.tag {
			if f = p.lookup(t.tag); f == nil {
				continue
			}
		}
		if f.rank < rank {
			return dst, errDisorder
		}
		before := len(dst)
		if f.rank > rank {
			dst = append(dst, p.unset[p.offsets[rank]:p.offsets[f.rank]]...)
		}
		name := len(dst)
		var err *WireError
		if f.repeated() {
			dst, pos, err = r.repeated(dst, f, in, t)
		} else {
			dst, err = r.singular(dst, f, t)
		}
		if err != nil {
			return dst, err
		}
		if len(dst) == name && f.shape != shapeClear {
			dst = dst[:before]
			continue
		}
		rank = f.rank + 1
		likely = f.next
	}
	dst = append(dst, p.unset[p.offsets[rank]:]...)
	return closeObject(dst, open), nil
}

// singular appends a field that is not repeated, with its name. It appends nothing if the field does not count
// as set.
func (r *run) singular(dst []byte, f *field, t token) ([]byte, *WireError) {
	switch f.shape {
	case shapeText:
		if int(t.value) == t.end && f.implicit {
			return dst, nil
		}
		return r.text(f.name.append(dst), f, t.span())
	case shapeNumber:
		raw := t.value & f.mask
		if raw == 0 && f.implicit {
			return dst, nil
		}
		return f.appendNumber(f.name.append(dst), raw), nil
	case shapeMessage:
		return r.message(f.name.append(dst), f.message, t.span())
	default:
		return dst, nil
	}
}

// repeated appends a list or a map, with its name: all values up to where another field comes. It returns where
// that is, and appends nothing if there are no values.
func (r *run) repeated(dst []byte, f *field, in []byte, t token) ([]byte, int, *WireError) {
	if f.shape == shapeMap {
		return r.mapping(dst, f, in, t)
	}
	return r.list(dst, f, in, t)
}

// text appends a string or bytes.
func (r *run) text(dst []byte, f *field, s span) ([]byte, *WireError) {
	if f.kind == protoreflect.BytesKind {
		return appendBase64(dst, r.content(s)), nil
	}
	dst, ok := appendString(dst, r.content(s))
	if !ok {
		return dst, &WireError{Offset: s.start, Err: ErrUTF8}
	}
	return dst, nil
}

// value appends one value: of a singular field, of a list, or of a map. p is the program of a message.
func (r *run) value(dst []byte, f *field, p *program, s span) ([]byte, *WireError) {
	switch {
	case p != nil:
		return r.message(dst, p, s)
	case f.textual():
		return r.text(dst, f, s)
	}
	raw, next := readNumber(r.in[:s.end], s.start, s.typ)
	if next < 0 {
		return dst, malformed(s.start, next)
	}
	return f.appendNumber(dst, raw&f.mask), nil
}
