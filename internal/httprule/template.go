package httprule

import "strings"

// template is a parsed path template. Two templates of the same shape, segments and verb, match the same paths.
type template struct {
	segments  []segment
	verb      string // decoded; "" for none
	variables []variable
}

// segment is one segment of a template: a literal, or a wildcard.
type segment struct {
	kind    segmentKind
	literal string // decoded
}

type segmentKind uint8

const (
	literalSegment segmentKind = iota
	anySegment                 // `*`: one segment, not empty
	restSegments               // `**`: zero or more segments, empty ones too
)

// variable is a part of the path, segments[start:end], that sets the field at a path.
type variable struct {
	path       string // `user.id`
	start, end int
}

// multi tells whether the variable may span several segments, which changes how it is decoded.
func (t *template) multi(v variable) bool {
	return v.end-v.start != 1 || t.open(v)
}

// open tells whether the variable extends to the end of the path.
func (t *template) open(v variable) bool {
	return v.end > v.start && t.segments[v.end-1].kind == restSegments
}

// String returns the template in its canonical form, which parses to the same template: `{v=*}` is
// `{v}`, and in literals only what has to be is percent-encoded.
func (t *template) String() string {
	if len(t.segments) == 0 {
		return "/"
	}
	var b strings.Builder
	variables := t.variables
	for i := 0; i < len(t.segments); {
		b.WriteByte('/')
		if len(variables) > 0 && variables[0].start == i {
			t.writeVariable(&b, variables[0])
			i, variables = variables[0].end, variables[1:]
			continue
		}
		t.segments[i].write(&b)
		i++
	}
	if t.verb != "" {
		b.WriteByte(':')
		writeLiteral(&b, t.verb)
	}
	return b.String()
}

func (t *template) writeVariable(b *strings.Builder, v variable) {
	b.WriteByte('{')
	b.WriteString(v.path)
	if v.end-v.start != 1 || t.segments[v.start].kind != anySegment {
		separator := byte('=')
		for _, s := range t.segments[v.start:v.end] {
			b.WriteByte(separator)
			s.write(b)
			separator = '/'
		}
	}
	b.WriteByte('}')
}

func (s segment) write(b *strings.Builder) {
	switch s.kind {
	case anySegment:
		b.WriteByte('*')
	case restSegments:
		b.WriteString("**")
	default:
		writeLiteral(b, s.literal)
	}
}

func writeLiteral(b *strings.Builder, literal string) {
	for i := range len(literal) {
		if isLiteral(literal[i]) {
			b.WriteByte(literal[i])
		} else {
			b.WriteString(escapeByte(literal[i]))
		}
	}
}

// isLiteral tells whether a literal may hold the byte as it is: the characters that RFC 3986 allows in a
// segment, but for those that mean something in a template.
func isLiteral(c byte) bool {
	return isIdentifier(c) || strings.IndexByte("-.~!$&'()+,;=@", c) >= 0
}

// isIdentifier tells whether the byte may be part of a field's name, other than at its beginning.
func isIdentifier(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
