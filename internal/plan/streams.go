package plan

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A method that replies with a stream has calls that are streams, too. Each message of theirs makes one message of the
// reply, in which only that stream is set: what reads another stream is left out, and so is, but for the first
// message, what reads unary calls and no stream.

// checkStreamOptions refuses what a stream cannot have.
func (c *compiler) checkStreamOptions(call *call, at place) {
	config := call.config
	for _, option := range []struct {
		name string
		set  bool
		why  string
	}{
		{"timeout", config.GetTimeout() != nil, "has no deadline; `limits` bounds how long it is silent (stream_idle) and how long it lasts (stream_age)"},
		{"fallback", config.GetFallback() != nil, "has no fallback; what it has sent before it fails is not taken back"},
		{"key", config.GetKey() != "", "is not keyed; each of its messages is one of the reply"},
		{"for_each", config.GetForEach() != "", "is opened once, not for_each element"},
	} {
		if option.set {
			c.problem(c.site(at.at(option.name)), "a stream %s", option.why)
		}
	}
}

// checkStreams refuses calls that wait for a stream, and a reply stream that no call feeds.
func (c *compiler) checkStreams() {
	for _, call := range c.plan.calls {
		for _, i := range call.after {
			if before := c.plan.calls[i]; before.streams {
				c.problem(c.site(placeOf("calls", call.name)), "refers to %q, which is a stream; only the reply can", before.name)
			}
		}
	}
	if c.plan.streams && !slices.ContainsFunc(c.plan.calls, func(call *call) bool { return call.streams }) {
		c.problem(c.site(place{}), "%s replies with a stream, but none of its calls is one", c.plan.name)
	}
}

// apart tells whether two fields are never set in the same message, because they come from different streams.
func (c *compiler) apart(a, b writer) bool {
	if !c.plan.streams {
		return false
	}
	ofA, ofB := c.plan.streamsIn(a), c.plan.streamsIn(b)
	return len(ofA) > 0 && len(ofB) > 0 && !slices.ContainsFunc(ofA, func(i int) bool { return slices.Contains(ofB, i) })
}

// streamsIn are the streams that a writer reads.
func (p *Plan) streamsIn(w writer) []int {
	return slices.DeleteFunc(p.callsIn(w), func(i int) bool { return !p.calls[i].streams })
}

// callsIn are the calls that a writer reads.
func (p *Plan) callsIn(w writer) []int {
	return p.refersTo(func(d *demand) { w.demand(d, nil) })
}

// noStream stands for a message that no stream has caused.
const noStream = -1

// messageWriters write the messages of one stream.
type messageWriters struct{ first, later writer }

// splitReply makes the writers of each stream of the program, and finds out which unary replies are needed for more than the
// first message.
func (g *Program) splitReply() {
	g.messages = make([]messageWriters, len(g.calls))
	g.lasting = make([]bool, len(g.calls))
	streams := 0
	for i, c := range g.calls {
		if c == nil || !c.streams {
			continue
		}
		later := g.plan.part(g.reply, i, false)
		g.messages[i] = messageWriters{first: g.plan.part(g.reply, i, true), later: later}
		for _, needed := range g.plan.callsIn(later) {
			g.lasting[needed] = true
		}
		streams++
	}
	if alone := g.plan.part(g.reply, noStream, true); streams == 0 || len(g.plan.callsIn(alone)) > 0 {
		g.alone = alone
	}
}

// part returns what of a writer is written in a message of a stream: of a mapping, or a message literal, field by field.
func (p *Plan) part(w writer, stream int, first bool) writer {
	whole, ok := w.(*construct)
	switch {
	case !ok && p.concerns(w, stream, first):
		return w
	case !ok:
		return sequence(nil)
	}
	part := &construct{to: whole.to}
	for _, field := range whole.fields {
		if p.concerns(field.writer, stream, first) {
			part.fields = append(part.fields, fieldWriter{field.sink, p.part(field.writer, stream, first)})
		}
	}
	return part
}

// concerns tells whether a writer has anything to write in a message of a stream.
func (p *Plan) concerns(w writer, stream int, first bool) bool {
	calls := p.callsIn(w)
	streams := slices.DeleteFunc(slices.Clone(calls), func(i int) bool { return !p.calls[i].streams })
	switch {
	case len(streams) > 0:
		return slices.Contains(streams, stream)
	case len(calls) > 0:
		return first
	}
	return true
}

// otherMember returns the member of a oneof that a mapping sets already and that may be set in the same message.
func (c *compiler) otherMember(members []fieldWriter, fd protoreflect.FieldDescriptor, w writer) (protoreflect.Name, bool) {
	if fd.ContainingOneof() == nil {
		return "", false
	}
	for _, other := range members {
		if other.sink.fd.ContainingOneof() == fd.ContainingOneof() && !c.apart(other.writer, w) {
			return other.sink.fd.Name(), true
		}
	}
	return "", false
}
