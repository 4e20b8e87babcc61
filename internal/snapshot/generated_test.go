package snapshot_test

import (
	"fmt"
	"strings"

	"facet/internal/snapshot"
)

// methodsPerTeam is how many methods a generated contract has.
const methodsPerTeam = 20

// generated returns a set of documents with so many methods, as teams would write them: for every methodsPerTeam
// methods a contract and its plans, next to what the downstream services have.
func generated(methods int) []snapshot.Document {
	documents := []snapshot.Document{
		{Name: "upstreams.yaml", Data: []byte(generatedUpstreams)},
		{Name: "shop/v1/shop.proto", Data: []byte(generatedServices)},
	}
	for team := 0; methods > 0; team++ {
		n := min(methods, methodsPerTeam)
		methods -= n
		documents = append(documents,
			snapshot.Document{Name: fmt.Sprintf("team%d/v1/team.proto", team), Data: contract(team, n)},
			snapshot.Document{Name: fmt.Sprintf("team%d.yaml", team), Data: plans(team, n)})
	}
	return documents
}

const generatedUpstreams = `upstreams:
  user: {target: "static:///127.0.0.1:1", services: [shop.v1.UserService], timeout: 500ms}
  order: {target: "static:///127.0.0.1:2", services: [shop.v1.OrderService]}
  product: {target: "static:///127.0.0.1:3", services: [shop.v1.ProductService]}
`

const generatedServices = `syntax = "proto3";
package shop.v1;

import "google/protobuf/timestamp.proto";

message User { string id = 1; string name = 2; string avatar = 3; google.protobuf.Timestamp joined = 4; repeated string tags = 5; }
message Item { string product_id = 1; int32 quantity = 2; int64 price = 3; }
message Order { string id = 1; string user_id = 2; string product_id = 3; int32 state = 4; repeated Item items = 5; google.protobuf.Timestamp created = 6; }
message Product { string id = 1; string title = 2; int64 price = 3; map<string, string> attributes = 4; }

service UserService { rpc GetUser(GetUserRequest) returns (User); }
service OrderService { rpc ListOrders(ListOrdersRequest) returns (ListOrdersReply); }
service ProductService { rpc BatchGetProducts(BatchGetProductsRequest) returns (BatchGetProductsReply); }

message GetUserRequest { string id = 1; }
message ListOrdersRequest { string user_id = 1; int32 page_size = 2; }
message ListOrdersReply { repeated Order orders = 1; int32 total = 2; }
message BatchGetProductsRequest { repeated string ids = 1; }
message BatchGetProductsReply { repeated Product products = 1; }
`

// contract is the .proto of a team. Of four methods one takes a body.
func contract(team, methods int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `syntax = "proto3";
package team%[1]d.v1;

import "google/api/annotations.proto";
import "shop/v1/shop.proto";

message Card { shop.v1.Order order = 1; shop.v1.Product product = 2; }
message Screen { shop.v1.User user = 1; repeated Card cards = 2; int32 total = 3; string title = 4; repeated string names = 5; }

service TeamService {
`, team)
	for i := range methods {
		rule := fmt.Sprintf(`get: "/team%d/screens%d/{user_id}"`, team, i)
		if i%4 == 3 {
			rule = fmt.Sprintf(`post: "/team%d/screens%d" body: "*"`, team, i)
		}
		fmt.Fprintf(&b, "  rpc Get%[1]d(Get%[1]dRequest) returns (Screen) { option (google.api.http) = {%[2]s}; }\n", i, rule)
	}
	b.WriteString("}\n")
	for i := range methods {
		fmt.Fprintf(&b, "message Get%dRequest { string user_id = 1; int32 page_size = 2; shop.v1.User viewer = 3; }\n", i)
	}
	return []byte(b.String())
}

// planTexts are the plans that the methods of a team have in turn. The last is a computation in part.
var planTexts = []string{`
    timeout: 800ms
    calls:
      user: {rpc: shop.v1.UserService/GetUser, request: {id: request.user_id}}
      orders: {rpc: shop.v1.OrderService/ListOrders, request: {user_id: request.user_id, page_size: 10}, optional: true}
      products:
        rpc: shop.v1.ProductService/BatchGetProducts
        request: {ids: "orders.orders.map(o, o.product_id)"}
        key: products.id
        batch: 50
    reply:
      user: user
      cards: "orders.orders.map(o, Card{order: o, product: products[o.product_id]})"
      total: orders.total
`, `
    calls:
      user: {rpc: shop.v1.UserService/GetUser, request: {id: request.user_id}}
    reply: {user: user, title: user.name, names: user.tags}
`, `
    calls:
      orders: {rpc: shop.v1.OrderService/ListOrders, request: {user_id: request.user_id, page_size: request.page_size}}
    reply: {cards: "orders.orders.map(o, Card{order: o})", total: orders.total}
`, `
    calls:
      user: {rpc: shop.v1.UserService/GetUser, request: {id: request.viewer.id}, when: "request.page_size > 0"}
      orders: {rpc: shop.v1.OrderService/ListOrders, request: {user_id: request.user_id, page_size: request.page_size}}
    reply: {user: user, total: "orders.total + 1", title: "'Hello ' + request.viewer.name"}
`}

// plans is the document with the plans of a team.
func plans(team, methods int) []byte {
	var b strings.Builder
	b.WriteString("methods:\n")
	for i := range methods {
		fmt.Fprintf(&b, "  team%d.v1.TeamService/Get%d:%s", team, i, planTexts[i%len(planTexts)])
	}
	return []byte(b.String())
}
