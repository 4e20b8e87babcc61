package pbwire

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

var loadProjectionCorpus = sync.OnceValues(func() (*parseCorpus, error) {
	base, err := loadParseCorpus()
	if err != nil {
		return nil, err
	}
	compiler := protocompile.Compiler{Resolver: &protocompile.SourceResolver{ImportPaths: []string{"testdata/projection"}}}
	linked, err := compiler.Compile(context.Background(), "order.proto")
	if err != nil {
		return nil, err
	}
	c := &parseCorpus{types: base.types, roots: slices.Clone(base.roots)}
	for _, file := range linked {
		fd, err := protodesc.NewFile(protodesc.ToFileDescriptorProto(file), nil)
		if err != nil {
			return nil, err
		}
		for i := range fd.Messages().Len() {
			c.roots = append(c.roots, fd.Messages().Get(i))
		}
	}
	return c, nil
})

// projectionCorpus is the schema of the parser's tests, and one more file.
func projectionCorpus(t testing.TB) *parseCorpus {
	t.Helper()
	c, err := loadProjectionCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// root finds one of the messages that tests are made of.
func (c *parseCorpus) root(t testing.TB, name protoreflect.Name) protoreflect.MessageDescriptor {
	t.Helper()
	for _, md := range c.roots {
		if md.Name() == name {
			return md
		}
	}
	t.Fatalf("no message %s", name)
	return nil
}

// wireField is a field as it stands on the wire.
type wireField struct {
	num   protowire.Number
	typ   protowire.Type
	value []byte // the content, without length or end
}

// parseWire takes a well-formed message apart.
func parseWire(wire []byte) (fields []wireField) {
	for len(wire) > 0 {
		num, typ, n := protowire.ConsumeTag(wire)
		wire = wire[n:]
		f := wireField{num: num, typ: typ}
		size := protowire.ConsumeFieldValue(num, typ, wire)
		switch typ {
		case protowire.BytesType:
			f.value, _ = protowire.ConsumeBytes(wire)
		case protowire.StartGroupType:
			f.value, _ = protowire.ConsumeGroup(num, wire)
		default:
			f.value = wire[:size]
		}
		fields = append(fields, f)
		wire = wire[size:]
	}
	return fields
}

// appendWireFields puts a message together.
func appendWireFields(dst []byte, fields []wireField) []byte {
	for _, f := range fields {
		dst = protowire.AppendTag(dst, f.num, f.typ)
		switch f.typ {
		case protowire.BytesType:
			dst = protowire.AppendBytes(dst, f.value)
		case protowire.StartGroupType:
			dst = protowire.AppendTag(append(dst, f.value...), f.num, protowire.EndGroupType)
		default:
			dst = append(dst, f.value...)
		}
	}
	return dst
}

// wire makes random wire bytes of a message type: as an encoder writes them, or as none does.
func (r parseRandom) wire(t testing.TB, md protoreflect.MessageDescriptor) []byte {
	t.Helper()
	wire := r.encoded(t, md)
	if r.IntN(3) == 0 {
		return wire
	}
	if r.IntN(3) == 0 {
		wire = append(wire, r.encoded(t, md)...)
	}
	wire = r.scramble(md, wire, 0)
	if r.IntN(4) == 0 {
		wire = r.corrupt(wire)
	}
	return wire
}

func (r parseRandom) encoded(t testing.TB, md protoreflect.MessageDescriptor) []byte {
	t.Helper()
	wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(r.message(md, 0))
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

// scramble rewrites a well-formed message: fields are shuffled, repeated, split, packed, zeroed, and
// joined by unknown ones.
func (r parseRandom) scramble(md protoreflect.MessageDescriptor, wire []byte, depth int) []byte {
	var fields []wireField
	for _, f := range parseWire(wire) {
		fields = append(fields, r.scrambleField(md, f, depth)...)
	}
	for range r.IntN(3) {
		fields = append(fields, r.unknown())
	}
	for range r.IntN(3) {
		if len(fields) > 0 {
			fields = append(fields, fields[r.IntN(len(fields))])
		}
	}
	if r.IntN(2) == 0 {
		r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	}
	return appendWireFields(nil, fields)
}

func (r parseRandom) scrambleField(md protoreflect.MessageDescriptor, f wireField, depth int) []wireField {
	fd := md.Fields().ByNumber(f.num)
	if fd == nil {
		return []wireField{f}
	}
	isMessage := fd.Message() != nil && (f.typ == protowire.BytesType || f.typ == protowire.StartGroupType)
	switch {
	case isMessage && depth < 6 && r.IntN(2) == 0:
		f.value = r.scramble(fd.Message(), f.value, depth+1)
		if r.IntN(3) == 0 {
			return r.split(f)
		}
	case fd.IsPacked() && f.typ == protowire.BytesType && r.IntN(2) == 0:
		return unpack(fd, f)
	case fd.IsList() && !isMessage && f.typ != protowire.BytesType && r.IntN(2) == 0:
		f.typ = protowire.BytesType
	case f.typ == protowire.VarintType && r.IntN(8) == 0:
		f.value = []byte{0}
	case f.typ == protowire.BytesType && !isMessage && r.IntN(8) == 0:
		f.value = nil
	}
	return []wireField{f}
}

// split makes two messages of one, which are the same when they are merged.
func (r parseRandom) split(f wireField) []wireField {
	inner := parseWire(f.value)
	at := r.IntN(len(inner) + 1)
	first, second := f, f
	first.value = appendWireFields(nil, inner[:at])
	second.value = appendWireFields(nil, inner[at:])
	return []wireField{first, second}
}

func unpack(fd protoreflect.FieldDescriptor, f wireField) (fields []wireField) {
	typ := parseWireType(fd.Kind())
	for b := f.value; len(b) > 0; {
		n := protowire.ConsumeFieldValue(f.num, typ, b)
		fields = append(fields, wireField{num: f.num, typ: typ, value: b[:n]})
		b = b[n:]
	}
	return fields
}

// unknown is a field that the schema may not know, or know with another wire type.
func (r parseRandom) unknown() wireField {
	num := protowire.Number(1 + r.IntN(120))
	if r.IntN(4) == 0 {
		num = protowire.Number(1 + r.IntN(1<<29-1))
	}
	switch r.IntN(4) {
	case 0:
		return wireField{num: num, typ: protowire.Fixed32Type, value: []byte{1, 2, 3, 4}}
	case 1:
		return wireField{num: num, typ: protowire.Fixed64Type, value: []byte{1, 2, 3, 4, 5, 6, 7, 8}}
	case 2:
		return wireField{num: num, typ: protowire.StartGroupType, value: appendWireFields(nil, []wireField{{num: 1, typ: protowire.VarintType, value: []byte{1}}})}
	default:
		return wireField{num: num, typ: protowire.VarintType, value: protowire.AppendVarint(nil, r.Uint64()>>r.IntN(64))}
	}
}

// corrupt changes a few bytes.
func (r parseRandom) corrupt(wire []byte) []byte {
	wire = slices.Clone(wire)
	for range 1 + r.IntN(3) {
		if len(wire) == 0 {
			return wire
		}
		i := r.IntN(len(wire))
		switch r.IntN(3) {
		case 0:
			wire[i] = byte(r.IntN(256))
		case 1:
			wire[i] ^= 1 << r.IntN(8)
		default:
			wire = slices.Delete(wire, i, min(len(wire), i+1+r.IntN(3)))
		}
	}
	return wire
}

// filterMessage clears what is not selected: the definition that trimming is held against.
func filterMessage(m protoreflect.Message, sel *Selection) {
	if sel == nil {
		return
	}
	m.SetUnknown(nil)
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		sub, ok := sel.Field(fd)
		switch {
		case !ok:
			m.Clear(fd)
		case sub == nil:
		case fd.IsMap():
			filterMap(v.Map(), fd, sub)
		case fd.IsList():
			for i := range v.List().Len() {
				filterMessage(v.List().Get(i).Message(), sub)
			}
		default:
			filterMessage(v.Message(), sub)
		}
		return true
	})
}

func filterMap(entries protoreflect.Map, fd protoreflect.FieldDescriptor, sel *Selection) {
	entries.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		sub, ok := sel.Key(k.String())
		if !ok {
			entries.Clear(k)
		} else if fd.MapValue().Message() != nil {
			filterMessage(v.Message(), sub)
		}
		return true
	})
}

// selection selects some fields of a message at random, and some within them.
func (r parseRandom) selection(t testing.TB, md protoreflect.MessageDescriptor) *Selection {
	t.Helper()
	switch n := r.IntN(8); {
	case n < 2:
		return nil
	case n == 2 || md.Fields().Len() == 0:
		return SelectNothing()
	}
	sel, err := ParseSelection(md, r.randomSelection(md, 0), SelectionLimits{})
	if err != nil {
		t.Fatal(err)
	}
	return sel
}

// errNoOracle tells that proto.Unmarshal cannot say what a message is.
var errNoOracle = errors.New("proto.Unmarshal panics")

// dynamic is the message that wire bytes decode to. Into a dynamic message proto.Unmarshal panics if the
// key of a map's entry comes a second time with another wire type.
func (c *parseCorpus) dynamic(md protoreflect.MessageDescriptor, wire []byte) (m *dynamicpb.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errNoOracle
		}
	}()
	m = dynamicpb.NewMessage(md)
	return m, proto.UnmarshalOptions{AllowPartial: true, Resolver: c.types}.Unmarshal(wire, m)
}

var unsetModes = []Unset{UnsetDefaults, UnsetKratos, UnsetOmit}

// addFuzzSeeds adds one message of each type, and one as no encoder writes it.
func addFuzzSeeds(f *testing.F, c *parseCorpus) {
	r := parseRandom{rand.New(rand.NewPCG(3, 4)), c}
	for i, md := range c.roots {
		f.Add(uint8(i), "*", r.encoded(f, md))
		if md.Fields().Len() > 0 {
			f.Add(uint8(i), r.randomSelection(md, 0), r.scramble(md, r.encoded(f, md), 0))
		}
	}
}
