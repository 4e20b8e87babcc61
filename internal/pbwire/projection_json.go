package pbwire

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

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

// sorted is ordered for a message whose fields encoders do not write in the order of their declaration. It
// returns errDisorder if one comes twice.
func (r *run) sorted(dst []byte, p *program, s span) ([]byte, *WireError) {
	base := len(r.tokens)
	for range p.fields {
		r.tokens = append(r.tokens, token{})
	}
	if err := r.locate(p, s, base); err != nil {
		return dst, err
	}
	in := r.in[:s.end]
	open := len(dst)
	rank := 0 // of the first field that is not written yet
	for i := range p.fields {
		t := r.tokens[base+i]
		if t.next == 0 {
			continue
		}
		before := len(dst)
		dst = append(dst, p.unset[p.offsets[rank]:p.offsets[i]]...)
		name := len(dst)
		var err *WireError
		if f := p.lookup(t.tag); f.repeated() {
			dst, _, err = r.repeated(dst, f, in, t)
		} else {
			dst, err = r.singular(dst, f, t)
		}
		if err != nil {
			return dst, err
		}
		if len(dst) == name {
			dst = dst[:before]
			continue
		}
		rank = i + 1
	}
	r.tokens = r.tokens[:base]
	dst = append(dst, p.unset[p.offsets[rank]:]...)
	return closeObject(dst, open), nil
}

// locate finds where the fields of a message are: that of rank i is put into r.tokens[base+i].
func (r *run) locate(p *program, s span, base int) *WireError {
	in := r.in[:s.end]
	last := uint64(0) // the tag before; no tag is 0
	for pos := s.start; pos < len(in); {
		t := readToken(in, pos)
		if t.next < 0 {
			return malformed(pos, t.next)
		}
		pos = t.next
		again := t.tag == last
		last = t.tag
		f := p.lookup(t.tag)
		if f == nil || again && f.repeated() {
			continue
		}
		to := &r.tokens[base+f.rank]
		if to.next != 0 {
			return errDisorder
		}
		*to = t
	}
	return nil
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

// repeated appends the values of a field up to where another field comes, and returns where that is.
func (r *run) repeated(dst []byte, f *field, in []byte, t token) ([]byte, int, *WireError) {
	if f.shape == shapeMap {
		return r.nextMap(dst, f, in, t)
	}
	return r.nextList(dst, f, in, t)
}

// nextList is next for a repeated field.
func (r *run) nextList(dst []byte, f *field, in []byte, t token) ([]byte, int, *WireError) {
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

// closeList ends a list whose elements, from first on, were written with a comma after each.
func closeList(dst []byte, first int) []byte {
	if len(dst) == first {
		return append(dst, ']')
	}
	dst[len(dst)-1] = ']'
	return dst
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

// gathered appends a message whose fields may be in any order, repeated, and split.
func (r *run) gathered(dst []byte, p *program, s span) ([]byte, *WireError) {
	mark, err := r.gather(p, s)
	if err != nil {
		return dst, err
	}
	open := len(dst)
	rank := 0
	for i := range p.fields {
		f := &p.fields[i]
		values := r.lists[mark.lists+i]
		if values.first == 0 || f.shape == shapeClear {
			continue
		}
		before := len(dst)
		dst = append(dst, p.unset[p.offsets[rank]:p.offsets[f.rank]]...)
		var written bool
		if dst, written, err = r.chain(f.name.append(dst), f, values); err != nil {
			return dst, err.within(f)
		}
		if !written {
			dst = dst[:before]
			continue
		}
		rank = f.rank + 1
	}
	r.drop(mark)
	dst = append(dst, p.unset[p.offsets[rank]:]...)
	return closeObject(dst, open), nil
}

// chain appends the values of a field. It tells whether the field counts as set.
func (r *run) chain(dst []byte, f *field, values chain) ([]byte, bool, *WireError) {
	s := r.spans[values.first]
	switch f.shape {
	case shapeMap:
		return r.mapping(dst, f, values)
	case shapeList:
		return r.chainList(dst, f, values)
	case shapeText:
		if f.implicit && s.start == s.end {
			return dst, false, nil
		}
	case shapeNumber:
		// A number that cannot be read is left to value to report.
		if raw, _ := readNumber(r.in[:s.end], s.start, s.typ); f.implicit && raw&f.mask == 0 {
			return dst, false, nil
		}
	}
	dst, err := r.value(dst, f, f.message, s)
	return dst, true, err
}

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
