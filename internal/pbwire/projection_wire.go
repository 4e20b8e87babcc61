package pbwire

import "google.golang.org/protobuf/encoding/protowire"

// trim appends the content of a message, trimmed.
func (r *run) trim(dst []byte, p *program, s span) ([]byte, *WireError) {
	if r.depth == 0 {
		return dst, &WireError{Offset: s.start, Err: ErrDepth}
	}
	r.depth--
	var err *WireError
	switch {
	case p.whole:
		dst = r.copyChain(dst, s)
	case p.delicate && (r.exact || s.next != 0):
		dst, err = r.trimGathered(dst, p, s)
	default:
		dst, err = r.trimChain(dst, p, s)
	}
	r.depth++
	return dst, err
}

// copyChain appends the spans of a chain as they are.
func (r *run) copyChain(dst []byte, s span) []byte {
	for ; s.next != 0; s = r.spans[s.next] {
		dst = append(dst, r.content(s)...)
	}
	return append(dst, r.content(s)...)
}

// trimChain appends what is selected of each span of a chain, field after field.
func (r *run) trimChain(dst []byte, p *program, s span) (_ []byte, err *WireError) {
	for {
		if dst, err = r.trimOrdered(dst, p, s); err != nil || s.next == 0 {
			return dst, err
		}
		s = r.spans[s.next]
	}
}

// trimOrdered appends what is selected of a message, field after field. It returns errDisorder if a
// delicate field, or another member of its oneof, comes twice or late: what the last one clears is
// written then.
func (r *run) trimOrdered(dst []byte, p *program, s span) ([]byte, *WireError) {
	in := r.in[:s.end]
	rank := 0
	copied := s.start // up to where the input is copied, or dropped
	pos := s.start
	for pos < len(in) {
		t := readToken(in, pos)
		if t.next < 0 {
			return dst, malformed(pos, t.next).within(p.lookup(t.tag))
		}
		f := p.lookup(t.tag)
		if f != nil && f.delicate {
			if f.rank < rank {
				return dst, errDisorder
			}
			rank = f.rank + 1
		}
		if f == nil || !f.whole {
			dst = append(dst, in[copied:pos]...)
			copied = t.next
		}
		if f != nil && !f.whole && f.shape != shapeClear {
			var err *WireError
			if dst, err = r.trimValue(dst, f, t.span()); err != nil {
				return dst, err.within(f)
			}
		}
		pos = t.next
	}
	return append(dst, in[copied:pos]...), nil
}

// trimGathered appends what is selected of a message whose fields may be in any order, repeated, and
// split.
func (r *run) trimGathered(dst []byte, p *program, s span) ([]byte, *WireError) {
	mark, err := r.gather(p, s)
	if err != nil {
		return dst, err
	}
	for i := range p.fields {
		f := &p.fields[i]
		values := r.lists[mark.lists+i]
		switch {
		case values.first == 0 || f.shape == shapeClear:
			continue
		case f.shape == shapeMessage:
			if dst, err = r.trimValue(dst, f, r.spans[values.first]); err != nil {
				return dst, err.within(f)
			}
			continue
		}
		for i := values.first; i != 0; {
			s := r.spans[i]
			i, s.next = s.next, 0
			if dst, err = r.trimValue(dst, f, s); err != nil {
				return dst, err.within(f)
			}
		}
	}
	r.drop(mark)
	return dst, nil
}

// trimValue appends one value of a field, with its tag.
func (r *run) trimValue(dst []byte, f *field, s span) ([]byte, *WireError) {
	switch {
	case f.shape == shapeMap && !f.whole:
		return r.trimEntry(dst, f, s)
	case f.message != nil:
		return r.trimMessage(dst, f.tag, f.message, s)
	case f.shape == shapeNumber || f.shape == shapeList && s.typ != protowire.BytesType:
		dst = protowire.AppendVarint(dst, f.tag&^7|uint64(s.typ))
		return append(dst, r.content(s)...), nil
	}
	dst = protowire.AppendVarint(dst, f.tag&^7|uint64(protowire.BytesType))
	return protowire.AppendBytes(dst, r.content(s)), nil
}

// trimMessage appends a message, trimmed, with its tag.
func (r *run) trimMessage(dst []byte, tag uint64, p *program, s span) (_ []byte, err *WireError) {
	dst = protowire.AppendVarint(dst, tag)
	if protowire.Type(tag&7) == protowire.StartGroupType {
		if dst, err = r.trim(dst, p, s); err != nil {
			return dst, err
		}
		return protowire.AppendVarint(dst, tag&^7|uint64(protowire.EndGroupType)), nil
	}
	dst, body := openLength(dst, s.end-s.start)
	if dst, err = r.trim(dst, p, s); err != nil {
		return dst, err
	}
	return closeLength(dst, body), nil
}

// lengthMark is where a message whose length is not known yet starts, and what is left free before it.
type lengthMark struct{ start, width int }

// openLength leaves room for the length of a message, which is about size.
func openLength(dst []byte, size int) ([]byte, lengthMark) {
	width := protowire.SizeVarint(uint64(size))
	var room [10]byte
	dst = append(dst, room[:width]...)
	return dst, lengthMark{start: len(dst), width: width}
}

// closeLength writes the length of a message that ends where dst does.
func closeLength(dst []byte, m lengthMark) []byte {
	size := len(dst) - m.start
	if width := protowire.SizeVarint(uint64(size)); width != m.width {
		var room [10]byte
		dst = append(dst, room[:width]...)
		to := m.start - m.width + width
		copy(dst[to:], dst[m.start:m.start+size])
		dst = dst[:to+size]
	}
	protowire.AppendVarint(dst[:m.start-m.width], uint64(size))
	return dst
}

// trimEntry appends an entry of a map if its key is selected.
func (r *run) trimEntry(dst []byte, f *field, s span) ([]byte, *WireError) {
	mark := runMark{lists: len(r.lists), spans: len(r.spans)}
	e, ok, err := r.entry(f, s)
	if err != nil || !ok {
		r.drop(mark)
		return dst, err
	}
	dst = protowire.AppendVarint(dst, f.tag)
	dst, body := openLength(dst, s.end-s.start)
	if e.key.end > 0 {
		if dst, err = r.trimValue(dst, f.key, e.key); err != nil {
			return dst, err
		}
	}
	switch {
	case !e.set:
	case e.sub != nil:
		dst, err = r.trimMessage(dst, f.value.tag, e.sub, e.value)
	default:
		dst, err = r.trimValue(dst, f.value, e.value)
	}
	r.drop(mark)
	return closeLength(dst, body), err
}
