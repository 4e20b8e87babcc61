package pbwire

import (
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// run is one pass of a projection over one message.
type run struct {
	set   *programSet
	in    []byte // the wire bytes
	depth int    // how many messages more may be nested here
	// exact tells that the optimistic pass failed: every message is gathered before it is written.
	exact bool

	// Stacks: who pushes, pops.
	spans   []span  // the first is never used, so that 0 is no index
	lists   []chain // per message that is gathered: the values of each field
	entries []entry // per map: its entries
	tokens  []token // per message that is sorted: its fields
}

// span is where a value stands on the wire: the content of a message, string or packed list, or a
// number. A message that was split into several is a chain of spans.
type span struct {
	start, end int
	next       int32 // in run.spans; 0 at the end
	typ        protowire.Type
}

// chain is a list of spans, by index. The zero value is empty.
type chain struct{ first, last int32 }

var runs = sync.Pool{New: func() any { return new(run) }}

// json is AppendJSON.
func (r *run) json(p *Projection, dst, wire []byte) ([]byte, *WireError) {
	r.start(p.set, wire)
	out, err := r.message(dst, p.root, r.whole())
	if err != nil { // also what has no JSON form may have one once all its parts are merged
		r.restart()
		out, err = r.message(dst, p.root, r.whole())
	}
	if err != nil {
		return dst, err
	}
	if p.bare != nil {
		out = p.bare.strip(out, len(dst))
	}
	return out, nil
}

// wire is AppendWire.
func (r *run) wire(p *Projection, dst, wire []byte) ([]byte, *WireError) {
	r.start(p.set, wire)
	out, err := r.trim(dst, p.root, r.whole())
	if err == errDisorder {
		r.restart()
		out, err = r.trim(dst, p.root, r.whole())
	}
	return out, err
}

// start prepares the optimistic pass.
func (r *run) start(set *programSet, wire []byte) {
	r.set, r.in, r.depth, r.exact = set, wire[:len(wire):len(wire)], maxDepth, false
	r.spans = append(r.spans[:0], span{})
	r.lists, r.entries, r.tokens = r.lists[:0], r.entries[:0], r.tokens[:0]
}

// restart prepares the one pass after an optimistic one that failed. There is only one, from the
// top: to redo just a message, and each message within it again, would take exponential time.
func (r *run) restart() {
	r.start(r.set, r.in)
	r.exact = true
}

// release returns the run to the pool. Stacks that a huge message left behind are not kept.
func (r *run) release() {
	const most = 4 << 10
	r.set, r.in = nil, nil
	if cap(r.spans) > most {
		r.spans = nil
	}
	if cap(r.lists) > most {
		r.lists = nil
	}
	if cap(r.entries) > most {
		r.entries = nil
	}
	if cap(r.tokens) > most {
		r.tokens = nil
	}
	clear(r.entries) // after an error
	runs.Put(r)
}

// whole is the span of the top message.
func (r *run) whole() span { return span{end: len(r.in)} }

// content is the bytes of a span that is no chain.
func (r *run) content(s span) []byte { return r.in[s.start:s.end] }

// push appends a span to a chain.
func (r *run) push(c *chain, s span) {
	i := int32(len(r.spans))
	s.next = 0
	r.spans = append(r.spans, s)
	if c.first == 0 {
		c.first = i
	} else {
		r.spans[c.last].next = i
	}
	c.last = i
}
