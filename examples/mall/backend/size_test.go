package backend

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	mallv1 "facet/api/mall/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
)

// TestHomeSize keeps the home screen of user 42 as large as what measurements of it say.
func TestHomeSize(t *testing.T) {
	data := newStore()
	home := &mallv1.GetHomeReply{User: data.users["42"], Unread: 5}
	small := &mallv1.GetHomeReply{User: &userv1.User{Id: home.User.Id, Name: home.User.Name, Avatar: home.User.Avatar}}
	orders, err := (&orderService{store: data}).ListOrders(t.Context(), &orderv1.ListOrdersRequest{UserId: "42", PageSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	for _, order := range orders.Orders {
		product := data.products[order.ProductId]
		home.Orders = append(home.Orders, &mallv1.OrderCard{Order: order, Product: product})
		small.Orders = append(small.Orders, &mallv1.OrderCard{Product: &productv1.Product{Title: product.Title}})
	}
	if size := jsonSize(t, home, protojson.MarshalOptions{EmitDefaultValues: true}); size < 11_500 || size > 13_000 {
		t.Errorf("the whole home screen is %d bytes of JSON, want 11500 to 13000", size)
	}
	if size := jsonSize(t, small, protojson.MarshalOptions{}); size > 2000 {
		t.Errorf("the selected home screen is %d bytes of JSON, want at most 2000", size)
	}
}

// jsonSize returns the number of bytes without white space.
func jsonSize(t *testing.T, message proto.Message, options protojson.MarshalOptions) int {
	t.Helper()
	data, err := options.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", compact.Len())
	return compact.Len()
}
