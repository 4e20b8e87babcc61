package plan

import (
	"maps"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// lowering turns one type-checked expression into readers and writers over wire bytes. What it does not
// know how to move becomes a slow leaf, and only that: the tree around it stays fast.
type lowering struct {
	c     *compiler
	expr  *expression
	scope map[string]*path // `each` and the variables of the loops around
}

func (c *compiler) lowering(e *expression, scope map[string]*path) *lowering {
	return &lowering{c: c, expr: e, scope: scope}
}

func (l *lowering) root() ast.Expr { return l.expr.ast.Expr() }

// path returns the chain of selects that an expression is, or nil.
func (l *lowering) path(e ast.Expr) *path {
	switch e.Kind() {
	case ast.IdentKind:
		return l.variable(e.AsIdent())
	case ast.SelectKind:
		return l.selected(e.AsSelect())
	case ast.CallKind:
		if call := e.AsCall(); call.FunctionName() == operators.Index {
			return l.lookup(call.Args()[0], call.Args()[1])
		}
	}
	return nil
}

// variable returns what a name stands for, or nil. The type checker has put a dot before the name of a variable of the
// plan that is meant although a loop has one of the same name.
func (l *lowering) variable(name string) *path {
	if local, ok := l.scope[name]; ok {
		return local
	}
	name = strings.TrimPrefix(name, ".")
	if name == requestName {
		return &path{root: rootRequest, start: l.c.spec.Method.Input()}
	}
	if call, ok := l.c.calls[name]; ok && !call.mapped() {
		return &path{root: rootCall, index: call.index, call: call, start: call.rpc.Output()}
	}
	return nil
}

func (l *lowering) selected(e ast.SelectExpr) *path {
	if e.IsTestOnly() {
		return nil
	}
	from := l.path(e.Operand())
	if from == nil || from.list() || from.message() == nil || celMessageType(from.message()).Kind() != types.StructKind {
		return nil
	}
	fd := from.message().Fields().ByName(protoreflect.Name(e.FieldName()))
	if fd == nil {
		return nil
	}
	return from.selecting(fd)
}

// lookup is `products[id]`.
func (l *lowering) lookup(of, key ast.Expr) *path {
	if of.Kind() != ast.IdentKind {
		return nil
	}
	name := of.AsIdent()
	if _, shadowed := l.scope[name]; shadowed {
		return nil
	}
	call, ok := l.c.calls[strings.TrimPrefix(name, ".")]
	if !ok || !call.mapped() {
		return nil
	}
	return &path{root: rootLookup, index: call.index, call: call, key: l.reader(key), start: call.element()}
}

// reader lowers an expression that yields a scalar.
func (l *lowering) reader(e ast.Expr) reader {
	if v, from, ok := l.literal(e); ok {
		return &literal{v: v, class: from}
	}
	if p := l.path(e); p != nil && !p.list() {
		if p = unwrapping(p); p.message() == nil {
			return p
		}
	}
	return l.slow(e)
}

// unwrapping selects the value of a wrapper.
func unwrapping(p *path) *path {
	if md := p.message(); md != nil {
		if value := wrapped(md); value != nil {
			return p.selecting(value)
		}
	}
	return p
}

// literal returns the scalar that an expression spells out: a literal or the name of an enum value.
func (l *lowering) literal(e ast.Expr) (value, class, bool) {
	if e.Kind() == ast.LiteralKind {
		return scalarOf(e.AsLiteral())
	}
	if ref := l.expr.ast.ReferenceMap()[e.ID()]; ref != nil && ref.Value != nil {
		return scalarOf(ref.Value)
	}
	return value{}, classNone, false
}

// field lowers an expression that fills a field. Its type has been accepted.
func (l *lowering) field(fd protoreflect.FieldDescriptor, e ast.Expr) writer {
	switch {
	case fd.IsMap():
		return l.mapField(fd, e)
	case fd.IsList() && fd.IsPacked():
		return &packed{
			tag:  protowire.EncodeTag(fd.Number(), protowire.BytesType),
			body: l.list(elementSink(fd), e),
		}
	case fd.IsList():
		return l.list(fieldSink(fd), e)
	default:
		return l.single(fieldSink(fd), e)
	}
}

// single lowers an expression that yields one value.
func (l *lowering) single(to *sink, e ast.Expr) writer {
	if v, from, ok := l.literal(e); ok && (to.md == nil || to.wrapped != nil) {
		return l.constant(to, from, v)
	}
	if e.Kind() == ast.LiteralKind && e.AsLiteral() == types.NullValue && !isValue(to.md) {
		return sequence{}
	}
	if p := l.path(e); p != nil {
		if move := l.move(to, p); move != nil {
			return move
		}
	}
	if w := l.choice(e, func(e ast.Expr) writer { return l.single(to, e) }); w != nil {
		return w
	}
	if e.Kind() == ast.StructKind && to.md != nil {
		if md, ok := l.c.spec.Types.message(e.AsStruct().TypeName()); ok && md.FullName() == to.md.FullName() {
			return l.construct(to, md, e.AsStruct())
		}
	}
	return &slowMove{from: l.slow(e), to: to}
}

func isValue(md protoreflect.MessageDescriptor) bool {
	return md != nil && md.FullName() == "google.protobuf.Value"
}

// constant encodes a literal once and for all. One that its field cannot hold is a problem.
func (l *lowering) constant(to *sink, from class, v value) writer {
	wire, err := to.appendScalar(nil, from, v)
	if err != nil {
		l.c.problem(l.expr.site, "%v", err)
	}
	return constant(wire)
}

// move copies what a path yields, or is nil if it is not the same on the wire.
func (l *lowering) move(to *sink, p *path) writer {
	md := p.message()
	switch {
	case p.list():
		return nil
	case md != nil && to.md != nil && md.FullName() == to.md.FullName():
		return &messageMove{from: p, to: to}
	case to.md != nil && to.wrapped == nil:
		return nil
	}
	if p = unwrapping(p); p.message() != nil || !assignable(to.scalarKind(), p.scalar()) {
		return nil
	}
	return &scalarMove{from: p, class: p.scalar(), to: to, site: l.expr.site}
}

// choice lowers `a ? b : c`, or is nil.
func (l *lowering) choice(e ast.Expr, branch func(ast.Expr) writer) writer {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Conditional {
		return nil
	}
	args := e.AsCall().Args()
	when := l.reader(args[0])
	return &guard{when: when, body: branch(args[1]), other: branch(args[2])}
}

func (l *lowering) construct(to *sink, md protoreflect.MessageDescriptor, e ast.StructExpr) writer {
	c := &construct{to: to}
	for _, entry := range e.Fields() {
		fd := md.Fields().ByName(protoreflect.Name(entry.AsStructField().Name()))
		c.fields = append(c.fields, fieldWriter{fieldSink(fd), l.field(fd, entry.AsStructField().Value())})
	}
	return c
}

// list lowers an expression that yields a list.
func (l *lowering) list(element *sink, e ast.Expr) writer {
	if w := l.choice(e, func(e ast.Expr) writer { return l.list(element, e) }); w != nil {
		return w
	}
	switch {
	case e.Kind() == ast.ListKind:
		var s sequence
		for _, item := range e.AsList().Elements() {
			s = append(s, l.single(element, item))
		}
		return s
	case e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Add:
		return sequence{l.list(element, e.AsCall().Args()[0]), l.list(element, e.AsCall().Args()[1])}
	}
	if w := l.each(e, func(l *lowering, p *path) writer { return l.move(element, p) }, element); w != nil {
		return w
	}
	return &slowMove{from: l.slow(e), to: element, list: true}
}

// each lowers a list whose elements are visited one by one: a repeated field, or a map or filter over one. body
// makes the writer of an element that is moved as it is; it and each are nil where that is not possible.
func (l *lowering) each(e ast.Expr, body func(*lowering, *path) writer, element *sink) writer {
	if p := l.path(e); p != nil {
		return l.loop(p, body)
	}
	v, ok := asVisit(e)
	if !ok {
		return nil
	}
	return l.each(v.over, func(l *lowering, p *path) writer {
		l = l.with(v.name, p)
		w := l.visited(v, p, body, element)
		if w == nil || v.when == nil {
			return w
		}
		when := l.reader(v.when)
		return &guard{when: when, body: w}
	}, nil)
}

// visited makes the writer of one element of a map or filter.
func (l *lowering) visited(v visit, p *path, body func(*lowering, *path) writer, element *sink) writer {
	if v.yield == nil {
		return body(l, p)
	}
	if element == nil {
		return nil // the elements of a map within a map are not moved as they are
	}
	return l.single(element, v.yield)
}

// loop visits the elements of a repeated field.
func (l *lowering) loop(over *path, body func(*lowering, *path) writer) writer {
	if fd := over.field(); fd == nil || !fd.IsList() {
		return nil
	}
	local := l.c.newLocal()
	w := body(l, &path{root: rootLocal, index: local, start: over.message(), class: over.scalar()})
	if w == nil {
		return nil
	}
	return &loop{over: over, local: local, body: w}
}

// with returns the lowering of the inside of a loop.
func (l *lowering) with(name string, p *path) *lowering {
	inner := *l
	inner.scope = maps.Clone(l.scope)
	if inner.scope == nil {
		inner.scope = map[string]*path{}
	}
	inner.scope[name] = p
	return &inner
}

// mapField lowers an expression that fills a map field.
func (l *lowering) mapField(fd protoreflect.FieldDescriptor, e ast.Expr) writer {
	if w := l.choice(e, func(e ast.Expr) writer { return l.mapField(fd, e) }); w != nil {
		return w
	}
	if p := l.path(e); p != nil && p.list() && sameEntries(fd, p.field()) {
		local := l.c.newLocal()
		entry := &path{root: rootLocal, index: local, start: fd.Message()}
		return &loop{over: p, local: local, body: &messageMove{from: entry, to: fieldSink(fd)}}
	}
	if e.Kind() == ast.MapKind {
		var s sequence
		for _, entry := range e.AsMap().Entries() {
			key := l.single(fieldSink(fd.MapKey()), entry.AsMapEntry().Key())
			s = append(s, newEntry(fd, key, l.single(entryValueSink(fd), entry.AsMapEntry().Value())))
		}
		return s
	}
	return &slowMove{from: l.slow(e), to: fieldSink(fd)}
}

// sameEntries tells whether the entries of two maps are the same on the wire.
func sameEntries(a, b protoreflect.FieldDescriptor) bool {
	if !a.IsMap() || !b.IsMap() || a.MapKey().Kind() != b.MapKey().Kind() || a.MapValue().Kind() != b.MapValue().Kind() {
		return false
	}
	return a.MapValue().Message() == nil || a.MapValue().Message().FullName() == b.MapValue().Message().FullName()
}
