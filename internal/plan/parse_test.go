package plan

import (
	"testing"

	"cel.dev/cel-go/cel"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// parsedExpressions is the whole grammar, but for a name with a dot before it: that begins at the dot for one parser and behind
// it for the other.
var parsedExpressions = []string{
	"a", "a.b.c", "a.in_stock", "a.`x-y`", "has(a.b)", "a[b]", "a.b[0].c['k']", " a . b ", "a\n  .b\n",
	"1", "-1", "1u", "0x1f", "1.5e-3", "'t\\u00fcr'", `"q\"q"`, "b'\\xff'", "'''three\nlines'''", "r'\\d'", "true", "null",
	"a + b * c - d / e % f", "!a && b || c && !d", "a && b && c && d", "a < b", "a == b ? c : d ? e : f", "x in [1, 2, 3]", "-a.b", "(a + b) * c",
	"[]", "[1, 'a', [2]]", "{}", "{'a': 1, b: {2: c}}", "pkg.Message{}", "Message{a: 1, b: Other{c: d}}", ".pkg.Message{a: 1}",
	"f(a, b)", "a.f(b).g()", "size(a) > 0", "type(a)", "timestamp('2026-01-01T00:00:00Z')",
	"a.all(x, x > 0)", "a.exists(x, x.y)", "a.exists_one(x, x)", "a.map(x, x.y)", "a.map(x, x > 1, x * 2)", "a.filter(x, x.b).map(y, M{y: y})",
	"a.map(x, b.map(y, c.filter(z, z == x + y)))", "// comment\na", "'ü' + a.b",
}

// TestParse holds the parser of plans against the one of cel-go's environments.
func TestParse(t *testing.T) {
	t.Parallel()
	types, err := NewTypes(new(protoregistry.Files), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range parsedExpressions {
		got, want := parseBoth(t, types, text)
		if want == nil {
			t.Errorf("%q is no expression", text)
		} else if !proto.Equal(got, want) {
			t.Errorf("%q is\n%s\nwant\n%s", text, prototext.Format(got), prototext.Format(want))
		}
	}
}

// FuzzParse does so with any text. The parser of plans takes a little more, such as 0X1F.
func FuzzParse(f *testing.F) {
	types, err := NewTypes(new(protoregistry.Files), nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range parsedExpressions {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, want := parseBoth(t, types, text)
		if want != nil && !proto.Equal(got.GetExpr(), want.GetExpr()) {
			t.Errorf("%q is\n%s\nwant\n%s", text, prototext.Format(got), prototext.Format(want))
		}
	})
}

func parseBoth(t *testing.T, types *Types, text string) (got, want *exprpb.ParsedExpr) {
	t.Helper()
	for _, parse := range []struct {
		into  **exprpb.ParsedExpr
		parse func(string) (*cel.Ast, *cel.Issues)
	}{
		{&got, func(text string) (*cel.Ast, *cel.Issues) { return types.parse(types.env, text) }},
		{&want, types.env.Parse},
	} {
		parsed, issues := parse.parse(text)
		if issues.Err() != nil {
			continue
		}
		var err error
		if *parse.into, err = cel.AstToParsedExpr(parsed); err != nil {
			t.Fatal(err)
		}
	}
	return got, want
}
