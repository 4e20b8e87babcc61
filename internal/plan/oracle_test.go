package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"facet/internal/plan"
)

// oracleExpressions are what fills a field of Home. `products` is keyed by id. There are no lists with elements that
// may be unset: plans leave them out, where CEL has defaults.
var oracleExpressions = []struct{ field, expression string }{
	{"title", "user.name"},
	{"title", "user.profile.bio"},
	{"title", "user.friend.profile.site"},
	{"title", "'literal'"},
	{"text", "user.email"},
	{"owner", "user"},
	{"unread", "user.offset"},
	{"unread", "user.agent.level"},
	{"maybe", "user.age"},
	{"small", "7"},
	{"delta", "user.profile.level"},
	{"ratio", "user.ratio"},
	{"blob", "user.blob"},
	{"flag", "request.with_notices"},
	{"status", "user.status"},
	{"status", "Status.GONE"},
	{"statuses", "user.history"},
	{"statuses", "user.scores"},
	{"names", "user.tags"},
	{"names", "user.tags + orders.orders.map(o, o.id) + ['x']"},
	{"names", "orders.orders.map(o, o.lines).size() == 0 ? [] : user.friend.tags"},
	{"numbers", "user.scores"},
	{"numbers", "user.scores.map(s, s)"},
	{"numbers", "user.scores.filter(s, request.with_notices)"},
	{"numbers", "[user.offset, 3, user.status]"},
	{"labels", "user.labels"},
	{"labels", "{'a': user.name, user.id: 'b'}"},
	{"weights", "user.weights"},
	{"at", "user.created"},
	{"times", "has(user.created) ? [user.created] : []"},
	{"wrapped", "user.nick"},
	{"wrapped", "user.name"},
	{"extra", "user.extra"},
	{"user", "user.friend.friend"},
	{"user", "request.with_notices ? user : User{name: user.name, profile: Profile{level: 3, site: user.id}}"},
	{"users", "[user, User{id: user.id, scores: user.scores, friend: User{labels: user.labels}}]"},
	{"cards", "orders.orders.map(o, Card{order: o, label: o.id, lines: o.lines})"},
	{"cards", "orders.orders.map(o, Card{lines: o.lines.map(l, Line{sku: o.id, count: l.count})})"},
	{"cards", "orders.orders.filter(o, request.with_notices).map(o, Card{order: Order{price: o.price}})"},
	{"cards", "orders.orders.map(o, o.product_id in products ? Card{product: products[o.product_id], label: products[o.product_id].title} : Card{})"},
	{"numbers", "orders.orders.filter(o, o.price > 3).map(o, size(o.lines))"},
	{"title", "user.name + '/' + user.profile.bio"},
}

// oracle runs the expressions through plans and through cel-go.
type oracle struct {
	shop     *shop
	env      *cel.Env
	reads    map[string]cel.Program // of a field of Home
	wants    []cel.Program          // of each expression
	programs []*plan.Program
	replies  map[string][]byte // by method
}

func newOracle(t testing.TB) *oracle {
	o := &oracle{shop: newShop(t), reads: map[string]cel.Program{}, replies: map[string][]byte{}}
	object := func(name string) *cel.Type { return cel.ObjectType("shop.v1." + name) }
	var err error
	o.env, err = cel.NewEnv(
		cel.TypeDescs(o.shop.schema.Files()),
		cel.Container("shop.v1"),
		cel.Variable("home", object("Home")),
		cel.Variable("request", object("HomeRequest")),
		cel.Variable("user", object("User")),
		cel.Variable("orders", object("ListOrdersReply")),
		cel.Variable("products", cel.MapType(cel.StringType, object("Product"))),
	)
	if err != nil {
		t.Fatal(err)
	}
	caller := callerFunc(func(_ context.Context, method string, _ []byte) (mem.Buffer, error) {
		return mem.SliceBuffer(o.replies[method[strings.LastIndex(method, "/")+1:]]), nil
	})
	for _, e := range oracleExpressions {
		o.wants = append(o.wants, o.program(t, e.expression))
		o.programs = append(o.programs, compile(t, o.shop, oracleYAML(e.field, e.expression), caller))
		o.reads[e.field] = o.program(t, "home."+e.field)
	}
	return o
}

// oracleYAML is a plan with just the calls that an expression names.
func oracleYAML(field, expression string) string {
	yaml := fmt.Sprintf("reply: {%s: %q}\ncalls:\n", field, expression)
	for _, call := range []string{
		"user: {rpc: shop.v1.UserService/GetUser}",
		"orders: {rpc: shop.v1.OrderService/ListOrders}",
		"products: {rpc: shop.v1.ProductService/BatchGet, key: products.id}",
	} {
		if name, _, _ := strings.Cut(call, ":"); strings.Contains(expression, name) {
			yaml += "  " + call + "\n"
		}
	}
	return strings.TrimSuffix(yaml, "calls:\n")
}

func (o *oracle) program(t testing.TB, expression string) cel.Program {
	ast, issues := o.env.Compile(expression)
	if issues.Err() != nil {
		t.Fatal(issues.Err())
	}
	program, err := o.env.Program(ast)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// check compares every expression over these messages. It tells whether they could be decoded.
func (o *oracle) check(t *testing.T, request, user, orders, products []byte) bool {
	t.Helper()
	o.replies["GetUser"], o.replies["ListOrders"], o.replies["BatchGet"] = user, orders, products
	vars, err := o.vars(t, request, user, orders, products)
	for i, e := range oracleExpressions {
		reply, runErr := o.programs[i].Run(t.Context(), request)
		if runErr != nil {
			if err == nil {
				t.Errorf("%s: %s: %v", e.field, e.expression, runErr)
			}
			continue
		}
		if err == nil {
			o.compare(t, i, vars, reply.Wire)
		}
		reply.Release()
	}
	return err == nil
}

// vars decodes the messages for cel-go.
func (o *oracle) vars(t *testing.T, request, user, orders, products []byte) (map[string]any, error) {
	t.Helper()
	byID := map[string]any{}
	vars := map[string]any{"products": byID}
	var reply proto.Message
	for _, v := range []struct {
		name, message string
		wire          []byte
	}{
		{"request", "HomeRequest", request},
		{"user", "User", user},
		{"orders", "ListOrdersReply", orders},
		{"", "BatchGetReply", products},
	} {
		msg := dynamicpb.NewMessage(o.shop.message(t, protoreflect.FullName("shop.v1."+v.message)))
		if err := proto.Unmarshal(v.wire, msg); err != nil {
			return nil, err
		}
		vars[v.name], reply = msg, msg
	}
	list := reply.ProtoReflect().Get(reply.ProtoReflect().Descriptor().Fields().ByName("products")).List()
	for i := range list.Len() {
		product := list.Get(i).Message()
		id := product.Get(product.Descriptor().Fields().ByName("id")).String()
		if _, twice := byID[id]; !twice && id != "" {
			byID[id] = product.Interface()
		}
	}
	return vars, nil
}

// compare compares what cel-go makes of an expression with what it reads in a reply.
func (o *oracle) compare(t *testing.T, i int, vars map[string]any, wire []byte) {
	t.Helper()
	e := oracleExpressions[i]
	want, _, err := o.wants[i].Eval(vars)
	if err != nil {
		return // a timestamp out of range, for example
	}
	home := dynamicpb.NewMessage(o.shop.message(t, "shop.v1.Home"))
	if err := proto.Unmarshal(wire, home); err != nil {
		t.Fatalf("%s: %s: the reply is malformed: %v", e.field, e.expression, err)
	}
	got, _, err := o.reads[e.field].Eval(map[string]any{"home": home})
	if err != nil {
		t.Fatalf("%s: %s: %v", e.field, e.expression, err)
	}
	if !sameValue(want, got) {
		t.Errorf("%s: %s = %v, want %v", e.field, e.expression, got.Value(), want.Value())
	}
}

// sameValue is equality of values as protobuf defines it for messages: what cel-go thinks of an Any is beside the point.
func sameValue(a, b ref.Val) bool {
	if ma, ok := a.Value().(proto.Message); ok {
		mb, ok := b.Value().(proto.Message)
		return ok && proto.Equal(ma, mb)
	}
	switch a := a.(type) {
	case traits.Lister:
		b, ok := b.(traits.Lister)
		if !ok || a.Size() != b.Size() {
			return false
		}
		for i := types.Int(0); i < a.Size().(types.Int); i++ {
			if !sameValue(a.Get(i), b.Get(i)) {
				return false
			}
		}
		return true
	case traits.Mapper:
		b, ok := b.(traits.Mapper)
		if !ok || a.Size() != b.Size() {
			return false
		}
		for it := a.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			if other, ok := b.Find(key); !ok || !sameValue(a.Get(key), other) {
				return false
			}
		}
		return true
	case types.Double:
		return fmt.Sprint(a) == fmt.Sprint(b) // NaN too
	}
	return a.Equal(b) == types.True
}

// TestOracle compares plans with cel-go on random messages, the wire bytes of which are split, repeated and mixed
// with unknown fields.
func TestOracle(t *testing.T) {
	o := newOracle(t)
	rng := rand.New(rand.NewPCG(3, 4))
	random := func(name protoreflect.FullName) []byte { return randomWire(rng, o.shop.message(t, name)) }
	for range 300 {
		if !o.check(t, random("shop.v1.HomeRequest"), random("shop.v1.User"), random("shop.v1.ListOrdersReply"), random("shop.v1.BatchGetReply")) {
			t.Fatal("the random messages cannot be decoded")
		}
	}
}

// TestOracleIsFast makes sure that most of what the oracle is asked about is not evaluated by cel-go in the plan too.
func TestOracleIsFast(t *testing.T) {
	o := newOracle(t)
	computed := []string{"size", "has(", "> 3", " in ", "'/'"}
	for i, e := range oracleExpressions {
		wantSlow := slices.ContainsFunc(computed, func(c string) bool { return strings.Contains(e.expression, c) })
		if slow := o.programs[i].Explain().Slow; (len(slow) > 0) != wantSlow {
			t.Errorf("%s: slow = %v", e.expression, slow)
		}
	}
}

// FuzzOracle compares plans with cel-go on whatever bytes upstreams may send.
func FuzzOracle(f *testing.F) {
	o := newOracle(f)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		f.Add(randomWire(rng, o.shop.message(f, "shop.v1.HomeRequest")), randomWire(rng, o.shop.message(f, "shop.v1.User")),
			randomWire(rng, o.shop.message(f, "shop.v1.ListOrdersReply")), randomWire(rng, o.shop.message(f, "shop.v1.BatchGetReply")))
	}
	f.Fuzz(func(t *testing.T, request, user, orders, products []byte) {
		o.check(t, request, user, orders, products)
	})
}

// randomWire encodes two random messages one after the other, which readers merge, each in its own way.
func randomWire(rng *rand.Rand, md protoreflect.MessageDescriptor) []byte {
	var wire []byte
	for range 1 + rng.IntN(2) {
		part, err := proto.MarshalOptions{AllowPartial: true}.Marshal(randomMessage(rng, md, 3))
		if err != nil {
			panic(err)
		}
		wire = append(wire, part...)
		if rng.IntN(3) == 0 {
			wire = protowire.AppendVarint(protowire.AppendTag(wire, 999, protowire.VarintType), rng.Uint64())
		}
		wire = appendUnpacked(rng, wire, md)
	}
	return wire
}

// appendUnpacked appends elements of packed lists that are not packed.
func appendUnpacked(rng *rand.Rand, wire []byte, md protoreflect.MessageDescriptor) []byte {
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.IsPacked() && fd.Kind() == protoreflect.Int32Kind && rng.IntN(2) == 0 {
			wire = protowire.AppendVarint(protowire.AppendTag(wire, fd.Number(), protowire.VarintType), uint64(rng.IntN(9)))
		}
	}
	return wire
}

func randomMessage(rng *rand.Rand, md protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	msg := dynamicpb.NewMessage(md)
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if rng.IntN(3) == 0 || depth == 0 && fd.Message() != nil {
			continue
		}
		switch {
		case fd.IsMap():
			m := msg.Mutable(fd).Map()
			for range rng.IntN(3) {
				if fd.MapValue().Message() == nil {
					m.Set(randomScalar(rng, fd.MapKey()).MapKey(), randomScalar(rng, fd.MapValue()))
				}
			}
		case fd.IsList():
			list := msg.Mutable(fd).List()
			for range rng.IntN(4) {
				list.Append(randomValue(rng, fd, depth))
			}
		default:
			msg.Set(fd, randomValue(rng, fd, depth))
		}
	}
	return msg
}

func randomValue(rng *rand.Rand, fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	if fd.Message() != nil {
		return protoreflect.ValueOfMessage(randomMessage(rng, fd.Message(), depth-1))
	}
	return randomScalar(rng, fd)
}

func randomScalar(rng *rand.Rand, fd protoreflect.FieldDescriptor) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rng.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(rng.IntN(4)))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(rng.Uint32()) >> rng.IntN(32))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(int64(rng.Uint64()) >> rng.IntN(64))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(rng.Uint32() >> rng.IntN(32))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(rng.Uint64() >> rng.IntN(64))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rng.Float32())
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rng.NormFloat64())
	case protoreflect.StringKind:
		return protoreflect.ValueOfString([]string{"", "a", "b", "öß", "中文"}[rng.IntN(5)])
	default:
		return protoreflect.ValueOfBytes([]byte{byte(rng.Uint32()), 0xff}[:rng.IntN(3)])
	}
}
