package document_test

import (
	"bytes"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/document"
	"facet/internal/problem"
)

// FuzzDecode holds Decode to what its callers rely on: it never panics, and every problem stands in the text.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(positioned))
	f.Add([]byte("methods: {a.B/C: {timeout: 1, http: [{get: /a, post: /b}]}}\r\n"))
	f.Add([]byte("a: &x [*x, <<, !!str 5]\n? {}\n---\nb: \u2028 |\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		positions, problems := document.Decode("a.yaml", text, &gatewayv1.Gateway{})
		lines := bytes.Split(text, []byte("\n"))
		for _, p := range problems {
			if !stands(p.Position, lines) {
				t.Errorf("%s: no such place in %q", p, text)
			}
		}
		if at := positions.At("methods", "a.B/C", "timeout"); at.Document != "a.yaml" {
			t.Errorf("a position without its document: %v", at)
		}
	})
}

// stands tells whether a position is within the text, or right after a line. YAML ends lines at more characters than
// the line feed, so a text with one of those may be said to have more lines.
func stands(at problem.Position, lines [][]byte) bool {
	text := bytes.Join(lines, []byte("\n"))
	if bytes.ContainsAny(text, "\r\u0085\u2028\u2029") {
		return at.Line >= 1
	}
	return at.Line >= 1 && at.Line <= len(lines) && at.Column >= 1 && at.Column <= len(lines[at.Line-1])+2
}

// FuzzDecodeJSON holds Decode against protojson: every JSON value within our bounds reads as the same
// google.protobuf.Value.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5,true,null,"x\n",{}]}`, `"a: b # c"`, `[[],[[""]]]`, `{"<<":{"a":1}}`, `"~"`, `1e300`, `{"null":"true"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed := new(structpb.Value)
		if protojson.Unmarshal(text, parsed) != nil || !bounded(parsed, 0) {
			return
		}
		canonical, err := protojson.Marshal(parsed) // so that it holds only the escapes that YAML has
		if err != nil {
			t.Fatal(err)
		}
		var got structpb.Struct
		_, problems := document.Decode("a.json", append(append([]byte(`{"value":`), canonical...), '}'), &got)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", canonical, problems)
		}
		if !proto.Equal(got.Fields["value"], parsed) {
			t.Errorf("%s: got %v, want %v", canonical, got.Fields["value"], parsed)
		}
	})
}

// bounded tells whether a value is one that we accept.
func bounded(v *structpb.Value, depth int) bool {
	if depth > 60 {
		return false
	}
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		v := kind.NumberValue
		return v <= 1<<53 && v >= -1<<53 && (v != 0 || !math.Signbit(v))
	case *structpb.Value_StringValue:
		return plainText(kind.StringValue)
	case *structpb.Value_ListValue:
		for _, item := range kind.ListValue.GetValues() {
			if !bounded(item, depth+1) {
				return false
			}
		}
	case *structpb.Value_StructValue:
		for name, item := range kind.StructValue.GetFields() {
			if !plainText(name) || !bounded(item, depth+1) {
				return false
			}
		}
	}
	return true
}

// plainText tells whether YAML has every character of a text unescaped, or JSON escapes it as YAML does.
func plainText(s string) bool {
	for _, r := range s {
		if r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff || r >= 0xfffe {
			return false
		}
	}
	return len(s) < 1000 // longer keys need the explicit form in YAML
}
