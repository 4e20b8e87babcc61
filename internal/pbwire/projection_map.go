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

// nextMap is next for a map.
func (r *run) nextMap(dst []byte, f *field, in []byte, tag uint64, pos int) ([]byte, int, *WireError) {
	before := len(dst)
	mark := runMark{lists: len(r.lists), spans: len(r.spans)}
	var values chain
	for {
		start, end, next := readValue(in, pos, tag)
		if next < 0 {
			return dst, pos, malformed(pos, next)
		}
		r.push(&values, span{start: start, end: end})
		if pos = another(in, next, tag); pos < 0 {
			dst, written, err := r.mapping(f.name.append(dst), f, values)
			r.drop(mark)
			if !written {
				return dst[:before], next, err
			}
			return dst, next, err
		}
	}
}

// mapping appends the entries of a map, sorted by key, of each key the last. It tells whether there
// are any.
func (r *run) mapping(dst []byte, f *field, values chain) ([]byte, bool, *WireError) {
	base, mark := len(r.entries), runMark{lists: len(r.lists), spans: len(r.spans)}
	for i := values.first; i != 0; i = r.spans[i].next {
		e, ok, err := r.entry(f, r.spans[i])
		if err != nil {
			return dst, false, err
		}
		if ok {
			e.at = len(r.entries)
			r.entries = append(r.entries, e)
		}
	}
	if err := r.sortEntries(f, base); err != nil {
		return dst, false, err
	}
	open := len(dst)
	for i := base; i < len(r.entries); i++ {
		var err *WireError
		if dst, err = r.appendEntry(dst, f, r.entries[i]); err != nil {
			return dst, false, err
		}
	}
	written := len(r.entries) > base
	clear(r.entries[base:])
	r.entries = r.entries[:base]
	r.drop(mark)
	return closeObject(dst, open), written, nil
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
		var prefix [8]byte
		copy(prefix[:], r.content(s))
		return binary.BigEndian.Uint64(prefix[:])
	}
	raw, _ := readNumber(r.in[:s.end], s.start, s.typ) // it was read before
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
	compare := func(a, b entry) int {
		if c := cmp.Compare(a.order, b.order); c != 0 || f.key.shape != shapeText {
			return c
		}
		return bytes.Compare(r.content(a.key), r.content(b.key))
	}
	entries := r.entries[base:]
	sorted := true
	for i := 1; i < len(entries) && sorted; i++ {
		sorted = compare(entries[i-1], entries[i]) < 0
	}
	if sorted {
		return nil
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(compare(a, b), cmp.Compare(a.at, b.at))
	})
	kept := base
	for i, e := range entries {
		if i+1 < len(entries) && compare(e, entries[i+1]) == 0 {
			if err := r.checkEntryValue(f, e); err != nil {
				return err
			}
			continue
		}
		r.entries[kept] = e
		kept++
	}
	r.entries = r.entries[:kept]
	return nil
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
