package plan

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// demander is what reads something.
type demander interface {
	// demand records what is read.
	demand(d *demand)
}

// demand gathers what a program reads of the request and of the reply of each call. From it follow
// the calls that are needed, the masks pushed down, and what of a reply must be well-formed.
type demand struct {
	request *want
	calls   []*want // by index of the call; nil: nothing of it is read
	locals  []*want // by index of the local, while the loop around is visited
	slow    map[*slow]bool
}

// want is what is read of one message.
type want struct {
	// taken: the message is moved or decoded as it is, as far as sel says.
	taken bool
	sel   *pbwire.Selection
	// decoded: cel-go decodes it.
	decoded bool
	fields  map[protoreflect.FieldNumber]*wantedField
}

type wantedField struct {
	fd protoreflect.FieldDescriptor
	*want
}

func newDemand(p *Plan) *demand {
	return &demand{
		request: &want{},
		calls:   make([]*want, len(p.calls)),
		locals:  make([]*want, p.locals),
		slow:    map[*slow]bool{},
	}
}

// call returns what is wanted of a call's reply.
func (d *demand) call(c *call) *want {
	w := d.calls[c.index]
	if w == nil {
		w = &want{}
		d.calls[c.index] = w
		if c.key != nil {
			c.key.demand(w)
		}
	}
	return w
}

// path records that a path is followed, and returns what is wanted at its end.
func (d *demand) path(p *path) *want {
	w := d.root(p)
	for i := range p.steps {
		w = w.field(p.steps[i].fd)
	}
	return w
}

func (d *demand) root(p *path) *want {
	switch p.root {
	case rootRequest:
		return d.request
	case rootCall:
		return d.call(p.call)
	case rootLookup:
		p.key.demand(d)
		return d.element(p.call)
	default:
		if w := d.locals[p.index]; w != nil {
			return w
		}
		return &want{} // `each`: a scalar that the call itself provides
	}
}

// element returns what is wanted of what a keyed call has under its keys.
func (d *demand) element(c *call) *want {
	w := d.call(c)
	if c.key != nil {
		w = w.at(c.key.list)
	}
	return w
}

func (p *path) demand(d *demand) { d.path(p).take(nil) }

func (w *want) at(steps []step) *want {
	for i := range steps {
		w = w.field(steps[i].fd)
	}
	return w
}

func (w *want) field(fd protoreflect.FieldDescriptor) *want {
	if w.fields == nil {
		w.fields = map[protoreflect.FieldNumber]*wantedField{}
	}
	f := w.fields[fd.Number()]
	if f == nil {
		f = &wantedField{fd, &want{}}
		w.fields[fd.Number()] = f
	}
	return f.want
}

// take records that the message is taken as it is, as far as sel says.
func (w *want) take(sel *pbwire.Selection) {
	if w.taken {
		sel = pbwire.Union(w.sel, sel)
	}
	w.taken, w.sel = true, sel
}

// merge adds what another wants of the same message.
func (w *want) merge(other *want) {
	if other.taken {
		w.take(other.sel)
	}
	w.decoded = w.decoded || other.decoded
	for _, f := range other.fields {
		w.field(f.fd).merge(f.want)
	}
}

// selection is what is wanted as a mask. Of a message of which nothing is read but that it is there,
// everything is: upstreams have no word for less.
func (w *want) selection() *pbwire.Selection {
	if w.taken && w.sel.Everything() || !w.taken && len(w.fields) == 0 {
		return nil
	}
	sel := w.sel
	if !w.taken {
		sel = pbwire.SelectNothing()
	}
	for _, f := range w.fields {
		var sub *pbwire.Selection
		if f.fd.Message() != nil {
			sub = f.selection()
		}
		sel = pbwire.Union(sel, pbwire.SelectField(f.fd, sub))
	}
	return sel
}

// shape is the part of a message that a program reads: it is checked when the message comes, so that
// all later reading may trust it, and it trims what cel-go decodes.
type shape struct {
	fields []shapeField
	// whole: the message is decoded whole, as this type.
	whole protoreflect.MessageDescriptor
}

type shapeField struct {
	step
	within *shape // nil for scalars and for messages that are moved unseen
}

// shapeOf makes the shape of what is wanted of a message; nil if its inside is not looked at.
func shapeOf(md protoreflect.MessageDescriptor, w *want) *shape {
	if w.decoded {
		return &shape{whole: md}
	}
	if len(w.fields) == 0 {
		return nil
	}
	s := &shape{}
	for _, f := range w.fields {
		field := shapeField{step: newStep(f.fd)}
		if f.fd.Message() != nil {
			field.within = shapeOf(f.fd.Message(), f.want)
		}
		s.fields = append(s.fields, field)
	}
	slices.SortFunc(s.fields, func(a, b shapeField) int { return int(a.num) - int(b.num) })
	return s
}

func (s *shape) field(sc *scanner) *shapeField {
	for i := range s.fields {
		if s.fields[i].num == sc.num {
			return &s.fields[i]
		}
	}
	return nil
}

// check tells whether what the shape covers is well-formed.
func (s *shape) check(wire []byte) bool {
	if s == nil {
		return true
	}
	if s.whole != nil {
		return wellFormed(s.whole, wire, 1)
	}
	sc := scanner{rest: wire}
	for sc.next() {
		field := s.field(&sc)
		switch {
		case field == nil:
		case field.within != nil && sc.typ == field.typ:
			if !field.within.check(sc.data) {
				return false
			}
		case !field.message && !wellFormedField(field.fd, &sc, 0):
			return false
		}
	}
	return !sc.bad
}

// trim appends what of a message the shape covers, to be decoded.
func (s *shape) trim(dst, wire []byte) []byte {
	if s == nil || s.whole != nil {
		return append(dst, wire...)
	}
	sc := scanner{rest: wire}
	for before := sc.rest; sc.next(); before = sc.rest {
		field := s.field(&sc)
		switch {
		case field == nil:
		case field.within != nil && field.typ == protowire.BytesType && sc.typ == field.typ:
			dst = append(protowire.AppendTag(dst, sc.num, sc.typ), 0)
			mark := len(dst)
			dst = patchLength(field.within.trim(dst, sc.data), mark)
		default:
			dst = append(dst, before[:len(before)-len(sc.rest)]...)
		}
	}
	return dst
}
