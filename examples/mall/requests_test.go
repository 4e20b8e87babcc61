package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	mallv1 "facet/api/mall/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
	"facet/examples/mall/backend"
	"facet/internal/app"
	"facet/internal/conf"
)

// mall is the sample mall with a gateway in front, on free ports.
type mall struct {
	*backend.Mall
	http, grpc, admin string
	// fail, if set, is asked before each call of a service.
	fail atomic.Pointer[func(ctx context.Context, method string) error]
	// stop stops the gateway.
	stop func() error
}

func startMall(t testing.TB) *mall {
	t.Helper()
	m := &mall{}
	services, err := backend.Start(backend.Options{
		LiveInterval: 5 * time.Millisecond,
		Intercept: func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if fail := m.fail.Load(); fail != nil {
				if err := (*fail)(ctx, strings.TrimPrefix(info.FullMethod, "/")); err != nil {
					return nil, err
				}
			}
			return next(ctx, req)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Mall = services
	documents, err := newDocuments(services.Addresses())
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr, bootstrap.Server.Grpc.Addr, bootstrap.Server.Admin.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	bootstrap.Server.DrainTimeout = durationpb.New(2 * time.Second)
	ctx, cancel := context.WithCancel(context.Background())
	gateway, err := app.New(ctx, app.Options{Bootstrap: bootstrap, Source: documents, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.http, m.grpc, m.admin = gateway.Addresses()
	done := make(chan error, 1)
	go func() { done <- gateway.Run() }()
	m.stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() {
		if err := m.stop(); err != nil {
			t.Errorf("the gateway did not stop cleanly: %v", err)
		}
		services.Stop()
	})
	return m
}

// failing makes every call of a method fail.
func (m *mall) failing(t *testing.T, method string, fail func(context.Context) error) {
	hook := func(ctx context.Context, called string) error {
		if called == method {
			return fail(ctx)
		}
		return nil
	}
	m.fail.Store(&hook)
	t.Cleanup(func() { m.fail.Store(nil) })
}

// answer is a reply over HTTP.
type answer struct {
	status int
	header http.Header
	body   string
}

// send makes a request: `GET /path`, with headers and a body if there are any.
func (m *mall) send(t *testing.T, line, body string, header ...string) answer {
	t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+m.http+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{reply.StatusCode, reply.Header, string(text)}
}

// dial connects to a gRPC server.
func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func decode(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// shape replaces every scalar by 0 and every list by its first element, so that only names are left.
func shape(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name := range value {
			value[name] = shape(value[name])
		}
		return value
	case []any:
		if len(value) == 0 {
			return []any{}
		}
		return []any{shape(value[0])}
	default:
		return 0
	}
}

func TestSelectionTrimsTheReplyAndTheCalls(t *testing.T) {
	m := startMall(t)
	got := m.send(t, "GET /v1/users/42/home?select=user(id,name,avatar),orders.product.title", "")
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	want := map[string]any{
		"user":   map[string]any{"id": 0, "name": 0, "avatar": 0},
		"orders": []any{map[string]any{"product": map[string]any{"title": 0}}},
	}
	if names := shape(decode(t, got.body)); !reflect.DeepEqual(names, want) {
		t.Errorf("the reply has %v, want %v", names, want)
	}
	if len(got.body) >= 2000 {
		t.Errorf("the reply has %d bytes, want less than 2000", len(got.body))
	}
	if n := m.Calls("notice.v1.NoticeService/CountUnread"); n != 0 {
		t.Errorf("the notice service saw %d calls, want none", n)
	}
	products, _ := m.Last("product.v1.ProductService/BatchGetProducts")
	if got := products.Metadata.Get("x-select"); !reflect.DeepEqual(got, []string{"products(id,title)"}) {
		t.Errorf("the product service got x-select %q", got)
	}
	request, ok := products.Request.(*productv1.BatchGetProductsRequest)
	if !ok || !reflect.DeepEqual(request.GetReadMask().GetPaths(), []string{"products.id", "products.title"}) {
		t.Errorf("the product service got the request %v", products.Request)
	}
	orders, _ := m.Last("order.v1.OrderService/ListOrders")
	if got := orders.Metadata.Get("x-select"); !reflect.DeepEqual(got, []string{"orders.product_id"}) {
		t.Errorf("the order service got x-select %q", got)
	}
}

// home is the reply of GetHome, put together by hand.
func (m *mall) home(t *testing.T, id string) *mallv1.GetHomeReply {
	t.Helper()
	at := m.Addresses()
	user, err := userv1.NewUserServiceClient(dial(t, at.User)).GetUser(t.Context(), &userv1.GetUserRequest{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	orders, err := orderv1.NewOrderServiceClient(dial(t, at.Order)).ListOrders(t.Context(), &orderv1.ListOrdersRequest{UserId: id, PageSize: 10})
	if err != nil {
		t.Fatal(err)
	}
	reply := &mallv1.GetHomeReply{User: user}
	products := productv1.NewProductServiceClient(dial(t, at.Product))
	for _, order := range orders.GetOrders() {
		product, err := products.GetProduct(t.Context(), &productv1.GetProductRequest{Id: order.GetProductId()})
		if err != nil && status.Code(err) != codes.NotFound {
			t.Fatal(err)
		}
		reply.Orders = append(reply.Orders, &mallv1.OrderCard{Order: order, Product: product})
	}
	return reply
}

func TestFullReplyEqualsOneMadeByHand(t *testing.T) {
	m := startMall(t)
	want := m.home(t, "42")
	got := m.send(t, "GET /v1/users/42/home", "")
	if got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	value := decode(t, got.body).(map[string]any)
	unread, err := value["unread"].(json.Number).Int64()
	if err != nil {
		t.Fatal(err)
	}
	want.Unread = int32(unread)
	text, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(value, decode(t, string(text))) {
		t.Errorf("got  %s\nwant %s", got.body, text)
	}

	conn := dial(t, m.grpc)
	home, err := mallv1.NewMallServiceClient(conn).GetHome(t.Context(), &mallv1.GetHomeRequest{UserId: "42"})
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(home, want) {
		t.Errorf("over gRPC: got %v\nwant %v", home, want)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-select", "user.name")
	home, err = mallv1.NewMallServiceClient(conn).GetHome(ctx, &mallv1.GetHomeRequest{UserId: "42"})
	if err != nil {
		t.Fatal(err)
	}
	if only := (&mallv1.GetHomeReply{User: &userv1.User{Name: want.GetUser().GetName()}}); !proto.Equal(home, only) {
		t.Errorf("over gRPC, selected: got %v, want %v", home, only)
	}
}

func TestRequests(t *testing.T) {
	m := startMall(t)
	huge := `{"note": "` + strings.Repeat("x", 5<<20) + `"}`
	for _, test := range []struct {
		line, body string
		header     []string
		status     int
		want       []string // in the body
	}{
		{line: "GET /v1/users/42?select=id,name", status: 200, want: []string{`{"id":"42","name":`}},
		{line: "GET /v1/users/42", header: []string{"X-Select", "id"}, status: 200, want: []string{`{"id":"42"}`}},
		{line: "GET /v1/users/42?fields=id", status: 200, want: []string{`{"id":"42"}`}},
		{line: "GET /v1/users/42/home?$fields=user.id", status: 200, want: []string{`{"user":{"id":"42"}}`}},
		{line: "GET /v1/products:search?query=tea&filter.price.max=12000&page_size=3&select=totalSize", status: 200, want: []string{`{"totalSize":`}},
		{line: "PATCH /v1/users/42?select=bio", body: `{"bio":"茶"}`, status: 200, want: []string{`{"bio":"茶"}`}},

		{line: "GET /v1/users/none/home", status: 404, want: []string{`"code":404`, `"reason":"USER_NOT_FOUND"`, `"user_id":"none"`}},
		{
			line: "GET /v1/users/none", header: []string{"Accept", "application/problem+json"}, status: 404,
			want: []string{`"type":"about:blank"`, `"status":404`, `"title":"Not Found"`, `"reason":"USER_NOT_FOUND"`},
		},
		{line: "GET /nowhere", status: 404, want: []string{`"reason":"PATH_NOT_FOUND"`}},
		{line: "GET /debug/vars", status: 404, want: []string{`"reason":"PATH_NOT_FOUND"`}},
		{line: "DELETE /v1/users/42/home", status: 405, want: []string{`"reason":"METHOD_NOT_ALLOWED"`}},
		{line: "GET /v1/users/42/home?select=user(nmae)", status: 400, want: []string{`"reason":"INVALID_SELECTION"`, `nmae`, `did you mean \"name\"`}},
		{line: "GET /v1/users/42/home?select=user&fields=user", status: 400, want: []string{`more than once`}},
		{line: "GET /v1/users/42/home?sort=up", status: 400, want: []string{`"reason":"INVALID_REQUEST"`, `sort`}},
		{line: "GET /v1/users/42/home?user_id=43", status: 400, want: []string{`user_id`}},
		{line: "GET /v1/products:search?page_size=three", status: 400, want: []string{`page_size`}},
		{line: "GET /v1/users/42/home", header: []string{"Timeout", "soon"}, status: 400, want: []string{`"reason":"INVALID_TIMEOUT"`}},
		{line: "POST /v1/orders", body: `{"user_id":"42","itms":[]}`, status: 400, want: []string{`itms`, `did you mean \"items\"`}},
		{line: "POST /v1/orders", body: `{"user_id":`, status: 400, want: []string{`"reason":"INVALID_REQUEST"`}},
		{line: "POST /v1/orders", body: `{"user_id":7}`, status: 400, want: []string{`userId`}},
		{line: "POST /v1/orders", body: huge, status: 413, want: []string{`"reason":"BODY_TOO_LARGE"`}},
		{line: "POST /v1/orders", body: "a=b", header: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, want: []string{`application/json`}},
		{line: "POST /v1/orders", body: `{"user_id":"42","items":[]}`, status: 400, want: []string{`"reason":"INVALID_FIELD"`, `fieldViolations`}},
	} {
		name := test.line
		if len(test.body) < 100 {
			name += " " + test.body
		}
		got := m.send(t, test.line, test.body, test.header...)
		if got.status != test.status {
			t.Errorf("%s: status %d, want %d: %.300s", name, got.status, test.status, got.body)
		}
		for _, want := range test.want {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: got %.400s\nwant it to hold %s", name, got.body, want)
			}
		}
		if got.status != http.StatusOK && !json.Valid([]byte(got.body)) {
			t.Errorf("%s: the error is not JSON: %s", name, got.body)
		}
	}
	if allow := m.send(t, "DELETE /v1/users/42/home", "").header.Get("Allow"); allow != "GET" {
		t.Errorf("Allow is %q, want GET", allow)
	}
}

func TestOptionalCallMayFail(t *testing.T) {
	m := startMall(t)
	m.failing(t, "order.v1.OrderService/ListOrders", func(context.Context) error {
		return status.Error(codes.Unavailable, "on strike")
	})
	got := m.send(t, "GET /v1/users/42/home?select=user.id,orders.order.id", "")
	if got.status != http.StatusOK || got.body != `{"user":{"id":"42"},"orders":[]}` {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if partial := got.header.Get("X-Facet-Partial"); partial != "orders;reason=UNAVAILABLE" {
		t.Errorf("X-Facet-Partial is %q", partial)
	}
}

func TestRequiredCallThatHangsEndsAtTheDeadline(t *testing.T) {
	m := startMall(t)
	m.failing(t, "user.v1.UserService/GetUser", func(ctx context.Context) error {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	})
	got := m.send(t, "GET /v1/users/42/home", "", "Timeout", "50ms")
	if got.status != http.StatusGatewayTimeout || !strings.Contains(got.body, `"reason":"DEADLINE_EXCEEDED"`) {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestOnlyListedMethodsAreServedOverGRPC(t *testing.T) {
	m := startMall(t)
	conn := dial(t, m.grpc)
	if _, err := orderv1.NewOrderServiceClient(conn).GetOrder(t.Context(), &orderv1.GetOrderRequest{Id: "1"}); status.Code(err) != codes.Unimplemented {
		t.Errorf("GetOrder: got %v, want UNIMPLEMENTED", err)
	}
	_, err := userv1.NewUserServiceClient(conn).GetUser(t.Context(), &userv1.GetUserRequest{Id: "none"})
	if s := status.Convert(err); s.Code() != codes.NotFound || len(s.Details()) == 0 {
		t.Errorf("GetUser: got %v, want NOT_FOUND with its details", err)
	}
	user, err := userv1.NewUserServiceClient(conn).GetUser(t.Context(), &userv1.GetUserRequest{Id: "42", Select: "id"})
	if err != nil || !proto.Equal(user, &userv1.User{Id: "42"}) {
		t.Errorf("GetUser with select in the request: got %v %v", user, err)
	}
}

func TestAdminTellsReadiness(t *testing.T) {
	m := startMall(t)
	reply, err := http.Get("http://" + m.admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"ready"`)) {
		t.Errorf("got %s %s %v", reply.Status, body, err)
	}
}

// BenchmarkHome holds a request of the sample mall, whole and selected.
func BenchmarkHome(b *testing.B) {
	m := startMall(b)
	for _, query := range []string{"", "?select=user(id,name,avatar),orders.product.title"} {
		b.Run(fmt.Sprintf("select=%t", query != ""), func(b *testing.B) {
			for b.Loop() {
				reply, err := http.Get("http://" + m.http + "/v1/users/42/home" + query)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, reply.Body); err != nil {
					b.Fatal(err)
				}
				_ = reply.Body.Close()
			}
		})
	}
}
