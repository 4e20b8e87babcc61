package plan

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// reader yields one value at run time, or none: it is unset.
type reader interface {
	read(f *frame) (v value, ok bool, err error)
	demander
}

// rootKind says what a path starts from.
type rootKind int

const (
	rootRequest rootKind = iota // the request of the method
	rootCall                    // the reply of a call
	rootLookup                  // the message of a keyed call under a key
	rootLocal                   // `each`, or the variable of a loop
)

// path is a chain of selects over wire bytes: `orders.page.total`, `products[o.product_id].title`. It
// yields a scalar, a message, or, through elements, a list.
type path struct {
	root  rootKind
	index int    // of the call or the local
	key   reader // of a lookup
	call  *call  // of rootCall and rootLookup
	// start is the message type of the root, nil if it is a scalar of the given class.
	start protoreflect.MessageDescriptor
	class class
	steps []step
}

// step selects a field.
type step struct {
	fd     protoreflect.FieldDescriptor
	num    protowire.Number
	typ    protowire.Type
	kind   protoreflect.Kind
	rivals []protowire.Number // the other members of its oneof: the last one on the wire wins
	// message and presence are asked of fd for each field read, if they are not kept here.
	message, presence bool
}

// selecting returns the path one field further.
func (p *path) selecting(fd protoreflect.FieldDescriptor) *path {
	next := *p
	next.steps = append(slices.Clip(p.steps), newStep(fd))
	return &next
}

func newStep(fd protoreflect.FieldDescriptor) step {
	s := step{
		fd:       fd,
		num:      fd.Number(),
		typ:      wireType(fd.Kind()),
		kind:     fd.Kind(),
		message:  fd.Message() != nil,
		presence: fd.HasPresence(),
	}
	if oneof := fd.ContainingOneof(); oneof != nil {
		for i := range oneof.Fields().Len() {
			if rival := oneof.Fields().Get(i); rival != fd {
				s.rivals = append(s.rivals, rival.Number())
			}
		}
	}
	return s
}

// field is the last field selected, nil for the root itself.
func (p *path) field() protoreflect.FieldDescriptor {
	if len(p.steps) == 0 {
		return nil
	}
	return p.steps[len(p.steps)-1].fd
}

// message is the type of the message that the path yields, nil if it yields a scalar.
func (p *path) message() protoreflect.MessageDescriptor {
	if fd := p.field(); fd != nil {
		return fd.Message()
	}
	return p.start
}

// list tells whether the path yields a list or a map.
func (p *path) list() bool {
	fd := p.field()
	return fd != nil && fd.Cardinality() == protoreflect.Repeated
}

// scalar is the class of the scalar that the path yields.
func (p *path) scalar() class {
	if fd := p.field(); fd != nil {
		return classOf(fd.Kind())
	}
	return p.class
}

// read implements reader.
func (p *path) read(f *frame) (value, bool, error) {
	v, ok, err := p.readRoot(f)
	if !ok || err != nil || len(p.steps) == 0 {
		return v, ok, err
	}
	v, ok = p.readFrom(v.data)
	return v, ok, nil
}

// readFrom follows the steps from a message.
func (p *path) readFrom(msg []byte) (v value, ok bool) {
	last := len(p.steps) - 1
	for i := range p.steps[:last] {
		if msg, ok = p.steps[i].findMessage(msg); !ok {
			return value{}, false
		}
	}
	s := &p.steps[last]
	if !s.message {
		return s.findScalar(msg)
	}
	v.data, ok = s.findMessage(msg)
	return v, ok
}

// container reads the message that holds the list the path ends in.
func (p *path) container(f *frame) ([]byte, bool, error) {
	v, ok, err := p.readRoot(f)
	for i := 0; ok && err == nil && i < len(p.steps)-1; i++ {
		v.data, ok = p.steps[i].findMessage(v.data)
	}
	return v.data, ok, err
}

func (p *path) readRoot(f *frame) (value, bool, error) {
	switch p.root {
	case rootRequest:
		return value{data: f.run.request}, true, nil
	case rootCall:
		c := &f.run.calls[p.index]
		return value{data: c.wire}, c.set, nil
	case rootLocal:
		return f.locals[p.index], true, nil
	default:
		key, ok, err := p.key.read(f)
		if !ok || err != nil {
			return value{}, false, err
		}
		data, ok := f.run.calls[p.index].keyed.find(key)
		return value{data: data}, ok, nil
	}
}

// findMessage returns the sub-message that a step selects. What the wire splits is put together.
func (s *step) findMessage(msg []byte) (found []byte, ok bool) {
	owned := false // found is a copy
	for sc := (scanner{rest: msg}); sc.next(); {
		switch {
		case sc.num == s.num && sc.typ == s.typ:
			switch {
			case !ok:
				found, ok = sc.data, true
			case owned:
				found = append(found, sc.data...)
			default:
				found, owned = slices.Concat(found, sc.data), true
			}
		case len(s.rivals) > 0 && slices.Contains(s.rivals, sc.num):
			found, ok, owned = nil, false, false
		}
	}
	return found, ok
}

// findScalar returns the scalar that a step selects: the last on the wire, or the zero that a field with
// implicit presence has.
func (s *step) findScalar(msg []byte) (v value, ok bool) {
	ok = !s.presence
	for sc := (scanner{rest: msg}); sc.next(); {
		switch {
		case sc.num == s.num && sc.typ == s.typ:
			v, ok = s.value(&sc), true
		case len(s.rivals) > 0 && slices.Contains(s.rivals, sc.num):
			v, ok = value{}, false
		}
	}
	return v, ok
}

func (s *step) value(sc *scanner) value {
	if s.typ == protowire.BytesType || s.typ == protowire.StartGroupType {
		return value{data: sc.data}
	}
	return value{bits: fromWire(s.kind, sc.bits)}
}

// literal is a scalar that is the same in every run.
type literal struct {
	v     value
	class class
}

func (l *literal) read(*frame) (value, bool, error) { return l.v, true, nil }
func (l *literal) demand(*demand)                   {}
