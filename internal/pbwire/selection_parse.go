package pbwire

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// selMaxDepth bounds the names in one path whatever the limits say: messages that are nested deeper
// cannot be served.
const selMaxDepth = 200

// SelectionLimits bounds a selection that a client sends. A limit of zero is none.
type SelectionLimits struct {
	Bytes int // of the text
	Depth int // names in one path; 200 at most, even if zero
	Paths int // a "*" beside named keys of a map counts once a key
}

// SelectionError is what is wrong with a selection.
type SelectionError struct {
	Column  int // from 1, in bytes
	Message string
}

// Error implements error.
func (e *SelectionError) Error() string { return e.Message }

// ParseSelection reads `a.b,c(d,e.f),*` over a message type. An empty or blank text selects
// everything, and so does a "*" at the top. Its errors are *SelectionError.
//
//	selection = [ "()" | paths ]
//	paths     = path { "," path }
//	path      = name { ( "." | "/" ) name } [ "(" [ paths ] ")" ]
//	name      = "*" | word | quoted
//	quoted    = "`" any characters, a backtick twice "`"
//
// A name is a field, by its proto name or its JSON name, or after a map field a key in its JSON form.
// Lists are passed through without an index. A "*" is every key of a map or every element of a list,
// and paths go on within; else it is all fields, and ends a path. White space may stand around names.
func ParseSelection(md protoreflect.MessageDescriptor, text string, limits SelectionLimits) (*Selection, error) {
	if limits.Bytes > 0 && len(text) > limits.Bytes {
		return nil, &SelectionError{
			Column:  limits.Bytes + 1,
			Message: fmt.Sprintf("the selection has %d bytes; at most %d are allowed", len(text), limits.Bytes),
		}
	}
	if !utf8.ValidString(text) {
		return nil, &SelectionError{Column: 1 + selInvalidUTF8(text), Message: "the selection is not valid UTF-8"}
	}
	p := selParser{text: text, limits: limits}
	if limits.Depth <= 0 || limits.Depth > selMaxDepth {
		p.limits.Depth = selMaxDepth
	}
	root := &selNode{}
	if err := p.parse(selScope{node: root, md: md}); err != nil {
		return nil, err
	}
	return p.freeze(root)
}

// selParser reads the text from left to right and grows a tree of nodes, in time linear in the text.
type selParser struct {
	text   string
	pos    int
	limits SelectionLimits
	paths  int
}

// parse reads the whole text.
func (p *selParser) parse(top selScope) error {
	if p.skipSpace(); p.pos == len(p.text) {
		top.node.whole = true
		return nil
	}
	if p.accept('(') {
		if !p.accept(')') {
			return p.errorf(p.pos, "expected a name")
		}
	} else if err := p.parsePaths(top, 0); err != nil {
		return err
	}
	switch {
	case p.pos == len(p.text):
		return nil
	case p.text[p.pos] == ')':
		return p.errorf(p.pos, `")" has no "(" before it`)
	default:
		return p.errorf(p.pos, `expected "," before %s`, selShow(p.text[p.pos:]))
	}
}

// parsePaths reads paths up to the end of the text or to what cannot belong to them.
func (p *selParser) parsePaths(scope selScope, depth int) error {
	for {
		if err := p.parsePath(scope, depth); err != nil {
			return err
		}
		if !p.accept(',') {
			return nil
		}
	}
}

// parsePath reads one path and marks in the tree what it selects.
func (p *selParser) parsePath(scope selScope, depth int) error {
	for {
		p.skipSpace()
		start := p.pos
		name, err := p.parseName()
		if err != nil {
			return err
		}
		if depth++; depth > p.limits.Depth {
			return p.errorf(start, "the selection is nested more than %d names deep", p.limits.Depth)
		}
		if scope, err = scope.step(name); err != nil {
			return p.errorf(start, "%s", err)
		}
		if !p.accept('.') && !p.accept('/') {
			break
		}
	}
	open := p.pos
	if !p.accept('(') {
		scope.node.whole = true
		return p.countPaths(1)
	}
	if err := scope.checkOpen(); err != nil {
		return p.errorf(open, "%s", err)
	}
	if p.accept(')') {
		return p.countPaths(1)
	}
	if err := p.parsePaths(scope, depth); err != nil {
		return err
	}
	if !p.accept(')') {
		if p.pos < len(p.text) {
			return p.errorf(p.pos, `expected "," or ")" before %s`, selShow(p.text[p.pos:]))
		}
		return p.errorf(open, `"(" is not closed`)
	}
	return nil
}

// countPaths counts n more paths against the limit.
func (p *selParser) countPaths(n int) error {
	p.paths += n
	if p.limits.Paths > 0 && p.paths > p.limits.Paths {
		return p.errorf(p.pos, "the selection has more than %d paths", p.limits.Paths)
	}
	return nil
}

// accept skips white space, and c if it is next, with the white space that follows it.
func (p *selParser) accept(c byte) bool {
	p.skipSpace()
	if p.pos == len(p.text) || p.text[p.pos] != c {
		return false
	}
	p.pos++
	p.skipSpace()
	return true
}

func (p *selParser) skipSpace() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *selParser) errorf(pos int, format string, args ...any) error {
	return &SelectionError{Column: pos + 1, Message: fmt.Sprintf(format, args...)}
}

// freeze turns a node of the tree into the selection it stands for.
func (p *selParser) freeze(n *selNode) (*Selection, error) {
	if n.whole {
		return nil, nil
	}
	named := &Selection{}
	for _, name := range n.names() {
		child := n.children[name]
		sub, err := p.freeze(child)
		if err != nil {
			return nil, err
		}
		named.entries = append(named.entries, selEntry{name: name, field: child.field, sub: sub})
	}
	if n.every == nil {
		return named, nil
	}
	sub, err := p.freeze(n.every)
	if err != nil {
		return nil, err
	}
	// The union repeats in each key what is selected of every key.
	if err := p.countPaths(len(named.entries) * sub.leaves()); err != nil {
		return nil, err
	}
	return Union(&Selection{every: true, everySub: sub}, named), nil
}
