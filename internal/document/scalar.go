package document

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/suggest"
)

// scalar decodes a value that is no message.
func (d *decoder) scalar(n *node, field protoreflect.FieldDescriptor) (protoreflect.Value, bool) {
	switch field.Kind() {
	case protoreflect.BoolKind:
		return d.boolean(n)
	case protoreflect.StringKind:
		return d.string(n)
	case protoreflect.BytesKind:
		return d.bytes(n)
	case protoreflect.EnumKind:
		return d.enum(n, field.Enum())
	case protoreflect.FloatKind:
		v, ok := d.float(n, 32)
		return protoreflect.ValueOfFloat32(float32(v)), ok
	case protoreflect.DoubleKind:
		v, ok := d.float(n, 64)
		return protoreflect.ValueOfFloat64(v), ok
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		v, ok := d.integer(n, math.MinInt32, math.MaxInt32)
		return protoreflect.ValueOfInt32(int32(v)), ok
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		v, ok := d.integer(n, math.MinInt64, math.MaxInt64)
		return protoreflect.ValueOfInt64(v), ok
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		v, ok := d.integer(n, 0, math.MaxUint32)
		return protoreflect.ValueOfUint32(uint32(v)), ok
	default: // uint64 and fixed64
		v, ok := d.integer(n, 0, math.MaxInt64)
		return protoreflect.ValueOfUint64(uint64(v)), ok
	}
}

func (d *decoder) boolean(n *node) (protoreflect.Value, bool) {
	if n.kind != boolean {
		d.expected("true or false", n)
		return protoreflect.Value{}, false
	}
	return protoreflect.ValueOfBool(strings.EqualFold(n.text, "true")), true
}

func (d *decoder) string(n *node) (protoreflect.Value, bool) {
	switch n.kind {
	case text:
		return protoreflect.ValueOfString(n.text), true
	case integer, float, boolean:
		d.report(n.at, "expected a text, found %s; quote it: %q", n, n.text)
	default:
		d.expected("a text", n)
	}
	return protoreflect.Value{}, false
}

func (d *decoder) bytes(n *node) (protoreflect.Value, bool) {
	if n.kind == text {
		if raw, err := base64.StdEncoding.DecodeString(n.text); err == nil {
			return protoreflect.ValueOfBytes(raw), true
		}
	}
	d.expected("bytes in base64", n)
	return protoreflect.Value{}, false
}

// integer reads a decimal integer from lowest to highest. A uint64 beyond the largest int64 is out of range: no
// setting is that large.
func (d *decoder) integer(n *node, lowest, highest int64) (int64, bool) {
	if n.kind != integer {
		d.expected("an integer", n)
		return 0, false
	}
	v, err := decimal(n.text)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		d.expected("an integer in decimal digits", n)
		return 0, false
	case err != nil, v < lowest, v > highest:
		d.report(n.at, "%s is out of range: %d to %d", n.text, lowest, highest)
		return 0, false
	}
	return v, true
}

// decimal parses an integer. The octal, hexadecimal and other forms of YAML are a syntax error: its versions do not
// agree on what 010 is.
func decimal(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err == nil && strconv.FormatInt(v, 10) != s {
		return 0, strconv.ErrSyntax
	}
	return v, err
}

func (d *decoder) float(n *node, bits int) (float64, bool) {
	v, err := strconv.ParseFloat(n.text, bits)
	if n.kind != integer && n.kind != float || err != nil {
		d.expected("a number", n)
		return 0, false
	}
	return v, true
}

// enum reads a value by its name in lower case without the prefix of its type: UNSET_DEFAULTS is `defaults`.
func (d *decoder) enum(n *node, ed protoreflect.EnumDescriptor) (protoreflect.Value, bool) {
	names, numbers := EnumNames(ed)
	if n.kind == text {
		for i, name := range names {
			if name == n.text {
				return protoreflect.ValueOfEnum(numbers[i]), true
			}
		}
		d.report(n.at, "unknown value %q; expected %s%s", n.text, oneOf(names), suggest.DidYouMean(n.text, names))
	} else {
		d.expected(oneOf(names), n)
	}
	return protoreflect.Value{}, false
}

// EnumNames returns how the values of an enum are written. The unspecified one is not: it is left out.
func EnumNames(ed protoreflect.EnumDescriptor) (names []string, numbers []protoreflect.EnumNumber) {
	prefix := snakeCase(string(ed.Name())) + "_"
	for i := range ed.Values().Len() {
		value := ed.Values().Get(i)
		name := strings.TrimPrefix(strings.ToLower(string(value.Name())), prefix)
		if value.Number() == 0 && name == "unspecified" {
			continue
		}
		names, numbers = append(names, name), append(numbers, value.Number())
	}
	return names, numbers
}

// snakeCase turns the name of a type into the prefix of its values: LogLevel into log_level.
func snakeCase(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// oneOf lists alternatives: "a, b or c".
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
