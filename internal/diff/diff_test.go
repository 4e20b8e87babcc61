package diff_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"facet/internal/diff"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

const shopProto = `syntax = "proto3";
package shop.v1;
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
import "stock/v1/stock.proto";
service ShopService {
  // Get returns an item.
  rpc Get(GetRequest) returns (GetReply) {
    option (google.api.http) = {get: "/v1/shops/{shop_id}/items/{id}"};
  }
  rpc Search(SearchRequest) returns (SearchReply);
  rpc Other(GetRequest) returns (SearchReply);
}
message GetRequest {
  string id = 1;
  string shop_id = 2;
  State state = 3;
}
message GetReply {
  Item item = 1;
  int32 left = 2;
}
message Item {
  string title = 1;
  int32 price = 2;
  repeated string tags = 3;
  map<string, int32> counts = 4;
  google.protobuf.Timestamp sold_at = 5;
  oneof picture { string url = 6; bytes data = 7; }
  State state = 8;
  string note = 9;
}
enum State { STATE_UNSPECIFIED = 0; STATE_NEW = 1; STATE_SOLD = 2; }
message SearchRequest { string query = 1; int32 size = 2; }
message SearchReply { repeated Item items = 1; }
`

const stockProto = `syntax = "proto3";
package stock.v1;
service StockService {
  rpc Count(CountRequest) returns (CountReply);
  rpc Sum(CountRequest) returns (CountReply);
}
message CountRequest { string id = 1; repeated string ids = 2; }
message CountReply { int32 count = 1; Unused unused = 2; string title = 3; }
message Unused { string a = 1; }
`

const shopYAML = `
upstreams:
  stock: {target: "static:///127.0.0.1:1", services: [stock.v1.StockService]}
methods:
  shop.v1.ShopService/Get:
    timeout: 800ms
    calls:
      stock: {rpc: stock.v1.StockService/Count, request: {id: request.id}, timeout: 80ms, optional: true}
    reply:
      item: {title: stock.title, note: "'of ' + request.id"}
      left: stock.count
  shop.v1.ShopService/Search:
    http: [{post: "/v1/search", body: "*"}]
    reply: {items: ["Item{title: request.query}"]}
  stock.v1.StockService/Count:
    http: [{get: "/v1/stock/{id}"}]
limits: {selection_depth: 8}
`

// documents returns the documents of a shop. edits are triples: in which document what is replaced by what.
func documents(t testing.TB, edits ...string) []snapshot.Document {
	t.Helper()
	texts := map[string]string{"shop.yaml": shopYAML, "shop/v1/shop.proto": shopProto, "stock/v1/stock.proto": stockProto}
	for ; len(edits) > 0; edits = edits[3:] {
		name := map[string]string{"yaml": "shop.yaml", "shop": "shop/v1/shop.proto", "stock": "stock/v1/stock.proto"}[edits[0]]
		if !strings.Contains(texts[name], edits[1]) {
			t.Fatalf("%s does not hold %q", name, edits[1])
		}
		texts[name] = strings.ReplaceAll(texts[name], edits[1], edits[2])
	}
	var documents []snapshot.Document
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		documents = append(documents, snapshot.Document{Name: name, Data: []byte(texts[name])})
	}
	return documents
}

func build(t testing.TB, documents []snapshot.Document) *snapshot.Snapshot {
	t.Helper()
	s, problems := snapshot.Build(t.Context(), documents, upstream.NewPool())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func report(t *testing.T, before, after *snapshot.Snapshot) string {
	t.Helper()
	var out strings.Builder
	if err := diff.Snapshots(before, after).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestX(t *testing.T) {
	before := build(t, documents(t))
	for _, e := range [][]string{
		{"yaml", "timeout: 80ms", "timeout: 120ms"},
		{"yaml", "left: stock.count", "left: stock.count + 1"},
		{"yaml", "'of ' + request.id", "( \\\"of \\\"   + request.id)"},
		{"yaml", "      left: stock.count\n", ""},
		{"shop", "int32 price = 2;", "int64 price = 2;"},
		{"shop", "string title = 1;", "string name = 1;", "yaml", "{title", "{name"},
		{"shop", "items/{id}", "items/{id}:x"},
		{"shop", "STATE_SOLD = 2", "STATE_GONE = 2"},
		{"shop", "  string note = 9;\n", "", "yaml", ", note: \"'of ' + request.id\"", ""},
		{"stock", "  string title = 3; ", "", "stock", "int32 count = 1;", "int32 count = 9; string title = 3;"},
	} {
		t.Logf("\n%q\n%s", e, report(t, before, build(t, documents(t, e...))))
	}
}
