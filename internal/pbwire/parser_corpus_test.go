package pbwire

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// parseCorpus is the test schema: its types, and the messages that random tests are made of.
type parseCorpus struct {
	types *protoregistry.Types
	roots []protoreflect.MessageDescriptor
}

var loadParseCorpus = sync.OnceValues(func() (*parseCorpus, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"testdata/parser"}}),
	}
	linked, err := compiler.Compile(context.Background(), "proto2.proto", "proto3.proto", "editions.proto")
	if err != nil {
		return nil, err
	}
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
	}
	for _, file := range linked {
		add(file)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, err
	}
	c := &parseCorpus{types: new(protoregistry.Types)}
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		err = c.register(fd)
		return err == nil
	})
	slices.SortFunc(c.roots, func(a, b protoreflect.MessageDescriptor) int { // the fuzz corpus has indexes
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	return c, err
})

func (c *parseCorpus) register(fd protoreflect.FileDescriptor) error {
	for i := range fd.Messages().Len() {
		md := fd.Messages().Get(i)
		if err := c.types.RegisterMessage(dynamicpb.NewMessageType(md)); err != nil {
			return err
		}
		if strings.HasPrefix(string(md.FullName()), "parsertest.") {
			c.roots = append(c.roots, md)
		}
	}
	for i := range fd.Extensions().Len() {
		if err := c.types.RegisterExtension(dynamicpb.NewExtensionType(fd.Extensions().Get(i))); err != nil {
			return err
		}
	}
	return nil
}

func parseTestCorpus(t testing.TB) *parseCorpus {
	t.Helper()
	c, err := loadParseCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// message finds a message type of the schema.
func (c *parseCorpus) message(t testing.TB, name string) protoreflect.MessageDescriptor {
	t.Helper()
	mt, err := c.types.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		t.Fatal(err)
	}
	return mt.Descriptor()
}

// parseRandom makes random messages that have a JSON form.
type parseRandom struct {
	*rand.Rand
	corpus *parseCorpus
}

// message fills a message, with ever fewer fields further down.
func (r parseRandom) message(md protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(md)
	if r.special(m, depth) {
		return m
	}
	fields := md.Fields()
	density := 3 + 4*depth
	for i := range fields.Len() {
		if r.IntN(density) == 0 {
			r.field(m, fields.Get(i), depth)
		}
	}
	r.corpus.types.RangeExtensionsByMessage(md.FullName(), func(xt protoreflect.ExtensionType) bool {
		if r.IntN(density) == 0 {
			r.field(m, xt.TypeDescriptor(), depth)
		}
		return true
	})
	return m
}

func (r parseRandom) field(m *dynamicpb.Message, fd protoreflect.FieldDescriptor, depth int) {
	if depth > 4 && fd.Message() != nil {
		return
	}
	switch {
	case fd.IsMap():
		entries := m.Mutable(fd).Map()
		for range r.IntN(4) {
			entries.Set(r.value(fd.MapKey(), depth).MapKey(), r.value(fd.MapValue(), depth))
		}
	case fd.IsList():
		list := m.Mutable(fd).List()
		for range r.IntN(4) {
			list.Append(r.value(fd, depth))
		}
	default:
		m.Set(fd, r.value(fd, depth))
	}
}

// special fills the well-known types whose values are restricted.
func (r parseRandom) special(m *dynamicpb.Message, depth int) bool {
	fields := m.Descriptor().Fields()
	switch m.Descriptor().FullName() {
	case "google.protobuf.Any":
		if depth > 3 || r.IntN(6) == 0 {
			return true
		}
		names := []string{"google.protobuf.Duration", "google.protobuf.Empty", "google.protobuf.Value", "google.protobuf.Any", "parsertest.v3.Small", "parsertest.v2.Relic", "google.protobuf.StringValue"}
		mt, err := r.corpus.types.FindMessageByName(protoreflect.FullName(names[r.IntN(len(names))]))
		if err != nil {
			panic(err)
		}
		wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(r.message(mt.Descriptor(), depth+1))
		if err != nil {
			panic(err)
		}
		m.Set(fields.ByNumber(1), protoreflect.ValueOfString("type.googleapis.com/"+string(mt.Descriptor().FullName())))
		m.Set(fields.ByNumber(2), protoreflect.ValueOfBytes(wire))
	case "google.protobuf.Timestamp":
		m.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(r.Int64N(253402300799+62135596800)-62135596800))
		m.Set(fields.ByNumber(2), protoreflect.ValueOfInt32(r.nanos()))
	case "google.protobuf.Duration":
		sign := int64(1 - 2*r.IntN(2))
		m.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(sign*r.Int64N(315_576_000_000)))
		m.Set(fields.ByNumber(2), protoreflect.ValueOfInt32(int32(sign)*r.nanos()))
	case "google.protobuf.FieldMask":
		paths := m.Mutable(fields.ByNumber(1)).List()
		for range r.IntN(3) {
			paths.Append(protoreflect.ValueOfString([]string{"id", "home_address.city", "a_b_c"}[r.IntN(3)]))
		}
	case "google.protobuf.Value":
		kinds := fields.Len()
		if depth > 4 {
			kinds = 4 // no lists and structs
		}
		fd := fields.Get(r.IntN(kinds))
		if fd.Kind() == protoreflect.DoubleKind {
			m.Set(fd, protoreflect.ValueOfFloat64(math.Trunc(r.NormFloat64()*1e6)/1e3))
			break
		}
		m.Set(fd, r.value(fd, depth))
	default:
		return false
	}
	return true
}

func (r parseRandom) nanos() int32 {
	return []int32{0, 1, 500_000_000, 123_000, 999_999_999, r.Int32N(int32(time.Second))}[r.IntN(6)]
}

func (r parseRandom) value(fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return protoreflect.ValueOfMessage(r.message(fd.Message(), depth+1))
	case protoreflect.EnumKind:
		values := fd.Enum().Values()
		if r.IntN(5) == 0 && fd.Enum().FullName() != parseNullValue {
			return protoreflect.ValueOfEnum(protoreflect.EnumNumber(r.Int32()))
		}
		return protoreflect.ValueOfEnum(values.Get(r.IntN(values.Len())).Number())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(r.text())
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte(r.text()))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(r.float()))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(r.float())
	}
	n := r.Uint64() >> r.IntN(64)
	if r.IntN(4) == 0 {
		n = -n
	}
	switch size, signed := parseIntegerType(fd.Kind()); {
	case size == 32 && signed:
		return protoreflect.ValueOfInt32(int32(n))
	case size == 32:
		return protoreflect.ValueOfUint32(uint32(n))
	case signed:
		return protoreflect.ValueOfInt64(int64(n))
	default:
		return protoreflect.ValueOfUint64(n)
	}
}

func (r parseRandom) float() float64 {
	special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat32, math.SmallestNonzeroFloat32, 1.5}
	if i := r.IntN(2 * len(special)); i < len(special) {
		return special[i]
	}
	return math.Float64frombits(r.Uint64())
}

func (r parseRandom) text() string {
	pieces := []string{"", "a", "name", "\"", "\\", "\n", "\x00", "é", "漢字", "🙂", "\u2028", "<&>", strings.Repeat("long ", 40)}
	var b strings.Builder
	for range r.IntN(4) {
		b.WriteString(pieces[r.IntN(len(pieces))])
	}
	return b.String()
}
