package plan

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// perform makes a call, and settles what its failure means.
func (r *run) perform(c *programCall, state *callRun) {
	if r.failed.Load() {
		return
	}
	made, err := r.wanted(c, state)
	if err == nil && !made {
		return
	}
	if err == nil {
		err = r.make(c, state)
	}
	if err == nil {
		state.set = true
		return
	}
	r.settle(r.parent, c, state, err)
}

// wanted tells whether a call is made: not if its condition does not hold, nor if its request refers to a
// reply that is unset.
func (r *run) wanted(c *programCall, state *callRun) (bool, error) {
	for _, i := range c.needs {
		if !r.calls[i].set {
			return false, nil
		}
	}
	if c.when == nil {
		return true, nil
	}
	v, ok, err := c.when.read(&state.frame)
	return ok && v.bits != 0, err
}

// make makes the requests of a call and takes the replies in.
func (r *run) make(c *programCall, state *callRun) error {
	ctx, cancel := c.context(r.ctx)
	defer cancel()
	var err error
	switch {
	case c.forEach != nil:
		err = r.eachRequest(c, state)
	case c.ids != nil:
		err = r.chunkRequests(c, state)
	default:
		state.request, err = r.appendRequest(c, state, state.request[:0])
		state.ends = append(state.ends[:0], len(state.request))
	}
	if err != nil {
		return err
	}
	sendErr := r.send(ctx, c, state)
	if err := state.take(c); err != nil {
		return err
	}
	return sendErr
}

// send sends the requests, several at once, and waits for the replies. Of several failures it returns one.
func (r *run) send(ctx context.Context, c *programCall, state *callRun) error {
	n := len(state.ends)
	state.buffers = sized(state.buffers, n)
	if n == 1 {
		var err error
		state.buffers[0], err = c.upstream.Caller.Call(ctx, c.method, state.request)
		return c.tolerate(err)
	}
	state.errs = sized(state.errs, n)
	r.fanOut(n, c.concurrency(), func(i int) {
		if r.failed.Load() {
			return
		}
		var err error
		state.buffers[i], err = c.upstream.Caller.Call(ctx, c.method, state.requestAt(i))
		if err = c.tolerate(err); err != nil {
			state.errs[i] = err
			if c.required() && r.parent.Err() == nil {
				r.fail(err)
			}
		}
	})
	for _, err := range state.errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func (s *callRun) requestAt(i int) []byte {
	start := 0
	if i > 0 {
		start = s.ends[i-1]
	}
	return s.request[start:s.ends[i]:s.ends[i]]
}

// tolerate drops an error that only means that an element of a for_each is missing.
func (c *programCall) tolerate(err error) error {
	if err != nil && c.forEach != nil && status.Code(err) == codes.NotFound {
		return nil
	}
	return err
}

// required tells whether a failure of the call is one of the method.
func (c *call) required() bool { return !c.config.GetOptional() && c.fallback == nil }

// fanOut runs n tasks, at most limit at once, one of them on this goroutine.
func (r *run) fanOut(n, limit int, task func(int)) {
	var next atomic.Int64
	worker := func() {
		defer r.catch()
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			task(i)
		}
	}
	var workers sync.WaitGroup
	for range min(n, limit) - 1 {
		workers.Go(worker)
	}
	worker()
	workers.Wait()
}

// take checks the replies that have come and makes them what expressions see. A malformed one is freed.
func (s *callRun) take(c *programCall) (err error) {
	s.keyed.reset()
	for i, b := range s.buffers {
		if b == nil {
			continue
		}
		if !c.shape.check(b.ReadOnlyData()) {
			b.Free()
			s.buffers[i] = nil
			err = c.malformed()
			continue
		}
		s.see(c, i, b.ReadOnlyData())
	}
	return err
}

// see makes a reply what expressions see.
func (s *callRun) see(c *programCall, i int, wire []byte) {
	switch {
	case c.forEach != nil:
		s.keyed.add(s.elements.keys[i], wire)
	case c.key != nil:
		c.key.index(&s.keyed, wire)
	default:
		s.wire = wire
	}
}

// index adds the elements of a reply to a map.
func (k *joinKey) index(into *keyed, wire []byte) {
	last := len(k.list) - 1
	for i := range k.list[:last] {
		var ok bool
		if wire, ok = k.list[i].findMessage(wire); !ok {
			return
		}
	}
	for sc := (scanner{rest: wire}); sc.next(); {
		if sc.num != k.list[last].num || sc.typ != k.list[last].typ {
			continue
		}
		if key, ok := k.key.readFrom(sc.data); ok {
			into.add(key, sc.data)
		}
	}
}

func (c *programCall) malformed() error {
	return status.Errorf(codes.Internal, "upstream %s: malformed reply to %s", c.upstream.Name, strings.TrimPrefix(c.method, "/"))
}

// settle decides what the failure of a call means. parent is what the call itself cannot outlast.
func (r *run) settle(parent context.Context, c *programCall, state *callRun, err error) {
	switch {
	case r.failed.Load(): // it was stopped
	case parent.Err() != nil:
		r.fail(contextStatus(parent))
	case c.required():
		r.fail(err)
	default:
		r.doWithout(c, state, err)
	}
}

// doWithout replaces the reply of a call that has failed by its fallback, or leaves it unset. Of a call with several
// requests the replies that came are kept.
func (r *run) doWithout(c *programCall, state *callRun, err error) {
	state.err = err
	state.set = len(state.keyed.keys) > 0
	if c.fallback == nil {
		return
	}
	wire, fallbackErr := c.fallback.append(&state.frame, state.fallen[:0])
	if fallbackErr != nil {
		r.fail(fallbackErr)
		return
	}
	state.fallen, state.set, state.fallback = wire, true, true
	state.see(c, 0, wire)
}
