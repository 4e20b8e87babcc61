package document

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"facet/internal/problem"
)

// maxDepth bounds how deep values nest, because what reads them recurses.
const maxDepth = 64

// parser turns the nodes of the YAML library into ours.
type parser struct {
	name     string
	lines    []string
	problems problem.List
}

// parse reads the only document of a text; it is nil if there is none, or if the text is no YAML.
func parse(name string, text []byte) (*node, problem.List) {
	p := parser{name: name, lines: strings.Split(string(text), "\n")}
	if at, ok := p.firstUnreadable(text); ok {
		return nil, problem.List{problem.At(at, "this byte is not UTF-8 text")}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err == nil:
		p.report(p.position(&second), "a second document starts here; a file holds one: remove the \"---\", or split the file")
	case !errors.Is(err, io.EOF):
		return nil, problem.List{p.syntax(err)}
	}
	return p.node(first.Content[0], 0), p.problems
}

// firstUnreadable returns the position of the first byte that is not UTF-8.
func (p *parser) firstUnreadable(text []byte) (problem.Position, bool) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			before := text[:i]
			line := bytes.Count(before, []byte("\n")) + 1
			return problem.Position{Document: p.name, Line: line, Column: i - bytes.LastIndexByte(before, '\n')}, true
		}
		i += size
	}
	return problem.Position{}, false
}

func (p *parser) report(at problem.Position, format string, args ...any) {
	p.problems = append(p.problems, problem.At(at, format, args...))
}

// node converts a value. What our YAML does not have is a problem and becomes broken.
func (p *parser) node(y *yaml.Node, depth int) *node {
	n := &node{kind: broken, at: p.position(y)}
	switch {
	case depth > maxDepth:
		p.report(n.at, "nested deeper than %d levels", maxDepth)
	case y.Kind == yaml.AliasNode:
		p.report(n.at, "aliases are not supported, so that every value has one place; write the value out instead of *%s", y.Value)
	case y.Anchor != "":
		p.report(n.at, "anchors are not supported, so that every value has one place; remove &%s", y.Anchor)
	case y.Style&yaml.TaggedStyle != 0:
		p.report(n.at, "tags are not supported; remove %s (a text that looks like something else is quoted)", y.ShortTag())
	case y.Kind == yaml.MappingNode:
		p.mapping(n, y, depth)
	case y.Kind == yaml.SequenceNode:
		n.kind = list
		for _, item := range y.Content {
			n.items = append(n.items, p.node(item, depth+1))
		}
	default:
		n.kind, n.text, n.at = scalarKind(y), y.Value, p.firstCharacter(y)
	}
	return n
}

// mapping converts the entries of a mapping; of duplicate keys the first counts.
func (p *parser) mapping(n *node, y *yaml.Node, depth int) {
	n.kind, n.named = mapping, make(map[string]*key, len(y.Content)/2)
	for i := 0; i < len(y.Content); i += 2 {
		k := p.node(y.Content[i], depth)
		value := p.node(y.Content[i+1], depth+1)
		switch {
		case k.kind == broken:
			continue
		case k.kind == mapping, k.kind == list:
			p.report(k.at, "a key must be a text, found %s", k)
			continue
		case y.Content[i].ShortTag() == "!!merge":
			p.report(k.at, "merge keys are not supported, so that every value has one place; write the entries out")
			continue
		}
		if first, ok := n.named[k.text]; ok {
			p.report(k.at, "%q is set twice; first in line %d", k.text, first.at.Line)
			continue
		}
		entry := &key{kind: k.kind, name: k.text, at: k.at, value: value}
		n.keys, n.named[k.text] = append(n.keys, entry), entry
	}
}

// scalarKind tells what a scalar is. A date is a text: nothing we read has dates.
func scalarKind(y *yaml.Node) kind {
	switch y.ShortTag() {
	case "!!null":
		return nothing
	case "!!bool":
		return boolean
	case "!!int":
		return integer
	case "!!float":
		return float
	}
	return text
}

// position converts a position: YAML counts columns in characters, we do in bytes.
func (p *parser) position(y *yaml.Node) problem.Position {
	at := problem.Position{Document: p.name, Line: y.Line, Column: y.Column}
	if y.Line < 1 || y.Line > len(p.lines) {
		return at
	}
	characters := 0
	for i := range p.lines[y.Line-1] {
		if characters++; characters == y.Column {
			at.Column = i + 1
			break
		}
	}
	return at
}

// firstCharacter returns the position of the first character of a scalar's text.
func (p *parser) firstCharacter(y *yaml.Node) problem.Position {
	at := p.position(y)
	switch {
	case y.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		at.Column++
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 && y.Line < len(p.lines):
		at.Line, at.Column = at.Line+1, p.blockIndentation(y)+1
	}
	return at
}

// blockIndentation is by how many spaces the lines of a block scalar are indented.
func (p *parser) blockIndentation(y *yaml.Node) int {
	own := strings.TrimLeft(y.Value, "\n")
	for _, line := range p.lines[y.Line:] {
		if indented := strings.TrimLeft(line, " "); strings.TrimRight(indented, "\r") != "" {
			belongs := len(own) - len(strings.TrimLeft(own, " "))
			return max(len(line)-len(indented)-belongs, 0)
		}
	}
	return 0
}
