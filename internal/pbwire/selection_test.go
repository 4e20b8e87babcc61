package pbwire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

func TestParseSelection(t *testing.T) {
	md := parseTestCorpus(t).message(t, "parsertest.v3.All")
	tests := []struct{ text, want string }{
		{"", "*"},
		{" \t", "*"},
		{"*", "*"},
		{"a_bool,*", "*"},
		{"()", "()"},
		{"a_bool", "a_bool"},
		{"aBool", "a_bool"},
		{"aString,a_bool", "a_bool,a_string"},
		{"a_bool,a_bool, aBool", "a_bool"},
		{"small.id", "small.id"},
		{"small/id", "small.id"},
		{"small(id)", "small.id"},
		{" small ( count , id ) ", "small(count,id)"},
		{"small.id,small.count", "small(count,id)"},
		{"small.id,small", "small"},
		{"small,small.id", "small"},
		{"small(*)", "small"},
		{"small.*", "small"},
		{"small()", "small()"},
		{"small(),small.id", "small.id"},
		{"small.swapped_two", "small.swapped_two"},
		{"small.swappedTwo", "small.swapped_two"},
		{"small.`@odd name`", "small.custom"},
		{"self(small(id),a_bool)", "self(a_bool,small.id)"},
		{"self.self.self.small.id", "self.self.self.small.id"},
		{"smalls.id", "smalls.id"},
		{"smalls.*.id", "smalls.id"},
		{"smalls.*(id,count)", "smalls(count,id)"},
		{"smalls.*", "smalls"},
		{"strings.*", "strings"},
		{"labels", "labels"},
		{"labels.*", "labels"},
		{"labels.env", "labels.env"},
		{"labels(env,`a.b`,`*`)", "labels(`*`,`a.b`,env)"},
		{"labels.env,labels", "labels"},
		{"labels.``", "labels.``"},
		{"labels.`a``b`", "labels.`a``b`"},
		{"by_bool.true", "by_bool.true"},
		{"by_int32.-5", "by_int32.-5"},
		{"small_by_name.*.id", "small_by_name.*.id"},
		{"small_by_name.x.id", "small_by_name.x.id"},
		{"small_by_name(*.id,x.id)", "small_by_name.*.id"},
		{"small_by_name(x.id,*.id)", "small_by_name.*.id"},
		{"small_by_name(*.id,x.count)", "small_by_name(*.id,x(count,id))"},
		{"small_by_name(*.id,x)", "small_by_name(*.id,x)"},
		{"small_by_name(*,x.id)", "small_by_name"},
		{"by_sfixed32.7.by_sfixed32.*.small.id", "by_sfixed32.7.by_sfixed32.*.small.id"},
		{"any,time,struct", "any,struct,time"},
		{"times.*", "times"},
		{"empty", "empty"},
	}
	for _, tt := range tests {
		s, err := ParseSelection(md, tt.text, SelectionLimits{})
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if got := s.String(); got != tt.want {
			t.Errorf("%q = %q, want %q", tt.text, got, tt.want)
		}
		if (s == nil) != (tt.want == "*") || s.Everything() != (s == nil) {
			t.Errorf("%q: nil %v, everything %v", tt.text, s == nil, s.Everything())
		}
		checkCanonical(t, md, s)
	}
}

// checkCanonical asserts that the text of a selection stands for the same selection.
func checkCanonical(t *testing.T, md protoreflect.MessageDescriptor, s *Selection) {
	t.Helper()
	again, err := ParseSelection(md, s.String(), SelectionLimits{})
	if err != nil {
		t.Fatalf("canonical form %q: %v", s, err)
	}
	if !reflect.DeepEqual(s, again) {
		t.Fatalf("canonical form %q stands for %q", s, again)
	}
}

func TestParseSelectionErrors(t *testing.T) {
	md := parseTestCorpus(t).message(t, "parsertest.v3.All")
	tests := []struct {
		text    string
		limits  SelectionLimits
		column  int
		message string
	}{
		{text: "a_boo", column: 1, message: `unknown field "a_boo" of parsertest.v3.All; did you mean "a_bool"?`},
		{text: "aBool,small.coutn", column: 13, message: `unknown field "coutn" of parsertest.v3.Small; did you mean "count"?`},
		{text: "zzzzzzzzzz", column: 1, message: `unknown field "zzzzzzzzzz" of parsertest.v3.All`},
		{text: "smalls.0.id", column: 8, message: `"smalls" is a list, and a selection has no list indexes; what it names is selected of every element`},
		{text: "smalls[0].id", column: 1, message: `"smalls[0]": a selection has no list indexes; write "smalls"`},
		{text: "a_bool.x", column: 8, message: `"a_bool" is a bool, which is selected as a whole`},
		{text: "a_bool(x)", column: 7, message: `"a_bool" is a bool, which is selected as a whole`},
		{text: "strings.*.x", column: 11, message: `"strings" is a string, which is selected as a whole`},
		{text: "time.seconds", column: 6, message: `"time" is a google.protobuf.Timestamp, which is selected as a whole`},
		{text: "struct.fields", column: 8, message: `"struct" is a google.protobuf.Struct, which is selected as a whole`},
		{text: "anys.value", column: 6, message: `"anys" is a google.protobuf.Any, which is selected as a whole`},
		{text: "string_value()", column: 13, message: `"string_value" is a google.protobuf.StringValue, which is selected as a whole`},
		{text: "small.*.id", column: 9, message: `a "*" stands for all fields; nothing can follow it`},
		{text: "*.small", column: 3, message: `a "*" stands for all fields; nothing can follow it`},
		{text: "smalls.*.*.id", column: 12, message: `a "*" stands for all fields; nothing can follow it`},
		{text: "labels.env.x", column: 12, message: `"value" is a string, which is selected as a whole`},
		{text: "by_bool.yes", column: 9, message: `"yes" is no key of the map "by_bool": its keys are true and false`},
		{text: "by_int32.007", column: 10, message: `"007" is no key of the map "by_int32": its keys are int32 numbers`},
		{text: "by_uint32.-1", column: 11, message: `"-1" is no key of the map "by_uint32": its keys are uint32 numbers`},
		{text: "by_sint64.9223372036854775808", column: 11, message: `"9223372036854775808" is no key of the map "by_sint64": its keys are sint64 numbers`},
		{text: "a_bool,,a_float", column: 8, message: `expected a name before ",a_float"`},
		{text: "a_bool,", column: 8, message: `expected a name at the end`},
		{text: "small.", column: 7, message: `expected a name at the end`},
		{text: "small..id", column: 7, message: `expected a name before ".id"`},
		{text: ".small", column: 1, message: `expected a name before ".small"`},
		{text: "small(id", column: 6, message: `"(" is not closed`},
		{text: "small(id count)", column: 10, message: `expected "," or ")" before "count)"`},
		{text: "small id", column: 7, message: `expected "," before "id"`},
		{text: "small(id))", column: 10, message: `")" has no "(" before it`},
		{text: "small(id).count", column: 10, message: `expected "," before ".count"`},
		{text: "small(id,)", column: 10, message: `expected a name before ")"`},
		{text: "(a_bool)", column: 2, message: `expected a name`},
		{text: "labels.`env", column: 8, message: "the name has no closing backtick"},
		{text: "labels.\xff", column: 8, message: "the selection is not valid UTF-8"},
		{text: "a_bool,a_float", limits: SelectionLimits{Bytes: 10}, column: 11, message: "the selection has 14 bytes; at most 10 are allowed"},
		{text: "self.self.self", limits: SelectionLimits{Depth: 2}, column: 11, message: "the selection is nested more than 2 names deep"},
		{text: "self(self(self))", limits: SelectionLimits{Depth: 2}, column: 11, message: "the selection is nested more than 2 names deep"},
		{text: strings.Repeat("self.", 200) + "self", column: 1001, message: "the selection is nested more than 200 names deep"},
		{text: "a_bool,small(id,count)", limits: SelectionLimits{Paths: 2}, column: 22, message: "the selection has more than 2 paths"},
		{text: "small_by_name(*(id,count),a.id,b.id)", limits: SelectionLimits{Paths: 7}, column: 37, message: "the selection has more than 7 paths"},
	}
	for _, tt := range tests {
		_, err := ParseSelection(md, tt.text, tt.limits)
		var wrong *SelectionError
		if !errors.As(err, &wrong) {
			t.Errorf("%q: error %v, want a *SelectionError", tt.text, err)
			continue
		}
		if wrong.Column != tt.column || wrong.Message != tt.message {
			t.Errorf("%q:\n got column %d: %s\nwant column %d: %s", tt.text, wrong.Column, wrong.Message, tt.column, tt.message)
		}
	}
}

func TestParseSelectionOfSpecialMessage(t *testing.T) {
	md := parseTestCorpus(t).message(t, "google.protobuf.Duration")
	if s, err := ParseSelection(md, "*", SelectionLimits{}); err != nil || !s.Everything() {
		t.Errorf("* = %v, %v", s, err)
	}
	_, err := ParseSelection(md, "seconds", SelectionLimits{})
	if want := "google.protobuf.Duration is selected as a whole; it has no fields to select"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestSelectionLookUp(t *testing.T) {
	c := parseTestCorpus(t)
	md := c.message(t, "parsertest.v3.All")
	s := mustSelect(t, md, "a_bool,small.id,small_by_name(*.id,x.count),labels.env")
	small := md.Fields().ByName("small").Message()

	tests := []struct {
		field string
		sub   string // "" for not selected
	}{
		{"a_bool", "*"},
		{"a_float", ""},
		{"small", "id"},
		{"labels", "env"},
		{"small_by_name", "*.id,x(count,id)"},
	}
	for _, tt := range tests {
		sub, ok := s.Field(md.Fields().ByName(protoreflect.Name(tt.field)))
		if ok != (tt.sub != "") || ok && sub.String() != tt.sub {
			t.Errorf("Field(%s) = %v, %v; want %q", tt.field, sub, ok, tt.sub)
		}
		if all, ok := (*Selection)(nil).Field(small.Fields().ByName("id")); all != nil || !ok {
			t.Errorf("nil.Field = %v, %v", all, ok)
		}
	}

	byName, _ := s.Field(md.Fields().ByName("small_by_name"))
	for key, want := range map[string]string{"x": "count,id", "y": "id"} {
		if sub, ok := byName.Key(key); !ok || sub.String() != want {
			t.Errorf("Key(%s) = %v, %v; want %s", key, sub, ok, want)
		}
	}
	if sub, ok := byName.OtherKeys(); !ok || sub.String() != "id" {
		t.Errorf("OtherKeys = %v, %v", sub, ok)
	}
	var named []string
	for key := range byName.Keys() {
		named = append(named, key)
	}
	if !reflect.DeepEqual(named, []string{"x"}) {
		t.Errorf("Keys = %v", named)
	}
	labels, _ := s.Field(md.Fields().ByName("labels"))
	if _, ok := labels.Key("other"); ok {
		t.Error("labels.other is selected")
	}
	if _, ok := labels.OtherKeys(); ok {
		t.Error("other labels are selected")
	}

	xt, err := c.types.FindExtensionByName("parsertest.v2.ext_int")
	if err != nil {
		t.Fatal(err)
	}
	relic := c.message(t, "parsertest.v2.Relic")
	if _, ok := mustSelect(t, relic, "text").Field(xt.TypeDescriptor()); ok {
		t.Error("an extension is selected by a selection that cannot name it")
	}
	if _, ok := mustSelect(t, relic, "").Field(xt.TypeDescriptor()); !ok {
		t.Error("an extension is not selected by everything")
	}
}

func mustSelect(t testing.TB, md protoreflect.MessageDescriptor, text string) *Selection {
	t.Helper()
	s, err := ParseSelection(md, text, SelectionLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSelectionEmpty(t *testing.T) {
	md := parseTestCorpus(t).message(t, "parsertest.v3.All")
	nothing := SelectNothing()
	if !nothing.Empty() || nothing.Everything() || nothing.String() != "()" || len(nothing.Paths()) != 0 {
		t.Errorf("nothing: empty %v, everything %v, %q, paths %v", nothing.Empty(), nothing.Everything(), nothing, nothing.Paths())
	}
	var everything *Selection
	if everything.Empty() || !everything.Everything() || len(everything.Paths()) != 0 {
		t.Errorf("everything: empty %v, everything %v, paths %v", everything.Empty(), everything.Everything(), everything.Paths())
	}
	one := SelectField(md.Fields().ByName("small"), nothing)
	if one.Empty() || one.String() != "small()" {
		t.Errorf("small(): empty %v, %q", one.Empty(), one)
	}
}

func TestSelectionPaths(t *testing.T) {
	md := parseTestCorpus(t).message(t, "parsertest.v3.All")
	tests := map[string][]string{
		"small(id,count),a_bool":    {"a_bool", "small.count", "small.id"},
		"smalls.id":                 {"smalls.id"},
		"labels.env":                {"labels"},
		"self.small_by_name.*.id":   {"self.small_by_name"},
		"small()":                   {"small"},
		"self(self.small.id,small)": {"self.self.small.id", "self.small"},
	}
	for text, want := range tests {
		if got := mustSelect(t, md, text).Paths(); !reflect.DeepEqual(got, want) {
			t.Errorf("Paths of %q = %v, want %v", text, got, want)
		}
	}
}

// randomSelection writes a random selection text; it is valid.
func (r parseRandom) randomSelection(md protoreflect.MessageDescriptor, depth int) string {
	var paths []string
	for range 1 + r.IntN(4) {
		fd := md.Fields().Get(r.IntN(md.Fields().Len()))
		path := string(fd.Name())
		if fd.IsMap() && r.IntN(3) > 0 {
			if fd.MapKey().Kind() != protoreflect.StringKind {
				path += ".*"
			} else {
				path += "." + []string{"*", "a", "b", "`a.b`"}[r.IntN(4)]
			}
			fd = fd.MapValue()
		} else if fd.IsMap() {
			paths = append(paths, path)
			continue
		}
		if sub := fd.Message(); sub != nil && parseSpecial(sub) == nil && sub.Fields().Len() > 0 && depth < 4 && r.IntN(4) > 0 {
			path += "(" + r.randomSelection(sub, depth+1) + ")"
		}
		paths = append(paths, path)
	}
	return strings.Join(paths, ",")
}

// selects tells whether a path is selected as a whole. It is the definition that Union is held
// against.
func selects(s *Selection, path []any) bool {
	if s == nil || len(path) == 0 {
		return s == nil
	}
	var sub *Selection
	var ok bool
	switch step := path[0].(type) {
	case protoreflect.FieldDescriptor:
		sub, ok = s.Field(step)
	case string:
		sub, ok = s.Key(step)
	}
	return ok && selects(sub, path[1:])
}

// randomPath is a path of fields and keys down a message type.
func (r parseRandom) randomPath(md protoreflect.MessageDescriptor) []any {
	var path []any
	for range 1 + r.IntN(4) {
		fd := md.Fields().Get(r.IntN(md.Fields().Len()))
		path = append(path, fd)
		if fd.IsMap() {
			path = append(path, []string{"a", "b", "a.b", "other"}[r.IntN(4)])
			fd = fd.MapValue()
		}
		if md = fd.Message(); md == nil || md.Fields().Len() == 0 {
			return path
		}
	}
	return path
}

func TestUnionSelectsWhatEitherSelects(t *testing.T) {
	c := parseTestCorpus(t)
	md := c.message(t, "parsertest.v3.All")
	r := parseRandom{rand.New(rand.NewPCG(5, 6)), c}
	hits := 0
	for range 2000 {
		textA, textB := r.randomSelection(md, 0), r.randomSelection(md, 0)
		a, b := mustSelect(t, md, textA), mustSelect(t, md, textB)
		u := Union(a, b)
		checkCanonical(t, md, u)
		if both := mustSelect(t, md, textA+","+textB); u.String() != both.String() {
			t.Fatalf("union of %q and %q = %q, parsed together %q", textA, textB, u, both)
		}
		if again := Union(b, a); !reflect.DeepEqual(u, again) {
			t.Fatalf("union of %q and %q depends on the order: %q, %q", textA, textB, u, again)
		}
		for range 50 {
			path := r.randomPath(md)
			want := selects(a, path) || selects(b, path)
			if selects(u, path) != want {
				t.Fatalf("union of %q and %q = %q: selects %v is %v", textA, textB, u, path, !want)
			}
			if want {
				hits++
			}
		}
	}
	if hits < 1000 {
		t.Errorf("only %d paths were selected: the test shows too little", hits)
	}
	if Union(nil, SelectNothing()) != nil || !Union(SelectNothing(), SelectNothing()).Empty() {
		t.Error("union with nil or nothing")
	}
}

// TestParseSelectionIsLinear holds hostile texts of growing size against each other: what is built is
// in proportion to the text.
func TestParseSelectionIsLinear(t *testing.T) {
	md := parseTestCorpus(t).message(t, "parsertest.v3.All")
	shapes := map[string]func(n int) string{
		"keys":     func(n int) string { return "small_by_name(*.id" + strings.Repeat(",a.count", n) + ")" },
		"same":     func(n int) string { return "a_bool" + strings.Repeat(",self.self.small.id", n) },
		"groups":   func(n int) string { return "a_bool" + strings.Repeat(",self(self(small(id,count)))", n) },
		"distinct": func(n int) string { return "a_bool" + distinctKeys(n) },
	}
	for name, shape := range shapes {
		t.Run(name, func(t *testing.T) {
			allocs := func(n int) float64 {
				text := shape(n)
				return testing.AllocsPerRun(3, func() { mustSelect(t, md, text) })
			}
			if small, large := allocs(100), allocs(1000); large > 12*small+100 {
				t.Errorf("100 paths: %.0f allocations, 1000 paths: %.0f", small, large)
			}
		})
	}
}

func distinctKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ",small_by_name.k%d.id", i)
	}
	return b.String()
}

func FuzzSelection(f *testing.F) {
	md := parseTestCorpus(f).message(f, "parsertest.v3.All")
	for _, text := range []string{
		"", "*", "()", "a_bool,small(id,count)", "smalls.*.id", "small_by_name(*.id,x.count,`a``b`)", "self.self/self(aBool)",
		"by_sfixed32(*.labels(a,b),-7.labels.*)", "a,,b", "small(", "labels.`", " small ( id ) ", "small.`@odd name`",
	} {
		f.Add(text)
	}
	limits := SelectionLimits{Bytes: 1 << 10, Depth: 12, Paths: 64}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSelection(md, text, limits)
		if err != nil {
			var wrong *SelectionError
			if !errors.As(err, &wrong) || wrong.Column < 1 || wrong.Column > len(text)+1 {
				t.Fatalf("%q: error %#v", text, err)
			}
			return
		}
		if len(text) > limits.Bytes || s.leaves() > limits.Paths {
			t.Fatalf("%q: limits are not held: %d leaves", text, s.leaves())
		}
		checkCanonical(t, md, s)
	})
}
