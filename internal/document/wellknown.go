package document

import (
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// wellKnown are the types that are written otherwise than as a mapping of their fields.
var wellKnown map[protoreflect.FullName]func(*decoder, *node, protoreflect.Message)

func init() { // not an initializer: the functions refer back to the table
	wellKnown = map[protoreflect.FullName]func(*decoder, *node, protoreflect.Message){
		"google.protobuf.Duration":    (*decoder).duration,
		"google.protobuf.Value":       (*decoder).anyValue,
		"google.protobuf.Struct":      (*decoder).anyMapping,
		"google.protobuf.ListValue":   (*decoder).anyList,
		"google.protobuf.BoolValue":   (*decoder).wrapper,
		"google.protobuf.BytesValue":  (*decoder).wrapper,
		"google.protobuf.DoubleValue": (*decoder).wrapper,
		"google.protobuf.FloatValue":  (*decoder).wrapper,
		"google.protobuf.Int32Value":  (*decoder).wrapper,
		"google.protobuf.Int64Value":  (*decoder).wrapper,
		"google.protobuf.StringValue": (*decoder).wrapper,
		"google.protobuf.UInt32Value": (*decoder).wrapper,
		"google.protobuf.UInt64Value": (*decoder).wrapper,
	}
}

// duration reads a duration as Go writes it; a number without a unit could be anything.
func (d *decoder) duration(n *node, m protoreflect.Message) {
	const expected = "a duration such as 800ms or 2s"
	switch n.kind {
	case integer, float:
		d.report(n.at, "expected %s, found the number %s; add its unit: %sms or %ss", expected, n.text, n.text, n.text)
		return
	case text:
	default:
		d.expected(expected, n)
		return
	}
	v, err := time.ParseDuration(n.text)
	switch {
	case err != nil:
		d.expected(expected, n)
	case v < 0:
		d.report(n.at, "a duration cannot be negative: %s", n.text)
	default:
		fields := m.Descriptor().Fields()
		m.Set(fields.ByName("seconds"), protoreflect.ValueOfInt64(int64(v/time.Second)))
		m.Set(fields.ByName("nanos"), protoreflect.ValueOfInt32(int32(v%time.Second)))
	}
}

// wrapper reads a google.protobuf.StringValue and its like as the bare value.
func (d *decoder) wrapper(n *node, m protoreflect.Message) {
	d.field(n, m.Descriptor().Fields().ByName("value"), m)
}

// anyValue reads whatever stands there into a google.protobuf.Value.
func (d *decoder) anyValue(n *node, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	switch n.kind {
	case nothing:
		m.Set(fields.ByName("null_value"), protoreflect.ValueOfEnum(0))
	case boolean:
		v, _ := d.boolean(n)
		m.Set(fields.ByName("bool_value"), v)
	case integer, float:
		if v, ok := d.anyNumber(n); ok {
			m.Set(fields.ByName("number_value"), protoreflect.ValueOfFloat64(v))
		}
	case text:
		m.Set(fields.ByName("string_value"), protoreflect.ValueOfString(n.text))
	case list:
		d.anyList(n, m.Mutable(fields.ByName("list_value")).Message())
	case mapping:
		d.anyMapping(n, m.Mutable(fields.ByName("struct_value")).Message())
	}
}

// anyNumber reads a number that becomes a double. An integer that a double cannot hold exactly would silently
// become another one.
func (d *decoder) anyNumber(n *node) (float64, bool) {
	const exact = 1 << 53
	if n.kind == integer {
		v, err := decimal(n.text)
		if err != nil || v > exact || v < -exact {
			d.report(n.at, "%s is not a decimal integer of at most 2^53; quote it to make it an expression: %q", n.text, n.text)
			return 0, false
		}
		return float64(v), true
	}
	v, err := strconv.ParseFloat(n.text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		d.expected("a finite number", n)
		return 0, false
	}
	return v, true
}

func (d *decoder) anyList(n *node, m protoreflect.Message) {
	if n.kind != list {
		d.expected("a list", n)
		return
	}
	values := m.Mutable(m.Descriptor().Fields().ByName("values")).List()
	for _, item := range n.items {
		d.anyValue(item, values.AppendMutable().Message())
	}
}

func (d *decoder) anyMapping(n *node, m protoreflect.Message) {
	if n.kind != mapping {
		d.expected("a mapping", n)
		return
	}
	fields := m.Mutable(m.Descriptor().Fields().ByName("fields")).Map()
	for _, k := range n.keys {
		if k.kind != text {
			d.string(&node{kind: k.kind, text: k.name, at: k.at})
			continue
		}
		d.anyValue(k.value, fields.Mutable(protoreflect.ValueOfString(k.name).MapKey()).Message())
	}
}
