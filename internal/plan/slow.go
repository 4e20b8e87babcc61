package plan

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
	"cel.dev/cel-go/parser"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
	"facet/internal/problem"
)

// interruptEvery is how many steps of a loop cel-go takes before it looks whether the request is over.
const interruptEvery = 256

// slow is an expression that cel-go evaluates, over the decoded messages of just the variables it names, and of
// those only the fields it reads.
//
// If it names a call that failed or was skipped it is unset, and so it is if it looks up a key that is missing.
type slow struct {
	program   cel.Program
	variables []*slowVariable
	site      *site
	text      string
	at        problem.Position
	reason    string
}

// slowVariable is what a slow expression names: a message, a scalar, or the map of a keyed call.
type slowVariable struct {
	name  string
	from  *path // nil for a map
	call  *call // of a map
	want  *want // what is read of the message, or of each message of the map
	shape *shape
}

// slow lowers an expression to cel-go.
func (l *lowering) slow(e ast.Expr) *slow {
	s := &slow{
		site:   l.expr.site,
		text:   l.textOf(e),
		at:     l.positionOf(e),
		reason: slowReason(e),
	}
	s.variables = (&slowReads{lowering: l, found: map[string]*slowVariable{}}).of(e)
	checked := ast.NewCheckedAST(ast.NewAST(e, l.expr.ast.SourceInfo()), l.expr.ast.TypeMap(), l.expr.ast.ReferenceMap())
	program, err := l.c.env.PlanProgram(checked, cel.InterruptCheckFrequency(interruptEvery))
	if err != nil {
		l.c.problem(l.expr.site, "%v", err)
		return s
	}
	s.program = program
	l.c.plan.slow = append(l.c.plan.slow, s)
	return s
}

// read implements reader.
func (s *slow) read(f *frame) (value, bool, error) {
	val, ok, err := s.eval(f)
	if !ok || err != nil || val == types.NullValue {
		return value{}, false, err
	}
	v, _, ok := scalarOf(val)
	return v, ok, nil
}

// eval evaluates the expression.
func (s *slow) eval(f *frame) (ref.Val, bool, error) {
	for _, v := range s.variables {
		if !v.set(f) {
			return nil, false, nil
		}
	}
	vars := &activation{frame: f, variables: s.variables}
	val, _, err := s.program.ContextEval(f.ctx, vars)
	switch {
	case err == nil:
		return val, true, nil
	case f.ctx.Err() != nil:
		return nil, false, contextStatus(f.ctx)
	case strings.Contains(err.Error(), "no such key"):
		return nil, false, nil
	default:
		return nil, false, (&site{s.site.method, s.site.field, s.at}).fail(err)
	}
}

func (s *slow) demand(d *demand) {
	d.slow[s] = true
	for _, v := range s.variables {
		if v.from != nil {
			d.root(v.from).merge(v.want)
		} else {
			d.element(v.call).merge(v.want)
		}
	}
}

// slowMove writes what a slow expression yields.
type slowMove struct {
	from *slow
	to   *sink
	list bool // the expression yields a list, whose elements go to the sink
}

func (m *slowMove) append(f *frame, dst []byte) ([]byte, error) {
	val, ok, err := m.from.eval(f)
	if !ok || err != nil || val == types.NullValue && !isValue(m.to.md) {
		return dst, err
	}
	before := len(dst)
	switch {
	case m.list:
		dst, err = appendList(dst, m.to, val)
	case m.to.fd != nil && m.to.fd.IsMap():
		dst, err = appendMap(dst, m.to.fd, val)
	default:
		dst, err = appendVal(dst, m.to, val)
	}
	if err != nil {
		return dst[:before], m.from.site.fail(err)
	}
	return dst, nil
}

func (m *slowMove) prune(*pbwire.Selection) writer        { return m }
func (m *slowMove) demand(d *demand, _ *pbwire.Selection) { m.from.demand(d) }

// set tells whether a variable has a value: that of a call that failed or was skipped has none.
func (v *slowVariable) set(f *frame) bool {
	switch {
	case v.call != nil:
		return f.run.calls[v.call.index].set
	case v.from.root == rootCall:
		return f.run.calls[v.from.index].set
	default:
		return true
	}
}

// value decodes a variable.
func (v *slowVariable) value(f *frame) any {
	if v.from == nil {
		return v.entries(f)
	}
	root, _, _ := v.from.readRoot(f) // set has found it
	if v.from.start == nil {
		return celScalar(v.from.class, root)
	}
	return v.message(f, v.from.start, root.data)
}

// message decodes what the expression reads of a message. That it is well-formed was checked when it came.
func (v *slowVariable) message(f *frame, md protoreflect.MessageDescriptor, wire []byte) ref.Val {
	f.trimmed = v.shape.trim(f.trimmed[:0], wire)
	msg, err := decode(md, f.trimmed)
	if err != nil {
		return types.WrapErr(err)
	}
	return f.run.types.registry.NativeToValue(msg)
}

// entries decodes the map of a keyed call.
func (v *slowVariable) entries(f *frame) any {
	keyed := &f.run.calls[v.call.index].keyed
	entries := make(map[ref.Val]ref.Val, len(keyed.keys))
	for i, key := range keyed.keys {
		entries[celScalar(v.call.keyClass(), key)] = v.message(f, v.call.element(), keyed.elements[i])
	}
	return types.NewRefValMap(f.run.types.registry, entries)
}

// activation gives cel-go the variables it asks for. Those that do not change within a run are decoded once in
// a frame.
type activation struct {
	frame     *frame
	variables []*slowVariable
	local     any // the loop variable, of which most expressions name only one
	localOf   *slowVariable
}

var _ interpreter.Activation = (*activation)(nil)

// Parent implements interpreter.Activation.
func (a *activation) Parent() interpreter.Activation { return nil }

// ResolveName implements interpreter.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	name = strings.TrimPrefix(name, ".")
	for _, v := range a.variables {
		if v.name == name {
			return a.value(v), true
		}
	}
	return nil, false
}

func (a *activation) value(v *slowVariable) any {
	if v.from != nil && v.from.root == rootLocal {
		if a.localOf != v {
			a.local, a.localOf = v.value(a.frame), v
		}
		return a.local
	}
	if decoded, ok := a.frame.decoded[v]; ok {
		return decoded
	}
	if a.frame.decoded == nil {
		a.frame.decoded = map[*slowVariable]any{}
	}
	decoded := v.value(a.frame)
	a.frame.decoded[v] = decoded
	return decoded
}

// textOf spells an expression.
func (l *lowering) textOf(e ast.Expr) string {
	if e.ID() == l.expr.ast.Expr().ID() {
		return l.expr.text
	}
	text, err := parser.Unparse(e, l.expr.ast.SourceInfo())
	if err != nil {
		return l.expr.text
	}
	return text
}

// positionOf is where an expression begins: where the leftmost thing in it does.
func (l *lowering) positionOf(e ast.Expr) problem.Position {
	info := l.expr.ast.SourceInfo()
	line, column := 0, 0
	walk(e, func(e ast.Expr) bool {
		at := info.GetStartLocation(e.ID())
		if at.Line() > 0 && (line == 0 || at.Line() < line || at.Line() == line && at.Column() < column) {
			line, column = at.Line(), at.Column()
		}
		return true
	})
	return l.expr.site.within(l.expr.text, line, column)
}

// slowReason says what in an expression is not a move of wire bytes.
func slowReason(e ast.Expr) string {
	switch e.Kind() {
	case ast.CallKind:
		return operatorName(e.AsCall().FunctionName()) + " is computed"
	case ast.ComprehensionKind:
		return "a loop whose result is computed"
	case ast.SelectKind:
		if e.AsSelect().IsTestOnly() {
			return "has() is computed"
		}
		return "a select on something that is computed"
	case ast.StructKind, ast.ListKind, ast.MapKind:
		return "a literal of another type than its field"
	default:
		return "a value of another type than its field"
	}
}
