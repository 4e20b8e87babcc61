package pbwire

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// wellKnown is a message type with a JSON form of its own.
type wellKnown struct {
	render func(*run, []byte, *program, span) ([]byte, *WireError)
	// fields are those it must have, so that the renderers can rely on them: number and kind, as
	// declared.
	fields string
}

// wellKnownTypes are the message types with a JSON form of their own.
var wellKnownTypes map[protoreflect.FullName]wellKnown

func init() { // not in the declaration, because renderers compile programs, which look here
	wellKnownTypes = map[protoreflect.FullName]wellKnown{
		"google.protobuf.Any":         {(*run).any, "1 string, 2 bytes"},
		"google.protobuf.Timestamp":   {(*run).timestamp, "1 int64, 2 int32"},
		"google.protobuf.Duration":    {(*run).duration, "1 int64, 2 int32"},
		"google.protobuf.FieldMask":   {(*run).fieldMask, "1 repeated string"},
		"google.protobuf.Struct":      {(*run).onlyField, "1 map message"},
		"google.protobuf.ListValue":   {(*run).onlyField, "1 repeated message"},
		"google.protobuf.Value":       {(*run).dynamicValue, "1 enum, 2 double, 3 string, 4 bool, 5 message, 6 message"},
		"google.protobuf.BoolValue":   {(*run).wrapper, "1 bool"},
		"google.protobuf.Int32Value":  {(*run).wrapper, "1 int32"},
		"google.protobuf.Int64Value":  {(*run).wrapper, "1 int64"},
		"google.protobuf.UInt32Value": {(*run).wrapper, "1 uint32"},
		"google.protobuf.UInt64Value": {(*run).wrapper, "1 uint64"},
		"google.protobuf.FloatValue":  {(*run).wrapper, "1 float"},
		"google.protobuf.DoubleValue": {(*run).wrapper, "1 double"},
		"google.protobuf.StringValue": {(*run).wrapper, "1 string"},
		"google.protobuf.BytesValue":  {(*run).wrapper, "1 bytes"},
	}
}

// special returns what writes a message that has a JSON form of its own, or none; nil for all others.
func special(md protoreflect.MessageDescriptor) (func(*run, []byte, *program, span) ([]byte, *WireError), error) {
	if isMessageSet(md) {
		return (*run).messageSet, nil
	}
	known, ok := wellKnownTypes[md.FullName()]
	if !ok {
		return nil, nil
	}
	var fields []string
	for i := range md.Fields().Len() {
		fields = append(fields, describeField(md.Fields().Get(i)))
	}
	if got := strings.Join(fields, ", "); got != known.fields {
		return nil, fmt.Errorf("the message type %s is not as published: its fields are %s instead of %s", md.FullName(), got, known.fields)
	}
	return known.render, nil
}

func describeField(fd protoreflect.FieldDescriptor) string {
	many := ""
	switch {
	case fd.IsMap():
		many = "map "
	case fd.IsList():
		many = "repeated "
	}
	return fmt.Sprintf("%d %s%s", fd.Number(), many, fd.Kind())
}

// noJSON is the error that a value has no JSON form.
func noJSON(p *program, s span, format string, args ...any) *WireError {
	return &WireError{Offset: s.start, Err: ErrValue, Detail: fmt.Sprintf("%s: ", p.md.FullName()) + fmt.Sprintf(format, args...)}
}

func (r *run) messageSet(dst []byte, p *program, s span) ([]byte, *WireError) {
	return dst, noJSON(p, s, "it is a MessageSet")
}

// scalars returns where the values of the first two fields are; the end of one that is not set is 0.
// It is for messages of singular scalars.
func (r *run) scalars(p *program, s span) (values [2]span, err *WireError) {
	for {
		in := r.in[:s.end]
		for pos := s.start; pos < len(in); {
			tag, at := readVarint(in, pos)
			if at < 0 {
				return values, malformed(pos, at)
			}
			start, end, next := readValue(in, at, tag)
			f := p.lookup(tag)
			if next < 0 {
				return values, malformed(pos, next).within(f)
			}
			if f != nil {
				value := span{start: start, end: end, typ: protowire.Type(tag & 7)}
				if f.shape == shapeText {
					if err := r.checkValue(f, value); err != nil {
						return values, err.within(f)
					}
				}
				values[f.index] = value
			}
			pos = next
		}
		if s.next == 0 {
			return values, nil
		}
		s = r.spans[s.next]
	}
}

// number is the number of a span, 0 if it is not set.
func (r *run) number(s span) uint64 {
	if s.end == 0 {
		return 0
	}
	raw, _ := readNumber(r.in[:s.end], s.start, s.typ) // it was read before
	return raw
}

// wrapper appends a google.protobuf.Int32Value or the like.
func (r *run) wrapper(dst []byte, p *program, s span) ([]byte, *WireError) {
	values, err := r.scalars(p, s)
	if err != nil {
		return dst, err
	}
	f := &p.fields[0]
	if f.shape == shapeNumber {
		return f.appendNumber(dst, r.number(values[0])&f.mask), nil
	}
	return r.value(dst, f, nil, values[0])
}

// onlyField appends a google.protobuf.Struct or ListValue: just the value of its field.
func (r *run) onlyField(dst []byte, p *program, s span) ([]byte, *WireError) {
	mark, err := r.gather(p, s)
	if err != nil {
		return dst, err
	}
	f := &p.fields[0]
	if values := r.lists[mark.lists]; values.first != 0 {
		dst, _, err = r.chain(dst, f, values)
	} else if f.shape == shapeMap {
		dst = append(dst, '{', '}')
	} else {
		dst = append(dst, '[', ']')
	}
	r.drop(mark)
	return dst, err
}

// dynamicValue appends a google.protobuf.Value.
func (r *run) dynamicValue(dst []byte, p *program, s span) ([]byte, *WireError) {
	mark, err := r.gather(p, s)
	if err != nil {
		return dst, err
	}
	for i := range p.fields {
		values := r.lists[mark.lists+i]
		if values.first == 0 {
			continue
		}
		f := &p.fields[i]
		if f.kind == protoreflect.DoubleKind {
			if v := math.Float64frombits(r.number(r.spans[values.first])); math.IsNaN(v) || math.IsInf(v, 0) {
				return dst, noJSON(p, s, "%v", v)
			}
		}
		dst, _, err = r.chain(dst, f, values)
		r.drop(mark)
		return dst, err
	}
	return dst, noJSON(p, s, "it has no value")
}

// fieldMask appends a google.protobuf.FieldMask: its paths in lowerCamelCase, separated by commas.
func (r *run) fieldMask(dst []byte, p *program, s span) ([]byte, *WireError) {
	mark, err := r.gather(p, s)
	if err != nil {
		return dst, err
	}
	dst = append(dst, '"')
	first := r.lists[mark.lists].first
	for i := first; i != 0; i = r.spans[i].next {
		if i != first {
			dst = append(dst, ',')
		}
		path := r.content(r.spans[i])
		var ok bool
		if dst, ok = appendCamel(dst, path); !ok {
			return dst, noJSON(p, r.spans[i], "the path %q is not one of snake_case names", path)
		}
	}
	r.drop(mark)
	return append(dst, '"'), nil
}

// appendCamel appends a path in lowerCamelCase; it returns false if it cannot be turned back.
func appendCamel(dst, path []byte) ([]byte, bool) {
	start, upper := true, false
	for _, c := range path {
		letter := 'a' <= c && c <= 'z'
		switch {
		case upper && !letter:
			return dst, false // also "__", and digits after "_"
		case upper:
			dst = append(dst, c-'a'+'A')
		case letter, '0' <= c && c <= '9' && !start:
			dst = append(dst, c)
		case c == '.' && !start:
			dst = append(dst, c)
		case c != '_':
			return dst, false
		}
		start, upper = c == '.', c == '_'
	}
	return dst, !start && !upper
}
