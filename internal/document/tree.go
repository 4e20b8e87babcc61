package document

import (
	"strconv"

	"facet/internal/problem"
)

// A kind is what a value is, as YAML has it.
type kind int

const (
	nothing kind = iota
	boolean
	integer
	float
	text
	list
	mapping
	// broken is a value that is a problem already, and not to be looked at again.
	broken
)

// A node is one value of a document.
type node struct {
	kind  kind
	at    problem.Position
	text  string          // of a scalar
	items []*node         // of a list
	keys  []*key          // of a mapping, in the order of the document
	named map[string]*key // of a mapping, by name
}

// A key is one entry of a mapping.
type key struct {
	kind  kind
	name  string
	at    problem.Position
	value *node
}

// String describes the value for a message that says what was found.
func (n *node) String() string {
	switch n.kind {
	case nothing:
		return "nothing"
	case boolean:
		return "the boolean " + n.text
	case integer, float:
		return "the number " + abbreviate(n.text)
	case text:
		return "the text " + strconv.Quote(abbreviate(n.text))
	case list:
		return "a list"
	default:
		return "a mapping"
	}
}

// abbreviate shortens what a message quotes.
func abbreviate(s string) string {
	const longest = 40
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return s
}

// Positions tells where each value of a document stands.
type Positions struct {
	document string
	root     *node
}

// At returns the position of a value, by the keys that lead to it ("methods", "a.B/C", "calls"); elements of a list
// go by their index. A text stands where its first character does, after a quote; a mapping or list where the
// key does that names it. A path that does not exist yields the position of its longest known part.
func (p *Positions) At(path ...string) problem.Position {
	keyed, n := p.find(path)
	if n != nil && n.kind != mapping && n.kind != list {
		return n.at
	}
	return keyed
}

// AtKey is At, but for the key that names the value.
func (p *Positions) AtKey(path ...string) problem.Position {
	keyed, _ := p.find(path)
	return keyed
}

// find walks as far along the path as it goes. It returns the value there and the position of the key that names
// it; a value without a key stands where it begins.
func (p *Positions) find(path []string) (problem.Position, *node) {
	at, n := problem.Position{Document: p.document}, p.root
	if n != nil {
		at = n.at
	}
	for _, step := range path {
		keyed, next, ok := n.child(step)
		if !ok {
			break
		}
		at, n = keyed, next
	}
	return at, n
}

// child returns the value under a key or index, and the position of what names it.
func (n *node) child(step string) (problem.Position, *node, bool) {
	switch {
	case n == nil:
		return problem.Position{}, nil, false
	case n.kind == mapping:
		k, ok := n.named[step]
		if !ok {
			return problem.Position{}, nil, false
		}
		return k.at, k.value, true
	case n.kind == list:
		i, err := strconv.Atoi(step)
		if err != nil || i < 0 || i >= len(n.items) {
			return problem.Position{}, nil, false
		}
		return n.items[i].at, n.items[i], true
	}
	return problem.Position{}, nil, false
}
