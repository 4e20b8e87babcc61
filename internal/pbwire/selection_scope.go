package pbwire

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// selNode is a node of the tree that a parser grows: a message, a map, or a value.
type selNode struct {
	whole    bool // all of it is selected, whatever the children say
	field    protoreflect.FieldDescriptor
	children map[string]*selNode // by proto name, or by key
	every    *selNode            // every key of a map
}

// child returns the child of that name; field is nil for a key.
func (n *selNode) child(name string, field protoreflect.FieldDescriptor) *selNode {
	if child, ok := n.children[name]; ok {
		return child
	}
	if n.children == nil {
		n.children = make(map[string]*selNode)
	}
	child := &selNode{field: field}
	n.children[name] = child
	return child
}

func (n *selNode) names() []string { return slices.Sorted(maps.Keys(n.children)) }

// selection is what the tree selects. It is for trees without keys of maps.
func (n *selNode) selection() *Selection {
	if n.whole {
		return nil
	}
	s := &Selection{}
	for _, name := range n.names() {
		child := n.children[name]
		s.entries = append(s.entries, selEntry{name: name, field: child.field, sub: child.selection()})
	}
	return s
}

// leaves counts the paths of a selection, keys included.
func (s *Selection) leaves() int {
	if s == nil || s.Empty() {
		return 1
	}
	count := 0
	if s.every {
		count += s.everySub.leaves()
	}
	for _, e := range s.entries {
		count += e.sub.leaves()
	}
	return count
}

// selScope is a place in a message type within which the next name of a path is looked up.
type selScope struct {
	node *selNode
	// md is the message whose fields can be named; nil in a map, in a scalar, and after a "*" that
	// stands for all fields.
	md protoreflect.MessageDescriptor
	// field leads here; nil at the top.
	field protoreflect.FieldDescriptor
	// list tells that a "*" can stand for every element.
	list bool
	// mapping tells that keys can be named.
	mapping bool
	// all tells that a "*" stood for all fields.
	all bool
}

// step goes down by one name.
func (s selScope) step(name selName) (selScope, error) {
	switch {
	case s.list && name.star():
		s.list = false
		return s, nil
	case s.field == nil && !s.all && name.star(): // even of a message that is selected as a whole
		return selScope{node: s.node, all: true}, nil
	case s.list && selIsIndex(name.text):
		return s, fmt.Errorf("%q is a list, and a selection has no list indexes; what it names is selected of every element", s.field.Name())
	case s.mapping:
		return s.stepKey(name)
	}
	if err := s.checkOpen(); err != nil {
		return s, err
	}
	if name.star() {
		return selScope{node: s.node, all: true}, nil
	}
	fd, err := s.lookUp(name)
	if err != nil {
		return s, err
	}
	return selScopeOf(s.node.child(string(fd.Name()), fd), fd), nil
}

// stepKey goes down to a key of a map, or to every key.
func (s selScope) stepKey(name selName) (selScope, error) {
	value := s.field.MapValue()
	if name.star() {
		if s.node.every == nil {
			s.node.every = &selNode{}
		}
		return selScopeOf(s.node.every, value), nil
	}
	if want := selKeyWant(s.field.MapKey().Kind(), name.text); want != "" {
		return s, fmt.Errorf("%s is no key of the map %q: its keys are %s", selShow(name.text), s.field.Name(), want)
	}
	return selScopeOf(s.node.child(name.text, nil), value), nil
}

// checkOpen tells why no names can follow, if so.
func (s selScope) checkOpen() error {
	switch {
	case s.mapping || s.md != nil && parseSpecial(s.md) == nil:
		return nil
	case s.all:
		return errors.New(`a "*" stands for all fields; nothing can follow it`)
	case s.md != nil && s.field == nil:
		return fmt.Errorf("%s is selected as a whole; it has no fields to select", s.md.FullName())
	case s.md != nil:
		return fmt.Errorf("%q is a %s, which is selected as a whole", s.field.Name(), s.md.FullName())
	default:
		return fmt.Errorf("%q is a %s, which is selected as a whole", s.field.Name(), s.field.Kind())
	}
}

// lookUp finds a field by its proto name, or by its JSON name.
func (s selScope) lookUp(name selName) (protoreflect.FieldDescriptor, error) {
	fields := s.md.Fields()
	if fd := fields.ByName(protoreflect.Name(name.text)); fd != nil {
		return fd, nil
	}
	if fd := fields.ByJSONName(name.text); fd != nil {
		return fd, nil
	}
	if before, _, ok := strings.Cut(name.text, "["); ok && !name.quoted {
		return nil, fmt.Errorf("%s: a selection has no list indexes; write %s", selShow(name.text), selShow(before))
	}
	names := make([]string, 0, 2*fields.Len())
	for i := range fields.Len() {
		names = append(names, string(fields.Get(i).Name()), fields.Get(i).JSONName())
	}
	return nil, fmt.Errorf("unknown field %s of %s%s", selShow(name.text), s.md.FullName(), selSuggest(name.text, names))
}

// selScopeOf is the scope that a field leads to.
func selScopeOf(node *selNode, fd protoreflect.FieldDescriptor) selScope {
	if fd.IsMap() {
		return selScope{node: node, field: fd, mapping: true}
	}
	return selScope{node: node, field: fd, md: fd.Message(), list: fd.IsList()}
}

func selIsIndex(name string) bool {
	return strings.Trim(name, "-0123456789") == "" && name != ""
}

// selKeyWant returns what the keys of a map are like if key is none of them in its JSON form, or "".
func selKeyWant(kind protoreflect.Kind, key string) string {
	switch kind {
	case protoreflect.StringKind:
		return ""
	case protoreflect.BoolKind:
		if key != "true" && key != "false" {
			return "true and false"
		}
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return selIntegerWant(key, kind, 32, false)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return selIntegerWant(key, kind, 64, false)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return selIntegerWant(key, kind, 32, true)
	default:
		return selIntegerWant(key, kind, 64, true)
	}
	return ""
}

func selIntegerWant(key string, kind protoreflect.Kind, bits int, signed bool) string {
	var canonical string
	var err error
	if signed {
		var v int64
		v, err = strconv.ParseInt(key, 10, bits)
		canonical = strconv.FormatInt(v, 10)
	} else {
		var v uint64
		v, err = strconv.ParseUint(key, 10, bits)
		canonical = strconv.FormatUint(v, 10)
	}
	if err != nil || canonical != key {
		return kind.String() + " numbers"
	}
	return ""
}
