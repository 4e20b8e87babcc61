package plan

import (
	"slices"
	"strings"
)

// refersTo are the calls that something reads, in the order of their names.
func (p *Plan) refersTo(reads func(*demand)) []int {
	d := newDemand(p)
	reads(d)
	var calls []int
	for i, w := range d.calls {
		if w != nil {
			calls = append(calls, i)
		}
	}
	return calls
}

// orderCalls finds out which call waits for which, and puts them in an order in which they can run.
func (c *compiler) orderCalls() {
	for _, call := range c.plan.calls {
		call.after = c.plan.refersTo(call.demand)
		if call.key == nil {
			call.needs = c.plan.refersTo(func(d *demand) { call.request.demand(d, nil) })
		}
	}
	const (
		unseen = iota
		open
		done
	)
	state := make([]int, len(c.plan.calls))
	var chain []*call
	var visit func(*call) bool
	visit = func(call *call) bool {
		chain = append(chain, call)
		defer func() { chain = chain[:len(chain)-1] }()
		switch state[call.index] {
		case open:
			c.reportCycle(chain)
			return false
		case done:
			return true
		}
		state[call.index] = open
		for _, i := range call.after {
			if !visit(c.plan.calls[i]) {
				return false
			}
		}
		state[call.index] = done
		c.plan.order = append(c.plan.order, call.index)
		return true
	}
	for _, call := range c.plan.calls {
		if !visit(call) {
			return
		}
	}
}

// reportCycle reports that the last call of a chain waits for itself.
func (c *compiler) reportCycle(chain []*call) {
	last := chain[len(chain)-1]
	start := slices.Index(chain, last)
	names := make([]string, 0, len(chain)-start)
	for _, call := range chain[start:] {
		names = append(names, call.name)
	}
	c.problem(c.site(placeOf("calls", last.name)), "calls wait for each other: %s", strings.Join(names, " needs "))
}

// findUnused refuses calls that nothing in the reply depends on.
func (c *compiler) findUnused() {
	d := newDemand(c.plan)
	c.plan.reply.demand(d, nil)
	c.plan.follow(d, nil)
	for _, call := range c.plan.calls {
		if d.calls[call.index] == nil {
			c.problem(c.site(placeOf("calls", call.name)), "nothing in the reply depends on this call; use it or remove it")
		}
	}
}
