package plan

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// appendRequest appends a request, but for its ids.
func (r *run) appendRequest(c *programCall, state *callRun, dst []byte) ([]byte, error) {
	dst, err := c.request.append(&state.frame, dst)
	return append(dst, c.maskField...), err
}

// eachRequest writes one request for each element of a for_each.
func (r *run) eachRequest(c *programCall, state *callRun) error {
	state.request, state.ends = state.request[:0], state.ends[:0]
	err := state.list(c.forEach.writer, 1, c.forEach.kind)
	if err != nil {
		return err
	}
	if n := len(state.elements.keys); n > maxElements {
		return status.Errorf(codes.ResourceExhausted, "call %s: for_each over %d elements, at most %d are allowed", c.name, n, maxElements)
	}
	for _, element := range state.elements.keys {
		state.frame.locals[c.forEach.local] = element
		if state.request, err = r.appendRequest(c, state, state.request); err != nil {
			return err
		}
		state.ends = append(state.ends, len(state.request))
	}
	return nil
}

// chunkRequests writes the requests of a keyed call: one, or one for each batch of ids; none if there are no ids.
func (r *run) chunkRequests(c *programCall, state *callRun) error {
	state.request, state.ends = state.request[:0], state.ends[:0]
	if err := state.list(c.ids.writer, c.ids.fd.Number(), c.ids.fd.Kind()); err != nil {
		return err
	}
	ids := state.elements.keys
	size := int(c.config.GetBatch())
	if size <= 0 {
		size = len(ids)
	}
	for start := 0; start < len(ids); start += size {
		var err error
		if state.request, err = r.appendRequest(c, state, state.request); err != nil {
			return err
		}
		state.request = c.ids.append(state.request, ids[start:min(start+size, len(ids))])
		state.ends = append(state.ends, len(state.request))
	}
	return nil
}

// append appends the list of ids.
func (l *idList) append(dst []byte, ids []value) []byte {
	if !l.fd.IsPacked() {
		tag := protowire.EncodeTag(l.fd.Number(), wireType(l.fd.Kind()))
		for _, id := range ids {
			dst = appendScalar(protowire.AppendVarint(dst, tag), l.fd.Kind(), id)
		}
		return dst
	}
	dst = append(protowire.AppendTag(dst, l.fd.Number(), protowire.BytesType), 0)
	mark := len(dst)
	for _, id := range ids {
		dst = appendScalar(dst, l.fd.Kind(), id)
	}
	return patchLength(dst, mark)
}

// list runs the writer of a list and keeps its distinct elements that are not zero, in order.
func (s *callRun) list(w writer, num protowire.Number, kind protoreflect.Kind) (err error) {
	s.elements.reset()
	if s.listed, err = w.append(&s.frame, s.listed[:0]); err != nil {
		return err
	}
	for sc := (scanner{rest: s.listed}); sc.next(); {
		switch {
		case sc.num != num:
		case packable(kind) && sc.typ == protowire.BytesType:
			for v, rest, ok := packedElement(kind, sc.data); ok; v, rest, ok = packedElement(kind, rest) {
				s.elements.add(v, nil)
			}
		case sc.typ == protowire.BytesType:
			s.elements.add(value{data: sc.data}, nil)
		default:
			s.elements.add(value{bits: fromWire(kind, sc.bits)}, nil)
		}
	}
	return nil
}
