package plan

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"facet/internal/pbwire"
)

// Reply is what a run has produced.
type Reply struct {
	// Wire is the reply message, not yet projected: it may hold fields that were not selected. It is
	// valid until Release.
	Wire []byte
	// Partial names the calls that failed and were left out or replaced, by name.
	Partial []Partial

	run     *run
	program *Program
	passed  mem.Buffer // the reply of a method that is passed through
}

// Partial is one call that failed without failing the method.
type Partial struct {
	Call     string
	Err      error // a gRPC status
	Fallback bool  // a fallback stands for its reply
}

// Release returns the reply's buffers. The reply must not be used afterwards.
func (r *Reply) Release() {
	if r.passed != nil {
		r.passed.Free()
	}
	if r.run != nil {
		r.run.release()
	}
	*r = Reply{}
}

// Recheck looks for what is wrong when the reply turns out to be malformed while it is projected: a run only checks
// what the plan itself reads. A call whose reply is malformed where the selection reaches has failed after all: if it
// is required, err is INTERNAL and names its upstream; otherwise the reply is written again without it, and
// changed is true. Calls that were made with the help of a malformed reply are not made again.
//
// It is slow, and meant for the rare case.
func (r *Reply) Recheck() (changed bool, err error) {
	if r.passed != nil {
		return false, r.program.calls[0].recheck(r.program.plan.types, r.Wire)
	}
	if changed, err = r.run.recheckAll(); err != nil || !changed {
		return false, err
	}
	r.run.write()
	r.Wire, r.Partial = r.run.reply, r.run.partial()
	return true, r.run.err
}

// recheckAll drops the malformed replies of all calls, and tells whether there were any.
func (r *run) recheckAll() (changed bool, err error) {
	for i, c := range r.program.calls {
		if c == nil || !r.calls[i].set {
			continue
		}
		failed, err := r.recheck(c, &r.calls[i])
		if err != nil {
			return false, err
		}
		changed = changed || failed
	}
	return changed, nil
}

// recheck drops the malformed replies of a call, and tells whether there were any.
func (r *run) recheck(c *programCall, state *callRun) (failed bool, err error) {
	for i, b := range state.buffers {
		if b == nil {
			continue
		}
		malformed := c.recheck(r.types, b.ReadOnlyData())
		if malformed == nil {
			continue
		}
		if c.required() {
			return false, malformed
		}
		b.Free()
		state.buffers[i], err = nil, malformed
	}
	if err == nil {
		return false, nil
	}
	state.set, state.wire = false, nil
	if takeErr := state.take(c); takeErr != nil {
		err = takeErr
	}
	r.doWithout(c, state, err)
	return true, r.failure()
}

// recheck tells whether a reply can be projected as far as the program wants it.
func (c *programCall) recheck(types *Types, wire []byte) error {
	c.projectionOnce.Do(func() {
		opts := pbwire.Options{Types: types.types}
		c.projection, c.projectionErr = pbwire.Compile(c.rpc.Output(), c.mask, opts)
	})
	if c.projectionErr != nil {
		return status.Errorf(codes.Internal, "upstream %s: the reply of %s cannot be checked: %v", c.upstream.Name, c.method, c.projectionErr)
	}
	if _, err := c.projection.AppendJSON(nil, wire); err != nil {
		return c.malformed()
	}
	return nil
}
