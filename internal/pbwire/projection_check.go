package pbwire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// check tells what proto.Unmarshal would refuse in a message.
func (r *run) check(p *program, s span) *WireError {
	if r.depth == 0 {
		return &WireError{Offset: s.start, Err: ErrDepth}
	}
	r.depth--
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
			if err := r.checkValue(f, span{start: start, end: end, typ: protowire.Type(tag & 7)}); err != nil {
				return err.within(f)
			}
		}
		pos = next
	}
	r.depth++
	return nil
}

// checkValue is check for one value of a field.
func (r *run) checkValue(f *field, s span) *WireError {
	switch {
	case f.shape == shapeClear:
		return nil
	case f.shape == shapeMap:
		return r.checkEntry(f, s)
	case f.message != nil:
		return r.check(f.message, s)
	case f.utf8 && !utf8.Valid(r.content(s)):
		return &WireError{Offset: s.start, Err: ErrUTF8}
	case f.packed(s.typ):
		return r.checkPacked(f, s)
	}
	return nil
}

func (r *run) checkPacked(f *field, s span) *WireError {
	in := r.in[:s.end]
	for pos := s.start; pos < len(in); {
		_, next := readNumber(in, pos, protowire.Type(f.tag&7))
		if next < 0 {
			return malformed(pos, next)
		}
		pos = next
	}
	return nil
}

// checkEntry is check for an entry of a map.
func (r *run) checkEntry(f *field, s span) *WireError {
	mark := runMark{lists: len(r.lists), spans: len(r.spans)}
	e, ok, err := r.entry(f, s)
	if err == nil && ok {
		err = r.checkRead(f, &e)
	}
	r.drop(mark)
	return err
}

// checkRead is checkEntry for an entry that was read.
func (r *run) checkRead(f *field, e *entry) *WireError {
	if err := r.checkValue(f.key, e.key); err != nil {
		return err
	}
	for s := e.value; e.set; s = r.spans[s.next] {
		var err *WireError
		if e.sub != nil {
			err = r.check(e.sub, s)
		} else {
			err = r.checkValue(f.value, s)
		}
		if err != nil || s.next == 0 {
			return err
		}
	}
	return nil
}
