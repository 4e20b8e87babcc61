package plan

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// selectKey is the metadata that tells a downstream method what of its reply is wanted.
const selectKey = "x-select"

// Program is a plan pruned to one selection. It is safe for concurrent use.
type Program struct {
	plan      *Plan
	selection *pbwire.Selection
	reply     writer
	request   *shape         // what is read of the request
	calls     []*programCall // by index in the plan; nil: not made
	slow      []*slow        // the expressions that cel-go evaluates
	first     []int          // the calls that wait for none
	parallel  bool           // requests may be in flight when another fails

	// Of a method that replies with a stream:
	messages []messageWriters // by index of the stream
	alone    writer           // writes a message that no stream has caused; nil: there is nothing to say without one
	lasting  []bool           // by index: the reply of a unary call is read after the first message

	runs sync.Pool // of *run
}

// programCall is a call as a program makes it.
type programCall struct {
	*call
	upstream Upstream
	timeout  time.Duration // 0: that of the method

	mask  *pbwire.Selection // what of the reply is wanted
	shape *shape            // what of the reply is read
	// header is the mask as metadata, maskField as a field of the request. They are empty where everything
	// is wanted; the field also where the request has no place for it.
	header    string
	masked    context.Context // holds header as outgoing metadata, and nothing else
	maskField []byte
	waits     int32 // for so many calls
	next      []int // the calls that wait for it

	projection     *pbwire.Projection // to check replies with, see Reply.Recheck
	projectionErr  error
	projectionOnce sync.Once
}

// Prune returns what of the plan runs for a selection over the method's reply.
func (p *Plan) Prune(sel *pbwire.Selection) (*Program, error) {
	g := &Program{plan: p, selection: sel}
	g.runs.New = func() any { return newRun(g) }
	if p.passThrough != nil {
		g.calls = []*programCall{newProgramCall(p, p.passThrough, sel)}
		return g, nil
	}
	g.reply = p.reply.prune(sel)
	d := newDemand(p)
	g.reply.demand(d, sel)
	p.follow(d, p.always)
	for _, s := range p.slow {
		if d.slow[s] {
			g.slow = append(g.slow, s)
		}
	}
	g.request = shapeOf(p.method.Input(), d.request)
	g.calls = make([]*programCall, len(p.calls))
	for _, i := range p.order {
		if w := d.calls[i]; w != nil || p.always(p.calls[i]) {
			g.add(p.calls[i], w)
		}
	}
	if p.streams {
		g.splitReply()
		g.parallel = true
	}
	return g, nil
}

// always tells whether a call is made whatever is selected: it may have side effects. To open a stream has none.
func (p *Plan) always(c *call) bool { return !p.safe && !c.streams }

// follow extends a demand to what the needed calls need in turn. keep tells which calls are needed anyway.
func (p *Plan) follow(d *demand, keep func(*call) bool) {
	for _, i := range slices.Backward(p.order) {
		if d.calls[i] != nil || keep != nil && keep(p.calls[i]) {
			p.calls[i].demand(d)
		}
	}
}

// demand records what the expressions of a call read.
func (c *call) demand(d *demand) {
	if c.when != nil {
		c.when.demand(d)
	}
	if c.forEach != nil {
		c.forEach.writer.demand(d, nil)
	}
	if c.ids != nil {
		c.ids.writer.demand(d, nil)
	}
	c.request.demand(d, nil)
	if c.fallback != nil {
		c.fallback.demand(d, nil)
	}
}

// add adds a call to the program, after those it waits for.
func (g *Program) add(c *call, w *want) {
	var mask *pbwire.Selection
	if w != nil {
		mask = w.selection()
	}
	pc := newProgramCall(g.plan, c, mask)
	if w != nil {
		pc.shape = shapeOf(c.rpc.Output(), w)
	}
	if !mask.Everything() {
		pc.maskField = maskField(c, mask)
	}
	for _, i := range c.after {
		g.calls[i].next = append(g.calls[i].next, c.index)
	}
	if pc.waits = int32(len(c.after)); pc.waits == 0 {
		g.first = append(g.first, c.index)
	}
	g.parallel = g.parallel || g.count() > 0 || c.forEach != nil || c.config.GetBatch() > 0
	g.calls[c.index] = pc
}

// count is how many calls the program makes.
func (g *Program) count() (n int) {
	for _, c := range g.calls {
		if c != nil {
			n++
		}
	}
	return n
}

func newProgramCall(p *Plan, c *call, mask *pbwire.Selection) *programCall {
	upstream := p.upstreams[c.rpc.Parent().FullName()]
	pc := &programCall{call: c, upstream: upstream, timeout: c.timeout(upstream), mask: mask}
	if !mask.Everything() && !mask.Empty() {
		pc.header = mask.String()
		pc.masked = metadata.NewOutgoingContext(context.Background(), metadata.Pairs(selectKey, pc.header))
	}
	return pc
}

// maskField encodes a mask as the google.protobuf.FieldMask that the request has for it and that the plan does not
// fill itself.
func maskField(c *call, mask *pbwire.Selection) []byte {
	request, ok := c.request.(*construct)
	if !ok {
		return nil
	}
	for _, name := range []protoreflect.Name{"read_mask", "field_mask"} {
		fd := c.rpc.Input().Fields().ByName(name)
		if fd == nil || fd.IsList() || fd.Message() == nil || fd.Message().FullName() != "google.protobuf.FieldMask" {
			continue
		}
		if slices.ContainsFunc(request.fields, func(f fieldWriter) bool { return f.sink.fd == fd }) {
			continue
		}
		var paths []byte
		for _, p := range mask.Paths() {
			paths = protowire.AppendTag(paths, 1, protowire.BytesType)
			paths = protowire.AppendString(paths, p)
		}
		return fieldSink(fd).appendMessage(nil, paths)
	}
	return nil
}
