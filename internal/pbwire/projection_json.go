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
	rank := 0 // of the first field that is not written yet
	for pos := s.start; pos < len(in); {
		tag, at := uint64(in[pos]), pos+1
		if tag >= 0x80 {
			if tag, at = readLongVarint(in, pos); at < 0 {
				return dst, malformed(pos, at)
			}
		}
		f := p.lookup(tag)
		if f == nil {
			_, _, next := readValue(in, at, tag)
			if next < 0 {
				return dst, malformed(pos, next)
			}
			pos = next
			continue
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
		if f.shape == shapeText {
			dst, pos, err = r.nextText(dst, f, in, at)
		} else {
			dst, pos, err = r.next(dst, f, in, tag, at)
		}
		if err != nil {
			return dst, err
		}
		if len(dst) == name && f.shape != shapeClear {
			dst = dst[:before]
			continue
		}
		rank = f.rank + 1
	}
	dst = append(dst, p.unset[p.offsets[rank]:]...)
	return closeObject(dst, open), nil
}

// place is where a field is: its value comes after its tag.
type place struct {
	tag   uint64
	value int // 0 if the field is not there
}

// sorted is ordered for a message whose fields encoders do not write in the order of their declaration. It
// returns errDisorder if one comes twice.
func (r *run) sorted(dst []byte, p *program, s span) ([]byte, *WireError) {
	base := len(r.places)
	for range p.fields {
		r.places = append(r.places, place{})
	}
	if err := r.locate(p, s, base); err != nil {
		return dst, err
	}
	in := r.in[:s.end]
	open := len(dst)
	rank := 0 // of the first field that is not written yet
	for i := range p.fields {
		at := r.places[base+i]
		if at.value == 0 {
			continue
		}
		before := len(dst)
		dst = append(dst, p.unset[p.offsets[rank]:p.offsets[i]]...)
		name := len(dst)
		var err *WireError
		if dst, _, err = r.next(dst, p.lookup(at.tag), in, at.tag, at.value); err != nil {
			return dst, err
		}
		if len(dst) == name {
			dst = dst[:before]
			continue
		}
		rank = i + 1
	}
	r.places = r.places[:base]
	dst = append(dst, p.unset[p.offsets[rank]:]...)
	return closeObject(dst, open), nil
}

// locate finds where the fields of a message are: that of rank i is put into r.places[base+i].
func (r *run) locate(p *program, s span, base int) *WireError {
	in := r.in[:s.end]
	last := uint64(0) // the tag before; no tag is 0
	for pos := s.start; pos < len(in); {
		tag, at := readVarint(in, pos)
		if at < 0 {
			return malformed(pos, at)
		}
		_, _, next := readValue(in, at, tag)
		if next < 0 {
			return malformed(pos, next)
		}
		pos = next
		again := tag == last
		last = tag
		f := p.lookup(tag)
		if f == nil || again && f.repeated() {
			continue
		}
		to := &r.places[base+f.rank]
		if to.value != 0 {
			return errDisorder
		}
		*to = place{tag: tag, value: at}
	}
	return nil
}

// next appends the field whose value is at pos, with its name, and returns where it ends; of a
// repeated field it appends all that follow at once. It appends nothing if the field does not count as
// set.
func (r *run) next(dst []byte, f *field, in []byte, tag uint64, pos int) ([]byte, int, *WireError) {
	switch f.shape {
	case shapeText:
		return r.nextText(dst, f, in, pos)
	case shapeNumber:
		raw, next := readNumber(in, pos, protowire.Type(tag&7))
		if next < 0 {
			return dst, pos, malformed(pos, next)
		}
		if raw &= f.mask; raw == 0 && f.implicit {
			return dst, next, nil
		}
		return f.appendNumber(f.name.append(dst), raw), next, nil
	case shapeList:
		return r.nextList(dst, f, in, tag, pos)
	case shapeMap:
		return r.nextMap(dst, f, in, tag, pos)
	default:
		start, end, next := readValue(in, pos, tag)
		switch {
		case next < 0:
			return dst, pos, malformed(pos, next)
		case f.shape == shapeClear:
			return dst, next, nil
		}
		dst, err := r.message(f.name.append(dst), f.message, span{start: start, end: end})
		return dst, next, err
	}
}

// nextText is next for a string or bytes.
func (r *run) nextText(dst []byte, f *field, in []byte, pos int) ([]byte, int, *WireError) {
	start, end := readLength(in, pos)
	if end < 0 {
		return dst, pos, malformed(pos, end)
	}
	if start == end && f.implicit {
		return dst, end, nil
	}
	dst = f.name.append(dst)
	ok := true
	if f.kind == protoreflect.StringKind {
		dst, ok = appendString(dst, r.in[start:end])
	} else {
		dst, ok = f.appendText(dst, r.in[start:end])
	}
	if !ok {
		return dst, pos, &WireError{Offset: start, Err: ErrUTF8}
	}
	return dst, end, nil
}

// nextList is next for a repeated field.
func (r *run) nextList(dst []byte, f *field, in []byte, tag uint64, pos int) ([]byte, int, *WireError) {
	before := len(dst)
	dst = append(f.name.append(dst), '[')
	first := len(dst)
	for {
		start, end, next := readValue(in, pos, tag)
		if next < 0 {
			return dst, pos, malformed(pos, next)
		}
		var err *WireError
		if dst, err = r.elements(dst, f, span{start: start, end: end, typ: protowire.Type(tag & 7)}); err != nil {
			return dst, pos, err
		}
		if pos = another(in, next, tag); pos < 0 {
			if len(dst) == first {
				return dst[:before], next, nil
			}
			dst[len(dst)-1] = ']'
			return dst, next, nil
		}
	}
}

// another returns where the value of one more field of the same tag is, or -1.
func another(in []byte, pos int, tag uint64) int {
	if pos >= len(in) {
		return -1
	}
	if c := uint64(in[pos]); c < 0x80 {
		if c == tag {
			return pos + 1
		}
		return -1
	}
	if t, at := readLongVarint(in, pos); at > 0 && t == tag {
		return at
	}
	return -1
}

// closeList ends a list whose elements, from first on, were written with a comma after each.
func closeList(dst []byte, first int) []byte {
	if len(dst) == first {
		return append(dst, ']')
	}
	dst[len(dst)-1] = ']'
	return dst
}

// elements appends one value of a repeated field, or those that are packed in it, each with a comma
// after it.
func (r *run) elements(dst []byte, f *field, s span) ([]byte, *WireError) {
	if f.message != nil || f.kind == protoreflect.StringKind || f.kind == protoreflect.BytesKind {
		dst, err := r.value(dst, f, f.message, s)
		return append(dst, ','), err
	}
	typ := s.typ
	if typ == protowire.BytesType {
		typ = protowire.Type(f.tag & 7)
	}
	in := r.in[:s.end]
	for pos := s.start; pos < len(in); {
		raw, next := readNumber(in, pos, typ)
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
	case f.kind == protoreflect.StringKind || f.kind == protoreflect.BytesKind:
		dst, ok := f.appendText(dst, r.content(s))
		if !ok {
			return dst, &WireError{Offset: s.start, Err: ErrUTF8}
		}
		return dst, nil
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
		if dst, err = r.elements(dst, f, s); err != nil {
			return dst, false, err
		}
	}
	written = len(dst) > first
	return closeList(dst, first), written, nil
}
