package pbwire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// TestParserEdges shows what is accepted and refused, on texts picked by hand. The oracle decides.
func TestParserEdges(t *testing.T) {
	c := newParseChecker(t)
	all, small, relic, mixed := "parsertest.v3.All", "parsertest.v3.Small", "parsertest.v2.Relic", "parsertest.ed.Mixed"
	tests := []struct {
		message, text   string
		strict, lenient bool
	}{
		{all, `{}`, true, true},
		{all, ` { } `, true, true},
		{all, ``, false, false},
		{all, `null`, false, false},
		{all, `[]`, false, false},
		{all, `{}{}`, false, false},
		{all, `{} x`, false, false},
		{all, "\ufeff{}", false, false},
		{all, `{"aBool":true,}`, false, false},
		{all, `{,"aBool":true}`, false, false},
		{all, `{"aBool":true "anInt32":1}`, false, false},
		{all, `{"aBool" true}`, false, false},
		{all, `{aBool:true}`, false, false},
		{all, `{"int32s":[1,]}`, false, false},
		{all, `{"int32s":[1 2]}`, false, false},
		{all, `{"int32s":[1}`, false, false},
		{all, `{"aBool":truex}`, false, false},

		{all, `{"aBool":"true"}`, false, false},
		{all, `{"anInt32":1e3,"anInt64":"1.0"}`, true, true},
		{all, `{"anInt32":1.50e1}`, true, true},
		{all, `{"anInt32":0.5}`, false, false},
		{all, `{"anInt32":1e}`, false, false},
		{all, `{"anInt32":2147483648}`, false, false},
		{all, `{"anInt32":-2147483648}`, true, true},
		{all, `{"aUint32":-0}`, true, true},
		{all, `{"aUint32":-1}`, false, false},
		{all, `{"aUint64":"18446744073709551615"}`, true, true},
		{all, `{"aUint64":18446744073709551616}`, false, false},
		{all, `{"anInt64":" 1"}`, false, false},
		{all, `{"anInt64":""}`, false, false},
		{all, `{"anInt64":"1\u0030"}`, true, true},
		{all, `{"aFloat":3.5e38}`, false, false},
		{all, `{"aFloat":"NaN","aDouble":"-Infinity"}`, true, true},
		{all, `{"aDouble":NaN}`, false, false},
		{all, `{"aDouble":-0.0}`, true, true},
		{all, `{"aDouble":1e400}`, false, false},

		{all, `{"aString":"\ud83d\ude42\/\u00e9"}`, true, true},
		{all, `{"aString":"\ud83d"}`, false, false},
		{all, `{"aString":"\ude42\ud83d"}`, false, false},
		{all, `{"aString":"\u12"}`, false, false},
		{all, `{"aString":"\x"}`, false, false},
		{all, "{\"aString\":\"\n\"}", false, false},
		{all, "{\"aString\":\"\xc3\"}", false, false},
		{all, `{"aString":"`, false, false},
		{all, `{"aString":"\`, false, false},
		{all, `{"aString":1}`, false, false},
		{all, `{"aBytes":"-_8"}`, true, true},
		{all, `{"aBytes":"+/8="}`, true, true},
		{all, `{"aBytes":"+_8="}`, false, false},
		{all, `{"aBytes":"YQ\n=="}`, false, false},
		{all, `{"aBytes":"YW\r\nFh"}`, true, true},
		{all, `{"aBytes":"\n\n\n\n"}`, true, true},

		{all, `{"status":"PAID","statuses":[2,"REFUNDED",1e0,99]}`, true, true},
		{all, `{"status":"PIAD"}`, false, true},
		{all, `{"statuses":["PIAD","PAID"],"byFixed64":{"1":"PIAD"}}`, false, true},
		{all, `{"status":"1"}`, false, true},
		{all, `{"status":1.5}`, false, false},

		{all, `{"nope":{"a":[1,{"b":null}]}}`, false, true},
		{all, `{"nope":{"a":[1,{"b":nul}]}}`, false, false},
		{all, `{"aBool":true,"a_bool":true}`, false, false},
		{all, `{"aBool":null,"a_bool":null}`, false, false},
		{all, `{"a\u0042ool":true}`, true, true},
		{all, `{"maybeInt32":0,"maybeString":"","maybeBool":false,"maybeStatus":0}`, true, true},
		{all, `{"self":{"self":{"small":{}}}}`, true, true},
		{all, `{"self":[]}`, false, false},
		{all, `{"selves":[null]}`, false, false},
		{all, `{"selves":{}}`, false, false},
		{all, `{"int32s":null,"labels":null,"self":null,"time":null}`, true, true},
		{all, `{"int32s":[],"loose":[1,2],"strings":["",""]}`, true, true},

		{all, `{"choiceInt":1,"choiceString":"a"}`, false, false},
		{all, `{"choiceInt":null,"choiceString":"a"}`, true, true},
		{all, `{"choiceNull":null,"choiceString":"a"}`, false, false},
		{all, `{"choiceNull":null}`, true, true},
		{all, `{"choiceValue":null}`, true, true},
		{all, `{"choiceInt":0}`, true, true},
		{all, `{"choiceSmall":{}}`, true, true},

		{all, `{"labels":{"a":"b","":""}}`, true, true},
		{all, `{"labels":{"a":"b","\u0061":"b"}}`, false, false},
		{all, `{"labels":{"a":null}}`, false, false},
		{all, `{"byBool":{"true":1,"false":0}}`, true, true},
		{all, `{"byBool":{"1":1}}`, false, false},
		{all, `{"byInt32":{"+5":"","-0":"","007":""}}`, true, true},
		{all, `{"byInt32":{"5":"","+5":""}}`, false, false},
		{all, `{"byInt32":{"1e0":""}}`, false, false},
		{all, `{"byUint32":{"+5":""}}`, false, false},
		{all, `{"bySint64":{"-9223372036854775808":1}}`, true, true},
		{all, `{"nullsByName":{"a":null},"valuesByName":{"a":null},"nulls":[null],"values":[null]}`, true, true},
		{all, `{"nulls":null}`, false, false},
		{all, `{"wrappedByName":{"a":null}}`, false, false},

		{all, `{"time":"2024-02-29T23:59:59.123456789+14:00"}`, true, true},
		{all, `{"time":"2023-02-29T00:00:00Z"}`, false, false},
		{all, `{"time":"2024-01-01T00:00:00.1234567890Z"}`, false, false},
		{all, `{"time":"0000-12-31T23:59:59Z"}`, false, false},
		{all, `{"time":"9999-12-31T23:59:59-01:00"}`, false, false},
		{all, `{"time":"1969-12-31T23:59:59.5Z"}`, true, true},
		{all, `{"duration":"1.5s"}`, true, true},
		{all, `{"duration":"-.5s"}`, true, true},
		{all, `{"duration":"315576000001s"}`, false, false},
		{all, `{"duration":"1.0000000001s"}`, false, false},
		{all, `{"duration":"01s"}`, false, false},
		{all, `{"duration":"1"}`, false, false},
		{all, `{"duration":"s"}`, false, false},
		{all, `{"duration":"+s"}`, false, false},
		{all, `{"duration":".s"}`, true, true},
		{all, `{"mask":"a,bC.dE"}`, true, true},
		{all, `{"mask":""}`, true, true},
		{all, `{"mask":"a_b"}`, false, false},
		{all, `{"mask":"a,,b"}`, false, false},
		{all, `{"struct":{"a":[1,"x",null,{"b":true}]}}`, true, true},
		{all, `{"struct":{"a":1,"a":1}}`, false, false},
		{all, `{"struct":[]}`, false, false},
		{all, `{"list":[[],{}]}`, true, true},
		{all, `{"value":null}`, true, true},
		{all, `{"value":"NaN"}`, true, true},
		{all, `{"empty":{}}`, true, true},
		{all, `{"empty":{"a":1}}`, false, true},
		{all, `{"int32Value":0,"stringValue":"","boolValue":false,"bytesValue":""}`, true, true},
		{all, `{"int64Value":"-1","doubleValue":"Infinity"}`, true, true},
		{all, `{"int32Value":{"value":1}}`, false, false},

		{all, `{"any":{}}`, true, true},
		{all, `{"any":{"a":1}}`, false, true},
		{all, `{"any":{"@type":"x/parsertest.v3.Small","id":"1"}}`, true, true},
		{all, `{"any":{"id":"1","@type":"x/parsertest.v3.Small"}}`, true, true},
		{all, `{"any":{"id":{"deep":[]},"@type":"x/parsertest.v3.Small"}}`, false, false},
		{all, `{"any":{"@type":"x/parsertest.v3.Small","@type":"x/parsertest.v3.Small"}}`, false, false},
		{all, `{"any":{"@type":"parsertest.v3.Small"}}`, true, true},
		{all, `{"any":{"@type":"x/nope.Nope"}}`, false, false},
		{all, `{"any":{"@type":""}}`, false, false},
		{all, `{"any":{"@type":1}}`, false, false},
		{all, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s"}}`, true, true},
		{all, `{"any":{"value":"1s","@type":"x/google.protobuf.Duration"}}`, true, true},
		{all, `{"any":{"@type":"x/google.protobuf.Duration"}}`, false, false},
		{all, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s","value":"1s"}}`, false, false},
		{all, `{"any":{"@type":"x/google.protobuf.Duration","value":"1s","more":1}}`, false, true},
		{all, `{"any":{"@type":"x/google.protobuf.Empty"}}`, true, true},
		{all, `{"any":{"@type":"x/google.protobuf.Empty","value":{}}}`, true, true},
		{all, `{"any":{"@type":"x/google.protobuf.Any","value":{"@type":"x/google.protobuf.Int32Value","value":3}}}`, true, true},
		{all, `{"any":null}`, true, true},

		{small, `{"swapped_two":"one"}`, true, true},
		{small, `{"swapped_one":"one","swapped_two":"two"}`, false, false},
		{small, `{"swappedTwo":"two","swapped_two":"one","@odd name":"x"}`, true, true},

		{relic, `{}`, true, true},
		{relic, `{"needed":0,"defaulted":0,"text":"","closed":"TWO"}`, true, true},
		{relic, `{"closed":77,"closeds":["ONE",88]}`, true, true},
		{relic, `{"inner":{"name":"x","deep":[{"n":1},{}]}}`, true, true},
		{relic, `{"Inner":{"relic":{"Inner":{}}}}`, true, true},
		{relic, `{"INNER":{}}`, false, true},
		{relic, `{"[parsertest.v2.ext_int]":3,"[parsertest.v2.ext_strings]":["a"],"[parsertest.v2.ext_time]":"2024-01-01T00:00:00Z"}`, true, true},
		{relic, `{"[parsertest.v2.ext_relic]":{"[parsertest.v2.ext_int]":0}}`, true, true},
		{relic, `{"[parsertest.v2.other_ext]":3}`, false, false},
		{relic, `{"[parsertest.v2.nope]":3}`, false, true},
		{relic, `{"ext_int":3}`, false, true},
		{mixed, `{"explicit":0,"implicit":0,"delimited":{"delimited":{}},"delimiteds":[{"explicit":1},{}]}`, true, true},
		{mixed, `{"expanded":[1,2],"closeds":["ONE",5],"unchecked":"x","byNumber":{"1":{"implicit":1}}}`, true, true},
	}
	for _, tt := range tests {
		md := c.corpus.message(t, tt.message)
		for lenient, want := range map[bool]bool{false: tt.strict, true: tt.lenient} {
			if got := c.check(t, md, []byte(tt.text), lenient); got != want {
				t.Errorf("%s %s: accepted %v, want %v (lenient %v)", tt.message, tt.text, got, want, lenient)
			}
		}
	}
}

func TestParserErrors(t *testing.T) {
	c := parseTestCorpus(t)
	tests := []struct {
		message, text string
		want          SyntaxError
	}{
		{"v3.All", `{"smal": {}}`, SyntaxError{1, 2, "", `unknown field "smal" of parsertest.v3.All; did you mean "small"?`}},
		{"v3.All", "{\n \"small\": {\"idd\": 1}}", SyntaxError{2, 12, "small", `unknown field "idd" of parsertest.v3.Small; did you mean "id"?`}},
		{"v3.All", `{"anInt32": "abc"}`, SyntaxError{1, 13, "anInt32", `"abc" is not an int32`}},
		{"v3.All", `{"aUint64": -1}`, SyntaxError{1, 13, "aUint64", `-1 is not a uint64`}},
		{"v3.All", `{"aString": 5}`, SyntaxError{1, 13, "aString", `5 is not a string`}},
		{"v3.All", `{"aBytes": "*"}`, SyntaxError{1, 12, "aBytes", `"*" is not a string of base64`}},
		{"v3.All", `{"aBool": "true"}`, SyntaxError{1, 11, "aBool", `"true" is not a bool`}},
		{"v3.All", `{"aBool": {}}`, SyntaxError{1, 11, "aBool", `an object is not a bool`}},
		{"v3.All", `{"strings": ["é", null]}`, SyntaxError{1, 19, "strings[1]", `null is not a string`}},
		{"v3.All", `{"strings": "a"}`, SyntaxError{1, 13, "strings", `"a" is not a list`}},
		{"v3.All", `{"small": "a"}`, SyntaxError{1, 11, "small", `"a" is not an object; it stands for a parsertest.v3.Small`}},
		{"v3.All", `{"selves": [{}, {"small_by_name": {"a.b": {"count": []}}}]}`, SyntaxError{1, 53, "selves[1].smallByName.`a.b`.count", `a list is not an int32`}},
		{"v3.All", `{"byInt32": {"x": ""}}`, SyntaxError{1, 14, "byInt32", `"x" is not an int32, as the keys of this map are`}},
		{"v3.All", `{"labels": {"b": "", "a": "", "b": ""}}`, SyntaxError{1, 31, "labels.b", `the key is given twice`}},
		{"v3.All", `{"aBool": true, "a_bool": true}`, SyntaxError{1, 17, "aBool", `the field is given twice`}},
		{"v3.All", `{"choiceInt": 1, "choiceString": ""}`, SyntaxError{1, 18, "choiceString", `another field of the oneof "choice" is given already`}},
		{"v3.All", `{"status": "PIAD"}`, SyntaxError{1, 12, "status", `unknown value "PIAD" of enum parsertest.v3.Status; did you mean "PAID"?`}},
		{"v3.All", `{"status": "zzz"}`, SyntaxError{1, 12, "status", `unknown value "zzz" of enum parsertest.v3.Status; it has STATUS_UNSPECIFIED, PAID, SHIPPED, REFUNDED`}},
		{"v3.All", `{"status": true}`, SyntaxError{1, 12, "status", `true is not a value of enum parsertest.v3.Status`}},
		{"v3.All", `{"time": "now"}`, SyntaxError{1, 10, "time", `"now" is not a time of the years 1 to 9999 like "2006-01-02T15:04:05Z"`}},
		{"v3.All", `{"duration": 5}`, SyntaxError{1, 14, "duration", `5 is not a duration like "1.5s", of 10,000 years at most`}},
		{"v3.All", `{"any": {"id": 1}}`, SyntaxError{1, 9, "any", `"@type" is missing, which names the message that the google.protobuf.Any holds`}},
		{"v3.All", `{"any": {"@type": "x/a.B"}}`, SyntaxError{1, 19, "any", `the message type "x/a.B" is not known here`}},
		{"v3.All", `{"any": {"@type": "x/google.protobuf.Duration", "value": 1}}`, SyntaxError{1, 58, "any.value", `1 is not a duration like "1.5s", of 10,000 years at most`}},
		{"v3.All", `{"any": {"@type": "x/google.protobuf.Duration"}}`, SyntaxError{1, 9, "any", `"value" is missing, which holds the google.protobuf.Duration`}},
		{"v3.All", `{"any": {"@type": "x/google.protobuf.Duration", "seconds": 1}}`, SyntaxError{1, 49, "any", `unknown field "seconds" beside "@type"; google.protobuf.Duration is in "value"`}},
		{"v2.Relic", `{"[parsertest.v2.other_ext]": 1}`, SyntaxError{1, 2, "", `parsertest.v2.other_ext extends parsertest.v2.Other; this is a parsertest.v2.Relic`}},
		{"v3.All", ``, SyntaxError{1, 1, "", `the JSON text ends where a value is expected`}},
		{"v3.All", `{"aBool": true`, SyntaxError{1, 15, "", `the JSON text ends where "," or "}" is expected`}},
		{"v3.All", `{"aBool": true "x"}`, SyntaxError{1, 16, "", `expected "," or "}", not "\""`}},
		{"v3.All", `{"aBool": tru}`, SyntaxError{1, 11, "aBool", `expected a value, not "tru"`}},
		{"v3.All", `{"aBool": True}`, SyntaxError{1, 11, "aBool", `expected a value, not "True"`}},
		{"v3.All", `{"aBool" = true}`, SyntaxError{1, 10, "", `expected ":", not "="`}},
		{"v3.All", `{'aBool': true}`, SyntaxError{1, 2, "", `expected a name in double quotes, not "'aBool'"`}},
		{"v3.All", `{"aBool": true,}`, SyntaxError{1, 16, "", `expected no "," before "}"`}},
		{"v3.All", `{} {}`, SyntaxError{1, 4, "", `the JSON text goes on after its value`}},
		{"v3.All", `{"aString": "a`, SyntaxError{1, 13, "aString", `the string is not closed`}},
		{"v3.All", `{"aString": "\q"}`, SyntaxError{1, 14, "aString", `"\\q" is no escape`}},
		{"v3.All", `{"aString": "\ud800"}`, SyntaxError{1, 14, "aString", `the escape \ud800 is half of a surrogate pair`}},
		{"v3.All", "{\"aString\": \"\x01\"}", SyntaxError{1, 14, "aString", `a control character in a string must be escaped, as \u0001`}},
	}
	for _, tt := range tests {
		p, err := CompileParser(c.message(t, "parsertest."+tt.message), ParserOptions{Types: c.types})
		if err != nil {
			t.Fatal(err)
		}
		dst := []byte("kept")
		out, err := p.AppendWire(dst, []byte(tt.text))
		var got *SyntaxError
		if !errors.As(err, &got) {
			t.Errorf("%s: error %v, want a *SyntaxError", tt.text, err)
			continue
		}
		if *got != tt.want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.text, *got, tt.want)
		}
		if string(out) != "kept" {
			t.Errorf("%s: dst became %q", tt.text, out)
		}
	}
}

func TestSyntaxErrorText(t *testing.T) {
	for want, err := range map[string]SyntaxError{
		`user.age: "x" is not an int32 (line 2, column 3)`: {2, 3, "user.age", `"x" is not an int32`},
		`expected a value (line 1, column 1)`:              {1, 1, "", `expected a value`},
	} {
		if err.Error() != want {
			t.Errorf("got %s, want %s", err.Error(), want)
		}
	}
}

func TestParserDepth(t *testing.T) {
	c := parseTestCorpus(t)
	p, err := CompileParser(c.message(t, "parsertest.v3.All"), ParserOptions{Lenient: true, Types: c.types})
	if err != nil {
		t.Fatal(err)
	}
	nested := func(open, closing string, n int) []byte {
		return []byte(strings.Repeat(open, n) + "{}" + strings.Repeat(closing, n))
	}
	tests := map[string]struct{ open, closing string }{
		"messages": {`{"self":`, `}`},
		"lists":    {`{"selves":[`, `]}`},
		"maps":     {`{"bySfixed32":{"1":`, `}}`},
	}
	for name, tt := range tests {
		if _, err := p.AppendWire(nil, nested(tt.open, tt.closing, parseMaxDepth-1)); err != nil {
			t.Errorf("%s, %d deep: %v", name, parseMaxDepth, err)
		}
		_, err := p.AppendWire(nil, nested(tt.open, tt.closing, parseMaxDepth))
		if err == nil || !strings.Contains(err.Error(), "messages are nested more than 200 deep") {
			t.Errorf("%s, %d deep: error %v", name, parseMaxDepth+1, err)
		}
	}
	for name, text := range map[string]string{
		"unknown values": `{"nope":` + strings.Repeat("[", 1<<20),
		"values":         `{"value":` + strings.Repeat("[", 1<<20),
		"structs":        `{"value":` + strings.Repeat(`{"a":`, 1<<20),
		"any":            strings.Repeat(`{"any":{"@type":"x/parsertest.v3.All",`, 1<<16),
	} {
		if _, err := p.AppendWire(nil, []byte(text)); err == nil {
			t.Errorf("%s without an end are accepted", name)
		}
	}
}

func TestFieldParser(t *testing.T) {
	c := parseTestCorpus(t)
	md := c.message(t, "parsertest.v3.All")
	tests := []struct{ field, text, want, present string }{
		{"small", `{"id":"a"}`, `{"small":{"id":"a"}}`, "small.id"},
		{"small", `null`, `{}`, "small"},
		{"a_string", `"x"`, `{"aString":"x"}`, "a_string"},
		{"status", `"PAID"`, `{"status":"PAID"}`, "status"},
		{"int32s", `[1,2]`, `{"int32s":[1,2]}`, "int32s"},
		{"smalls", `[{"id":"a"},{}]`, `{"smalls":[{"id":"a"},{}]}`, "smalls"},
		{"labels", `{"a":"b"}`, `{"labels":{"a":"b"}}`, "labels"},
		{"value", `null`, `{"value":null}`, "value"},
		{"struct", `{"a":1}`, `{"struct":{"a":1}}`, "struct"},
		{"time", `"2024-01-01T00:00:00Z"`, `{"time":"2024-01-01T00:00:00Z"}`, "time"},
	}
	for _, tt := range tests {
		p, err := CompileFieldParser(md.Fields().ByName(protoreflect.Name(tt.field)), ParserOptions{Types: c.types})
		if err != nil {
			t.Fatal(err)
		}
		wire, present, err := p.AppendWirePresent(nil, []byte(tt.text))
		if err != nil {
			t.Errorf("%s %s: %v", tt.field, tt.text, err)
			continue
		}
		got, want := dynamicpb.NewMessage(md), dynamicpb.NewMessage(md)
		if err := proto.Unmarshal(wire, got); err != nil {
			t.Fatal(err)
		}
		if err := protojson.Unmarshal([]byte(tt.want), want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) || present.String() != tt.present {
			t.Errorf("%s %s: got %v and %q, want %v and %q", tt.field, tt.text, got, present, want, tt.present)
		}
	}

	p, err := CompileFieldParser(md.Fields().ByName("smalls"), ParserOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := `smalls[0].count: "x" is not an int32 (line 1, column 12)`
	if _, err := p.AppendWire(nil, []byte(`[{"count": "x"}]`)); err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestParserPresent(t *testing.T) {
	c := parseTestCorpus(t)
	tests := []struct{ message, text, want string }{
		{"v3.All", `{}`, "()"},
		{"v3.All", `{"aBool":false,"an_int32":null}`, "a_bool,an_int32"},
		{"v3.All", `{"small":{"id":"","count":1},"self":{"small":{"count":2}}}`, "self.small.count,small(count,id)"},
		{"v3.All", `{"small":{}}`, "small"},
		{"v3.All", `{"small":null}`, "small"},
		{"v3.All", `{"smalls":[{"id":""}],"labels":{"a":""},"struct":{"a":1},"any":{},"time":null}`, "any,labels,smalls,struct,time"},
		{"v3.All", `{"choiceSmall":{"id":""}}`, "choice_small.id"},
		{"v3.All", `{"value":{"a":1},"empty":{}}`, "empty,value"},
		{"v3.All", `{"nope":1,"aBool":true}`, "a_bool"},
		{"v2.Relic", `{"inner":{"name":""},"[parsertest.v2.ext_relic]":{"text":""}}`, "inner.name"},
	}
	for _, tt := range tests {
		p, err := CompileParser(c.message(t, "parsertest."+tt.message), ParserOptions{Lenient: true, Types: c.types})
		if err != nil {
			t.Fatal(err)
		}
		wire, present, err := p.AppendWirePresent([]byte("x"), []byte(tt.text))
		if err != nil || present.String() != tt.want {
			t.Errorf("%s: present %q, %v; want %q", tt.text, present, err, tt.want)
		}
		if plain, err := p.AppendWire([]byte("x"), []byte(tt.text)); err != nil || !bytes.Equal(wire, plain) {
			t.Errorf("%s: AppendWire wrote %x, AppendWirePresent %x (%v)", tt.text, plain, wire, err)
		}
	}
}

// TestParserNeedsLinkedTypes shows what compilation refuses.
func TestParserNeedsLinkedTypes(t *testing.T) {
	file, err := protodesc.FileOptions{AllowUnresolvable: true}.New(&descriptorpb.FileDescriptorProto{
		Name:       proto.String("loose.proto"),
		Dependency: []string{"missing.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Loose"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name:     proto.String("missing"),
				Number:   proto.Int32(1),
				Label:    descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
				Type:     descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
				TypeName: proto.String(".missing.Missing"),
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	md := file.Messages().Get(0)
	want := "the message type missing.Missing is not linked"
	if _, err := CompileParser(md, ParserOptions{}); err == nil || err.Error() != want {
		t.Errorf("CompileParser: error %v, want %s", err, want)
	}
	if _, err := CompileFieldParser(md.Fields().Get(0), ParserOptions{}); err == nil || err.Error() != want {
		t.Errorf("CompileFieldParser: error %v, want %s", err, want)
	}
}

// TestParserAllocates asserts that nothing is, once the buffers have grown.
func TestParserAllocates(t *testing.T) {
	c := parseTestCorpus(t)
	p, err := CompileParser(c.message(t, "parsertest.v3.All"), ParserOptions{Types: c.types})
	if err != nil {
		t.Fatal(err)
	}
	text := []byte(`{"aBool":true,"anInt32":-5,"anInt64":"9007199254740993","aDouble":1.25,"aString":"a \u00e9 \n b","aBytes":"AAEC",
		"status":"PAID","small":{"id":"` + strings.Repeat("long ", 60) + `","count":1e3},"int32s":[1,2,3],"smalls":[{"id":"1"},{"id":"2"}],
		"labels":{"a":"b","c":"d"},"time":"2024-01-01T00:00:00.5Z","duration":"1.5s","struct":{"a":[1,"x",null,{"b":true}]},"int32Value":7,
		"any":{"@type":"x/parsertest.v3.Small","id":"1"}}`)
	buffer := make([]byte, 0, 4096)
	s := new(parseState) // not from the pool, which the race detector empties at times
	allocs := testing.AllocsPerRun(200, func() {
		out, err := s.run(p, buffer, text, nil)
		if err != nil || len(out) == 0 {
			t.Fatal(err)
		}
		s.seen, s.keys = s.seen[:0], s.keys[:0]
	})
	if allocs > 0 {
		t.Errorf("%.0f allocations", allocs)
	}
}

// TestParserCompilesRecursionOnce shows that types which refer to each other are compiled once each.
func TestParserCompilesRecursionOnce(t *testing.T) {
	c := parseTestCorpus(t)
	p, err := CompileParser(c.message(t, "parsertest.v3.All"), ParserOptions{Types: c.types})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p.set.programs); n > 40 {
		t.Errorf("%d programs", n)
	}
	before := len(p.set.programs)
	for i := range 100 {
		text := fmt.Sprintf(`{"any":{"@type":"host%d/parsertest.v2.Relic","text":"x"}}`, i)
		if _, err := p.AppendWire(nil, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.set.programs) - before; n > 3 {
		t.Errorf("the type URLs of one message left %d programs behind", n)
	}
}
