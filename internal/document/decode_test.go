package document_test

import (
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"facet/internal/document"
)

// everything returns an empty message of testdata/sink.proto.
func everything(t testing.TB) proto.Message {
	t.Helper()
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"testdata"}}),
	}
	files, err := compiler.Compile(t.Context(), "sink.proto")
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessage(files[0].FindDescriptorByName("sink.Everything").(protoreflect.MessageDescriptor))
}

// equalJSON fails the test if what was decoded is not what protojson reads from want.
func equalJSON(t *testing.T, got proto.Message, want string) {
	t.Helper()
	expected := got.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal([]byte(want), expected); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, expected) {
		t.Errorf("got %v, want %v", protojson.Format(got), protojson.Format(expected))
	}
}

func TestDecode(t *testing.T) {
	tests := map[string]struct{ yaml, json string }{
		"empty":              {"", `{}`},
		"only a comment":     {"# nothing\n", `{}`},
		"only a separator":   {"---\n", `{}`},
		"separator first":    {"---\nname: a\n", `{"name":"a"}`},
		"byte order mark":    {"\ufeffname: a\n", `{"name":"a"}`},
		"windows lines":      {"name: a\r\nflag: true\r\n", `{"name":"a","flag":true}`},
		"booleans":           {"flag: true", `{"flag":true}`},
		"integers":           {"small: -2147483648\nlarge: 9223372036854775807\ncount: 4294967295\ntotal: 7", `{"small":-2147483648,"large":"9223372036854775807","count":4294967295,"total":"7"}`},
		"floats":             {"ratio: 0.5\nexact: 3", `{"ratio":0.5,"exact":3}`},
		"bytes":              {"raw: aGk=", `{"raw":"aGk="}`},
		"texts":              {"name: 'it''s'", `{"name":"it's"}`},
		"a date is a text":   {"name: 2026-11-22", `{"name":"2026-11-22"}`},
		"yes is a text":      {"name: yes", `{"name":"yes"}`},
		"block text":         {"name: |\n  a\n  b\n", `{"name":"a\nb\n"}`},
		"enum":               {"level: info\nlevels: [debug, info]", `{"level":"LOG_LEVEL_INFO","levels":[1,2]}`},
		"duration":           {"wait: 1m1s500ms", `{"wait":"61.5s"}`},
		"zero duration":      {"wait: 0s", `{"wait":"0s"}`},
		"value: null":        {"value: null", `{"value":null}`},
		"value: mapping":     {"value: {a: [1, 2.5, true, ~, 'x', {}]}", `{"value":{"a":[1,2.5,true,null,"x",{}]}}`},
		"value: largest":     {"value: 9007199254740992", `{"value":9007199254740992}`},
		"struct and list":    {"fields: {a: 1}\nvalues: [a]", `{"fields":{"a":1},"values":["a"]}`},
		"wrappers":           {"maybe_name: ''\nmaybe_large: 4", `{"maybeName":"","maybeLarge":"4"}`},
		"children":           {"children:\n- name: a\n- {}\n", `{"children":[{"name":"a"},{}]}`},
		"maps":               {"by_name: {a: {flag: true}, b: {}}\nby_number: {1: x}\nby_flag: {true: 2}", `{"byName":{"a":{"flag":true},"b":{}},"byNumber":{"1":"x"},"byFlag":{"true":2}}`},
		"zero with presence": {"present: 0", `{"present":0}`},
		"one of":             {"second: a", `{"second":"a"}`},
		"JSON":               {"{\n\t\"name\": \"a\",\n\t\"children\": [{\"flag\": true}]\n}", `{"name":"a","children":[{"flag":true}]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := everything(t)
			if _, problems := document.Decode("a.yaml", []byte(test.yaml), got); len(problems) > 0 {
				t.Fatal(problems)
			}
			equalJSON(t, got, test.json)
		})
	}
}

func TestDecodeProblems(t *testing.T) {
	tests := map[string]struct{ yaml, want string }{
		"unknown key":       {"nam: a", `a.yaml:1:1: unknown key "nam"; did you mean "name"?`},
		"lowerCamel key":    {"maybeName: a", `a.yaml:1:1: unknown key "maybeName"; did you mean "maybe_name"?`},
		"far-off key":       {"zzzzzzzz: a", `a.yaml:1:1: unknown key "zzzzzzzz"`},
		"nested unknown":    {"children:\n- flag: true\n  flga: 1\n", `a.yaml:3:3: unknown key "flga"; did you mean "flag"?`},
		"duplicate key":     {"name: a\nflag: true\nname: b", `a.yaml:3:1: "name" is set twice; first in line 1`},
		"duplicate in map":  {"by_name: {a: {}, a: {}}", `a.yaml:1:18: "a" is set twice; first in line 1`},
		"one of, both":      {"first: a\nsecond: b", `a.yaml:2:1: "second" cannot be set together with "first"`},
		"root is a list":    {"- a", `a.yaml:1:1: expected a mapping, found a list`},
		"root is a text":    {"hello", `a.yaml:1:1: expected a mapping, found the text "hello"`},
		"no mapping":        {"by_name:", `a.yaml:1:9: expected a mapping, found nothing; write {} for an empty one`},
		"no list":           {"names: a", `a.yaml:1:8: expected a list, found the text "a"`},
		"quoted boolean":    {"flag: 'true'", `a.yaml:1:8: expected true or false, found the text "true"`},
		"yes":               {"flag: yes", `a.yaml:1:7: expected true or false, found the text "yes"`},
		"number as text":    {"name: 42", `a.yaml:1:7: expected a text, found the number 42; quote it: "42"`},
		"null as text":      {"name: ~", `a.yaml:1:7: expected a text, found nothing`},
		"text as integer":   {"small: ten", `a.yaml:1:8: expected an integer, found the text "ten"`},
		"fraction":          {"small: 1.5", `a.yaml:1:8: expected an integer, found the number 1.5`},
		"octal":             {"small: 010", `a.yaml:1:8: expected an integer in decimal digits, found the number 010`},
		"too large":         {"small: 2147483648", `a.yaml:1:8: 2147483648 is out of range: -2147483648 to 2147483647`},
		"negative unsigned": {"count: -1", `a.yaml:1:8: -1 is out of range: 0 to 4294967295`},
		"text as float":     {"exact: a", `a.yaml:1:8: expected a number, found the text "a"`},
		"no base64":         {"raw: '*'", `a.yaml:1:7: expected bytes in base64, found the text "*"`},
		"unknown enum":      {"level: inof", `a.yaml:1:8: unknown value "inof"; expected debug or info; did you mean "info"?`},
		"enum in full":      {"level: LOG_LEVEL_INFO", `a.yaml:1:8: unknown value "LOG_LEVEL_INFO"; expected debug or info`},
		"enum by number":    {"level: 1", `a.yaml:1:8: expected debug or info, found the number 1`},
		"bare duration":     {"wait: 5", `a.yaml:1:7: expected a duration such as 800ms or 2s, found the number 5; add its unit: 5ms or 5s`},
		"negative duration": {"wait: -5s", `a.yaml:1:7: a duration cannot be negative: -5s`},
		"duration in days":  {"wait: 5d", `a.yaml:1:7: expected a duration such as 800ms or 2s, found the text "5d"`},
		"duration mapping":  {"wait: {seconds: 5}", `a.yaml:1:7: expected a duration such as 800ms or 2s, found a mapping`},
		"value beyond 2^53": {"value: {a: 9007199254740993}", `a.yaml:1:12: 9007199254740993 is not a decimal integer of at most 2^53; quote it to make it an expression: "9007199254740993"`},
		"value not finite":  {"value: .inf", `a.yaml:1:8: expected a finite number, found the number .inf`},
		"value key":         {"value: {1: a}", `a.yaml:1:9: expected a text, found the number 1; quote it: "1"`},
		"map key":           {"by_number: {x: a}", `a.yaml:1:13: expected an integer, found the text "x"`},
		"map key twice":     {"by_number: {1: a, 01: b}", `a.yaml:1:19: expected an integer in decimal digits, found the number 01`},
		"complex key":       {"? [a]\n: b", `a.yaml:1:3: a key must be a text, found a list`},
		"alias":             {"names: [*a]", `a.yaml:1:1: no YAML: unknown anchor 'a' referenced`},
		"anchor":            {"name: &a b", `a.yaml:1:7: anchors are not supported, so that every value has one place; remove &a`},
		"merge key":         {"<<: {name: b}", `a.yaml:1:1: merge keys are not supported, so that every value has one place; write the entries out`},
		"tag":               {"name: !!str 5", `a.yaml:1:7: tags are not supported; remove !!str (a text that looks like something else is quoted)`},
		"two documents":     {"name: a\n---\nname: b", `a.yaml:2:1: a second document starts here; a file holds one: remove the "---", or split the file`},
		"not UTF-8":         {"name: a\nfirst: \"\xff\"", `a.yaml:2:9: this byte is not UTF-8 text`},
		"after wide text":   {"fields: {世界: a, b: &c d}", `a.yaml:1:24: anchors are not supported, so that every value has one place; remove &c`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, problems := document.Decode("a.yaml", []byte(test.yaml), everything(t))
			if got := problems.Error(); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestDecodeFindsEveryProblem(t *testing.T) {
	const text = "name: 1\nwait: 2\nchildren: [{x: 1}, {name: ok, flag: 3}]\n"
	const want = `a.yaml:1:7: expected a text, found the number 1; quote it: "1"
a.yaml:2:7: expected a duration such as 800ms or 2s, found the number 2; add its unit: 2ms or 2s
a.yaml:3:13: unknown key "x"
a.yaml:3:37: expected true or false, found the number 3`
	_, problems := document.Decode("a.yaml", []byte(text), everything(t))
	if got := problems.Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestDecodeDepth(t *testing.T) {
	nested := func(depth int) []byte {
		text := []byte("value: ")
		for range depth {
			text = append(text, '[')
		}
		for range depth {
			text = append(text, ']')
		}
		return text
	}
	if _, problems := document.Decode("a.yaml", nested(64), everything(t)); len(problems) > 0 {
		t.Error(problems)
	}
	for _, depth := range []int{65, 5000} {
		_, problems := document.Decode("a.yaml", nested(depth), everything(t))
		if len(problems) != 1 || problems[0].Message != "nested deeper than 64 levels" {
			t.Errorf("depth %d: %v", depth, problems)
		}
	}
}
