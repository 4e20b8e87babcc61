package pbwire

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
)

// benchOrders are different requests, so that branch prediction cannot learn one by heart.
func benchOrders(b *testing.B, items int) (texts [][]byte) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 256 {
		m := &orderv1.CreateOrderRequest{
			UserId:    fmt.Sprint("u-", r.IntN(1e9)),
			RequestId: fmt.Sprintf("%016x", r.Uint64()),
			Address:   &userv1.Address{},
			Payment: &orderv1.Payment{
				Method:  &orderv1.Payment_Wallet{Wallet: &orderv1.Wallet{Provider: "alipay", Account: fmt.Sprint("138****", r.IntN(1e4))}},
				PayTime: &timestamppb.Timestamp{Seconds: r.Int64N(2e9), Nanos: r.Int32N(1e9)},
			},
			Note: []string{"", "ring twice", "请放在门口，谢谢", "say \"hi\"\n"}[r.IntN(4)],
		}
		for range r.IntN(2*items + 1) {
			m.Items = append(m.Items, &orderv1.Item{
				ProductId: fmt.Sprint("p-", r.IntN(1e5)),
				Quantity:  1 + r.Int32N(9),
				UnitPrice: &productv1.Money{CurrencyCode: "CNY", MinorUnits: r.Int64N(1e6)},
			})
		}
		text, err := protojson.Marshal(m)
		if err != nil {
			b.Fatal(err)
		}
		texts = append(texts, text)
	}
	return texts
}

// BenchmarkParser is JSON to wire bytes. Its peer does the same with generated types.
func BenchmarkParser(b *testing.B) {
	md := (&orderv1.CreateOrderRequest{}).ProtoReflect().Descriptor()
	p, err := CompileParser(md, ParserOptions{})
	if err != nil {
		b.Fatal(err)
	}
	for _, items := range []int{2, 50} {
		texts := benchOrders(b, items)
		size := 0
		for _, text := range texts {
			size += len(text)
		}
		b.Run(fmt.Sprintf("items=%d/pbwire", items), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(texts)))
			buffer := make([]byte, 0, 64<<10)
			for i := range b.N {
				if _, err := p.AppendWire(buffer[:0], texts[i%len(texts)]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("items=%d/protojson", items), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size / len(texts)))
			buffer := make([]byte, 0, 64<<10)
			for i := range b.N {
				m := &orderv1.CreateOrderRequest{}
				if err := protojson.Unmarshal(texts[i%len(texts)], m); err != nil {
					b.Fatal(err)
				}
				if _, err := (proto.MarshalOptions{}).MarshalAppend(buffer[:0], m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkParseSelection is what a client's selection costs before it is found in a cache.
func BenchmarkParseSelection(b *testing.B) {
	md := (&orderv1.ListOrdersResponse{}).ProtoReflect().Descriptor()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseSelection(md, "orders(id,state,items(productId,quantity),total.minorUnits)", SelectionLimits{}); err != nil {
			b.Fatal(err)
		}
	}
}
