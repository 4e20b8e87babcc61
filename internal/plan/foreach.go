package plan

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

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
	parsed, issues := c.spec.Types.parse(c.env, text)
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
