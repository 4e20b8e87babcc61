package httprule

import (
	"fmt"
	"strings"
)

// parseTemplate parses a path template. The grammar is that of google/api/http.proto:
//
//	Template  = "/" Segments [ Verb ] ;
//	Segments  = Segment { "/" Segment } ;
//	Segment   = "*" | "**" | LITERAL | Variable ;
//	Variable  = "{" FieldPath [ "=" Segments ] "}" ;
//	FieldPath = IDENT { "." IDENT } ;
//	Verb      = ":" LITERAL ;
//
// `*` is exactly one segment, `**` zero or more, and nothing but the verb may follow it. A variable holds
// no other variable; `{v}` is `{v=*}`. A literal is percent-encoded where it holds other characters than
// letters, digits and -._~!$&'()+,;=@ and is compared decoded, so `/caf%C3%A9` matches however the
// client encodes it. Beyond the grammar, "/" alone is the template of the root.
//
// Errors name the column, in bytes from 1.
func parseTemplate(text string) (*template, error) {
	p := templateParser{text: text}
	if err := p.template(); err != nil {
		return nil, err
	}
	return &p.result, nil
}

// templateParser is a recursive descent parser; each of its methods stands for a rule of the grammar.
type templateParser struct {
	text   string
	pos    int
	result template
}

func (p *templateParser) template() error {
	if !p.accept('/') {
		return p.errorf(`a path template begins with "/"`)
	}
	if p.done() {
		return nil
	}
	if err := p.segments(false); err != nil {
		return err
	}
	if p.accept(':') {
		if err := p.verb(); err != nil {
			return err
		}
	}
	if !p.done() {
		return p.unexpected()
	}
	return nil
}

func (p *templateParser) verb() (err error) {
	p.result.verb, err = p.literal("verb")
	if err == nil && !p.done() && (p.peek() == '/' || p.peek() == ':') {
		return p.errorf(`a verb ends the template; in a literal, write ":" as %%3A`)
	}
	return err
}

func (p *templateParser) segments(inVariable bool) error {
	for {
		if err := p.segment(inVariable); err != nil {
			return err
		}
		if p.done() || p.peek() != '/' {
			return nil
		}
		if last := p.result.segments[len(p.result.segments)-1]; last.kind == restSegments {
			return p.errorf(`"**" must be the last segment: only a verb may follow it`)
		}
		p.pos++
	}
}

func (p *templateParser) segment(inVariable bool) error {
	switch {
	case p.accept('*'):
		kind := anySegment
		if p.accept('*') {
			kind = restSegments
		}
		p.result.segments = append(p.result.segments, segment{kind: kind})
		return nil
	case p.accept('{'):
		if inVariable {
			p.pos--
			return p.errorf("a variable cannot hold another variable")
		}
		return p.variable()
	default:
		literal, err := p.literal("segment")
		p.result.segments = append(p.result.segments, segment{literal: literal})
		return err
	}
}

func (p *templateParser) variable() error {
	path, err := p.fieldPath()
	if err != nil {
		return err
	}
	v := variable{path: path, start: len(p.result.segments)}
	if p.accept('=') {
		if err := p.segments(true); err != nil {
			return err
		}
	} else {
		p.result.segments = append(p.result.segments, segment{kind: anySegment})
	}
	v.end = len(p.result.segments)
	p.result.variables = append(p.result.variables, v)
	if p.done() {
		return p.errorf(`the variable %q is not closed: expected "}"`, path)
	}
	if !p.accept('}') {
		return p.unexpected()
	}
	return nil
}

func (p *templateParser) fieldPath() (string, error) {
	start := p.pos
	for {
		if p.done() || !isIdentifier(p.peek()) || '0' <= p.peek() && p.peek() <= '9' {
			return "", p.errorf("expected the name of a request field, such as user_id or user.id")
		}
		for !p.done() && isIdentifier(p.peek()) {
			p.pos++
		}
		if !p.accept('.') {
			return p.text[start:p.pos], nil
		}
	}
}

// literal reads a literal and returns it decoded; what says what it is for.
func (p *templateParser) literal(what string) (string, error) {
	start := p.pos
	for !p.done() {
		if c := p.peek(); c == '%' {
			if _, ok := escaped(p.text[p.pos:]); !ok {
				return "", p.errorf(`expected two hexadecimal digits after "%%"; the character itself is %%25`)
			}
			p.pos += 3
		} else if isLiteral(c) {
			p.pos++
		} else {
			break
		}
	}
	if p.pos > start {
		literal, _ := unescape(p.text[start:p.pos], decodeAll)
		return literal, nil
	}
	if p.done() || strings.IndexByte("/:}", p.peek()) >= 0 {
		return "", p.errorf("the %s is empty", what)
	}
	return "", p.unexpected()
}

// unexpected is the error of a byte that cannot stand at the parser's position.
func (p *templateParser) unexpected() error {
	c := p.peek()
	switch {
	case c == '?':
		return p.errorf(`a path template has no query: fields outside the path are query parameters by themselves`)
	case strings.IndexByte("*{}", c) >= 0 || isLiteral(c):
		return p.errorf(`unexpected %q: a segment is a literal, "*", "**" or one whole {variable}`, c)
	case strings.IndexByte("/:", c) >= 0:
		return p.errorf(`unexpected %q: a variable ends with "}"`, c)
	default:
		return p.errorf("unexpected %q: in a literal, write it as %s", p.text[p.pos:p.pos+1], escapeByte(c))
	}
}

func (p *templateParser) done() bool { return p.pos == len(p.text) }

func (p *templateParser) peek() byte { return p.text[p.pos] }

func (p *templateParser) accept(c byte) bool {
	if p.done() || p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *templateParser) errorf(format string, args ...any) error {
	return fmt.Errorf("column %d: %s", p.pos+1, fmt.Sprintf(format, args...))
}
