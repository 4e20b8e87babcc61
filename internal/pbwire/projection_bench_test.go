package pbwire

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	mallv1 "facet/api/mall/v1"
)

// benchSelection leaves about a third of a reply.
const benchSelection = "user(id,name,avatar),orders(order(id,state,total),product(id,title,price))"

// benchReplies are different replies, cycled so that branch prediction cannot learn one by heart.
var benchReplies = sync.OnceValue(func() (replies [][]byte) {
	fill := benchFill{rand.New(rand.NewPCG(5, 6))}
	for range 256 {
		reply := &mallv1.GetHomeReply{}
		fill.message(reply.ProtoReflect(), 0)
		wire, err := proto.Marshal(reply)
		if err != nil {
			panic(err)
		}
		replies = append(replies, wire)
	}
	return replies
})

// benchFill fills messages as services do: most fields are set, texts are short.
type benchFill struct{ *rand.Rand }

func (r benchFill) message(m protoreflect.Message, depth int) {
	fields := m.Descriptor().Fields()
	if m.Descriptor().FullName() == "google.protobuf.Timestamp" {
		m.Set(fields.ByNumber(1), protoreflect.ValueOfInt64(1_600_000_000+r.Int64N(2e8)))
		m.Set(fields.ByNumber(2), protoreflect.ValueOfInt32(1_000_000*r.Int32N(1000)))
		return
	}
	for i := range fields.Len() {
		if fd := fields.Get(i); r.IntN(8) > 0 {
			r.field(m, fd, depth)
		}
	}
}

func (r benchFill) field(m protoreflect.Message, fd protoreflect.FieldDescriptor, depth int) {
	switch {
	case fd.IsMap():
		entries := m.Mutable(fd).Map()
		for range r.IntN(4) {
			entries.Set(r.value(fd.MapKey()).MapKey(), r.value(fd.MapValue()))
		}
	case fd.IsList():
		list := m.Mutable(fd).List()
		for range 1 + r.IntN(max(2, 9-4*depth)) {
			if fd.Message() != nil {
				r.message(list.AppendMutable().Message(), depth+1)
			} else {
				list.Append(r.value(fd))
			}
		}
	case fd.Message() != nil:
		r.message(m.Mutable(fd).Message(), depth+1)
	default:
		m.Set(fd, r.value(fd))
	}
}

func (r benchFill) value(fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(r.text())
	case protoreflect.EnumKind:
		values := fd.Enum().Values()
		return protoreflect.ValueOfEnum(values.Get(r.IntN(values.Len())).Number())
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(r.Int32N(1 << r.IntN(20)))
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64(r.Int64N(1 << r.IntN(40)))
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(float64(r.IntN(10_000)) / 100)
	default:
		panic(fmt.Sprintf("%s: no values of kind %s", fd.FullName(), fd.Kind()))
	}
}

func (r benchFill) text() string {
	words := []string{"tea", "porcelain", "hand-made", "Jingdezhen", "silk", "green", "spring", "mountain", "limited"}
	switch r.IntN(6) {
	case 0:
		return fmt.Sprintf("https://img.example.com/%08x/%04x.webp", r.Uint32(), r.IntN(1<<16))
	case 1:
		return []string{"景德镇手工白瓷茶具", "西湖龙井", "限时优惠，满三百减五十", "杭州市西湖区"}[r.IntN(4)]
	case 2, 3:
		return fmt.Sprintf("%c%d", 'a'+r.IntN(26), r.IntN(1e9))
	default:
		var b strings.Builder
		for range 1 + r.IntN(5) {
			b.WriteString(words[r.IntN(len(words))] + " ")
		}
		return b.String()
	}
}

// BenchmarkProjection is what happens to a reply. Its peers do the same with generated types.
func BenchmarkProjection(b *testing.B) {
	md := (&mallv1.GetHomeReply{}).ProtoReflect().Descriptor()
	for name, sel := range map[string]*Selection{"full": nil, "selected": mustSelect(b, md, benchSelection)} {
		p, err := Compile(md, sel, Options{Unset: UnsetKratos})
		if err != nil {
			b.Fatal(err)
		}
		b.Run("json/"+name+"/pbwire", func(b *testing.B) { benchProject(b, p.AppendJSON) })
		b.Run("json/"+name+"/protojson", func(b *testing.B) {
			benchDecoded(b, sel, protojson.MarshalOptions{EmitUnpopulated: true}.MarshalAppend)
		})
		if sel != nil {
			b.Run("wire/"+name+"/pbwire", func(b *testing.B) { benchProject(b, p.AppendWire) })
			b.Run("wire/"+name+"/proto", func(b *testing.B) { benchDecoded(b, sel, proto.MarshalOptions{}.MarshalAppend) })
		}
	}
}

func benchProject(b *testing.B, project func(dst, wire []byte) ([]byte, error)) {
	replies := benchReplies()
	benchSize(b)
	var out []byte
	for i := 0; b.Loop(); i++ {
		var err error
		if out, err = project(out[:0], replies[i%len(replies)]); err != nil {
			b.Fatal(err)
		}
	}
}

func benchDecoded(b *testing.B, sel *Selection, marshal func([]byte, proto.Message) ([]byte, error)) {
	replies := benchReplies()
	benchSize(b)
	var out []byte
	for i := 0; b.Loop(); i++ {
		reply := &mallv1.GetHomeReply{}
		if err := proto.Unmarshal(replies[i%len(replies)], reply); err != nil {
			b.Fatal(err)
		}
		filterMessage(reply.ProtoReflect(), sel)
		var err error
		if out, err = marshal(out[:0], reply); err != nil {
			b.Fatal(err)
		}
	}
}

// benchSize reports allocations, and how many bytes a reply has on the wire.
func benchSize(b *testing.B) {
	b.ReportAllocs()
	total := 0
	for _, reply := range benchReplies() {
		total += len(reply)
	}
	b.SetBytes(int64(total / len(benchReplies())))
}
