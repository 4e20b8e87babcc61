package pbwire

import (
	"bytes"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// parseSpecial returns what reads a message that has a JSON form of its own; nil for all others. The
// readers take field numbers and names to be those of the well-known types.
func parseSpecial(md protoreflect.MessageDescriptor) func(*parseState, *parseProgram) *SyntaxError {
	switch md.FullName() {
	case "google.protobuf.Any":
		return (*parseState).anyMessage
	case "google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask":
		return (*parseState).textMessage
	case "google.protobuf.Struct":
		return (*parseState).structMessage
	case "google.protobuf.ListValue":
		return (*parseState).listValue
	case "google.protobuf.Value":
		return (*parseState).valueMessage
	}
	if parseIsWrapper(md) {
		return (*parseState).wrapper
	}
	return nil
}

// parseIsWrapper tells whether a message is google.protobuf.Int32Value or the like.
func parseIsWrapper(md protoreflect.MessageDescriptor) bool {
	switch md.FullName() {
	case "google.protobuf.BoolValue", "google.protobuf.StringValue", "google.protobuf.BytesValue",
		"google.protobuf.Int32Value", "google.protobuf.Int64Value",
		"google.protobuf.UInt32Value", "google.protobuf.UInt64Value",
		"google.protobuf.FloatValue", "google.protobuf.DoubleValue":
		return true
	}
	return false
}

// parseTexts append the messages whose JSON form is a string, from its content.
var parseTexts = map[protoreflect.FullName]struct {
	append func(dst, text []byte) ([]byte, bool)
	want   string
}{
	"google.protobuf.Timestamp": {parseAppendTimestamp, `a time of the years 1 to 9999 like "2006-01-02T15:04:05Z"`},
	"google.protobuf.Duration":  {parseAppendDuration, `a duration like "1.5s", of 10,000 years at most`},
	"google.protobuf.FieldMask": {parseAppendFieldMask, `a list of lowerCamelCase field paths like "name,homeAddress.city"`},
}

// textMessage reads a message whose JSON form is a string.
func (s *parseState) textMessage(p *parseProgram) *SyntaxError {
	form := parseTexts[p.md.FullName()]
	if s.peek() != '"' {
		return s.notA(form.want)
	}
	start := s.pos
	content, err := s.text()
	if err != nil {
		return err
	}
	var ok bool
	if s.out, ok = form.append(s.out, content); !ok {
		s.pos = start
		return s.notA(form.want)
	}
	return nil
}

// wrapper reads the bare value of google.protobuf.Int32Value and the like.
func (s *parseState) wrapper(p *parseProgram) *SyntaxError {
	start := len(s.out)
	f := p.ordered[0]
	s.out = protowire.AppendVarint(s.out, f.tag)
	body := len(s.out)
	if _, err := s.scalar(f); err != nil {
		return err
	}
	if parseIsZero(s.out[body:]) {
		s.out = s.out[:start]
	}
	return nil
}

func (s *parseState) structMessage(p *parseProgram) *SyntaxError { return s.mapping(p.ordered[0]) }

func (s *parseState) listValue(p *parseProgram) *SyntaxError { return s.list(p.ordered[0]) }

// valueMessage reads a google.protobuf.Value: any JSON value.
func (s *parseState) valueMessage(p *parseProgram) *SyntaxError {
	var name string
	switch s.peek() {
	case 'n':
		name = "nullValue"
	case 't', 'f':
		name = "boolValue"
	case '"':
		name = "stringValue"
	case '{':
		name = "structValue"
	case '[':
		name = "listValue"
	default:
		name = "numberValue"
	}
	f := p.fields[name]
	s.out = protowire.AppendVarint(s.out, f.tag)
	if f.message == nil {
		_, err := s.scalar(f)
		return err
	}
	// The Struct or ListValue is no level of its own: its values are.
	body := s.beginLength()
	err := f.message.special(s, f.message)
	s.endLength(body)
	return err
}

// parseAppendTimestamp appends the fields of a google.protobuf.Timestamp.
func parseAppendTimestamp(dst, text []byte) ([]byte, bool) {
	const minSeconds, maxSeconds = -62135596800, 253402300799 // the years 1 to 9999
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil || t.Unix() < minSeconds || t.Unix() > maxSeconds {
		return dst, false
	}
	// time.Parse cuts digits off that a nanosecond cannot hold.
	point, zone := bytes.LastIndexByte(text, '.'), bytes.LastIndexAny(text, "Z-+")
	if point >= 0 && zone-point > len(".999999999") {
		return dst, false
	}
	return parseAppendSeconds(dst, t.Unix(), int64(t.Nanosecond())), true
}

// parseAppendSeconds appends the fields that Timestamp and Duration have.
func parseAppendSeconds(dst []byte, seconds, nanos int64) []byte {
	if seconds != 0 {
		dst = protowire.AppendTag(dst, 1, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(seconds))
	}
	if nanos != 0 {
		dst = protowire.AppendTag(dst, 2, protowire.VarintType)
		dst = protowire.AppendVarint(dst, uint64(nanos))
	}
	return dst
}

// parseAppendDuration appends the fields of a google.protobuf.Duration: an optional sign, digits
// without leading zeros, up to nine digits after a point, and an "s". One of the two groups of digits
// may be missing, and even both (".s"), as protojson has it.
func parseAppendDuration(dst, text []byte) ([]byte, bool) {
	const maxSeconds = 315_576_000_000
	digits, ok := bytes.CutSuffix(text, []byte("s"))
	if !ok || len(digits) == 0 {
		return dst, false
	}
	negative := digits[0] == '-'
	if negative || digits[0] == '+' {
		digits = digits[1:]
	}
	whole, fraction, _ := bytes.Cut(digits, []byte("."))
	switch {
	case len(digits) == 0, len(fraction) > 9, len(whole) > 1 && whole[0] == '0', !parseAllDigits(whole), !parseAllDigits(fraction):
		return dst, false
	}
	seconds, ok := parseDigits(0, whole)
	if !ok || seconds > maxSeconds {
		return dst, false
	}
	nanos, _ := parseDigits(0, fraction)
	nanos, _ = parseDigits(nanos, []byte("000000000")[len(fraction):])
	if negative {
		return parseAppendSeconds(dst, -int64(seconds), -int64(nanos)), true
	}
	return parseAppendSeconds(dst, int64(seconds), int64(nanos)), true
}

func parseAllDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// parseAppendFieldMask appends the paths of a google.protobuf.FieldMask, which are lowerCamelCase in
// JSON and snake_case in the message.
func parseAppendFieldMask(dst, text []byte) ([]byte, bool) {
	trimmed := strings.TrimSpace(string(text))
	if trimmed == "" {
		return dst, true
	}
	for path := range strings.SplitSeq(trimmed, ",") {
		snake := parseSnakeCase(path)
		if strings.Contains(path, "_") || !protoreflect.FullName(snake).IsValid() {
			return dst, false
		}
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendString(dst, snake)
	}
	return dst, true
}

// parseSnakeCase turns lowerCamelCase into snake_case.
func parseSnakeCase(camel string) string {
	var b strings.Builder
	for _, c := range []byte(camel) {
		if 'A' <= c && c <= 'Z' {
			b.WriteByte('_')
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}
