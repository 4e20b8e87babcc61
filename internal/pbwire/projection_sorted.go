package pbwire

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
