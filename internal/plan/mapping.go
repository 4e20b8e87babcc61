package plan

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"
)

// mapping lowers what fills a message: a `request`, a `reply` or a `fallback`. A string is a CEL expression, a
// mapping a nested message or a map, a list a repeated field, a number or boolean itself; null leaves unset.
type mapping struct {
	c     *compiler
	env   *cel.Env
	scope map[string]*path
}

// place is where a configured value stands, below the method's configuration.
type place struct {
	keys  []string
	field string // the keys as they are written in messages: `calls.orders.request.user_id`
}

func placeOf(keys ...string) place {
	p := place{}
	for _, key := range keys {
		p = p.at(key)
	}
	return p
}

func (p place) at(key string) place {
	next := place{keys: append(slices.Clip(p.keys), key), field: key}
	if p.field != "" {
		next.field = p.field + "." + key
	}
	return next
}

func (p place) element(i int) place {
	return place{
		keys:  append(slices.Clip(p.keys), strconv.Itoa(i)),
		field: fmt.Sprintf("%s[%d]", p.field, i),
	}
}

// message lowers the value that fills a whole message.
func (m *mapping) message(md protoreflect.MessageDescriptor, v *structpb.Value, at place) writer {
	to := messageSink(md)
	switch v := v.GetKind().(type) {
	case nil, *structpb.Value_NullValue:
		return &construct{to: to}
	case *structpb.Value_StringValue:
		e, ok := m.check(v.StringValue, at)
		if !ok {
			return nil
		}
		if !acceptsMessage(md, e.typ) && !m.c.unknown(e.typ) {
			m.c.problem(e.site, "is %s, not %s", typeName(e.typ), md.FullName())
			return nil
		}
		l := m.c.lowering(e, m.scope)
		return l.single(to, l.root())
	case *structpb.Value_StructValue:
		return m.fields(to, md, v.StructValue.GetFields(), at)
	default:
		m.c.problem(m.c.site(at), "takes a mapping from the fields of %s, or one expression for the whole message", md.FullName())
		return nil
	}
}

func (m *mapping) check(text string, at place) (*expression, bool) {
	return m.c.check(m.env, text, m.c.site(at))
}

// fields lowers a mapping from the fields of a message, in the order of their declaration.
func (m *mapping) fields(to *sink, md protoreflect.MessageDescriptor, values map[string]*structpb.Value, at place) writer {
	c := &construct{to: to}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		v, ok := values[string(fd.Name())]
		if !ok {
			continue
		}
		w := m.field(fd, v, at.at(string(fd.Name())))
		if w == nil {
			continue
		}
		if other, twice := m.c.otherMember(c.fields, fd, w); twice {
			m.c.problem(m.c.site(at.at(string(fd.Name()))), "%s and %s are members of the oneof %s: only one can be set", other, fd.Name(), fd.ContainingOneof().Name())
		}
		c.fields = append(c.fields, fieldWriter{fieldSink(fd), w})
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if md.Fields().ByName(protoreflect.Name(name)) == nil {
			m.c.problem(m.c.site(at.at(name)), "%s", m.c.noField(string(md.FullName()), name))
		}
	}
	return c
}

// field lowers the value of one field, nil if nothing fills it.
func (m *mapping) field(fd protoreflect.FieldDescriptor, v *structpb.Value, at place) writer {
	switch v := v.GetKind().(type) {
	case nil, *structpb.Value_NullValue:
		return nil
	case *structpb.Value_StringValue:
		return m.expression(fd, v.StringValue, at)
	case *structpb.Value_ListValue:
		return m.list(fd, v.ListValue.GetValues(), at)
	case *structpb.Value_StructValue:
		if fd.IsMap() {
			return m.entries(fd, v.StructValue.GetFields(), at)
		}
	}
	if fd.IsList() || fd.IsMap() {
		m.c.problem(m.c.site(at), "takes %s or an expression", collectionName(fd))
		return nil
	}
	return m.single(fieldSink(fd), v.GetKind(), at)
}

func collectionName(fd protoreflect.FieldDescriptor) string {
	if fd.IsMap() {
		return "a mapping"
	}
	return "a list"
}

func (m *mapping) expression(fd protoreflect.FieldDescriptor, text string, at place) writer {
	e, ok := m.check(text, at)
	if !ok {
		return nil
	}
	if why := accepts(fd, e.typ); why != "" && !m.c.unknown(e.typ) {
		m.c.problem(e.site, "%s%s", why, conversionHint(fd, e.typ))
		return nil
	}
	l := m.c.lowering(e, m.scope)
	return l.field(fd, l.root())
}

// conversionHint says how to convert a scalar to the type of a field.
func conversionHint(fd protoreflect.FieldDescriptor, t *cel.Type) string {
	if fd.Message() != nil || fd.IsList() || classOfType(t) == classNone {
		return ""
	}
	return fmt.Sprintf("; convert it with %s(...)", typeName(celScalarType(fd.Kind())))
}

func (m *mapping) list(fd protoreflect.FieldDescriptor, values []*structpb.Value, at place) writer {
	if !fd.IsList() {
		m.c.problem(m.c.site(at), "a list cannot fill %s, which is not repeated", fd.FullName())
		return nil
	}
	var s sequence
	for i, v := range values {
		if w := m.element(fieldSink(fd), v, at.element(i)); w != nil {
			s = append(s, w)
		}
	}
	return s
}

// element lowers one element of a list, or the value of a map entry. Elements of lists are not packed: readers
// take both forms.
func (m *mapping) element(to *sink, v *structpb.Value, at place) writer {
	text, ok := v.GetKind().(*structpb.Value_StringValue)
	if !ok {
		return m.single(to, v.GetKind(), at)
	}
	e, ok := m.check(text.StringValue, at)
	if !ok {
		return nil
	}
	if !acceptsElement(to.fd, e.typ) && !m.c.unknown(e.typ) {
		m.c.problem(e.site, "an element of %s is %s, not %s", to.fd.FullName(), elementTypeName(to.fd), typeName(e.typ))
		return nil
	}
	l := m.c.lowering(e, m.scope)
	return l.single(to, l.root())
}

// entries lowers a mapping that fills a map field, in the order of its keys.
func (m *mapping) entries(fd protoreflect.FieldDescriptor, values map[string]*structpb.Value, at place) writer {
	var s sequence
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, err := mapKey(fd.MapKey(), name)
		if err != nil {
			m.c.problem(m.c.site(at.at(name)), "%v", err)
			continue
		}
		if w := m.element(entryValueSink(fd), values[name], at.at(name)); w != nil {
			s = append(s, newEntry(fd, constant(key), w))
		}
	}
	return s
}

// mapKey encodes the key of a map entry.
func mapKey(fd protoreflect.FieldDescriptor, name string) ([]byte, error) {
	v, from, err := value{data: []byte(name)}, classOf(fd.Kind()), error(nil)
	switch from {
	case classInt:
		var n int64
		n, err = strconv.ParseInt(name, 10, 64)
		v = value{bits: uint64(n)}
	case classUint:
		var n uint64
		n, err = strconv.ParseUint(name, 10, 64)
		v = value{bits: n}
	case classBool:
		v = value{}
		if name == "true" {
			v.bits = 1
		} else if name != "false" {
			err = strconv.ErrSyntax
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a key of type %s", name, fd.Kind())
	}
	return fieldSink(fd).appendScalar(nil, from, v)
}

// single lowers a value that is not an expression: a nested message, a number or a boolean.
func (m *mapping) single(to *sink, v any, at place) writer {
	switch v := v.(type) {
	case *structpb.Value_StructValue:
		if to.md == nil || to.wrapped != nil || nativeTypes[to.md.FullName()] != nil {
			m.c.problem(m.c.site(at), "a mapping cannot fill %s; write an expression", elementTypeName(to.fd))
			return nil
		}
		return m.fields(to, to.md, v.StructValue.GetFields(), at)
	case *structpb.Value_NumberValue:
		return m.number(to, v.NumberValue, at)
	case *structpb.Value_BoolValue:
		if to.scalarKind() == protoreflect.BoolKind {
			return m.literal(to, classBool, value{bits: protowire.EncodeBool(v.BoolValue)}, at)
		}
		m.c.problem(m.c.site(at), "%s takes %s, not a boolean", to.fd.FullName(), elementTypeName(to.fd))
	default:
		m.c.problem(m.c.site(at), "%s takes %s or an expression", to.fd.FullName(), elementTypeName(to.fd))
	}
	return nil
}

// number lowers a number, which the field must be able to hold as it is.
func (m *mapping) number(to *sink, n float64, at place) writer {
	kind := to.scalarKind()
	switch classOf(kind) {
	case classDouble:
		return m.literal(to, classDouble, value{bits: math.Float64bits(n)}, at)
	case classInt, classUint:
		if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			m.c.problem(m.c.site(at), "%v is not an integer, but %s is %s", n, to.fd.FullName(), kind)
			return nil
		}
		if enum := to.fd.Enum(); enum != nil && enum.IsClosed() && enum.Values().ByNumber(protoreflect.EnumNumber(n)) == nil {
			m.c.problem(m.c.site(at), "%v is not a value of %s", n, enum.FullName())
			return nil
		}
		return m.literal(to, classInt, value{bits: uint64(int64(n))}, at)
	}
	m.c.problem(m.c.site(at), "%s takes %s, not a number", to.fd.FullName(), elementTypeName(to.fd))
	return nil
}

func (m *mapping) literal(to *sink, from class, v value, at place) writer {
	wire, err := to.appendScalar(nil, from, v)
	if err != nil {
		m.c.problem(m.c.site(at), "%v", err)
		return nil
	}
	return constant(wire)
}

// fieldNames are the names that a mapping or a message literal may use.
func fieldNames(md protoreflect.MessageDescriptor) []string {
	names := make([]string, md.Fields().Len())
	for i := range names {
		names[i] = string(md.Fields().Get(i).Name())
	}
	return names
}
