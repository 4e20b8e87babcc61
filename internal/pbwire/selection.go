package pbwire

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Selection is a canonical field mask over a message type: which fields, and what of each. A nil
// Selection selects everything. It is immutable.
type Selection struct{}

// SelectionLimits bounds a selection that a client sends.
type SelectionLimits struct {
	Bytes, Depth, Paths int
}

// ParseSelection reads `a.b,c(d,e.f),*` over a message type. Names may be proto names or JSON
// names. An empty text selects everything. Its errors are *SelectionError.
func ParseSelection(md protoreflect.MessageDescriptor, text string, limits SelectionLimits) (*Selection, error) {
	return nil, errors.New("pbwire: not implemented")
}

// SelectionError is what is wrong with a selection.
type SelectionError struct {
	Column  int // from 1
	Message string
}

// Error implements error.
func (e *SelectionError) Error() string { return e.Message }

// SelectNothing is the selection of no field.
func SelectNothing() *Selection { return &Selection{} }

// SelectField is the selection of one field and of what sub selects within it.
func SelectField(fd protoreflect.FieldDescriptor, sub *Selection) *Selection { return nil }

// Union is the selection of what a or b select.
func Union(a, b *Selection) *Selection { return nil }

// Field tells whether a field is selected, and what of its message (of each element of a list; of a
// map: see Key). The sub-selection is nil if everything of it is.
func (s *Selection) Field(fd protoreflect.FieldDescriptor) (sub *Selection, ok bool) {
	return nil, s == nil
}

// Key tells the same for the entry of a map with this key, in its JSON form.
func (s *Selection) Key(key string) (sub *Selection, ok bool) { return nil, s == nil }

// Everything tells whether nothing is left out.
func (s *Selection) Everything() bool { return s == nil }

// Empty tells whether nothing is selected.
func (s *Selection) Empty() bool { return s != nil }

// String returns the canonical form, `a(b,c),d`: proto names, sorted, without redundant paths. It is
// "*" for everything.
func (s *Selection) String() string { return "*" }

// Paths returns the selection as the paths of a google.protobuf.FieldMask. A path cannot pass
// through a map (AIP-161 names keys, FieldMask cannot), so it ends there.
func (s *Selection) Paths() []string { return nil }
