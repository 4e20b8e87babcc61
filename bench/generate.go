package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// generatedPath is that of the first of the methods that are generated.
const generatedPath = "/v1/generated/1/users/{user}/screen?select=user(id,name,avatar),orders(id,state,product_id),notices(id,title)"

// generatedContract is the head of the contract of methods that are like GetScreen, each with a path and a plan of its own.
const generatedContract = `syntax = "proto3";

package generated.v1;

import "bench/v1/bench.proto";
import "google/api/annotations.proto";
import "order/v1/order.proto";

service Generated {
`

const generatedMethod = `  rpc GetScreen%[1]d(bench.v1.GetScreenRequest) returns (bench.v1.Screen) {
    option (google.api.http) = {get: "/v1/generated/%[1]d/users/{user_id}/screen"};
  }
`

const generatedPlan = `  generated.v1.Generated/GetScreen%d:
    calls:
      user:    {rpc: user.v1.UserService/GetUser,         request: {id: request.user_id}}
      orders:  {rpc: order.v1.OrderService/ListOrders,    request: {user_id: request.user_id}}
      notices: {rpc: notice.v1.NoticeService/ListNotices, request: {user_id: request.user_id}}
    reply:
      user: user
      orders: orders.orders
      notices: notices.notices
`

// changingMethod and changingDocument are a method whose plan changes while Facet serves: its timeout, in milliseconds.
const (
	changingMethod   = "  rpc Changing(order.v1.ListOrdersRequest) returns (order.v1.ListOrdersResponse);\n"
	changingDocument = `methods:
  generated.v1.Generated/Changing:
    timeout: %dms
    calls:
      orders: {rpc: order.v1.OrderService/ListOrders, request: {user_id: request.user_id}}
    reply:
      orders: orders.orders
`
)

// writeGenerated writes documents with so many methods into a directory; one of them is that which changes.
func writeGenerated(directory string, methods int) error {
	if methods <= 0 {
		return nil
	}
	contract, plans := &strings.Builder{}, &strings.Builder{}
	contract.WriteString(generatedContract)
	contract.WriteString(changingMethod)
	plans.WriteString("methods:\n")
	for n := 1; n < methods; n++ {
		fmt.Fprintf(contract, generatedMethod, n)
		fmt.Fprintf(plans, generatedPlan, n)
	}
	contract.WriteString("}\n")
	protos := filepath.Join(directory, "generated", "v1")
	if err := os.MkdirAll(protos, 0o755); err != nil {
		return err
	}
	for path, text := range map[string]string{
		filepath.Join(protos, "generated.proto"):   contract.String(),
		filepath.Join(directory, "generated.yaml"): plans.String(),
		filepath.Join(directory, "changing.yaml"):  fmt.Sprintf(changingDocument, 900),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
