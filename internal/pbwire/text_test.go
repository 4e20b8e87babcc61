package pbwire

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

func TestAppendText(t *testing.T) {
	c := parseTestCorpus(t)
	tests := []struct{ message, field, text, want string }{
		{"v3.All", "a_bool", "true", `{"aBool":true}`},
		{"v3.All", "a_bool", "false", `{}`},
		{"v3.All", "maybe_bool", "false", `{"maybeBool":false}`},
		{"v3.All", "an_int32", "-5", `{"anInt32":-5}`},
		{"v3.All", "a_sint32", "-5", `{"aSint32":-5}`},
		{"v3.All", "a_sfixed32", "-5", `{"aSfixed32":-5}`},
		{"v3.All", "a_uint32", "4294967295", `{"aUint32":4294967295}`},
		{"v3.All", "a_fixed64", "18446744073709551615", `{"aFixed64":"18446744073709551615"}`},
		{"v3.All", "an_int64", "1e3", `{"anInt64":"1000"}`},
		{"v3.All", "a_float", "1.5", `{"aFloat":1.5}`},
		{"v3.All", "a_double", "-Infinity", `{"aDouble":"-Infinity"}`},
		{"v3.All", "a_string", `a "b" \n`, `{"aString":"a \"b\" \\n"}`},
		{"v3.All", "a_string", "", `{}`},
		{"v3.All", "a_bytes", "-_8", `{"aBytes":"+/8="}`},
		{"v3.All", "a_bytes", "+/8=", `{"aBytes":"+/8="}`},
		{"v3.All", "status", "PAID", `{"status":"PAID"}`},
		{"v3.All", "status", "-1", `{"status":"REFUNDED"}`},
		{"v3.All", "status", "99", `{"status":99}`},
		{"v3.All", "time", "2024-01-01T00:00:00.5Z", `{"time":"2024-01-01T00:00:00.5Z"}`},
		{"v3.All", "duration", "1.5s", `{"duration":"1.5s"}`},
		{"v3.All", "mask", "a,bC", `{"mask":"a,bC"}`},
		{"v3.All", "string_value", "x", `{"stringValue":"x"}`},
		{"v3.All", "int64_value", "0", `{"int64Value":"0"}`},
		{"v3.All", "bytes_value", "AAEC", `{"bytesValue":"AAEC"}`},
		{"v3.All", "int32s", "7", `{"int32s":[7]}`},
		{"v3.All", "strings", "x", `{"strings":["x"]}`},
		{"v3.All", "times", "2024-01-01T00:00:00Z", `{"times":["2024-01-01T00:00:00Z"]}`},
		{"v3.All", "choice_int", "0", `{"choiceInt":0}`},
		{"v2.Relic", "closed", "TWO", `{"closed":"TWO"}`},
	}
	for _, tt := range tests {
		md := c.message(t, "parsertest."+tt.message)
		wire, err := AppendText(nil, md.Fields().ByName(protoreflect.Name(tt.field)), tt.text)
		if err != nil {
			t.Errorf("%s=%s: %v", tt.field, tt.text, err)
			continue
		}
		got, want := dynamicpb.NewMessage(md), dynamicpb.NewMessage(md)
		if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(wire, got); err != nil {
			t.Errorf("%s=%s: %x: %v", tt.field, tt.text, wire, err)
			continue
		}
		if err := (protojson.UnmarshalOptions{AllowPartial: true}).Unmarshal([]byte(tt.want), want); err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(got, want) {
			t.Errorf("%s=%s: got %v, want %v", tt.field, tt.text, got, want)
		}
	}
}

func TestAppendTextErrors(t *testing.T) {
	md := parseTestCorpus(t).message(t, "parsertest.v3.All")
	tests := []struct{ field, text, want string }{
		{"a_bool", "1", `"1" is neither true nor false`},
		{"a_bool", "True", `"True" is neither true nor false`},
		{"an_int32", "abc", `"abc" is not an int32`},
		{"an_int32", "", `"" is not an int32`},
		{"an_int32", "007", `"007" is not an int32`},
		{"an_int32", "2147483648", `"2147483648" is not an int32`},
		{"a_uint64", "-1", `"-1" is not a uint64`},
		{"a_double", "1,5", `"1,5" is not a double`},
		{"a_string", "\xff", `"\xff" is not valid UTF-8`},
		{"a_bytes", "*", `"*" is not a string of base64`},
		{"status", "PIAD", `unknown value "PIAD" of enum parsertest.v3.Status; did you mean "PAID"?`},
		{"status", "1.0", `unknown value "1.0" of enum parsertest.v3.Status; it has STATUS_UNSPECIFIED, PAID, SHIPPED, REFUNDED`},
		{"time", "today", `"today" is not a time of the years 1 to 9999 like "2006-01-02T15:04:05Z"`},
		{"int64_value", "x", `"x" is not an int64`},
		{"small", "{}", `the message parsertest.v3.Small has no text form`},
		{"struct", "{}", `the message google.protobuf.Struct has no text form`},
		{"value", "1", `the message google.protobuf.Value has no text form`},
		{"labels", "a", `the map parsertest.v3.All.labels has no text form`},
		{"an_int32", strings.Repeat("9", 100), `"` + strings.Repeat("9", 59) + `... is not an int32`},
	}
	for _, tt := range tests {
		out, err := AppendText([]byte("kept"), md.Fields().ByName(protoreflect.Name(tt.field)), tt.text)
		if err == nil || err.Error() != tt.want {
			t.Errorf("%s=%s:\n got %v\nwant %s", tt.field, tt.text, err, tt.want)
		}
		if string(out) != "kept" {
			t.Errorf("%s=%s: dst became %q", tt.field, tt.text, out)
		}
	}
}
