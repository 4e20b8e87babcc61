package plan_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/mem"

	"facet/internal/plan"
)

const parallelYAML = `
calls:
  user: {rpc: shop.v1.UserService/GetUser, request: {id: request.user_id}}
  orders: {rpc: shop.v1.OrderService/ListOrders, request: {user_id: request.user_id, page_size: 10}}
  notices: {rpc: shop.v1.NoticeService/Count, request: {user_id: request.user_id}}
reply:
  user: user
  cards: "orders.orders.map(o, Card{order: o, label: o.id})"
  unread: notices.count
`

const joinYAML = `
calls:
  orders: {rpc: shop.v1.OrderService/ListOrders, request: {user_id: request.user_id, page_size: 10}}
  products:
    rpc: shop.v1.ProductService/BatchGet
    request: {ids: "orders.orders.map(o, o.product_id)"}
    key: products.id
reply:
  cards: "orders.orders.map(o, Card{order: o, product: products[o.product_id]})"
`

// BenchmarkRun runs programs over replies in memory: what is measured is the plan alone. The 256 replies of each
// method differ, so that branches are not learned by heart.
func BenchmarkRun(b *testing.B) {
	s := newShop(b)
	replies := benchReplies(b, s)
	var turn atomic.Uint32
	caller := callerFunc(func(_ context.Context, method string, _ []byte) (mem.Buffer, error) {
		of := replies[method[strings.LastIndex(method, "/")+1:]]
		return mem.SliceBuffer(of[int(turn.Add(1))%len(of)]), nil
	})
	request := s.wire(b, "shop.v1.HomeRequest", `{"userId": "42"}`)
	for _, bench := range []struct{ name, method, yaml string }{
		{"pass through", "GetUser", "{}"},
		{"three parallel calls", "GetHome", parallelYAML},
		{"join", "GetHome", joinYAML},
		{"slow leaf", "GetHome", strings.Replace(parallelYAML, "label: o.id", "label: o.id + '!'", 1)},
	} {
		b.Run(bench.name, func(b *testing.B) {
			spec := s.spec(b, bench.method, bench.yaml)
			spec.Caller = serves(caller)
			p, problems := plan.Compile(spec)
			if len(problems) > 0 {
				b.Fatal(problems)
			}
			program, err := p.Prune(nil)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				reply, err := program.Run(b.Context(), request)
				if err != nil {
					b.Fatal(err)
				}
				size = len(reply.Wire)
				reply.Release()
			}
			b.ReportMetric(float64(size), "reply-B")
		})
	}
}

// BenchmarkCompile measures what a method adds to the time in which a snapshot is built.
func BenchmarkCompile(b *testing.B) {
	s := newShop(b)
	for _, bench := range []struct{ name, yaml string }{{"three parallel calls", parallelYAML}, {"join", joinYAML}} {
		b.Run(bench.name, func(b *testing.B) {
			spec := s.spec(b, "GetHome", bench.yaml)
			b.ReportAllocs()
			for b.Loop() {
				if _, problems := plan.Compile(spec); len(problems) > 0 {
					b.Fatal(problems)
				}
			}
		})
	}
}

func BenchmarkPrune(b *testing.B) {
	s := newShop(b)
	p, problems := plan.Compile(s.spec(b, "GetHome", joinYAML))
	if len(problems) > 0 {
		b.Fatal(problems)
	}
	sel := selection(b, s.message(b, "shop.v1.Home"), "user(id,name),cards.product.title")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Prune(sel); err != nil {
			b.Fatal(err)
		}
	}
}

// benchReplies makes 256 replies of each method that the benchmarks call.
func benchReplies(b *testing.B, s *shop) map[string][][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	out := map[string][][]byte{}
	for range 256 {
		var orders, products []string
		for i := range 8 + rng.IntN(8) {
			orders = append(orders, fmt.Sprintf(`{"id": "o%d", "productId": "p%d", "price": %d, "lines": [{"sku": "s%d", "count": %d}, {"sku": "t"}]}`,
				rng.IntN(1e6), i, rng.IntN(1e5), rng.IntN(1e9), 1+rng.IntN(300)))
			products = append(products, fmt.Sprintf(`{"id": "p%d", "title": %q, "price": %d, "meta": {"number": %d}}`,
				i, strings.Repeat("tea ", 1+rng.IntN(12)), rng.IntN(1e5), rng.IntN(1e9)))
		}
		user := fmt.Sprintf(`{"id": "42", "name": %q, "profile": {"bio": %q, "level": %d}, "tags": ["a", "b"], "scores": [1, %d]}`,
			strings.Repeat("Ann", 1+rng.IntN(5)), strings.Repeat("x", rng.IntN(400)), rng.IntN(100), rng.IntN(1e6))
		out["GetUser"] = append(out["GetUser"], s.wire(b, "shop.v1.User", user))
		out["ListOrders"] = append(out["ListOrders"], s.wire(b, "shop.v1.ListOrdersReply", `{"orders": [`+strings.Join(orders, ",")+`]}`))
		out["BatchGet"] = append(out["BatchGet"], s.wire(b, "shop.v1.BatchGetReply", `{"products": [`+strings.Join(products, ",")+`]}`))
		out["Count"] = append(out["Count"], s.wire(b, "shop.v1.CountReply", fmt.Sprintf(`{"count": %d}`, rng.IntN(1000))))
	}
	return out
}

// BenchmarkMessage measures what a message of a stream costs beside receiving, rendering and sending it.
func BenchmarkMessage(b *testing.B) {
	s := newShop(b)
	message := mem.SliceBuffer(s.wire(b, "shop.v1.Order", `{"id": "o1", "productId": "p1", "lines": [{"sku": "s", "count": 3}, {"sku": "t"}]}`))
	for _, bench := range []struct{ name, yaml string }{
		{"pass through", "{}"},
		{"moved", `{calls: {orders: {rpc: shop.v1.OrderService/Stream}}, reply: {cards: "[Card{order: orders}]"}}`},
		{"two streams", `{calls: {orders: {rpc: shop.v1.OrderService/Stream}, more: {rpc: shop.v1.OrderService/Stream}}, reply: {text: orders.id, owner: {name: more.id}}}`},
		{"slow leaf", `{calls: {orders: {rpc: shop.v1.OrderService/Stream}}, reply: {title: "orders.id + '!'"}}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			program := watch(b, s, bench.yaml, &steady{message: message, times: b.N})
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := program.Stream(b.Context(), nil, &failing{}); err != nil {
				b.Fatal(err)
			}
		})
	}
}
