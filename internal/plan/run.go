package plan

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxKept bounds the buffers that a run leaves for the next one, in bytes.
const maxKept = 1 << 20

// run is one run of a program. It is reused.
type run struct {
	program *Program
	types   *Types
	request []byte
	parent  context.Context // ends when the client leaves or the method's deadline passes
	ctx     context.Context // ends, besides, when a call has failed the method
	cancel  context.CancelFunc

	calls   []callRun // by index in the plan
	frame   frame     // of the reply
	reply   []byte
	running sync.WaitGroup

	streaming *streaming // nil if the method replies once

	failed   atomic.Bool
	mu       sync.Mutex
	err      error // the first failure of the method
	panicked any
}

// callRun is the state of one call in a run. It is written by the goroutine that makes the call, and read by
// those that start when it is done.
type callRun struct {
	waits atomic.Int32 // for so many calls
	// set: there is a reply, or a map of replies.
	set      bool
	wire     []byte // of the reply; of a keyed call the elements are in keyed
	keyed    keyed
	buffers  []mem.Buffer
	err      error // why it failed without failing the method
	fallback bool  // a fallback stands for the reply

	frame    frame
	request  []byte
	fallen   []byte // the fallback
	listed   []byte // the list of a for_each, or of ids, with repetitions
	elements keyed  // the same without
	ends     []int  // where in request each of several requests ends
	errs     []error
}

// frame is what readers and writers see of a run. Each goroutine has its own.
type frame struct {
	run     *run
	ctx     context.Context
	locals  []value
	trimmed []byte
	decoded map[*slowVariable]any
}

func newRun(g *Program) *run {
	r := &run{program: g, types: g.plan.types, calls: make([]callRun, len(g.calls))}
	r.frame = frame{run: r, locals: make([]value, g.plan.locals)}
	for i := range r.calls {
		r.calls[i].frame = frame{run: r, locals: make([]value, g.plan.locals)}
	}
	return r
}

// Run makes the calls and returns the reply. The context carries the method's deadline. The request must not
// change until the reply is released.
//
// An error is the gRPC status of the required call that failed first, untouched; INVALID_ARGUMENT for a
// malformed request; CANCELED or DEADLINE_EXCEEDED when the context has ended; or INTERNAL for an expression
// that could not be evaluated. When Run returns, none of its goroutines is left.
func (g *Program) Run(ctx context.Context, request []byte) (*Reply, error) {
	if g.plan.passThrough != nil {
		return g.pass(ctx, request)
	}
	if !g.request.check(request) {
		return nil, g.malformedRequest()
	}
	r := g.runs.Get().(*run)
	r.begin(ctx, request)
	if r.runToEnd() == nil {
		r.write()
	}
	if r.err != nil {
		err := r.err
		r.release()
		return nil, err
	}
	return &Reply{Wire: r.reply, Partial: r.partial(), run: r, program: g}, nil
}

func (g *Program) malformedRequest() error {
	return status.Errorf(codes.InvalidArgument, "malformed request: not a %s", g.plan.method.Input().FullName())
}

// runToEnd makes the calls and waits for them.
func (r *run) runToEnd() error {
	r.start()
	r.running.Wait()
	if r.cancel != nil {
		r.cancel()
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r.err
}

// pass forwards a request as it is.
func (g *Program) pass(ctx context.Context, request []byte) (*Reply, error) {
	c := g.calls[0]
	ctx, cancel := c.context(ctx)
	defer cancel()
	buffer, err := c.upstream.Caller.Call(ctx, c.method, request)
	if err != nil {
		return nil, err
	}
	return &Reply{Wire: buffer.ReadOnlyData(), program: g, passed: buffer}, nil
}

func (r *run) begin(ctx context.Context, request []byte) {
	r.request, r.parent, r.ctx = request, ctx, ctx
	if r.program.parallel {
		r.ctx, r.cancel = context.WithCancel(ctx)
	}
	r.frame.ctx = ctx // the reply is written when the calls are over
	for i, c := range r.program.calls {
		if c != nil {
			r.calls[i].frame.ctx = r.ctx
			r.calls[i].waits.Store(c.waits)
		}
	}
}

// start makes the calls that wait for none, the last of them on this goroutine.
func (r *run) start() {
	first := r.program.first
	if len(first) == 0 {
		return
	}
	last := len(first) - 1
	for _, i := range first[:last] {
		r.spawn(i)
	}
	r.work(first[last])
}

func (r *run) spawn(i int) {
	r.running.Add(1)
	go r.workAndLeave(i)
}

func (r *run) workAndLeave(i int) {
	defer r.running.Done()
	growStack()
	r.work(i)
}

// callStack is about what a call needs of its goroutine's stack, in bytes.
const callStack = 8 << 10

// growStack makes room on a new goroutine for a call. Growing copies what is on the stack, and adjusts the pointers of every
// frame: here there are two, in the midst of gRPC some thirty (BenchmarkNewStack).
//
//go:noinline
func growStack() {
	var room [callStack]byte
	runtime.KeepAlive(&room)
}

// work makes a call, and then those that have waited for it: one on this goroutine, the others on their own.
func (r *run) work(i int) {
	defer r.catch()
	for i >= 0 {
		c, state := r.program.calls[i], &r.calls[i]
		if c.streams {
			r.stream(c, state)
		} else {
			r.perform(c, state)
		}
		if r.streaming != nil && !c.streams {
			r.streaming.begins()
		}
		i = r.finish(i)
	}
}

// finish tells the calls that wait for a call that it is done. It returns one that has become ready, or -1.
func (r *run) finish(i int) int {
	ready := -1
	for _, n := range r.program.calls[i].next {
		if r.calls[n].waits.Add(-1) > 0 {
			continue
		}
		if ready >= 0 {
			r.spawn(ready)
		}
		ready = n
	}
	return ready
}

// catch keeps a panic for the goroutine that has called Run, where the server recovers it.
func (r *run) catch() {
	if p := recover(); p != nil {
		r.mu.Lock()
		r.panicked = p
		r.mu.Unlock()
		r.fail(status.Error(codes.Internal, "panic"))
	}
}

// fail fails the method, unless it has failed already, and stops the other calls.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	r.err = err
	r.failed.Store(true)
	if r.cancel != nil {
		r.cancel()
	}
	if r.streaming != nil {
		r.streaming.cancel()
	}
}

// failure is the first failure of the method so far.
func (r *run) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// write writes the reply.
func (r *run) write() {
	if r.parent.Err() != nil {
		r.err = contextStatus(r.parent)
		return
	}
	clear(r.frame.decoded)
	reply, err := r.program.reply.append(&r.frame, r.reply[:0])
	r.reply, r.err = reply, err
}

// partial lists the calls that have failed without failing the method.
func (r *run) partial() (partial []Partial) {
	for i := range r.calls {
		if c := &r.calls[i]; c.err != nil {
			partial = append(partial, Partial{Call: r.program.calls[i].name, Err: c.err, Fallback: c.fallback})
		}
	}
	return partial
}

// release frees the replies and leaves the run for the next request.
func (r *run) release() {
	for i := range r.calls {
		r.calls[i].release()
	}
	r.request, r.parent, r.ctx, r.cancel = nil, nil, nil, nil
	r.err, r.panicked, r.streaming = nil, nil, nil
	r.failed.Store(false)
	r.frame.release()
	r.reply = kept(r.reply)
	r.program.runs.Put(r)
}

func (s *callRun) release() {
	s.drop()
	clear(s.errs)
	s.errs, s.ends = s.errs[:0], s.ends[:0]
	s.err, s.fallback = nil, false
	s.elements.reset()
	s.frame.release()
	s.request, s.listed, s.fallen = kept(s.request), kept(s.listed), kept(s.fallen)
}

// drop frees the reply.
func (s *callRun) drop() {
	for i, b := range s.buffers {
		if b != nil {
			b.Free()
		}
		s.buffers[i] = nil
	}
	s.buffers = s.buffers[:0]
	s.set, s.wire = false, nil
	s.keyed.reset()
}

func (f *frame) release() {
	f.ctx = nil
	clear(f.locals)
	clear(f.decoded)
	f.trimmed = kept(f.trimmed)
}

// kept returns a buffer for the next run, if it is not too large to be kept.
func kept(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b[:0]
}

// context adds what a call is told beside its request: its deadline and the mask.
func (c *programCall) context(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.header != "" {
		ctx = c.tellMask(ctx)
	}
	if c.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// tellMask adds the mask to the metadata of a call. That of a context without any is made once, with the program: made for
// each call it is some percent of a request's CPU.
func (c *programCall) tellMask(ctx context.Context) context.Context {
	if _, ok := metadata.FromOutgoingContext(ctx); ok {
		return metadata.AppendToOutgoingContext(ctx, selectKey, c.header)
	}
	return masked{ctx, c.masked}
}

// masked is a context with outgoing metadata that is there already.
type masked struct {
	context.Context
	metadata context.Context // holds the metadata, and nothing else
}

// Value implements context.Context.
func (c masked) Value(key any) any {
	if value := c.metadata.Value(key); value != nil {
		return value
	}
	return c.Context.Value(key)
}

// contextStatus is the status of a request whose context has ended.
func contextStatus(ctx context.Context) error {
	return status.FromContextError(ctx.Err()).Err()
}
