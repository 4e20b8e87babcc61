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
  repeated Item parts = 10;
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

// TestSnapshots makes one small change after the other, each to the documents above.
func TestSnapshots(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		edits []string
		want  string
	}{
		"comments and spaces": {[]string{
			"yaml", "methods:", "# what is served\nmethods:",
			"yaml", "left: stock.count", `left: " stock . count // here"`,
			"shop", "// Get returns an item.", "// Get returns one item.",
			"shop", "string note = 9;", "string note=9; // said of it",
		}, `
no semantic change
`},
		"order of declarations": {[]string{
			"shop", "string id = 1;\n  string shop_id = 2;", "string shop_id = 2;\n  string id = 1;",
			"stock", "message Unused { string a = 1; }", "message Unused { string a = 1; }\nmessage Never {}",
		}, `
no semantic change
`},
		"a default written out": {[]string{
			"yaml", "  shop.v1.ShopService/Search:\n", "  shop.v1.ShopService/Search:\n    timeout: 10s\n",
			"yaml", "limits: {selection_depth: 8}", "limits: {selection_depth: 8, selection_paths: 256}",
		}, `
no semantic change
`},
		"a call": {[]string{
			"yaml", "timeout: 80ms, optional: true}", "timeout: 120ms, when: request.id != ''}",
		}, `
~ method shop.v1.ShopService/Get
    + calls.stock.when      request.id != ''
    ~ calls.stock.optional  true -> false
    ~ calls.stock.timeout   80ms -> 120ms
3 changes, none breaks clients
`},
		"a call more": {[]string{
			"yaml", "    reply:\n      item: {title: stock.title", "      sum: {rpc: stock.v1.StockService/Sum, request: {ids: \"[request.id]\"}}\n    reply:\n      item: {title: sum.title",
		}, `
~ method shop.v1.ShopService/Get
    + calls.sum         {rpc: stock.v1.StockService/Sum, request: {ids: [request.id]}}
    ~ reply.item.title  stock.title -> sum.title
2 changes, none breaks clients
`},
		"a request field": {[]string{
			"yaml", "request: {id: request.id}", "request: {id: request.shop_id}",
		}, `
~ method shop.v1.ShopService/Get
    ~ calls.stock.request.id  request.id -> request.shop_id
1 change, none breaks clients
`},
		"a timeout": {[]string{
			"yaml", "timeout: 800ms", "timeout: 1s",
		}, `
~ method shop.v1.ShopService/Get
    ~ timeout  800ms -> 1s
1 change, none breaks clients
`},
		"a reply field that is no longer mapped": {[]string{
			"yaml", "      left: stock.count\n", "",
		}, `
~ method shop.v1.ShopService/Get
    - reply.left  stock.count
      BREAKING: the field is no longer set
1 change, 1 BREAKING for clients
`},
		"a nested reply field that is no longer mapped": {[]string{
			"yaml", `, note: "'of ' + request.id"`, "",
		}, `
~ method shop.v1.ShopService/Get
    - reply.item.note  'of ' + request.id
      BREAKING: the field is no longer set
1 change, 1 BREAKING for clients
`},
		"lenient": {[]string{
			"yaml", "    timeout: 800ms", "    timeout: 800ms\n    lenient: true",
		}, `
~ method shop.v1.ShopService/Get
    ~ lenient  false -> true
1 change, none breaks clients
`},
		"a plan instead of a pass-through": {[]string{
			"yaml", `    http: [{get: "/v1/stock/{id}"}]`, "    http: [{get: \"/v1/stock/{id}\"}]\n    reply: {count: 1}",
		}, `
~ method stock.v1.StockService/Count
    - reply.unused
      BREAKING: the field is no longer set
    - reply.title
      BREAKING: the field is no longer set
    + reply         {count: 1}
3 changes, 2 BREAKING for clients
`},
		"the reply of a call instead of a pass-through": {[]string{
			"yaml", "    http: [{get: \"/v1/stock/{id}\"}]\n", "    http: [{get: \"/v1/stock/{id}\"}]\n    calls: {sum: {rpc: stock.v1.StockService/Sum}}\n    reply: sum\n",
		}, `
~ method stock.v1.StockService/Count
    + calls.sum  {rpc: stock.v1.StockService/Sum}
    + reply      sum
2 changes, none breaks clients
`},
		"a method more": {[]string{
			"yaml", "limits:", "  shop.v1.ShopService/Other: {reply: {}, http: [{get: /v1/other}]}\nlimits:",
		}, `
+ method shop.v1.ShopService/Other  GET /v1/other
1 change, none breaks clients
`},
		"a method that takes requests from another": {[]string{
			"yaml", "limits:", "  shop.v1.ShopService/Other: {reply: {}, http: [{get: /v1/stock/all}]}\nlimits:",
		}, `
+ method shop.v1.ShopService/Other  GET /v1/stock/all
  BREAKING: requests for GET /v1/stock/all were answered by stock.v1.StockService/Count
1 change, 1 BREAKING for clients
`},
		"a binding more": {[]string{
			"yaml", `[{post: "/v1/search", body: "*"}]`, `[{post: "/v1/search", body: "*"}, {get: "/v1/search"}]`,
		}, `
~ method shop.v1.ShopService/Search
    + http  GET /v1/search
1 change, none breaks clients
`},
		"another path": {[]string{
			"shop", "items/{id}", "items/{id}:buy",
		}, `
~ method shop.v1.ShopService/Get
    - http  GET /v1/shops/{shop_id}/items/{id}
      BREAKING: its requests get 404 or 405
    + http  GET /v1/shops/{shop_id}/items/{id}:buy
2 changes, 1 BREAKING for clients
`},
		"a broader path": {[]string{
			"yaml", "/v1/stock/{id}", "/v1/stock/{id=**}",
		}, `
~ method stock.v1.StockService/Count
    - http  GET /v1/stock/{id}
    + http  GET /v1/stock/{id=**}
2 changes, none breaks clients
`},
		"a variable of another field": {[]string{
			"shop", "/{shop_id}/items/{id}", "/{id}/items/{shop_id}",
		}, `
~ method shop.v1.ShopService/Get
    ~ http  GET /v1/shops/{shop_id}/items/{id} -> GET /v1/shops/{id}/items/{shop_id}
      BREAKING: a request now sets other fields
1 change, 1 BREAKING for clients
`},
		"another body": {[]string{
			"yaml", `body: "*"`, "body: query",
		}, `
~ method shop.v1.ShopService/Search
    ~ http  POST /v1/search, body * -> POST /v1/search, body query
      BREAKING: a request now sets other fields
1 change, 1 BREAKING for clients
`},
		"a part of the reply": {[]string{
			"yaml", `{get: "/v1/stock/{id}"}`, `{get: "/v1/stock/{id}", response_body: unused}`,
		}, `
~ method stock.v1.StockService/Count
    ~ http  GET /v1/stock/{id} -> GET /v1/stock/{id}, response_body unused
      BREAKING: the reply is another part of the message
1 change, 1 BREAKING for clients
`},
		"bindings that move to another method": {[]string{
			"yaml", "  shop.v1.ShopService/Search:", "  shop.v1.ShopService/Other: {reply: {}, http: [{get: \"/v1/stock/{id}\"}]}\n  shop.v1.ShopService/Search:",
			"yaml", "\n    http: [{get: \"/v1/stock/{id}\"}]", " {}",
		}, `
+ method shop.v1.ShopService/Other  GET /v1/stock/{id}
  BREAKING: requests for GET /v1/stock/* were answered by stock.v1.StockService/Count
~ method stock.v1.StockService/Count
    - http  GET /v1/stock/{id}
      BREAKING: its requests are answered by shop.v1.ShopService/Other
2 changes, 2 BREAKING for clients
`},
		"a field of the name of a selection": {[]string{
			"shop", "message SearchRequest {", "message SearchRequest { repeated string fields = 9;",
		}, `
~ method shop.v1.ShopService/Search
    - selection_parameters  fields
      BREAKING: it is a field of the request now, and selects nothing
~ message shop.v1.SearchRequest
    + fields  repeated string fields = 9
2 changes, 1 BREAKING for clients
`},
		"side effects": {[]string{
			"shop", "returns (GetReply) {", "returns (GetReply) {\n    option idempotency_level = IDEMPOTENT;",
		}, `
~ method shop.v1.ShopService/Get
    ~ side_effects  undeclared -> idempotent
1 change, none breaks clients
`},
		"a request type of another name": {[]string{
			"shop", "SearchRequest", "FindRequest",
			"shop", "int32 size = 2;", "",
		}, `
~ method shop.v1.ShopService/Search
    ~ request_type  shop.v1.SearchRequest -> shop.v1.FindRequest
~ message shop.v1.SearchRequest -> shop.v1.FindRequest
    - size  int32 size = 2
      BREAKING: HTTP requests that set it get 400 and gRPC requests are read without it (requests of shop.v1.ShopService/Search)
2 changes, 1 BREAKING for clients
`},
		"a reply field less": {[]string{
			"shop", "  repeated string tags = 3;\n", "",
		}, `
~ message shop.v1.Item
    - tags  repeated string tags = 3
      BREAKING: replies lack it and selections that name it get 400 (replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"a request field less": {[]string{
			"shop", "int32 size = 2;", "",
		}, `
~ message shop.v1.SearchRequest
    - size  int32 size = 2
      BREAKING: HTTP requests that set it get 400 and gRPC requests are read without it (requests of shop.v1.ShopService/Search)
1 change, 1 BREAKING for clients
`},
		"fields more": {[]string{
			"shop", "message SearchRequest {", "message SearchRequest { Word word = 9;",
			"shop", "  int32 price = 2;", "  int32 price = 2; optional Word word = 19;",
			"shop", "message Item {", "message Word { string text = 1; }\nmessage Item {",
		}, `
~ message shop.v1.Item
    + word  optional shop.v1.Word word = 19
~ message shop.v1.SearchRequest
    + word  shop.v1.Word word = 9
2 changes, none breaks clients
`},
		"a reply field renamed": {[]string{
			"shop", "int32 price = 2;", "int32 cost = 2;",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> int32 cost = 2
      BREAKING: JSON and selections call it cost now (replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"a reply field of another JSON name": {[]string{
			"shop", "int32 price = 2;", `int32 price = 2 [json_name = "cost"];`,
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> int32 price = 2 [json_name = "cost"]
      BREAKING: JSON calls it cost now (replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"a field of another number": {[]string{
			"shop", "int32 price = 2;", "int32 price = 12;",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> int32 price = 12
      BREAKING: gRPC clients know it by the number 2 (replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"a number used again": {[]string{
			"shop", "int32 price = 2;", "string cost = 2;",
		}, `
~ message shop.v1.Item
    - price  int32 price = 2
      BREAKING: replies lack it and selections that name it get 400 (replies of shop.v1.ShopService/Get and 1 more)
    + cost   string cost = 2
2 changes, 1 BREAKING for clients
`},
		"types": {[]string{
			"shop", "int32 price = 2;", "int64 price = 2;",
			"shop", "map<string, int32> counts", "map<string, uint32> counts",
			"shop", "google.protobuf.Timestamp sold_at", "string sold_at",
			"shop", "string url = 6;", "bytes url = 6;",
			"shop", "State state = 8;", "int32 state = 8;",
		}, `
~ message shop.v1.Item
    ~ price    int32 price = 2 -> int64 price = 2
      BREAKING: JSON has a number in quotes for a number (replies of shop.v1.ShopService/Get and 1 more)
    ~ counts   map<string, int32> counts = 4 -> map<string, uint32> counts = 4
      BREAKING: values that are no int32 are misread (replies of shop.v1.ShopService/Get and 1 more)
    ~ sold_at  google.protobuf.Timestamp sold_at = 5 -> string sold_at = 5
      BREAKING: JSON has a text for a google.protobuf.Timestamp, gRPC clients misread its bytes (replies of shop.v1.ShopService/Get and 1 more)
    ~ url      string url = 6 in oneof picture -> bytes url = 6 in oneof picture
      BREAKING: JSON has bytes in base64 for a text (replies of shop.v1.ShopService/Get and 1 more)
    ~ state    shop.v1.State state = 8 -> int32 state = 8
      BREAKING: JSON has a number for a name (replies of shop.v1.ShopService/Get and 1 more)
5 changes, 5 BREAKING for clients
`},
		"signs": {[]string{
			"shop", "int32 price = 2;", "sint32 price = 2;",
			"shop", "int32 size = 2;", "uint32 size = 2;",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> sint32 price = 2
      BREAKING: gRPC clients misread its bytes (replies of shop.v1.ShopService/Get and 1 more)
~ message shop.v1.SearchRequest
    ~ size  int32 size = 2 -> uint32 size = 2
      BREAKING: values that are no int32 are misread (requests of shop.v1.ShopService/Search)
2 changes, 2 BREAKING for clients
`},
		"a list instead of one": {[]string{
			"shop", "int32 price = 2;", "repeated int32 price = 2;",
			"shop", "repeated string tags", "string tags",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> repeated int32 price = 2
      BREAKING: it is a list, and was a single value (replies of shop.v1.ShopService/Get and 1 more)
    ~ tags   repeated string tags = 3 -> string tags = 3
      BREAKING: it is a single value, and was a list (replies of shop.v1.ShopService/Get and 1 more)
2 changes, 2 BREAKING for clients
`},
		"presence": {[]string{
			"shop", "int32 price = 2;", "optional int32 price = 2;",
			"shop", "int32 size = 2;", "optional int32 size = 2;",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> optional int32 price = 2
      BREAKING: JSON leaves it out where it was a zero (replies of shop.v1.ShopService/Get and 1 more)
~ message shop.v1.SearchRequest
    ~ size  int32 size = 2 -> optional int32 size = 2
2 changes, 1 BREAKING for clients
`},
		"presence lost": {[]string{
			"shop", "oneof picture { string url = 6; bytes data = 7; }", "string url = 6; oneof picture { bytes data = 7; }",
		}, `
~ message shop.v1.Item
    ~ url  string url = 6 in oneof picture -> string url = 6
      BREAKING: JSON has a zero where it was left out (replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"presence, where JSON leaves out what is unset": {[]string{
			"shop", "int32 price = 2;", "optional int32 price = 2;",
			"yaml", "limits:", "json: {unset: omit}\nlimits:",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> optional int32 price = 2
~ json
    ~ unset  defaults -> omit
      BREAKING: fields that are not set look otherwise in every JSON reply
2 changes, 1 BREAKING for clients
`},
		"required fields": {[]string{
			"stock", `"proto3"`, `"proto2"`,
			"stock", "string id = 1;", "required string id = 1; required string more = 3;",
			"stock", "int32 count = 1; Unused unused = 2; string title = 3;", "required int32 count = 1; optional Unused unused = 2; optional string title = 3;",
			"stock", "string a = 1;", "optional string a = 1;",
		}, `
~ message stock.v1.CountReply
    ~ count   int32 count = 1 -> required int32 count = 1
      BREAKING: JSON leaves it out where it was a zero (replies of stock.v1.StockService/Count)
    ~ unused  stock.v1.Unused unused = 2 -> optional stock.v1.Unused unused = 2
    ~ title   string title = 3 -> optional string title = 3
      BREAKING: JSON leaves it out where it was a zero (replies of stock.v1.StockService/Count)
~ message stock.v1.CountRequest
    ~ id    string id = 1 -> required string id = 1
      BREAKING: requests without it are refused (requests of stock.v1.StockService/Count)
    + more  required string more = 3
      BREAKING: requests without it are refused (requests of stock.v1.StockService/Count)
~ message stock.v1.Unused
    ~ a  string a = 1 -> optional string a = 1
      BREAKING: JSON leaves it out where it was a zero (replies of stock.v1.StockService/Count)
6 changes, 5 BREAKING for clients
`},
		"fields that exclude each other": {[]string{
			"shop", "bytes data = 7; }", "bytes data = 7; int32 price = 2; }",
			"shop", "  int32 price = 2;\n", "",
		}, `
~ message shop.v1.Item
    ~ price  int32 price = 2 -> int32 price = 2 in oneof picture
      BREAKING: it cannot be set along with url any more, JSON leaves it out where it was a zero (replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"a oneof around one field": {[]string{
			"shop", "int32 size = 2;", "oneof o { int32 size = 2; }",
		}, `
~ message shop.v1.SearchRequest
    ~ size  int32 size = 2 -> int32 size = 2 in oneof o
1 change, none breaks clients
`},
		"enum values": {[]string{
			"shop", "STATE_NEW = 1; STATE_SOLD = 2;", "STATE_FRESH = 1; STATE_SOLD = 3; STATE_LOST = 4;",
		}, `
~ enum shop.v1.State
    ~ STATE_NEW   STATE_NEW = 1 -> STATE_FRESH = 1
      BREAKING: JSON calls it STATE_FRESH now (requests of shop.v1.ShopService/Get; replies of shop.v1.ShopService/Get and 1 more)
    ~ STATE_SOLD  STATE_SOLD = 2 -> STATE_SOLD = 3
      BREAKING: gRPC clients know it by the number 2 (requests of shop.v1.ShopService/Get; replies of shop.v1.ShopService/Get and 1 more)
    + STATE_LOST  STATE_LOST = 4
3 changes, 2 BREAKING for clients
`},
		"an enum value less": {[]string{
			"shop", " STATE_SOLD = 2;", "",
		}, `
~ enum shop.v1.State
    - STATE_SOLD  STATE_SOLD = 2
      BREAKING: HTTP requests that name it get 400, replies that hold it have its number instead (requests of shop.v1.ShopService/Get; replies of shop.v1.ShopService/Get and 1 more)
1 change, 1 BREAKING for clients
`},
		"a contract of an upstream": {[]string{
			"stock", "string title = 3;", "string title = 4;",
			"stock", "repeated string ids = 2;", "",
			"yaml", "  stock.v1.StockService/Count:\n    http: [{get: \"/v1/stock/{id}\"}]\n", "",
		}, `
- method stock.v1.StockService/Count  GET /v1/stock/{id}
  BREAKING: HTTP clients get 404, gRPC clients UNIMPLEMENTED
~ message stock.v1.CountReply
    ~ title  string title = 3 -> string title = 4
~ message stock.v1.CountRequest
    - ids  repeated string ids = 2
3 changes, 1 BREAKING for clients
`},
		"upstreams": {[]string{
			"yaml", `static:///127.0.0.1:1"`, `static:///127.0.0.1:2", timeout: 300ms, max_reply_bytes: 1024`,
			"yaml", "methods:", "  spare: {target: \"static:///127.0.0.1:3\", services: [shop.v1.ShopService]}\nmethods:",
		}, `
+ upstream spare  {target: static:///127.0.0.1:3, services: [shop.v1.ShopService]}
~ upstream stock
    ~ target           static:///127.0.0.1:1 -> static:///127.0.0.1:2
    + timeout          300ms
    + max_reply_bytes  1024
4 changes, none breaks clients
`},
		"streams and origins": {[]string{
			"yaml", "limits: {selection_depth: 8}",
			"limits: {selection_depth: 8, stream_age: 30m}\ncors: {origins: ['https://shop.example', 'https://app.example'], credentials: true, max_age: 1h}",
		}, `
~ limits
    ~ stream_age  1h0m0s -> 30m0s
~ cors
    + origins      https://shop.example
    + origins      https://app.example
    ~ credentials  false -> true
    ~ max_age      2h0m0s -> 1h0m0s
5 changes, none breaks clients
`},
		"the gateway": {[]string{
			"yaml", "limits: {selection_depth: 8}", "limits: {selection_depth: 4, selection_cache: 10, body_bytes: 9000000}\njson: {unset: omit}",
		}, `
~ json
    ~ unset  defaults -> omit
      BREAKING: fields that are not set look otherwise in every JSON reply
~ limits
    ~ body_bytes       4194304 -> 9000000
    ~ selection_depth  8 -> 4
      BREAKING: requests between the two limits are refused
    ~ selection_cache  256 -> 10
4 changes, 2 BREAKING for clients
`},
	}
	before := build(t, documents(t))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			after := build(t, documents(t, test.edits...))
			if got := report(t, before, after); got != strings.TrimPrefix(test.want, "\n") {
				t.Errorf("got:\n%swant:%s", got, test.want)
			}
		})
	}
}

// What pages of other origins may do no longer breaks them.
func TestOriginsThatAreGone(t *testing.T) {
	t.Parallel()
	with := func(cors string) *snapshot.Snapshot {
		return build(t, documents(t, "yaml", "limits:", "cors: "+cors+"\nlimits:"))
	}
	const before = "{origins: ['https://shop.example', 'https://app.example'], credentials: true}"
	for after, want := range map[string]string{
		"{origins: ['https://app.example']}": `~ cors
    - origins      https://shop.example
      BREAKING: pages of an origin that is gone are refused
    ~ credentials  true -> false
      BREAKING: browsers no longer send cookies along
2 changes, 2 BREAKING for clients
`,
		"{origins: ['*']}": `~ cors
    - origins      https://shop.example
    - origins      https://app.example
    + origins      *
    ~ credentials  true -> false
      BREAKING: browsers no longer send cookies along
4 changes, 1 BREAKING for clients
`,
	} {
		if got := report(t, with(before), with(after)); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	}
}

func report(t *testing.T, before, after *snapshot.Snapshot) string {
	t.Helper()
	var out strings.Builder
	if err := diff.Snapshots(before, after).WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}
