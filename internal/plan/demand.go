package plan

import (
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
