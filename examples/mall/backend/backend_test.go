package backend_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	livev1 "facet/api/live/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	"facet/examples/mall/backend"
)

// start runs a mall until the test ends.
func start(t *testing.T, options backend.Options) *backend.Mall {
	t.Helper()
	mall, err := backend.Start(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mall.Stop)
	return mall
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// reasonOf returns the code of an error and the reason in its ErrorInfo.
func reasonOf(err error) (codes.Code, string) {
	s := status.Convert(err)
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return s.Code(), info.Reason
		}
	}
	return s.Code(), ""
}

func wantFailure(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	if gotCode, gotReason := reasonOf(err); gotCode != code || gotReason != reason {
		t.Errorf("got %v with reason %q, want %v with reason %q (%v)", gotCode, gotReason, code, reason, err)
	}
}

func TestReadMask(t *testing.T) {
	mall := start(t, backend.Options{})
	products := productv1.NewProductServiceClient(dial(t, mall.Addresses().Product))
	ids := []string{"p-1001", "p-0", "p-1003"}

	reply, err := products.BatchGetProducts(t.Context(), &productv1.BatchGetProductsRequest{
		Ids: ids, ReadMask: &fieldmaskpb.FieldMask{Paths: []string{"products.id", "products.price.minor_units"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := products.BatchGetProducts(t.Context(), &productv1.BatchGetProductsRequest{Ids: ids})
	if err != nil {
		t.Fatal(err)
	}
	want := &productv1.BatchGetProductsResponse{}
	for _, product := range whole.Products {
		want.Products = append(want.Products, &productv1.Product{
			Id: product.Id, Price: &productv1.Money{MinorUnits: product.Price.MinorUnits},
		})
	}
	if len(whole.Products) != 2 || !proto.Equal(reply, want) {
		t.Errorf("got %v, want %v", reply, want)
	}

	for _, path := range []string{"titel", "price.amount", "title.x", "attributes.origin"} {
		_, err := products.GetProduct(t.Context(), &productv1.GetProductRequest{
			Id: "p-1001", ReadMask: &fieldmaskpb.FieldMask{Paths: []string{path}},
		})
		if code, _ := reasonOf(err); code != codes.InvalidArgument || !strings.Contains(err.Error(), path) {
			t.Errorf("read mask %q: got %v, want INVALID_ARGUMENT that names the path", path, err)
		}
	}
}

func TestUpdateUser(t *testing.T) {
	mall := start(t, backend.Options{})
	users := userv1.NewUserServiceClient(dial(t, mall.Addresses().User))
	before, err := users.GetUser(t.Context(), &userv1.GetUserRequest{Id: "42"})
	if err != nil {
		t.Fatal(err)
	}

	want := proto.CloneOf(before)
	want.Email = nil
	want.Address.City = "Suzhou"
	got, err := users.UpdateUser(t.Context(), &userv1.UpdateUserRequest{
		User:       &userv1.User{Id: "42", Name: "not in the mask", Address: &userv1.Address{City: "Suzhou"}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"address.city", "email"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want.UpdateTime = got.UpdateTime
	if before.Email == nil || !proto.Equal(got, want) {
		t.Errorf("with a mask: got %v, want %v", got, want)
	}

	want.Bio = "new"
	got, err = users.UpdateUser(t.Context(), &userv1.UpdateUserRequest{User: &userv1.User{Id: "42", Bio: "new", Points: 1e6}})
	if err != nil {
		t.Fatal(err)
	}
	want.UpdateTime = got.UpdateTime
	if !proto.Equal(got, want) {
		t.Errorf("without a mask: got %v, want %v", got, want)
	}

	_, err = users.UpdateUser(t.Context(), &userv1.UpdateUserRequest{
		User: &userv1.User{Id: "42", Points: 1e6}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"points"}},
	})
	wantFailure(t, err, codes.InvalidArgument, "INVALID_FIELD")
	_, err = users.UpdateUser(t.Context(), &userv1.UpdateUserRequest{User: &userv1.User{Id: "0"}})
	wantFailure(t, err, codes.NotFound, "USER_NOT_FOUND")
}

func TestPages(t *testing.T) {
	mall := start(t, backend.Options{})
	products := productv1.NewProductServiceClient(dial(t, mall.Addresses().Product))
	request := &productv1.SearchProductsRequest{
		Query: "TEA", PageSize: 7,
		Filter: &productv1.ProductFilter{
			Category: productv1.Category_CATEGORY_TEA, Tags: []string{"organic"},
			Price: &productv1.PriceRange{Max: proto.Int64(12000)},
		},
	}
	seen := map[string]bool{}
	for {
		reply, err := products.SearchProducts(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		for _, product := range reply.Products {
			if seen[product.Id] || product.Price.MinorUnits > 12000 || product.Category != productv1.Category_CATEGORY_TEA {
				t.Errorf("%v is on a second page, or does not match", product)
			}
			seen[product.Id] = true
		}
		if request.PageToken = reply.NextPageToken; request.PageToken == "" {
			if int(reply.TotalSize) != len(seen) || len(seen) < 8 {
				t.Errorf("the pages hold %d products of %d, want all, and more than one page", len(seen), reply.TotalSize)
			}
			break
		}
	}

	first, err := products.SearchProducts(t.Context(), &productv1.SearchProductsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{first.NextPageToken, "no token", "AAAA"} {
		_, err := products.SearchProducts(t.Context(), &productv1.SearchProductsRequest{Query: "tea", PageToken: token})
		wantFailure(t, err, codes.InvalidArgument, "INVALID_FIELD")
	}
}

func TestCreateOrder(t *testing.T) {
	mall := start(t, backend.Options{})
	orders := orderv1.NewOrderServiceClient(dial(t, mall.Addresses().Order))
	products := productv1.NewProductServiceClient(dial(t, mall.Addresses().Product))
	stock := func() int32 {
		product, err := products.GetProduct(t.Context(), &productv1.GetProductRequest{Id: "p-1001"})
		if err != nil {
			t.Fatal(err)
		}
		return product.Stock
	}
	left := stock()
	request := &orderv1.CreateOrderRequest{
		UserId: "42", RequestId: "once", Items: []*orderv1.Item{{ProductId: "p-1001", Quantity: 2}},
		Payment: &orderv1.Payment{Method: &orderv1.Payment_Points{Points: 10}},
	}
	first, err := orders.CreateOrder(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	again, err := orders.CreateOrder(t.Context(), request)
	if err != nil || !proto.Equal(first, again) {
		t.Errorf("the same request again: got %v, %v, want %v", again, err, first)
	}
	if first.State != orderv1.State_STATE_PAID || stock() != left-2 {
		t.Errorf("got state %v and a stock of %d, want it paid and %d", first.State, stock(), left-2)
	}
	list, err := orders.ListOrders(t.Context(), &orderv1.ListOrdersRequest{UserId: "42", PageSize: 1})
	if err != nil || len(list.GetOrders()) != 1 || list.Orders[0].Id != first.Id {
		t.Errorf("the newest order is %v, %v, want %s", list, err, first.Id)
	}

	request.Note = "another"
	_, err = orders.CreateOrder(t.Context(), request)
	wantFailure(t, err, codes.InvalidArgument, "INVALID_FIELD")
	_, err = orders.CreateOrder(t.Context(), &orderv1.CreateOrderRequest{UserId: "42"})
	wantFailure(t, err, codes.InvalidArgument, "INVALID_FIELD")
	_, err = orders.CreateOrder(t.Context(), &orderv1.CreateOrderRequest{
		UserId: "42", Items: []*orderv1.Item{{ProductId: "p-1001", Quantity: left - 2}, {ProductId: "p-1001", Quantity: 1}},
	})
	wantFailure(t, err, codes.FailedPrecondition, "OUT_OF_STOCK")
}

func TestObservations(t *testing.T) {
	const method = "user.v1.UserService/GetUser"
	down := status.Error(codes.Unavailable, "down")
	mall := start(t, backend.Options{Intercept: func(context.Context, any, *grpc.UnaryServerInfo, grpc.UnaryHandler) (any, error) {
		return nil, down
	}})
	if _, ok := mall.Last(method); ok || mall.Calls(method) != 0 {
		t.Error("there is an observation before the first call")
	}
	users := userv1.NewUserServiceClient(dial(t, mall.Addresses().User))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-select", "id")
	for range 2 {
		_, err := users.GetUser(ctx, &userv1.GetUserRequest{Id: "42"})
		wantFailure(t, err, codes.Unavailable, "")
	}
	last, _ := mall.Last(method)
	if mall.Calls(method) != 2 || !proto.Equal(last.Request, &userv1.GetUserRequest{Id: "42"}) || last.Metadata.Get("x-select")[0] != "id" {
		t.Errorf("got %d calls, the last %v", mall.Calls(method), last)
	}
	mall.Forget()
	if mall.Calls(method) != 0 {
		t.Error("calls are counted after Forget")
	}
}

func TestStreams(t *testing.T) {
	mall := start(t, backend.Options{LiveInterval: time.Millisecond})
	live := livev1.NewLiveServiceClient(dial(t, mall.Addresses().Live))
	room, err := live.GetRoom(t.Context(), &livev1.GetRoomRequest{Id: "r-1"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stocks, err := live.WatchStock(ctx, &livev1.WatchStockRequest{RoomId: room.Id})
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(room.ProductIds) + 3 {
		change, err := stocks.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if i < len(room.ProductIds) && change.ProductId != room.ProductIds[i] {
			t.Errorf("message %d is about %s, want %s", i, change.ProductId, room.ProductIds[i])
		}
	}
	prices, err := live.WatchPrice(ctx, &livev1.WatchPriceRequest{RoomId: "r-0"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = prices.Recv()
	wantFailure(t, err, codes.NotFound, "ROOM_NOT_FOUND")
	comments, err := live.WatchComments(ctx, &livev1.WatchCommentsRequest{RoomId: room.Id})
	if err != nil {
		t.Fatal(err)
	}
	if comment, err := comments.Recv(); err != nil || comment.Text == "" {
		t.Errorf("got %v, %v, want a comment", comment, err)
	}
	if mall.Calls("live.v1.LiveService/WatchStock") != 1 {
		t.Error("the stream was not counted")
	}
}

func TestStartNamesAServiceWhoseAddressIsTaken(t *testing.T) {
	taken := start(t, backend.Options{}).Addresses().Order
	mall, err := backend.Start(backend.Options{Addresses: backend.Addresses{Order: taken}})
	if err == nil {
		mall.Stop()
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "service order") || !strings.Contains(err.Error(), taken) {
		t.Errorf("%q names neither the service nor %s", err, taken)
	}
}
