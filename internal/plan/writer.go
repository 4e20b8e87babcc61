package plan

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// writer appends what one field of a message gets, tags included, or the fields of a whole message. What
// is unset appends nothing.
type writer interface {
	append(f *frame, dst []byte) ([]byte, error)
	// prune returns what of the writer is left under a selection over the message it writes.
	prune(sel *pbwire.Selection) writer
	// demand records what the writer reads; sel is what of its message is wanted.
	demand(d *demand, sel *pbwire.Selection)
}

// constant is wire bytes that are the same in every run.
type constant []byte

func (c constant) append(_ *frame, dst []byte) ([]byte, error) { return append(dst, c...), nil }
func (c constant) prune(*pbwire.Selection) writer              { return c }
func (c constant) demand(*demand, *pbwire.Selection)           {}

// scalarMove writes a scalar that is read elsewhere, in the encoding of its new field.
type scalarMove struct {
	from  reader
	class class
	to    *sink
	site  *site
}

func (m *scalarMove) append(f *frame, dst []byte) ([]byte, error) {
	v, ok, err := m.from.read(f)
	if !ok || err != nil {
		return dst, err
	}
	dst, err = m.to.appendScalar(dst, m.class, v)
	if err != nil {
		return dst, m.site.fail(err)
	}
	return dst, nil
}

func (m *scalarMove) prune(*pbwire.Selection) writer        { return m }
func (m *scalarMove) demand(d *demand, _ *pbwire.Selection) { m.from.demand(d) }

// messageMove copies a message as it is.
type messageMove struct {
	from *path
	to   *sink
}

func (m *messageMove) append(f *frame, dst []byte) ([]byte, error) {
	v, ok, err := m.from.read(f)
	if !ok || err != nil {
		return dst, err
	}
	return m.to.appendMessage(dst, v.data), nil
}

func (m *messageMove) prune(*pbwire.Selection) writer { return m }

func (m *messageMove) demand(d *demand, sel *pbwire.Selection) { d.path(m.from).take(sel) }

// construct writes a message field by field.
type construct struct {
	to     *sink
	fields []fieldWriter
}

type fieldWriter struct {
	sink *sink // of the field, for its descriptor
	writer
}

func (c *construct) append(f *frame, dst []byte) ([]byte, error) {
	dst, mark := c.to.open(dst)
	for i := range c.fields {
		var err error
		if dst, err = c.fields[i].append(f, dst); err != nil {
			return dst, err
		}
	}
	return c.to.close(dst, mark), nil
}

func (c *construct) prune(sel *pbwire.Selection) writer {
	if sel.Everything() {
		return c
	}
	kept := &construct{to: c.to}
	for _, field := range c.fields {
		if sub, ok := sel.Field(field.sink.fd); ok {
			kept.fields = append(kept.fields, fieldWriter{field.sink, field.prune(sub)})
		}
	}
	return kept
}

func (c *construct) demand(d *demand, sel *pbwire.Selection) {
	for _, field := range c.fields {
		if sub, ok := sel.Field(field.sink.fd); ok {
			field.demand(d, sub)
		}
	}
}

// entry writes one entry of a map. An entry whose value is unset is left out.
type entry struct {
	to         *sink
	key, value writer
}

func newEntry(fd protoreflect.FieldDescriptor, key, value writer) *entry {
	return &entry{to: fieldSink(fd), key: key, value: value}
}

// entryValueSink takes the value of a map entry. Zeros are written, to tell them from what is unset.
func entryValueSink(fd protoreflect.FieldDescriptor) *sink {
	s := fieldSink(fd.MapValue())
	s.omitZero = false
	return s
}

func (e *entry) append(f *frame, dst []byte) ([]byte, error) {
	start := len(dst)
	dst, mark := e.to.open(dst)
	dst, err := e.key.append(f, dst)
	if err != nil {
		return dst, err
	}
	before := len(dst)
	if dst, err = e.value.append(f, dst); err != nil {
		return dst, err
	}
	if len(dst) == before {
		return dst[:start], nil
	}
	return e.to.close(dst, mark), nil
}

// prune keeps the value whole: a selection over a map is over its keys.
func (e *entry) prune(*pbwire.Selection) writer { return e }

func (e *entry) demand(d *demand, _ *pbwire.Selection) {
	e.key.demand(d, nil)
	e.value.demand(d, nil)
}

// sequence writes the elements of a list one after the other.
type sequence []writer

func (s sequence) append(f *frame, dst []byte) (_ []byte, err error) {
	for _, w := range s {
		if dst, err = w.append(f, dst); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (s sequence) prune(sel *pbwire.Selection) writer {
	pruned := make(sequence, len(s))
	for i, w := range s {
		pruned[i] = w.prune(sel)
	}
	return pruned
}

func (s sequence) demand(d *demand, sel *pbwire.Selection) {
	for _, w := range s {
		w.demand(d, sel)
	}
}

// loop runs its body for each element of a list, which the body sees as a local.
type loop struct {
	over  *path // ends in a repeated field
	local int
	body  writer
}

func (l *loop) append(f *frame, dst []byte) ([]byte, error) {
	msg, ok, err := l.over.container(f)
	if !ok || err != nil {
		return dst, err
	}
	s := &l.over.steps[len(l.over.steps)-1]
	for sc := (scanner{rest: msg}); sc.next(); {
		switch {
		case sc.num != s.num:
			continue
		case sc.typ == s.typ:
			f.locals[l.local] = s.value(&sc)
			dst, err = l.body.append(f, dst)
		case sc.typ == protowire.BytesType && packable(s.kind):
			dst, err = l.appendPacked(f, dst, s, sc.data)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (l *loop) appendPacked(f *frame, dst []byte, s *step, packed []byte) ([]byte, error) {
	for {
		v, rest, ok := packedElement(s.kind, packed)
		if !ok {
			return dst, nil
		}
		f.locals[l.local], packed = v, rest
		var err error
		if dst, err = l.body.append(f, dst); err != nil {
			return dst, err
		}
	}
}

func (l *loop) prune(sel *pbwire.Selection) writer {
	return &loop{over: l.over, local: l.local, body: l.body.prune(sel)}
}

func (l *loop) demand(d *demand, sel *pbwire.Selection) {
	d.locals[l.local] = d.path(l.over)
	l.body.demand(d, sel)
}

// guard runs its body where a condition holds.
type guard struct {
	when        reader
	body, other writer // other may be nil
}

func (g *guard) append(f *frame, dst []byte) ([]byte, error) {
	v, ok, err := g.when.read(f)
	switch {
	case !ok || err != nil:
		return dst, err
	case v.bits != 0:
		return g.body.append(f, dst)
	case g.other != nil:
		return g.other.append(f, dst)
	}
	return dst, nil
}

func (g *guard) prune(sel *pbwire.Selection) writer {
	pruned := &guard{when: g.when, body: g.body.prune(sel)}
	if g.other != nil {
		pruned.other = g.other.prune(sel)
	}
	return pruned
}

func (g *guard) demand(d *demand, sel *pbwire.Selection) {
	g.when.demand(d)
	g.body.demand(d, sel)
	if g.other != nil {
		g.other.demand(d, sel)
	}
}

// packed writes a list of numbers that its body appends without tags.
type packed struct {
	tag  uint64
	body writer
}

func (p *packed) append(f *frame, dst []byte) ([]byte, error) {
	start := len(dst)
	dst = append(protowire.AppendVarint(dst, p.tag), 0)
	mark := len(dst)
	dst, err := p.body.append(f, dst)
	if err != nil || len(dst) == mark {
		return dst[:start], err
	}
	return patchLength(dst, mark), nil
}

func (p *packed) prune(*pbwire.Selection) writer        { return p }
func (p *packed) demand(d *demand, _ *pbwire.Selection) { p.body.demand(d, nil) }
