package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"facet/internal/diff"
	"facet/internal/snapshot"
)

// large returns documents of 2,000 methods in 200 documents, whose messages share one of the shop's.
func large(timeout string) []snapshot.Document {
	documents := []snapshot.Document{{Name: "shop/v1/shop.proto", Data: []byte(shopProto)}, {Name: "stock/v1/stock.proto", Data: []byte(stockProto)}}
	for i := range 100 {
		var proto, plan strings.Builder
		fmt.Fprintf(&proto, "syntax = \"proto3\";\npackage p%d.v1;\nimport \"shop/v1/shop.proto\";\nservice Many {\n", i)
		plan.WriteString("methods:\n")
		for j := range 20 {
			fmt.Fprintf(&proto, "rpc Get%d(Request%d) returns (Reply%d);\n", j, j, j)
			fmt.Fprintf(&plan, "  p%d.v1.Many/Get%d: {timeout: %s, reply: {id: request.id}}\n", i, j, timeout)
		}
		proto.WriteString("}\n")
		for j := range 20 {
			fmt.Fprintf(&proto, "message Request%d { string id = 1; }\nmessage Reply%d { string id = 1; shop.v1.Item item = 2; }\n", j, j)
		}
		documents = append(documents,
			snapshot.Document{Name: fmt.Sprintf("p%d/v1/p.proto", i), Data: []byte(proto.String())},
			snapshot.Document{Name: fmt.Sprintf("p%d.yaml", i), Data: []byte(plan.String())})
	}
	return documents
}

func BenchmarkSnapshots(b *testing.B) {
	before, after := build(b, large("1s")), build(b, large("2s"))
	for b.Loop() {
		if n := len(diff.Snapshots(before, after).Changes); n != 2000 {
			b.Fatalf("%d changes", n)
		}
	}
}
