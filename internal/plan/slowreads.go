package plan

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// slowReads finds out which variables a slow expression names and which of their fields it reads.
type slowReads struct {
	lowering *lowering
	found    map[string]*slowVariable
	order    []*slowVariable
	inner    []string // the variables of loops within the expression
}

// of returns the variables of an expression.
func (r *slowReads) of(e ast.Expr) []*slowVariable {
	r.visit(e)
	for _, v := range r.order {
		switch {
		case v.from == nil:
			v.shape = shapeOf(v.call.element(), v.want)
		case v.from.start != nil:
			v.shape = shapeOf(v.from.start, v.want)
		}
	}
	return r.order
}

func (r *slowReads) visit(e ast.Expr) {
	if w, md := r.chain(e); w != nil {
		w.take(nil)
		w.decoded = md != nil
		return
	}
	if e.Kind() == ast.ComprehensionKind {
		r.fold(e.AsComprehension())
		return
	}
	for _, child := range children(e) {
		r.visit(child)
	}
}

// fold visits a loop, whose own variables are not of the plan.
func (r *slowReads) fold(fold ast.ComprehensionExpr) {
	r.visit(fold.IterRange())
	r.visit(fold.AccuInit())
	outer := r.inner
	r.inner = append(r.inner[:len(r.inner):len(r.inner)], fold.IterVar(), fold.IterVar2(), fold.AccuVar())
	r.visit(fold.LoopCondition())
	r.visit(fold.LoopStep())
	r.visit(fold.Result())
	r.inner = outer
}

// chain follows selects from a variable, and returns what they want and of which message type; nil if the
// expression is none. The key of a look-up is visited on the way.
func (r *slowReads) chain(e ast.Expr) (*want, protoreflect.MessageDescriptor) {
	switch e.Kind() {
	case ast.IdentKind:
		if v := r.variable(e); v != nil {
			return v.want, v.messageType()
		}
	case ast.SelectKind:
		return r.selected(e.AsSelect())
	case ast.CallKind:
		args, ok := callOf(e, operators.Index)
		if !ok || args[0].Kind() != ast.IdentKind {
			return nil, nil
		}
		if v := r.variable(args[0]); v != nil && v.from == nil {
			r.visit(args[1])
			return v.want, v.messageType()
		}
	}
	return nil, nil
}

func (r *slowReads) selected(e ast.SelectExpr) (*want, protoreflect.MessageDescriptor) {
	w, md := r.chain(e.Operand())
	if w == nil {
		return nil, nil
	}
	if md == nil || md.IsMapEntry() || celMessageType(md).Kind() != types.StructKind {
		return w, md // a select on something that is read whole: a map, a Struct, an Any
	}
	fd := md.Fields().ByName(protoreflect.Name(e.FieldName()))
	if fd == nil {
		return w, md // an extension
	}
	return w.field(fd), fd.Message()
}

// variable returns the variable of the plan that an identifier names, nil if it is none.
func (r *slowReads) variable(e ast.Expr) *slowVariable {
	name := e.AsIdent()
	if slices.Contains(r.inner, name) {
		return nil
	}
	global := strings.TrimPrefix(name, ".")
	if _, hidden := r.lowering.scope[global]; hidden && name != global {
		// cel-go is asked for both by the same name.
		r.lowering.c.problem(r.lowering.expr.site, "the variable %q of a loop hides the one that %q means; rename it", global, name)
	}
	if v, ok := r.found[global]; ok {
		return v
	}
	v := &slowVariable{name: global, want: &want{}}
	if v.from = r.lowering.variable(name); v.from == nil {
		call, ok := r.lowering.c.calls[global]
		if !ok {
			return nil
		}
		v.call = call
	}
	r.found[global] = v
	r.order = append(r.order, v)
	return v
}

// messageType is the type of the variable, or of the messages of its map; nil if it is a scalar.
func (v *slowVariable) messageType() protoreflect.MessageDescriptor {
	if v.from == nil {
		return v.call.element()
	}
	return v.from.start
}
