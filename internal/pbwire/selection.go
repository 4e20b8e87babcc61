package pbwire

import (
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Selection is a canonical field mask over a message type: which fields, and what of each. A nil
// Selection selects everything. It is immutable.
//
// The selection within a map field is over keys instead of fields: see Key.
type Selection struct {
	// entries are sorted by name, each name once.
	entries []selEntry
	// every tells that every key of a map is selected, and everySub what of each value. The entries
	// beside it select more than everySub.
	every    bool
	everySub *Selection
}

// selEntry is a selected field of a message, or a selected key of a map.
type selEntry struct {
	name  string                       // the proto name, or the key in its JSON form
	field protoreflect.FieldDescriptor // nil for a key
	sub   *Selection
}

// SelectNothing is the selection of no field.
func SelectNothing() *Selection { return &Selection{} }

// SelectField is the selection of one field and of what sub selects within it.
func SelectField(fd protoreflect.FieldDescriptor, sub *Selection) *Selection {
	return &Selection{entries: []selEntry{{name: string(fd.Name()), field: fd, sub: sub}}}
}

// Field tells whether a field is selected, and what of its message (of each element of a list; of a
// map: see Key). The sub-selection is nil if everything of it is. Extensions have no name in a
// selection: only a nil selection selects them.
func (s *Selection) Field(fd protoreflect.FieldDescriptor) (sub *Selection, ok bool) {
	if s == nil {
		return nil, true
	}
	if fd.IsExtension() {
		return nil, false
	}
	return s.entry(string(fd.Name()))
}

// Key tells the same for the entry of a map with this key, in its JSON form.
func (s *Selection) Key(key string) (sub *Selection, ok bool) {
	if s == nil {
		return nil, true
	}
	if sub, ok := s.entry(key); ok {
		return sub, true
	}
	return s.everySub, s.every
}

// Keys yields the keys of a map that are selected by name, sorted, and what of each value is.
func (s *Selection) Keys() iter.Seq2[string, *Selection] {
	return func(yield func(string, *Selection) bool) {
		if s == nil {
			return
		}
		for _, e := range s.entries {
			if !yield(e.name, e.sub) {
				return
			}
		}
	}
}

// OtherKeys tells whether the keys of a map that Keys does not yield are selected, and what of each
// value is.
func (s *Selection) OtherKeys() (sub *Selection, ok bool) {
	if s == nil {
		return nil, true
	}
	return s.everySub, s.every
}

// Everything tells whether nothing is left out.
func (s *Selection) Everything() bool { return s == nil }

// Empty tells whether nothing is selected.
func (s *Selection) Empty() bool { return s != nil && len(s.entries) == 0 && !s.every }

// entry finds a field or a key that is selected by name.
func (s *Selection) entry(name string) (sub *Selection, ok bool) {
	i, ok := slices.BinarySearchFunc(s.entries, name, func(e selEntry, name string) int {
		return strings.Compare(e.name, name)
	})
	if !ok {
		return nil, false
	}
	return s.entries[i].sub, true
}

// Union is the selection of what a or b select. Both are over the same message type.
func Union(a, b *Selection) *Selection {
	if a == nil || b == nil {
		return nil
	}
	u := &Selection{every: a.every || b.every}
	if u.every {
		u.everySub = selUnionOf(a.everySub, a.every, b.everySub, b.every)
		if u.everySub == nil {
			return nil // every key, and all of each value
		}
	}
	for i, j := 0, 0; i < len(a.entries) || j < len(b.entries); {
		switch {
		case j == len(b.entries) || i < len(a.entries) && a.entries[i].name < b.entries[j].name:
			u.add(a.entries[i], b)
			i++
		case i == len(a.entries) || b.entries[j].name < a.entries[i].name:
			u.add(b.entries[j], a)
			j++
		default:
			u.add(a.entries[i], b)
			i, j = i+1, j+1
		}
	}
	return u
}

// add appends an entry of one side of a union, joined with what the other side selects of it. A key
// of which no more is selected than of every key needs no entry.
func (s *Selection) add(e selEntry, other *Selection) {
	otherSub, ok := other.Key(e.name)
	e.sub = selUnionOf(e.sub, true, otherSub, ok)
	if s.every && selEqual(e.sub, s.everySub) {
		return
	}
	s.entries = append(s.entries, e)
}

// selUnionOf is Union over two selections either of which may not be there.
func selUnionOf(a *Selection, hasA bool, b *Selection, hasB bool) *Selection {
	switch {
	case !hasA:
		return b
	case !hasB:
		return a
	default:
		return Union(a, b)
	}
}

// selEqual tells whether two selections over the same message type are the same.
func selEqual(a, b *Selection) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	return a.every == b.every && selEqual(a.everySub, b.everySub) &&
		slices.EqualFunc(a.entries, b.entries, func(x, y selEntry) bool {
			return x.name == y.name && selEqual(x.sub, y.sub)
		})
}

// String returns the canonical form: proto names, sorted, without redundant paths; `a.b` for one
// field within a, `a(b,c)` for several, `a()` for none. It is "*" for everything and "()" for
// nothing. ParseSelection reads it back.
func (s *Selection) String() string {
	switch {
	case s == nil:
		return "*"
	case s.Empty():
		return "()"
	}
	return string(s.appendList(nil))
}

// appendList appends what is selected at one level, separated by commas.
func (s *Selection) appendList(dst []byte) []byte {
	if s.every {
		dst = s.everySub.appendWithin(append(dst, '*'))
	}
	for i, e := range s.entries {
		if i > 0 || s.every {
			dst = append(dst, ',')
		}
		dst = e.sub.appendWithin(selAppendName(dst, e.name))
	}
	return dst
}

// appendWithin appends what is selected within a name that was just written.
func (s *Selection) appendWithin(dst []byte) []byte {
	if s == nil {
		return dst
	}
	if n := len(s.entries); n == 1 && !s.every || n == 0 && s.every {
		return s.appendList(append(dst, '.'))
	}
	return append(s.appendList(append(dst, '(')), ')')
}

// Paths returns the selection as the paths of a google.protobuf.FieldMask. A path cannot pass
// through a map (AIP-161 names keys, FieldMask cannot), so it ends there; it ends too at a message of
// which nothing is selected but that it is there. There are none for a nil selection, nor for an
// empty one: a caller that tells them apart asks Everything.
func (s *Selection) Paths() []string {
	if s == nil {
		return nil
	}
	return s.appendPaths(nil, "")
}

func (s *Selection) appendPaths(paths []string, prefix string) []string {
	for _, e := range s.entries {
		path := prefix + e.name
		if e.sub == nil || e.sub.Empty() || e.field.IsMap() {
			paths = append(paths, path)
			continue
		}
		paths = e.sub.appendPaths(paths, path+".")
	}
	return paths
}
