package pbwire

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// entry is an entry of a map.
type entry struct {
	key   span     // of a string
	order uint64   // sorts as the key does; of a string only its first eight bytes
	at    int      // which entry of its map it is
	set   bool     // it has a value
	value span     // a chain for a message that was split
	sub   *program // of a message
}

// mapping appends a map, as repeated does.
func (r *run) mapping(dst []byte, f *field, in []byte, t token) ([]byte, int, *WireError) {
	base, mark := len(r.entries), runMark{lists: len(r.lists), spans: len(r.spans)}
	plain := f.keyed == nil && f.others
	for {
		if !plain || !r.addPlainEntry(f, t.span()) {
			if err := r.addEntry(f, t.span()); err != nil {
				return dst, 0, err
			}
		}
		if !another(in, t.next, t.tag) {
			break
		}
		pos := t.next
		if t = readToken(in, pos); t.next < 0 {
			return dst, 0, malformed(pos, t.next)
		}
	}
	if len(r.entries) == base {
		return dst, t.next, nil
	}
	dst, err := r.appendEntries(f.name.append(dst), f, base)
	r.drop(mark)
	return dst, t.next, err
}

// chainMap appends the entries of a map. It tells whether there are any.
func (r *run) chainMap(dst []byte, f *field, values chain) ([]byte, bool, *WireError) {
	base, mark := len(r.entries), runMark{lists: len(r.lists), spans: len(r.spans)}
	for i := values.first; i != 0; i = r.spans[i].next {
		if err := r.addEntry(f, r.spans[i]); err != nil {
			return dst, false, err
		}
	}
	written := len(r.entries) > base
	dst, err := r.appendEntries(dst, f, base)
	r.drop(mark)
	return dst, written, err
}

// appendEntries appends the entries from base on, sorted by key, of each key the last, and pops them.
func (r *run) appendEntries(dst []byte, f *field, base int) ([]byte, *WireError) {
	if err := r.sortEntries(f, base); err != nil {
		return dst, err
	}
	open := len(dst)
	for i := base; i < len(r.entries); i++ {
		var err *WireError
		if dst, err = r.appendEntry(dst, f, r.entries[i]); err != nil {
			return dst, err
		}
	}
	clear(r.entries[base:])
	r.entries = r.entries[:base]
	return closeObject(dst, open), nil
}

// addPlainEntry pushes an entry if it is as encoders write it: a key, then a value. The key is not checked.
func (r *run) addPlainEntry(f *field, s span) bool {
	in := r.in[:s.end]
	if s.start == len(in) {
		return false
	}
	key := readToken(in, s.start)
	if key.tag != f.key.tag || key.next < 0 || key.next == len(in) || uint64(in[key.next]) != f.value.tag {
		return false
	}
	value := readToken(in, key.next)
	if value.next != len(in) {
		return false
	}
	e := entry{at: len(r.entries), set: true, sub: f.value.message}
	if f.key.shape == shapeText {
		e.key, e.order = key.span(), prefix8(in[key.value:key.end])
	} else {
		e.order = f.key.numberOrder(key.value)
	}
	if f.value.shape == shapeNumber {
		e.value = span{start: key.next + 1, end: value.next, typ: protowire.Type(value.tag & 7)}
	} else {
		e.value = value.span()
	}
	r.entries = append(r.entries, e)
	return true
}

// addEntry pushes an entry if its key is selected.
func (r *run) addEntry(f *field, s span) *WireError {
	e, ok, err := r.entry(f, s)
	if err == nil && ok {
		e.at = len(r.entries)
		r.entries = append(r.entries, e)
	}
	return err
}

// entry reads an entry of a map. It tells whether its key is selected.
func (r *run) entry(f *field, s span) (e entry, ok bool, err *WireError) {
	var value chain
	in := r.in[:s.end]
	for pos := s.start; pos < len(in); {
		tag, at := readVarint(in, pos)
		if at < 0 {
			return e, false, malformed(pos, at)
		}
		start, end, next := readValue(in, at, tag)
		if next < 0 {
			return e, false, malformed(pos, next)
		}
		inner := span{start: start, end: end, typ: protowire.Type(tag & 7)}
		switch tag {
		case f.key.tag:
			if err := r.checkValue(f.key, inner); err != nil {
				return e, false, err
			}
			e.key, e.order = inner, r.keyOrder(f.key, inner)
		case f.value.tag:
			if f.value.message == nil && value.first != 0 {
				if err := r.replace(f.value, &value); err != nil {
					return e, false, err
				}
			}
			r.push(&value, inner)
		}
		pos = next
	}
	if f.key.shape == shapeNumber && e.key.end == 0 {
		e.order = signBit(f.key.kind) // the key is missing: zero
	}
	if value.first != 0 {
		e.set, e.value = true, r.spans[value.first]
	}
	e.sub, ok = r.selected(f, &e)
	return e, ok, nil
}

// keyOrder is a number that sorts as a key does.
func (r *run) keyOrder(f *field, s span) uint64 {
	if f.shape == shapeText {
		return prefix8(r.content(s))
	}
	raw, _ := readNumber(r.in[:s.end], s.start, s.typ) // it was read before
	return f.numberOrder(raw)
}

// numberOrder is keyOrder for a number as it is on the wire.
func (f *field) numberOrder(raw uint64) uint64 {
	raw &= f.mask
	switch f.kind {
	case protoreflect.BoolKind:
		if raw != 0 {
			raw = 1
		}
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		raw = uint64(int64(int32(raw)))
	case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
		raw = uint64(protowire.DecodeZigZag(raw))
	}
	return raw ^ signBit(f.kind)
}

// prefix8 is the first eight bytes of a text, as a number that sorts as they do.
func prefix8(text []byte) uint64 {
	if cap(text) >= 8 {
		return binary.BigEndian.Uint64(text[:8]) &^ (1<<(64-8*min(len(text), 8)) - 1)
	}
	var prefix [8]byte
	copy(prefix[:], text)
	return binary.BigEndian.Uint64(prefix[:])
}

// signBit is what makes signed numbers of a kind sort as unsigned ones do.
func signBit(kind protoreflect.Kind) uint64 {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind, protoreflect.Sint32Kind,
		protoreflect.Int64Kind, protoreflect.Sfixed64Kind, protoreflect.Sint64Kind:
		return 1 << 63
	}
	return 0
}

// selected tells whether the key of an entry is selected, and what of its value.
func (r *run) selected(f *field, e *entry) (*program, bool) {
	if f.keyed != nil {
		var text [24]byte
		key := r.content(e.key)
		if f.key.shape != shapeText {
			key = f.key.appendKeyNumber(text[:0], e.order)
		}
		if sub, ok := f.keyed[string(key)]; ok {
			return sub, true
		}
	}
	return f.value.message, f.others
}

// appendKeyNumber appends a key that is not a string, without quotes.
func (f *field) appendKeyNumber(dst []byte, order uint64) []byte {
	switch {
	case f.kind == protoreflect.BoolKind:
		return strconv.AppendBool(dst, order != 0)
	case signBit(f.kind) != 0:
		return appendInt(dst, int64(order^signBit(f.kind)))
	default:
		return appendUint(dst, order)
	}
}

// sortEntries sorts the entries from base on by key, and drops those that a later one replaces.
func (r *run) sortEntries(f *field, base int) *WireError {
	entries := r.entries[base:]
	sorted := true
	for i := 1; i < len(entries) && sorted; i++ {
		sorted = r.compareKeys(f, &entries[i-1], &entries[i]) < 0
	}
	if sorted {
		return nil
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(r.compareKeys(f, &a, &b), cmp.Compare(a.at, b.at))
	})
	kept := base
	for i := range entries {
		e := &entries[i]
		if i+1 < len(entries) && r.compareKeys(f, e, &entries[i+1]) == 0 {
			if err := r.checkRead(f, e); err != nil {
				return err
			}
			continue
		}
		r.entries[kept] = *e
		kept++
	}
	clear(r.entries[kept:])
	r.entries = r.entries[:kept]
	return nil
}

// compareKeys compares the keys of two entries.
func (r *run) compareKeys(f *field, a, b *entry) int {
	if c := cmp.Compare(a.order, b.order); c != 0 || f.key.shape != shapeText {
		return c
	}
	return bytes.Compare(r.content(a.key), r.content(b.key))
}

// appendEntry appends an entry, with a comma before it.
func (r *run) appendEntry(dst []byte, f *field, e entry) ([]byte, *WireError) {
	dst = append(dst, ',')
	if f.key.shape == shapeText {
		var ok bool
		if dst, ok = appendString(dst, r.content(e.key)); !ok {
			return dst, &WireError{Offset: e.key.start, Err: ErrUTF8}
		}
	} else {
		dst = append(dst, '"')
		dst = f.key.appendKeyNumber(dst, e.order)
		dst = append(dst, '"')
	}
	dst = append(dst, ':')
	if !e.set && f.value.shape == shapeNumber {
		return f.value.appendNumber(dst, f.value.zero), nil
	}
	return r.value(dst, f.value, e.sub, e.value)
}
