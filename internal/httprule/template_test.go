package httprule

import (
	"reflect"
	"strings"
	"testing"
)

// shape writes a parsed template as its parts: `a * ** :verb x=[1,2)`.
func shape(t *template) string {
	var parts []string
	for _, s := range t.segments {
		switch s.kind {
		case anySegment:
			parts = append(parts, "*")
		case restSegments:
			parts = append(parts, "**")
		default:
			parts = append(parts, s.literal)
		}
	}
	if t.verb != "" {
		parts = append(parts, ":"+t.verb)
	}
	for _, v := range t.variables {
		covered := string(rune('0'+v.start)) + ".." + string(rune('0'+v.end))
		parts = append(parts, v.path+"="+covered)
	}
	return strings.Join(parts, " ")
}

func TestParseTemplate(t *testing.T) {
	tests := []struct{ template, shape, canonical string }{
		{"/", "", "/"},
		{"/a", "a", "/a"},
		{"/*", "*", "/*"},
		{"/**", "**", "/**"},
		{"/*/a/**", "* a **", "/*/a/**"},
		{"/shelves/{shelf}/books/{book}", "shelves * books * shelf=1..2 book=3..4", "/shelves/{shelf}/books/{book}"},
		{"/a/{b=*}", "a * b=1..2", "/a/{b}"},
		{"/a/{b.c_d._e2}", "a * b.c_d._e2=1..2", "/a/{b.c_d._e2}"},
		{"/a/{b=c}", "a c b=1..2", "/a/{b=c}"},
		{"/a/{b=c/*/d}/e", "a c * d e b=1..4", "/a/{b=c/*/d}/e"},
		{"/a/{b=**}", "a ** b=1..2", "/a/{b=**}"},
		{"/a/{b=c/**}:verb", "a c ** :verb b=1..3", "/a/{b=c/**}:verb"},
		{"/a:verb", "a :verb", "/a:verb"},
		{"/*:verb", "* :verb", "/*:verb"},
		{"/**:verb", "** :verb", "/**:verb"},
		{"/{a}/{b=*}:verb", "* * :verb a=0..1 b=1..2", "/{a}/{b}:verb"},
		{"/a-b_c.d~e/f!$&'()+,;=@g", "a-b_c.d~e f!$&'()+,;=@g", "/a-b_c.d~e/f!$&'()+,;=@g"},
		{"/a%2Fb/%41%c3%A9%3a", "a/b Aé:", "/a%2Fb/A%C3%A9%3A"},
		{"/%2A/%2a%2A/{v=%7B}:%2c", "* ** { :, v=2..3", "/%2A/%2A%2A/{v=%7B}:,"},
		{"/{v=a=b}", "a=b v=0..1", "/{v=a=b}"},
	}
	for _, test := range tests {
		parsed, err := parseTemplate(test.template)
		if err != nil {
			t.Errorf("%s: %v", test.template, err)
			continue
		}
		if got := shape(parsed); got != test.shape {
			t.Errorf("%s is %q, want %q", test.template, got, test.shape)
		}
		if got := parsed.String(); got != test.canonical {
			t.Errorf("%s prints as %s, want %s", test.template, got, test.canonical)
		}
	}
}

// A literal that is written like a wildcard is none.
func TestParseTemplateEscapedWildcard(t *testing.T) {
	parsed, err := parseTemplate("/%2A")
	if err != nil {
		t.Fatal(err)
	}
	if s := parsed.segments[0]; s.kind != literalSegment || s.literal != "*" {
		t.Errorf("/%%2A is the segment %+v, want the literal *", s)
	}
}

func TestParseTemplateErrors(t *testing.T) {
	const wholeSegment = `a segment is a literal, "*", "**" or one whole {variable}`
	tests := []struct{ template, err string }{
		{"", `column 1: a path template begins with "/"`},
		{"a/b", `column 1: a path template begins with "/"`},
		{":verb", `column 1: a path template begins with "/"`},
		{"{x=/a}", `column 1: a path template begins with "/"`},
		{"//", "column 2: the segment is empty"},
		{"/a/", "column 4: the segment is empty"},
		{"/a//b", "column 4: the segment is empty"},
		{"/:verb", "column 2: the segment is empty"},
		{"/a/:verb", "column 4: the segment is empty"},
		{"/a/{v=}", "column 7: the segment is empty"},
		{"/a/{v=/b}", "column 7: the segment is empty"},
		{"/a:", "column 4: the verb is empty"},
		{"/{v}:", "column 6: the verb is empty"},
		{"/**:", "column 5: the verb is empty"},
		{"/a:b/c", `column 5: a verb ends the template; in a literal, write ":" as %3A`},
		{"/a:b:c", `column 5: a verb ends the template; in a literal, write ":" as %3A`},
		{"/a:*", `column 4: unexpected '*': ` + wholeSegment},
		{"/{}", "column 3: expected the name of a request field, such as user_id or user.id"},
		{"/{1}", "column 3: expected the name of a request field, such as user_id or user.id"},
		{"/{a.}", "column 5: expected the name of a request field, such as user_id or user.id"},
		{"/{a.1}", "column 5: expected the name of a request field, such as user_id or user.id"},
		{"/a/{", "column 5: expected the name of a request field, such as user_id or user.id"},
		{"/a/{v", `column 6: the variable "v" is not closed: expected "}"`},
		{"/a/{v=b", `column 8: the variable "v" is not closed: expected "}"`},
		{"/a/{v-w}", `column 6: unexpected '-': ` + wholeSegment},
		{"/a/{v/w}", `column 6: unexpected '/': a variable ends with "}"`},
		{"/a/{v=b:c}", `column 8: unexpected ':': a variable ends with "}"`},
		{"/{a=b/{c}}", "column 7: a variable cannot hold another variable"},
		{"/a{v}", "column 3: unexpected '{': " + wholeSegment},
		{"/{v}a", "column 5: unexpected 'a': " + wholeSegment},
		{"/{v}{w}", "column 5: unexpected '{': " + wholeSegment},
		{"/a}", "column 3: unexpected '}': " + wholeSegment},
		{"/a*", "column 3: unexpected '*': " + wholeSegment},
		{"/***", "column 4: unexpected '*': " + wholeSegment},
		{"/a/**/b", `column 6: "**" must be the last segment: only a verb may follow it`},
		{"/a/**/**", `column 6: "**" must be the last segment: only a verb may follow it`},
		{"/a/{v=**/b}", `column 9: "**" must be the last segment: only a verb may follow it`},
		{"/a/{v=b/**}/c", `column 12: "**" must be the last segment: only a verb may follow it`},
		{"/a/{v=**}/{w=**}", `column 10: "**" must be the last segment: only a verb may follow it`},
		{"/a?b=c", "column 3: a path template has no query: fields outside the path are query parameters by themselves"},
		{"/a b", `column 3: unexpected " ": in a literal, write it as %20`},
		{"/café", `column 5: unexpected "\xc3": in a literal, write it as %C3`},
		{"/a%2", `column 3: expected two hexadecimal digits after "%"; the character itself is %25`},
		{"/a%zz", `column 3: expected two hexadecimal digits after "%"; the character itself is %25`},
	}
	for _, test := range tests {
		parsed, err := parseTemplate(test.template)
		if err == nil {
			t.Errorf("%s parses as %q, want the error %q", test.template, shape(parsed), test.err)
		} else if err.Error() != test.err {
			t.Errorf("%s: %q, want %q", test.template, err, test.err)
		}
	}
}

// FuzzTemplate checks that what parses prints as a template that parses to the same, and prints the same again.
func FuzzTemplate(f *testing.F) {
	f.Add("/v1/{name=shelves/*/books/**}:read")
	f.Add("/%2A/{a.b}/{c=%7B}/*")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseTemplate(text)
		if err != nil {
			return
		}
		canonical := parsed.String()
		again, err := parseTemplate(canonical)
		if err != nil {
			t.Fatalf("%q prints as %q, which does not parse: %v", text, canonical, err)
		}
		if !reflect.DeepEqual(parsed, again) {
			t.Fatalf("%q is %+v, but printed as %q it is %+v", text, parsed, canonical, again)
		}
		if reprinted := again.String(); reprinted != canonical {
			t.Fatalf("%q prints as %q, then as %q", text, canonical, reprinted)
		}
	})
}
