package pbwire

import "google.golang.org/protobuf/encoding/protowire"

// gather sorts the values of a message by field, as if it had been decoded: of a singular scalar the
// last is left, and of a oneof the last member. The chain of p.fields[i] is r.lists[base+i]. The
// caller pops with drop.
func (r *run) gather(p *program, s span) (mark runMark, err *WireError) {
	mark = runMark{lists: len(r.lists), spans: len(r.spans)}
	for range len(p.fields) + p.oneofs {
		r.lists = append(r.lists, chain{})
	}
	for {
		if err := r.gatherSpan(p, mark.lists, s); err != nil {
			return mark, err
		}
		if s.next == 0 {
			return mark, nil
		}
		s = r.spans[s.next]
	}
}

// runMark is how high the stacks were.
type runMark struct{ lists, spans int }

// drop pops what gather pushed.
func (r *run) drop(m runMark) {
	r.lists = r.lists[:m.lists]
	r.spans = r.spans[:m.spans]
}

func (r *run) gatherSpan(p *program, base int, s span) *WireError {
	in := r.in[:s.end]
	for pos := s.start; pos < len(in); {
		tag, at := readVarint(in, pos)
		if at < 0 {
			return malformed(pos, at)
		}
		start, end, next := readValue(in, at, tag)
		if next < 0 {
			return malformed(pos, next).within(p.lookup(tag))
		}
		if f := p.lookup(tag); f != nil {
			if err := r.add(p, base, f, span{start: start, end: end, typ: protowire.Type(tag & 7)}); err != nil {
				return err
			}
		}
		pos = next
	}
	return nil
}

// add adds a value to the chain of its field, and drops what it replaces.
func (r *run) add(p *program, base int, f *field, s span) *WireError {
	if f.oneof >= 0 {
		winner := &r.lists[base+len(p.fields)+f.oneof].first // as index plus one
		if before := int(*winner) - 1; before >= 0 && before != f.index {
			if err := r.replace(&p.fields[before], &r.lists[base+before]); err != nil {
				return err
			}
		}
		*winner = int32(f.index) + 1
	}
	values := &r.lists[base+f.index]
	if f.replaces() {
		if err := r.replace(f, values); err != nil {
			return err
		}
	}
	r.push(values, s)
	return nil
}

// replace empties the chain of a field. What is dropped must be well-formed, too.
func (r *run) replace(f *field, values *chain) *WireError {
	for i := values.first; i != 0; i = r.spans[i].next {
		s := r.spans[i]
		s.next = 0
		if err := r.checkValue(f, s); err != nil {
			return err.within(f)
		}
	}
	*values = chain{}
	return nil
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
		return r.chainMap(dst, f, values)
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
