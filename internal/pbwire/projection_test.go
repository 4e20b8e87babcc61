package pbwire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	mallv1 "facet/api/mall/v1"
)

// field-by-field builders of wire bytes
func varintField(num protowire.Number, v uint64) string {
	return string(protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v))
}

func bytesField(num protowire.Number, v string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, num, protowire.BytesType), v))
}

func groupField(num protowire.Number, content string) string {
	return string(protowire.AppendTag(nil, num, protowire.StartGroupType)) + content + string(protowire.AppendTag(nil, num, protowire.EndGroupType))
}

// TestProjectionEdges names what the random tests cover, one by one; the oracle agrees with each line.
func TestProjectionEdges(t *testing.T) {
	o := projectionOracle{projectionCorpus(t)}
	for _, test := range []struct {
		name, root, sel string
		unset           Unset
		wire            string
		want            string
	}{
		{"empty", "Pick", "*", UnsetOmit, "", `{}`},
		{"defaults", "Small", "*", UnsetDefaults, "", `{"id":"","count":0,"swapped_two":"","swappedTwo":"","@odd name":""}`},
		{"defaults of what is selected", "Shuffled", "late,pick,numbers,self.early", UnsetDefaults, bytesField(3, ""), `{"late":"","numbers":[],"self":{"early":"0"}}`},
		{"null messages", "Shuffled", "late,pick,picks", UnsetKratos, "", `{"late":"","pick":null,"picks":{}}`},
		{"proto2 nulls", "Relic", "needed,text,inner,pick_text", UnsetKratos, "", `{"needed":null,"text":null,"inner":null}`},
		{"declaration order", "Shuffled", "*", UnsetOmit, varintField(1, 5) + bytesField(9, "x"), `{"late":"x","early":"5"}`},
		{"a oneof written last", "Pick", "*", UnsetOmit, varintField(2, 5) + bytesField(8, "") + bytesField(8, varintField(2, 1)) + bytesField(7, "x") + bytesField(6, ""), `{"text":"x","between":5,"raw":"","list":[{},{"between":1}]}`},
		{"a list in two runs", "Shuffled", "*", UnsetOmit, varintField(2, 1) + varintField(99, 0) + varintField(2, 2) + varintField(1, 3), `{"numbers":[1,2],"early":"3"}`},
		{"a message in two parts that follow one another", "Shuffled", "*", UnsetOmit, bytesField(3, varintField(1, 1)) + bytesField(3, bytesField(9, "x")), `{"self":{"late":"x","early":"1"}}`},
		{"the last scalar wins", "Small", "*", UnsetOmit, varintField(2, 5) + varintField(2, 6), `{"count":6}`},
		{"a last zero wins", "Small", "*", UnsetOmit, varintField(2, 5) + varintField(2, 0), `{}`},
		{"an explicit zero of proto2 is set", "Relic", "*", UnsetOmit, varintField(1, 0), `{"needed":0}`},
		{"a number is cut to 32 bits", "Small", "*", UnsetOmit, varintField(2, 1<<32), `{}`},
		{"messages are merged", "All", "*", UnsetOmit, bytesField(18, bytesField(1, "a")) + bytesField(18, varintField(2, 1)), `{"small":{"id":"a","count":1}}`},
		{"a oneof is not merged over another member", "All", "*", UnsetOmit, bytesField(72, bytesField(1, "a")) + varintField(70, 1) + bytesField(72, varintField(2, 1)), `{"choiceSmall":{"count":1}}`},
		{"a winner that is not selected", "All", "choice_string", UnsetOmit, bytesField(71, "a") + varintField(70, 1), `{}`},
		{"a winner within a split message", "Pick", "plain.number", UnsetOmit, bytesField(9, varintField(1, 1)) + bytesField(9, bytesField(7, "x")), `{"plain":{}}`},
		{"packed and not", "All", "*", UnsetOmit, varintField(31, 1) + bytesField(31, "\x02\x03") + varintField(40, 9) + varintField(31, 4), `{"int32s":[1,2,3,4],"loose":[9]}`},
		{"an empty packed list is unset", "All", "int32s", UnsetOmit, bytesField(31, ""), `{}`},
		{"a group", "Relic", "inner(deep)", UnsetOmit, groupField(7, bytesField(1, "x")+groupField(3, varintField(1, 2))), `{"inner":{"deep":[{"n":2}]}}`},
		{"a group as bytes is unknown", "Relic", "*", UnsetOmit, bytesField(7, "\xff"), `{}`},
		{"a delimited message", "Mixed", "*", UnsetOmit, groupField(4, varintField(1, 0)), `{"delimited":{"explicit":0}}`},
		{"an extension", "Relic", "*", UnsetKratos, varintField(100, 7), `{"needed":null,"defaulted":null,"text":null,"closed":null,"closeds":[],"unpacked":[],"inner":null,"relicByName":{},"[parsertest.v2.ext_int]":7}`},
		{"no extension under a selection", "Relic", "needed", UnsetOmit, varintField(100, 7), `{}`},
		{"an unknown number of a closed enum", "Relic", "*", UnsetOmit, varintField(4, 9), `{"closed":9}`},
		{"a missing enum of a map", "Mixed", "*", UnsetOmit, bytesField(10, ""), `{"closedByName":{"":"ZERO"}}`},
		{"map keys are sorted, the last wins", "All", "labels", UnsetOmit, bytesField(50, bytesField(1, "b")) + bytesField(50, bytesField(1, "a")+bytesField(2, "1")) + bytesField(50, bytesField(2, "2")+bytesField(1, "b")), `{"labels":{"a":"1","b":"2"}}`},
		{"signed map keys", "All", "by_int32", UnsetOmit, bytesField(53, varintField(1, 1)) + bytesField(53, varintField(1, 1<<64-1)), `{"byInt32":{"-1":"","1":""}}`},
		{"selected keys", "All", "by_int32.`-1`,small_by_name(a.id,*.count)", UnsetOmit, bytesField(53, varintField(1, 1)) + bytesField(53, varintField(1, 1<<64-1)) + bytesField(51, bytesField(1, "a")+bytesField(2, bytesField(1, "x"))) + bytesField(51, bytesField(1, "b")+bytesField(2, bytesField(1, "y"))), `{"smallByName":{"a":{"id":"x"},"b":{}},"byInt32":{"-1":""}}`},
		{"a message of which nothing is left", "All", "small.count", UnsetOmit, bytesField(18, bytesField(1, "a")), `{"small":{}}`},
		{"negative zero is not zero", "All", "a_double", UnsetOmit, string(protowire.AppendFixed64(protowire.AppendTag(nil, 13, protowire.Fixed64Type), 1<<63)), `{"aDouble":-0}`},
		{"the last second", "All", "time", UnsetOmit, bytesField(81, varintField(1, 253402300799)+varintField(2, 999_999_999)), `{"time":"9999-12-31T23:59:59.999999999Z"}`},
		{"a leap day", "All", "time", UnsetOmit, bytesField(81, varintField(1, 951_782_400)+varintField(2, 1e6)), `{"time":"2000-02-29T00:00:00.001Z"}`},
		{"the first second", "All", "time", UnsetOmit, bytesField(81, varintField(1, 1<<64-62135596800)), `{"time":"0001-01-01T00:00:00Z"}`},
		{"a negative duration", "All", "duration", UnsetOmit, bytesField(82, varintField(2, 1<<64-1)), `{"duration":"-0.000000001s"}`},
		{"a mask", "All", "mask", UnsetOmit, bytesField(83, bytesField(1, "a_b.c")+bytesField(1, "d")), `{"mask":"aB.c,d"}`},
		{"any message", "All", "any", UnsetOmit, bytesField(80, bytesField(2, bytesField(1, "x"))+bytesField(1, "x/parsertest.v3.Small")), `{"any":{"@type":"x/parsertest.v3.Small","id":"x"}}`},
		{"an empty any", "All", "any", UnsetOmit, bytesField(80, ""), `{"any":{}}`},
		{"any special message", "All", "any", UnsetOmit, bytesField(80, bytesField(1, "x/google.protobuf.Int32Value")), `{"any":{"@type":"x/google.protobuf.Int32Value","value":0}}`},
		{"any empty message", "All", "any", UnsetOmit, bytesField(80, bytesField(1, "x/google.protobuf.Empty")), `{"any":{"@type":"x/google.protobuf.Empty"}}`},
		{"text", "Small", "id", UnsetOmit, bytesField(1, "\"\\/\b\f\n\r\t\x01\x7f<é漢🙂"), `{"id":"\"\\/\b\f\n\r\t\u0001` + "\x7f" + `<é漢🙂"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			md := o.root(t, protoreflect.Name(test.root))
			sel := mustSelect(t, md, test.sel)
			p, err := Compile(md, sel, Options{Unset: test.unset, Types: o.types})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.AppendJSON(nil, []byte(test.wire))
			if err != nil || string(got) != test.want {
				t.Errorf("got %s %v, want %s", got, err, test.want)
			}
			o.checkJSON(t, md, sel, test.unset, []byte(test.wire))
			o.checkWire(t, md, sel, []byte(test.wire))
		})
	}
}

// TestProjectionErrors shows each way in which wire bytes can be wrong.
func TestProjectionErrors(t *testing.T) {
	o := projectionOracle{projectionCorpus(t)}
	for _, test := range []struct {
		name, root, wire string
		want             string
		is               error
	}{
		{"no value", "All", "\x10", "anInt32: the message ends within a field (at byte 0)", ErrTruncated},
		{"half a tag", "All", "\x80", "the message ends within a field (at byte 0)", ErrTruncated},
		{"half a string", "All", varintField(2, 1) + "\x72\x05ab", "aString: the message ends within a field (at byte 2)", ErrTruncated},
		{"a huge length", "All", "\x72\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "aString: the message ends within a field (at byte 0)", ErrTruncated},
		{"a long varint", "All", "\x10" + strings.Repeat("\xff", 10), "anInt32: a varint is longer than ten bytes (at byte 0)", ErrVarint},
		{"field 0", "All", "\x00\x01", "a tag has an impossible field number or wire type (at byte 0)", ErrTag},
		{"field 2^29", "All", string(protowire.AppendVarint(nil, 1<<32)) + "\x01", "a tag has an impossible field number or wire type (at byte 0)", ErrTag},
		{"wire type 6", "All", "\x0e", "a tag has an impossible field number or wire type (at byte 0)", ErrTag},
		{"wire type 7", "All", "\x0f", "a tag has an impossible field number or wire type (at byte 0)", ErrTag},
		{"an end without a group", "All", "\x0c", "a group is malformed or not closed (at byte 0)", ErrGroup},
		{"the wrong end of a group", "Relic", "\x3b\x44", "inner: a group is malformed or not closed (at byte 0)", ErrGroup},
		{"an open group", "Relic", "\x3b", "inner: the message ends within a field (at byte 0)", ErrTruncated},
		{"within a list", "All", bytesField(39, "") + bytesField(39, "\x0a\x01\xff"), "smalls.id: a string is not valid UTF-8 (at byte 8)", ErrUTF8},
		{"within a map", "All", bytesField(51, bytesField(1, "\xff")), "smallByName: a string is not valid UTF-8 (at byte 5)", ErrUTF8},
		{"a replaced string", "Small", bytesField(1, "\xff") + bytesField(1, "a"), "id: a string is not valid UTF-8 (at byte 2)", ErrUTF8},
		{"a packed list", "All", bytesField(31, "\x01\x80"), "int32s: the message ends within a field (at byte 4)", ErrTruncated},
		{"a time", "All", bytesField(81, varintField(2, 1<<64-1)), "time: a value has no JSON form: google.protobuf.Timestamp: -1 nanoseconds are out of range (at byte 3)", ErrValue},
		{"a value of no kind", "All", bytesField(85, ""), "value: a value has no JSON form: google.protobuf.Value: it has no value (at byte 3)", ErrValue},
		{"a mask", "All", bytesField(83, bytesField(1, "aB")), "mask: a value has no JSON form: google.protobuf.FieldMask: the path \"aB\" is not one of snake_case names (at byte 5)", ErrValue},
		{"any type", "All", bytesField(80, bytesField(1, "x/none.None")), "any: the type of a google.protobuf.Any is not known: \"x/none.None\" (at byte 5)", ErrType},
		{"any without type", "All", bytesField(80, bytesField(2, "x")), "any: a value has no JSON form: google.protobuf.Any: it holds a message, but not its type (at byte 3)", ErrValue},
	} {
		t.Run(test.name, func(t *testing.T) {
			md := o.root(t, protoreflect.Name(test.root))
			p, err := Compile(md, nil, Options{Types: o.types})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.AppendJSON(nil, []byte(test.wire))
			if err == nil || err.Error() != test.want || !errors.Is(err, test.is) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if _, typed := errors.AsType[*WireError](err); !typed {
				t.Errorf("error %T, want *WireError", err)
			}
			o.checkJSON(t, md, nil, UnsetOmit, []byte(test.wire))
			o.checkWire(t, md, nil, []byte(test.wire))
		})
	}
}

// TestProjectionDepth nests messages up to the limit and beyond.
func TestProjectionDepth(t *testing.T) {
	c := projectionCorpus(t)
	md := c.root(t, "Shuffled")
	for _, sel := range []*Selection{nil, mustSelect(t, md, "self,early")} {
		p, err := Compile(md, sel, Options{Unset: UnsetOmit})
		if err != nil {
			t.Fatal(err)
		}
		wire := varintField(1, 1)
		for range maxDepth - 1 {
			wire = bytesField(3, wire)
		}
		if out, err := p.AppendJSON(nil, []byte(wire)); err != nil || !strings.HasPrefix(string(out), `{"self":{"self":`) {
			t.Errorf("%d deep: %.40s %v", maxDepth, out, err)
		}
		wire = bytesField(3, wire)
		if _, err := p.AppendJSON(nil, []byte(wire)); !errors.Is(err, ErrDepth) {
			t.Errorf("%d deep: error %v", maxDepth+1, err)
		}
		if err := p.Check([]byte(wire)); !errors.Is(err, ErrDepth) {
			t.Errorf("%d deep: Check: error %v", maxDepth+1, err)
		}
	}
}

// TestProjectionRestartsOnce would take until the end of time if each message that is out of order
// were redone with all that is within it.
func TestProjectionRestartsOnce(t *testing.T) {
	c := projectionCorpus(t)
	pick := c.root(t, "Pick")
	for _, test := range []struct {
		name  string
		sel   *Selection
		again string // makes the message that it ends one out of order
	}{
		{"json", nil, varintField(2, 1) + varintField(2, 1)},
		{"wire", mustSelect(t, pick, strings.Repeat("plain(number,", 90)+"number"+strings.Repeat(")", 90)), varintField(1, 1) + bytesField(7, "")},
	} {
		p, err := Compile(pick, test.sel, Options{Unset: UnsetOmit})
		if err != nil {
			t.Fatal(err)
		}
		wire := test.again
		for range 90 {
			wire = bytesField(9, wire) + test.again
		}
		if _, err := p.AppendJSON(nil, []byte(wire)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if _, err := p.AppendWire(nil, []byte(wire)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestFieldProjection(t *testing.T) {
	c := projectionCorpus(t)
	for _, test := range []struct{ root, field, sel, wire, want string }{
		{"All", "small", "*", bytesField(18, varintField(2, 1)), `{"id":"","count":1,"swapped_two":"","swappedTwo":"","@odd name":""}`},
		{"All", "small", "small.count,a_bool", bytesField(18, bytesField(1, "x")) + varintField(1, 1), `{"count":0}`},
		{"All", "small", "*", "", `null`},
		{"All", "small", "a_bool", bytesField(18, ""), `null`},
		{"All", "an_int64", "*", varintField(7, 5), `"5"`},
		{"All", "an_int64", "*", "", `"0"`},
		{"All", "status", "*", varintField(16, 1), `"PAID"`},
		{"All", "null", "*", "", `null`},
		{"All", "smalls", "smalls.count", bytesField(39, "") + bytesField(39, varintField(2, 4)), `[{"count":0},{"count":4}]`},
		{"All", "labels", "*", "", `{}`},
		{"All", "choice_int", "*", varintField(70, 1) + bytesField(71, ""), `null`},
		{"Small", "custom", "*", bytesField(5, "x"), `"x"`},
	} {
		md := c.root(t, protoreflect.Name(test.root))
		fd := md.Fields().ByName(protoreflect.Name(test.field))
		p, err := CompileField(fd, mustSelect(t, md, test.sel), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.AppendJSON([]byte("before "), []byte(test.wire))
		if err != nil || string(got) != "before "+test.want {
			t.Errorf("%s %s of %x: %s %v, want %s", test.field, test.sel, test.wire, got, err, test.want)
		}
	}
}

// TestAppendWireKeepsBytes shows what is left of the bytes, not only of the message.
func TestAppendWireKeepsBytes(t *testing.T) {
	c := projectionCorpus(t)
	long := strings.Repeat("x", 200)
	for _, test := range []struct{ name, root, sel, wire, want string }{
		{"everything, unread", "Small", "*", "\xff", "\xff"},
		{"unknown fields go", "Small", "id", bytesField(1, "a") + varintField(99, 1) + varintField(2, 1), bytesField(1, "a")},
		{"unknown fields stay in what is selected as a whole", "All", "small", bytesField(18, varintField(99, 1)), bytesField(18, varintField(99, 1))},
		{"a length gets shorter", "All", "small.count", bytesField(18, bytesField(1, long)+varintField(2, 1)), bytesField(18, varintField(2, 1))},
		{"a length stays long", "All", "small.id", bytesField(18, bytesField(1, long)+varintField(2, 1)), bytesField(18, bytesField(1, long))},
		{"parts that are joined get a longer length", "Pick", "plain(text,between)", bytesField(9, bytesField(7, "a")) + bytesField(9, bytesField(7, long)), bytesField(9, bytesField(7, long))},
		{"groups", "Relic", "inner.name", groupField(7, bytesField(1, "a")+varintField(9, 1)), groupField(7, bytesField(1, "a"))},
		{"entries", "All", "small_by_name.a.count", bytesField(51, bytesField(1, "a")+bytesField(2, bytesField(1, "x")+varintField(2, 1))) + bytesField(51, bytesField(1, "b")), bytesField(51, bytesField(1, "a")+bytesField(2, varintField(2, 1)))},
		{"the last member of a oneof clears", "All", "choice_int", varintField(70, 1) + bytesField(71, "x"), ""},
	} {
		md := c.root(t, protoreflect.Name(test.root))
		p, err := Compile(md, mustSelect(t, md, test.sel), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.AppendWire([]byte("before"), []byte(test.wire))
		if err != nil || string(got) != "before"+test.want {
			t.Errorf("%s: got %x %v, want %s", test.name, got, err, hex.EncodeToString([]byte("before"+test.want)))
		}
	}
}

// TestProjectionNeedsItsTypes shows what Compile refuses.
func TestProjectionNeedsItsTypes(t *testing.T) {
	file, err := protodesc.FileOptions{AllowUnresolvable: true}.New(&descriptorpb.FileDescriptorProto{
		Name:       proto.String("loose.proto"),
		Dependency: []string{"missing.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Loose"),
			Field: []*descriptorpb.FieldDescriptorProto{{
				Name: proto.String("missing"), Number: proto.Int32(1), TypeName: proto.String(".missing.Missing"),
				Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(), Type: descriptorpb.FieldDescriptorProto_TYPE_MESSAGE.Enum(),
			}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "the message type missing.Missing is not linked"
	if _, err := Compile(file.Messages().Get(0), nil, Options{}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(map[string]string{
		"false.proto": `syntax = "proto3"; package google.protobuf; message Timestamp { string seconds = 1; }`,
	})}}
	linked, err := compiler.Compile(t.Context(), "false.proto")
	if err != nil {
		t.Fatal(err)
	}
	want = "the message type google.protobuf.Timestamp is not as published: its fields are 1 string instead of 1 int64, 2 int32"
	if _, err := Compile(linked[0].Messages().Get(0), nil, Options{}); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestProjectionCompilesOnce shows that recursive types, and the types within google.protobuf.Any, are
// compiled once for each selection.
func TestProjectionCompilesOnce(t *testing.T) {
	c := projectionCorpus(t)
	md := c.root(t, "All")
	for sel, most := range map[string]int{"*": 40, "self,selves": 40, "self.self.self.status": 4, "small_by_name(a.id,b.id,c.id)": 5} {
		p, err := Compile(md, mustSelect(t, md, sel), Options{Types: c.types})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(p.set.programs); n > most {
			t.Errorf("%s: %d programs, want %d at most", sel, n, most)
		}
	}
	p, err := Compile(md, nil, Options{Types: c.types})
	if err != nil {
		t.Fatal(err)
	}
	before := len(p.set.programs)
	for i := range 100 {
		wire := bytesField(80, bytesField(1, fmt.Sprintf("host%d/parsertest.v2.Relic", i)))
		if _, err := p.AppendJSON(nil, []byte(wire)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.set.programs) - before; n > 4 {
		t.Errorf("the type URLs of one message left %d programs behind", n)
	}
}

// TestProjectionAllocates asserts that nothing is, once the buffers have grown.
func TestProjectionAllocates(t *testing.T) {
	c := projectionCorpus(t)
	md := c.root(t, "All")
	m := dynamicpb.NewMessage(md)
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	text := varintField(2, 5) + bytesField(14, "a \u00e9 \n b") + varintField(16, 1) + bytesField(18, bytesField(1, "x")) + bytesField(31, "\x01\x02") +
		bytesField(50, bytesField(1, "b")) + bytesField(50, bytesField(1, "a")) + bytesField(53, varintField(1, 7)) + bytesField(81, varintField(1, 1e9)) +
		bytesField(80, bytesField(1, "x/parsertest.v3.Small")+bytesField(2, bytesField(1, "x"))) +
		bytesField(84, bytesField(1, bytesField(1, "k")+bytesField(2, bytesField(3, "v"))))
	benches := map[string][]byte{"ordered": []byte(text), "out of order": []byte(text + varintField(2, 6)), "empty": wire}
	for name, wire := range benches {
		for _, sel := range []string{"*", "status,small.id,by_int32.`7`,labels,struct,any"} {
			p, err := Compile(md, mustSelect(t, md, sel), Options{Types: c.types})
			if err != nil {
				t.Fatal(err)
			}
			buffer := make([]byte, 0, 8192)
			r := new(run) // not from the pool, which the race detector empties at times
			allocs := testing.AllocsPerRun(100, func() {
				if _, err := r.json(p, buffer, wire); err != nil {
					t.Fatal(err)
				}
				if _, err := r.wire(p, buffer, wire); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > 0 {
				t.Errorf("%s, %s: %.0f allocations", name, sel, allocs)
			}
		}
	}
}

// TestProjectionOfReplies runs replies of the sample mall in both passes.
func TestProjectionOfReplies(t *testing.T) {
	o := projectionOracle{projectionCorpus(t)}
	md := (&mallv1.GetHomeReply{}).ProtoReflect().Descriptor()
	for _, wire := range benchReplies()[:32] {
		for _, sel := range []*Selection{nil, mustSelect(t, md, benchSelection)} {
			for _, unset := range unsetModes {
				if !o.checkJSON(t, md, sel, unset, wire) || !o.checkWire(t, md, sel, wire) {
					t.Fatalf("%x is not a reply", wire)
				}
			}
		}
	}
}

// fuzzSelection reads a fuzzed selection; one that is wrong selects everything.
func fuzzSelection(md protoreflect.MessageDescriptor, text string) *Selection {
	sel, err := ParseSelection(md, text, SelectionLimits{Bytes: 1000, Depth: 20, Paths: 50})
	if err != nil {
		return nil
	}
	return sel
}

func FuzzJSON(f *testing.F) {
	o := projectionOracle{projectionCorpus(f)}
	addFuzzSeeds(f, o.parseCorpus)
	f.Fuzz(func(t *testing.T, root uint8, sel string, wire []byte) {
		md := o.roots[int(root)%len(o.roots)]
		o.checkJSON(t, md, fuzzSelection(md, sel), unsetModes[len(wire)%len(unsetModes)], wire)
	})
}

func FuzzWire(f *testing.F) {
	o := projectionOracle{projectionCorpus(f)}
	addFuzzSeeds(f, o.parseCorpus)
	f.Fuzz(func(t *testing.T, root uint8, sel string, wire []byte) {
		md := o.roots[int(root)%len(o.roots)]
		o.checkWire(t, md, fuzzSelection(md, sel), wire)
	})
}

func TestWireErrorShortensLongPaths(t *testing.T) {
	err := &WireError{Path: strings.Repeat("a.", 10_000), Err: ErrDepth}
	if text := err.Error(); len(text) > 300 || !strings.Contains(text, "...") {
		t.Errorf("the message has %d bytes: %.80s", len(text), text)
	}
}
