package plan

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

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
