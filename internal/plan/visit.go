package plan

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// visit is `over.map(name, yield)`, `over.map(name, when, yield)` or `over.filter(name, when)`, which the parser
// has expanded to a fold that appends to a list.
type visit struct {
	over  ast.Expr
	name  string
	when  ast.Expr // nil: every element
	yield ast.Expr // nil: the element itself
}

// asVisit recognizes a visit in its expansion.
func asVisit(e ast.Expr) (visit, bool) {
	if e.Kind() != ast.ComprehensionKind {
		return visit{}, false
	}
	fold := e.AsComprehension()
	if fold.HasIterVar2() || !isTrue(fold.LoopCondition()) || !isEmptyList(fold.AccuInit()) || !isIdent(fold.Result(), fold.AccuVar()) {
		return visit{}, false
	}
	v := visit{over: fold.IterRange(), name: fold.IterVar()}
	step := fold.LoopStep()
	if args, ok := callOf(step, operators.Conditional); ok && isIdent(args[2], fold.AccuVar()) {
		v.when, step = args[0], args[1]
	}
	args, ok := callOf(step, operators.Add)
	if !ok || !isIdent(args[0], fold.AccuVar()) || args[1].Kind() != ast.ListKind || args[1].AsList().Size() != 1 {
		return visit{}, false
	}
	if yield := args[1].AsList().Elements()[0]; !isIdent(yield, v.name) {
		v.yield = yield
	}
	return v, true
}

func callOf(e ast.Expr, function string) ([]ast.Expr, bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return nil, false
	}
	return e.AsCall().Args(), true
}

func isIdent(e ast.Expr, name string) bool { return e.Kind() == ast.IdentKind && e.AsIdent() == name }

func isTrue(e ast.Expr) bool { return e.Kind() == ast.LiteralKind && e.AsLiteral() == types.True }

func isEmptyList(e ast.Expr) bool { return e.Kind() == ast.ListKind && e.AsList().Size() == 0 }

// walk calls fn for an expression and everything in it, until fn returns false for a branch.
func walk(e ast.Expr, fn func(ast.Expr) bool) {
	if !fn(e) {
		return
	}
	for _, child := range children(e) {
		walk(child, fn)
	}
}

// children are the expressions right inside an expression.
func children(e ast.Expr) []ast.Expr {
	var out []ast.Expr
	switch e.Kind() {
	case ast.SelectKind:
		out = append(out, e.AsSelect().Operand())
	case ast.CallKind:
		if e.AsCall().IsMemberFunction() {
			out = append(out, e.AsCall().Target())
		}
		out = append(out, e.AsCall().Args()...)
	case ast.ListKind:
		out = append(out, e.AsList().Elements()...)
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			out = append(out, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.StructKind:
		for _, entry := range e.AsStruct().Fields() {
			out = append(out, entry.AsStructField().Value())
		}
	case ast.ComprehensionKind:
		fold := e.AsComprehension()
		out = append(out, fold.IterRange(), fold.AccuInit(), fold.LoopCondition(), fold.LoopStep(), fold.Result())
	}
	return out
}
