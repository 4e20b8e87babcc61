package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/problem"
)

// compiler compiles one plan.
type compiler struct {
	spec     Spec
	plan     *Plan
	env      *cel.Env // knows the request and every call
	calls    map[string]*call
	broken   map[string]bool // calls whose type is not known because they have problems
	problems problem.List
}

// compile makes the plan of a method that has calls or a reply.
func (c *compiler) compile() {
	if c.spec.Config.GetReply() == nil {
		c.problem(c.site(placeOf("calls")), "nothing uses the calls: the method has no reply")
		return
	}
	c.resolveCalls()
	c.declare()
	for _, call := range c.plan.calls {
		if !c.broken[call.name] {
			c.compileCall(call)
		}
	}
	m := &mapping{c: c, env: c.env}
	c.plan.reply = m.message(c.spec.Method.Output(), c.spec.Config.GetReply(), placeOf("reply"))
	if len(c.problems) == 0 {
		c.orderCalls()
	}
	if len(c.problems) == 0 {
		c.findUnused()
	}
}

func (c *compiler) resolveCalls() {
	for i, name := range slices.Sorted(maps.Keys(c.spec.Config.GetCalls())) {
		call := &call{index: i, name: name, config: c.spec.Config.GetCalls()[name]}
		c.plan.calls = append(c.plan.calls, call)
		if c.resolve(call) {
			c.calls[name] = call
		} else {
			c.broken[name] = true
		}
	}
}

// declare makes the environment of the plan's expressions.
func (c *compiler) declare() {
	opts := []cel.EnvOption{
		cel.Container(string(c.spec.Method.ParentFile().Package())),
		cel.Variable(requestName, celMessageType(c.spec.Method.Input())),
	}
	for _, call := range c.plan.calls {
		switch {
		case !usableName(call.name):
		case c.broken[call.name]:
			opts = append(opts, cel.Variable(call.name, cel.DynType))
		case call.config.GetForEach() == "":
			opts = append(opts, cel.Variable(call.name, call.celType()))
		}
	}
	c.extend(c.spec.Types.env, opts...)
	pending := map[string]bool{}
	for _, call := range c.plan.calls {
		c.declareForEach(call, pending)
	}
}

func (c *compiler) extend(env *cel.Env, opts ...cel.EnvOption) {
	env, err := env.Extend(opts...)
	if err != nil {
		c.problem(c.site(place{}), "%v", err)
		return
	}
	c.env = env
}

// declareForEach declares the variable of a for_each call, whose type is that of its expression, which may name
// other for_each calls.
func (c *compiler) declareForEach(call *call, pending map[string]bool) {
	if c.broken[call.name] || call.config.GetForEach() == "" || call.forEach != nil || pending[call.name] {
		return
	}
	pending[call.name] = true
	at := placeOf("calls", call.name, "for_each")
	for _, name := range c.namesIn(call.config.GetForEach()) {
		if pending[name] {
			c.problem(c.site(at), "calls wait for each other: %s needs %s", call.name, name)
			c.breakCall(call)
			return
		}
		if other, ok := c.calls[name]; ok {
			c.declareForEach(other, pending)
		}
	}
	delete(pending, call.name)
	e, ok := c.check(c.env, call.config.GetForEach(), c.site(at))
	if !ok {
		c.breakCall(call)
		return
	}
	kind, ok := elementKind(e.typ)
	if !ok {
		if !c.unknown(e.typ) {
			c.problem(e.site, "for_each takes a list of strings, integers or booleans, not %s", typeName(e.typ))
		}
		c.breakCall(call)
		return
	}
	call.forEach = &forEach{expr: e, local: c.newLocal(), kind: kind}
	c.extend(c.env, cel.Variable(call.name, call.celType()))
}

func (c *compiler) breakCall(call *call) {
	c.broken[call.name] = true
	delete(c.calls, call.name)
	c.extend(c.env, cel.Variable(call.name, cel.DynType))
}

// namesIn are the names that an expression may refer to. An expression that does not parse has none: its
// problem is found when it is checked.
func (c *compiler) namesIn(text string) []string {
	parsed, issues := c.env.Parse(text)
	if issues.Err() != nil {
		return nil
	}
	var names []string
	walk(parsed.NativeRep().Expr(), func(e ast.Expr) bool {
		if e.Kind() == ast.IdentKind {
			names = append(names, e.AsIdent())
		}
		return true
	})
	return names
}

// elementKind is how the elements of a list of scalars are kept.
func elementKind(t *cel.Type) (protoreflect.Kind, bool) {
	if t.Kind() != types.ListKind {
		return 0, false
	}
	switch classOfType(t.Parameters()[0]) {
	case classBool:
		return protoreflect.BoolKind, true
	case classInt:
		return protoreflect.Int64Kind, true
	case classUint:
		return protoreflect.Uint64Kind, true
	case classString:
		return protoreflect.StringKind, true
	default:
		return 0, false
	}
}

// unknown tells whether a type is not known because of a problem that is reported elsewhere.
func (c *compiler) unknown(t *cel.Type) bool {
	if len(c.broken) == 0 {
		return false
	}
	return t.Kind() == types.DynKind || slices.ContainsFunc(t.Parameters(), c.unknown)
}

// compileCall lowers the expressions of a call.
func (c *compiler) compileCall(call *call) {
	at := placeOf("calls", call.name)
	if call.config.GetWhen() != "" {
		call.when = c.condition(call.config.GetWhen(), at.at("when"))
	}
	m := &mapping{c: c, env: c.env}
	call.fallback = c.compileFallback(call, m, at.at("fallback"))
	if call.forEach != nil {
		m = c.compileForEach(call)
	}
	call.request = m.message(call.rpc.Input(), call.config.GetRequest(), at.at("request"))
	if call.key != nil {
		c.splitIDs(call, at)
	}
}

func (c *compiler) condition(text string, at place) reader {
	e, ok := c.check(c.env, text, c.site(at))
	if !ok {
		return nil
	}
	if classOfType(e.typ) != classBool {
		if !c.unknown(e.typ) {
			c.problem(e.site, "a condition is true or false, not %s", typeName(e.typ))
		}
		return nil
	}
	l := c.lowering(e, nil)
	when, _ := l.reader(l.root())
	return when
}

// compileForEach lowers the list of a for_each call, and returns the mapping of its request, which knows `each`.
func (c *compiler) compileForEach(call *call) *mapping {
	each := call.forEach
	l := c.lowering(each.expr, nil)
	each.writer = l.list(&sink{kind: each.kind, tag: protowire.EncodeTag(1, wireType(each.kind))}, l.root())
	scope := map[string]*path{eachName: {root: rootLocal, index: each.local, class: classOf(each.kind)}}
	env, err := c.env.Extend(cel.Variable(eachName, celTypeOfClass(classOf(each.kind))))
	if err != nil {
		c.problem(each.expr.site, "%v", err)
		env = c.env
	}
	return &mapping{c: c, env: env, scope: scope}
}

func (c *compiler) compileFallback(call *call, m *mapping, at place) writer {
	if call.config.GetFallback() == nil {
		return nil
	}
	w := m.message(call.rpc.Output(), call.config.GetFallback(), at)
	if w == nil {
		return nil
	}
	if refers := c.refersTo(func(d *demand) { w.demand(d, nil) }); len(refers) > 0 {
		c.problem(c.site(at), "a fallback cannot refer to a call, as to %q here", c.plan.calls[refers[0]].name)
	}
	return w
}

// splitIDs takes the list of ids out of the request of a keyed call: the ids are de-duplicated and perhaps sent
// in batches.
func (c *compiler) splitIDs(call *call, at place) {
	request, ok := call.request.(*construct)
	var lists []int
	if ok {
		for i, field := range request.fields {
			if field.sink.fd.IsList() && field.sink.md == nil {
				lists = append(lists, i)
			}
		}
	}
	if len(lists) == 1 {
		field := request.fields[lists[0]]
		call.ids = &idList{fd: field.sink.fd, writer: field.writer}
		call.request = &construct{to: request.to, fields: slices.Delete(request.fields, lists[0], lists[0]+1)}
		return
	}
	if call.config.GetBatch() > 0 && call.request != nil {
		c.problem(c.site(at.at("batch")), "the request has %d lists of scalars; exactly one can be sent in batches", len(lists))
	}
}

// refersTo are the calls that something reads, in the order of their names.
func (c *compiler) refersTo(reads func(*demand)) []int {
	d := newDemand(c.plan)
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
		call.after = c.refersTo(call.demand)
		if call.key == nil {
			call.needs = c.refersTo(func(d *demand) { call.request.demand(d, nil) })
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

func (c *compiler) newLocal() int {
	c.plan.locals++
	return c.plan.locals - 1
}

func (c *compiler) site(at place) *site {
	return &site{method: c.plan.name, field: at.field, at: c.spec.Locate(at.keys...)}
}

// methodName is the full name of a method, as documents write it.
func methodName(md protoreflect.MethodDescriptor) string {
	return fmt.Sprintf("%s/%s", md.Parent().FullName(), md.Name())
}
