package document_test

import (
	"strings"
	"testing"

	"facet/internal/document"
)

func TestSyntaxProblems(t *testing.T) {
	tests := map[string]struct{ yaml, want string }{
		"unquoted colon":       {"name: a\nfirst: b: c\n", `2:1: no YAML: mapping values are not allowed in this context; a value that contains ": " must be quoted`},
		"on the first line":    {"a: b: c\n", `1:1: no YAML: mapping values are not allowed in this context; a value that contains ": " must be quoted`},
		"tab":                  {"fields:\n\ta: 1\n", `2:1: a tab cannot indent in YAML; use spaces`},
		"tab after spaces":     {"fields:\n  a: 1\n  \tb: 1\n", `3:3: a tab cannot indent in YAML; use spaces`},
		"at sign":              {"name: a\nfirst: @b\n", "2:1: no YAML: found character that cannot start any token; a value that starts with @, ` or % must be quoted"},
		"list among keys":      {"name: a\n- b\nflag: true\n", `2:1: no YAML: did not find expected key; is the line indented as its neighbors are, and a quoted value complete?`},
		"key among items":      {"- a\n- b\nc: d\n", `3:1: no YAML: did not find expected '-' indicator; is the line indented as its neighbors are?`},
		"crooked indentation":  {"name: a\nfields:\n  a: 1\n b: 2\nflag: true\n", `4:2: no YAML: did not find expected key; is the line indented as its neighbors are, and a quoted value complete?`},
		"open quote":           {"name: a\nfirst: 'b\nflag: true\n", `2:1: no YAML: found unexpected end of stream; the quoted text is not closed`},
		"text after quote":     {"name: a\nfirst: \"b\" c\n", `2:1: no YAML: did not find expected key; is the line indented as its neighbors are, and a quoted value complete?`},
		"open brace":           {"name: a\nfields: {a: 1\n", `2:1: no YAML: did not find expected ',' or '}'; the mapping is not closed with "}", or a comma is missing`},
		"no colon":             {"name: a\nfirst\nflag: true\n", `2:1: no YAML: could not find expected ':'; a key needs a colon and a space: "key: value"`},
		"bad escape":           {"name: \"\\d\"\n", `1:1: no YAML: found unknown escape character; in double quotes a backslash is written \\; single quotes take it as it is`},
		"in second document":   {"name: a\n---\nb: c: d\n", `3:1: no YAML: mapping values are not allowed in this context; a value that contains ": " must be quoted`},
		"control character":    {"name: a\nfirst: \x01\n", `2:1: no YAML: control characters are not allowed`},
		"alias without anchor": {"name: a\nfirst: *b\n", `2:1: no YAML: unknown anchor 'b' referenced`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := document.Decode("a.yaml", []byte(test.yaml), everything(t))
			if got := strings.TrimPrefix(problems.Error(), "a.yaml:"); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}
