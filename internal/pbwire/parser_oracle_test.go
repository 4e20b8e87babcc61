package pbwire

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// parseChecker holds parsers against protojson.
type parseChecker struct {
	corpus  *parseCorpus
	parsers map[protoreflect.MessageDescriptor][2]*Parser // strict and lenient
}

func newParseChecker(t testing.TB) *parseChecker {
	c := &parseChecker{corpus: parseTestCorpus(t), parsers: make(map[protoreflect.MessageDescriptor][2]*Parser)}
	for _, md := range c.corpus.roots {
		var both [2]*Parser
		for i, lenient := range []bool{false, true} {
			p, err := CompileParser(md, ParserOptions{Lenient: lenient, Types: c.corpus.types})
			if err != nil {
				t.Fatal(err)
			}
			both[i] = p
		}
		c.parsers[md] = both
	}
	return c
}

// check reads a text both ways. It tells whether it was accepted.
func (c *parseChecker) check(t *testing.T, md protoreflect.MessageDescriptor, text []byte, lenient bool) bool {
	t.Helper()
	p := c.parsers[md][0]
	if lenient {
		p = c.parsers[md][1]
	}
	want := dynamicpb.NewMessage(md)
	wantErr := protojson.UnmarshalOptions{
		AllowPartial:   true,
		DiscardUnknown: lenient,
		Resolver:       c.corpus.types,
		RecursionLimit: parseMaxDepth,
	}.Unmarshal(text, want)
	if wantErr == nil && !json.Valid(text) {
		wantErr = errors.New("not JSON: documented at Parser")
	}
	wire, err := p.AppendWire(nil, text)
	if lenient && err == nil && wantErr != nil && strings.Contains(wantErr.Error(), "duplicate map key") {
		return true // an entry that was dropped: documented at Parser
	}
	if (err != nil) != (wantErr != nil) {
		if err != nil && strings.Contains(err.Error(), "nested") || wantErr != nil && strings.Contains(wantErr.Error(), "recursion") {
			return false // the limits count skipped values differently
		}
		t.Fatalf("%s (lenient %v) %q:\n got error %v\nwant error %v", md.FullName(), lenient, text, err, wantErr)
	}
	if err != nil {
		checkPosition(t, text, err)
		return false
	}
	got := dynamicpb.NewMessage(md)
	if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: c.corpus.types}).Unmarshal(wire, got); err != nil {
		t.Fatalf("%s %q: the wire bytes %x do not decode: %v", md.FullName(), text, wire, err)
	}
	c.normalize(t, got)
	c.normalize(t, want)
	if !proto.Equal(got, want) {
		t.Fatalf("%s (lenient %v) %q:\n got %v\nwant %v", md.FullName(), lenient, text, got, want)
	}
	return true
}

// checkPosition asserts that an error is a SyntaxError within the text.
func checkPosition(t *testing.T, text []byte, err error) {
	t.Helper()
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Fatalf("%q: error %T, want *SyntaxError", text, err)
	}
	lines := strings.Split(string(text), "\n")
	if syntax.Line < 1 || syntax.Line > len(lines) || syntax.Column < 1 || syntax.Column > len(lines[syntax.Line-1])+1 {
		t.Fatalf("%q: error at line %d column %d is outside", text, syntax.Line, syntax.Column)
	}
}

// normalize makes the bytes within each google.protobuf.Any comparable.
func (c *parseChecker) normalize(t testing.TB, m protoreflect.Message) {
	if fields := m.Descriptor().Fields(); m.Descriptor().FullName() == "google.protobuf.Any" && m.Has(fields.ByNumber(1)) {
		mt, err := c.corpus.types.FindMessageByURL(m.Get(fields.ByNumber(1)).String())
		if err != nil {
			t.Fatal(err)
		}
		inner := mt.New()
		if err := (proto.UnmarshalOptions{AllowPartial: true, Resolver: c.corpus.types}).Unmarshal(m.Get(fields.ByNumber(2)).Bytes(), inner.Interface()); err != nil {
			t.Fatal(err)
		}
		c.normalize(t, inner)
		wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(inner.Interface())
		if err != nil {
			t.Fatal(err)
		}
		m.Set(fields.ByNumber(2), protoreflect.ValueOfBytes(wire))
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				c.normalize(t, v.Message())
				return true
			})
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				c.normalize(t, v.List().Get(i).Message())
			}
		case fd.Message() != nil && !fd.IsMap():
			c.normalize(t, v.Message())
		}
		return true
	})
}

// parseTokens are put into texts by mutation.
var parseTokens = []string{
	"null", "true", "false", "{}", "[]", `""`, `"x"`, "0", "-0", "1e3", "1.0", "1.5", "-1", `"1e3"`, `"-0.0"`, "1e", "1e+", "01", "+1", ".5",
	"100e-2", "1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616",
	"2147483648", "-2147483649", "4294967296", "1.7976931348623159e308", "3.5e38", "0.00000000000000000001e20", "0.000000000000000000001e21", `"NaN"`, `"-Infinity"`, `" 1"`, `"1 "`,
	`"\ud83d\ude42"`, `"\ud83d"`, `"\u0041"`, `"\x"`, "\"\xff\"", "\"\x01\"", `"YQ"`, `"YQ=="`, `"-_"`, `"+/8="`, `"YQ\n=="`, `"PAID"`, `"PAIDX"`, `"ONE"`,
	`"2024-02-30T00:00:00Z"`, `"2024-02-29T23:59:59.123456789+14:00"`, `"0001-01-01T00:00:00+01:00"`, `"2024-01-01T00:00:00,5Z"`, `"2024-01-01T00:00:00.1234567890Z"`,
	`"1.s"`, `".5s"`, `"+1s"`, `".s"`, `"-.s"`, `"01s"`, `"315576000000.999999999s"`, `"315576000001s"`, `"1.0000000000s"`, `"a,b.cD"`, `"a_b"`, `"a,,b"`, `" a "`,
	`{"@type":"type.googleapis.com/google.protobuf.Empty"}`, `{"@type":"x/parsertest.v3.Small","id":"1"}`, `{"id":"1","@type":"x/parsertest.v3.Small"}`,
	`{"@type":"x/google.protobuf.Duration","value":"1s"}`, `{"@type":"x/google.protobuf.Value","value":null}`, `{"@type":"x/parsertest.v3.All","any":{"@type":"x/google.protobuf.Int32Value","value":1}}`,
	`{"@type":""}`, `{"@type":1}`, `{"value":1}`, `{"@type":"x/parsertest.v3.Small","@type":"x/parsertest.v3.Small"}`, `{"1":2}`, `{"true":1}`, `{"+5":"x","5":"y"}`, `{"a":1,"a":1}`, `"[parsertest.v2.ext_int]":3`, `"[parsertest.v2.other_ext]":3`, `"INNER":{}`, `"Inner":{}`,
	",", ":", "{", "}", "[", "]", `"`, " ", "\t",
}

// mutate changes a few places of a text.
func (r parseRandom) mutate(text []byte) []byte {
	text = append([]byte(nil), text...)
	for range 1 + r.IntN(3) {
		if len(text) == 0 {
			return text
		}
		at := r.IntN(len(text))
		switch r.IntN(6) {
		case 0:
			text[at] ^= 1 << r.IntN(8)
		case 1:
			text = append(text[:at:at], text[min(len(text), at+1+r.IntN(8)):]...)
		case 2:
			token := parseTokens[r.IntN(len(parseTokens))]
			text = append(text[:at:at], append([]byte(token), text[at:]...)...)
		default: // a value for a value
			start, end := r.valueIn(text)
			token := parseTokens[r.IntN(len(parseTokens))]
			text = append(text[:start:start], append([]byte(token), text[end:]...)...)
		}
	}
	return text
}

// valueIn finds a scalar after a colon, or a place where there is none.
func (r parseRandom) valueIn(text []byte) (start, end int) {
	from := r.IntN(len(text))
	colon := strings.IndexByte(string(text[from:]), ':')
	if colon < 0 {
		return from, from
	}
	start = from + colon + 1
	for end = start; end < len(text) && !strings.ContainsRune(",]}", rune(text[end])); end++ {
	}
	return start, end
}

func TestParserEqualsProtojson(t *testing.T) {
	c := newParseChecker(t)
	r := parseRandom{rand.New(rand.NewPCG(1, 2)), c.corpus}
	const rounds = 4000
	accepted := 0
	for i := range rounds {
		md := c.corpus.roots[i%len(c.corpus.roots)]
		m := r.message(md, 0)
		options := protojson.MarshalOptions{
			AllowPartial:    true,
			Resolver:        c.corpus.types,
			UseProtoNames:   r.IntN(3) == 0,
			UseEnumNumbers:  r.IntN(3) == 0,
			EmitUnpopulated: r.IntN(3) == 0,
			Multiline:       r.IntN(3) == 0,
		}
		text, err := options.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if !c.check(t, md, text, false) && !options.UseProtoNames {
			// A proto name can be the JSON name of another field; all else must be read back.
			t.Fatalf("protojson wrote and refused %s", text)
		}
		for range 8 {
			if c.check(t, md, r.mutate(text), r.IntN(2) == 0) {
				accepted++
			}
		}
	}
	if accepted < rounds/4 {
		t.Errorf("only %d mutated texts were accepted: the mutations show too little", accepted)
	}
}

func FuzzParse(f *testing.F) {
	c := newParseChecker(f)
	r := parseRandom{rand.New(rand.NewPCG(3, 4)), c.corpus}
	for i, md := range c.corpus.roots {
		text, err := protojson.MarshalOptions{AllowPartial: true, Resolver: c.corpus.types}.Marshal(r.message(md, 0))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), i%2 == 0, text)
	}
	for i, token := range parseTokens {
		f.Add(uint8(i), i%2 == 0, []byte(`{"value":`+token+`}`))
	}
	f.Fuzz(func(t *testing.T, root uint8, lenient bool, text []byte) {
		c.check(t, c.corpus.roots[int(root)%len(c.corpus.roots)], text, lenient)
	})
}
