package plan

import (
	"fmt"
	"maps"
	"slices"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
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
		c.checkStreams()
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
	before := len(c.problems)
	call.request = m.message(call.rpc.Input(), call.config.GetRequest(), at.at("request"))
	if sound := len(c.problems) == before; call.key != nil && sound { // a list that is wrong is not missing besides
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
	return l.reader(l.root())
}

func (c *compiler) compileFallback(call *call, m *mapping, at place) writer {
	if call.config.GetFallback() == nil {
		return nil
	}
	w := m.message(call.rpc.Output(), call.config.GetFallback(), at)
	if w == nil {
		return nil
	}
	if refers := c.plan.refersTo(func(d *demand) { w.demand(d, nil) }); len(refers) > 0 {
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
