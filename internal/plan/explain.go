package plan

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Explanation says how a program runs: it is to plans what EXPLAIN is to SQL.
type Explanation struct {
	Method      string           `json:"method"`
	Selection   string           `json:"selection"` // canonical; `*` is everything
	Timeout     string           `json:"timeout,omitempty"`
	PassThrough bool             `json:"pass_through,omitempty"`
	Calls       []ExplainedCall  `json:"calls"` // each after those it waits for
	Critical    []string         `json:"critical_path,omitempty"`
	Pruned      []PrunedCall     `json:"pruned,omitempty"`
	Slow        []SlowExpression `json:"slow,omitempty"`
}

// ExplainedCall is a call that is made.
type ExplainedCall struct {
	Name        string   `json:"name,omitempty"`
	RPC         string   `json:"rpc"`
	Stream      bool     `json:"stream,omitempty"` // each of its messages makes one of the reply
	Upstream    string   `json:"upstream"`
	After       []string `json:"after,omitempty"`
	When        string   `json:"when,omitempty"`
	ForEach     string   `json:"for_each,omitempty"`
	Key         string   `json:"key,omitempty"`
	Batch       int32    `json:"batch,omitempty"`
	Concurrency int      `json:"concurrency,omitempty"` // of batches, or of the calls of a for_each
	Mask        string   `json:"mask"`                  // pushed down; `*` is everything: nothing is pushed
	MaskField   bool     `json:"mask_field,omitempty"`  // in the request too
	Timeout     string   `json:"timeout,omitempty"`
	Failure     string   `json:"failure"` // what it means: `required`, `optional` or `fallback`
}

// PrunedCall is a call that is not made.
type PrunedCall struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// SlowExpression is one that cel-go evaluates on decoded values.
type SlowExpression struct {
	Expression string `json:"expression"`
	Position   string `json:"position"`
	Reason     string `json:"reason"`
}

// Explain says how the program runs.
func (g *Program) Explain() *Explanation {
	p := g.plan
	x := &Explanation{
		Method:      p.name,
		Selection:   g.selection.String(),
		Timeout:     durationText(p.config.GetTimeout().AsDuration()),
		PassThrough: p.passThrough != nil,
	}
	if x.PassThrough {
		x.Calls = []ExplainedCall{g.explainCall(g.calls[0])}
		return x
	}
	for _, i := range p.order {
		if c := g.calls[i]; c != nil {
			x.Calls = append(x.Calls, g.explainCall(c))
		} else {
			x.Pruned = append(x.Pruned, PrunedCall{p.calls[i].name, "nothing that is selected depends on it"})
		}
	}
	x.Critical = g.criticalPath()
	for _, s := range g.slow {
		x.Slow = append(x.Slow, SlowExpression{s.text, s.at.String(), s.reason})
	}
	return x
}

func (g *Program) explainCall(c *programCall) ExplainedCall {
	x := ExplainedCall{
		Name:      c.name,
		RPC:       methodName(c.rpc),
		Stream:    c.streams,
		Upstream:  c.upstream.Name,
		After:     g.names(c.after),
		When:      c.config.GetWhen(),
		ForEach:   c.config.GetForEach(),
		Key:       c.config.GetKey(),
		Batch:     c.config.GetBatch(),
		Mask:      c.mask.String(),
		MaskField: len(c.maskField) > 0,
		Timeout:   durationText(c.timeout),
		Failure:   "required",
	}
	if x.Batch > 0 || x.ForEach != "" {
		x.Concurrency = c.concurrency()
	}
	switch {
	case c.fallback != nil:
		x.Failure = "fallback"
	case c.config.GetOptional():
		x.Failure = "optional"
	}
	return x
}

func (g *Program) names(calls []int) (names []string) {
	for _, i := range calls {
		names = append(names, g.plan.calls[i].name)
	}
	return names
}

// criticalPath is the longest chain of calls that wait for each other.
func (g *Program) criticalPath() []string {
	chains := make([][]int, len(g.calls))
	var longest []int
	for _, i := range g.plan.order {
		if g.calls[i] == nil {
			continue
		}
		var before []int
		for _, n := range g.calls[i].after {
			if len(chains[n]) > len(before) {
				before = chains[n]
			}
		}
		chains[i] = append(before[:len(before):len(before)], i)
		if len(chains[i]) > len(longest) {
			longest = chains[i]
		}
	}
	return g.names(longest)
}

func durationText(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return d.String()
}

// WriteText writes the explanation for people.
func (x *Explanation) WriteText(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  select %s%s\n", x.Method, x.Selection, detail("timeout", x.Timeout))
	for _, c := range x.Calls {
		c.write(&out, x.PassThrough)
	}
	if len(x.Critical) > 1 {
		fmt.Fprintf(&out, "critical path: %s\n", strings.Join(x.Critical, " > "))
	}
	for _, c := range x.Pruned {
		fmt.Fprintf(&out, "pruned: %s, %s\n", c.Name, c.Why)
	}
	for _, s := range x.Slow {
		fmt.Fprintf(&out, "slow: %s\n      at %s: %s\n", s.Expression, s.Position, s.Reason)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (c *ExplainedCall) write(out *strings.Builder, passThrough bool) {
	kind := ""
	if c.Stream {
		kind = "stream "
	}
	if passThrough {
		fmt.Fprintf(out, "-> pass through to %s%s, upstream %s%s\n", kind, c.RPC, c.Upstream, detail("timeout", c.Timeout))
	} else {
		fmt.Fprintf(out, "-> %s: %s%s, upstream %s, %s%s\n", c.Name, kind, c.RPC, c.Upstream, c.Failure, detail("timeout", c.Timeout))
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(out, "     %s: %s\n", name, text)
		}
	}
	line("after", strings.Join(c.After, ", "))
	line("when", c.When)
	line("for each", c.ForEach)
	line("key", c.Key)
	if c.Batch > 0 {
		line("batch", fmt.Sprintf("%d ids, %d at once", c.Batch, c.Concurrency))
	} else if c.ForEach != "" {
		line("concurrency", fmt.Sprint(c.Concurrency))
	}
	if c.MaskField {
		line("mask", c.Mask+" (x-select and field mask)")
	} else if c.Mask != "*" {
		line("mask", c.Mask+" (x-select)")
	}
}

func detail(name, text string) string {
	if text == "" {
		return ""
	}
	return ", " + name + " " + text
}
