package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-kratos/kratos/v2/config"

	"facet/api"
	"facet/configs"
	"facet/examples/mall/backend"
	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/problem"
	"facet/internal/source"
)

// pushes is a config.Source whose documents are pushed by a test.
type pushes struct {
	first   []*config.KeyValue
	changes chan []*config.KeyValue
	waiting chan struct{} // receives whenever all changes have been dealt with
	stopped chan struct{}
}

func newPushes(first []*config.KeyValue) *pushes {
	return &pushes{first: first, changes: make(chan []*config.KeyValue), waiting: make(chan struct{}), stopped: make(chan struct{})}
}

func (p *pushes) Load() ([]*config.KeyValue, error) { return p.first, nil }
func (p *pushes) Watch() (config.Watcher, error)    { return p, nil }

// Next tells that the change before has been dealt with, and waits for another.
func (p *pushes) Next() ([]*config.KeyValue, error) {
	select {
	case p.waiting <- struct{}{}:
	case <-p.stopped:
		return nil, context.Canceled
	}
	select {
	case documents := <-p.changes:
		return documents, nil
	case <-p.stopped:
		return nil, context.Canceled
	}
}

func (p *pushes) Stop() error {
	close(p.stopped)
	return nil
}

// push changes the documents, and returns when the gateway has taken or refused them.
func (p *pushes) push(documents []*config.KeyValue) {
	p.changes <- documents
	<-p.waiting
}

// mallTexts are the documents of the sample mall by name, with the addresses that its services really have.
func mallTexts(t *testing.T) map[string]string {
	t.Helper()
	services, err := backend.Start(backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(services.Stop)
	documents, err := fs.Sub(configs.Mall, "mall")
	if err != nil {
		t.Fatal(err)
	}
	values, err := source.NewFS(documents, api.Mall).Load()
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, value := range values {
		texts[value.Key] = string(value.Value)
	}
	at := services.Addresses()
	texts["upstreams.yaml"] = fmt.Sprintf(`upstreams:
  user:    {services: [user.v1.UserService],       target: "static:///%s"}
  order:   {services: [order.v1.OrderService],     target: "static:///%s"}
  product: {services: [product.v1.ProductService], target: "static:///%s"}
  notice:  {services: [notice.v1.NoticeService],   target: "static:///%s"}
  live:    {services: [live.v1.LiveService],       target: "static:///%s"}
`, at.User, at.Order, at.Product, at.Notice, at.Live)
	return texts
}

// values are documents as a source has them.
func values(texts map[string]string) []*config.KeyValue {
	var values []*config.KeyValue
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		values = append(values, &config.KeyValue{Key: name, Value: []byte(texts[name])})
	}
	return values
}

// readyz is what /readyz answers, as far as it is looked at here.
type readyz struct {
	Status   string
	Snapshot struct{ Hash string }
	Refused  struct {
		Problems []struct {
			Document     string
			Line, Column int
			Message      string
		}
	}
}

// problems lists the problems of the last change, one a line.
func (r readyz) problems() string {
	var list problem.List
	for _, p := range r.Refused.Problems {
		list = append(list, problem.At(problem.Position{Document: p.Document, Line: p.Line, Column: p.Column}, "%s", p.Message))
	}
	return list.Error()
}

// edit replaces one text of a document; that of a document that is not there is empty. Without texts it removes the document.
type edit struct{ document, old, new string }

// TestRefusedChanges pushes one bad change after the other to a running gateway. Each is refused as a whole and says where it is
// wrong, and what served before serves on.
func TestRefusedChanges(t *testing.T) {
	texts := mallTexts(t)
	documents := newPushes(values(texts))
	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr, bootstrap.Server.Grpc.Addr, bootstrap.Server.Admin.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	gateway, err := app.New(ctx, app.Options{Bootstrap: bootstrap, Source: documents, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- gateway.Run() }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gateway did not stop cleanly: %v", err)
		}
	})
	<-documents.waiting
	http, _, admin := gateway.Addresses()
	home := "http://" + http + "/v1/users/42/home"
	ready := func() (r readyz) {
		if err := json.Unmarshal([]byte(get(t, "http://"+admin+"/readyz")), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	before, answer := ready(), get(t, home)
	if before.Status != "ready" || !strings.Contains(answer, `"id":"42"`) {
		t.Fatalf("at the start: %+v, %s", before, answer)
	}
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			documents.push(values(edited(t, texts, test.edits)))
			after := ready()
			if got := after.problems(); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
			if after.Status != "ready" || after.Snapshot != before.Snapshot {
				t.Errorf("it is %s with %s, want the old %s", after.Status, after.Snapshot.Hash, before.Snapshot.Hash)
			}
			if got := get(t, home); got != answer {
				t.Errorf("it answers %s, want %s", got, answer)
			}
		})
	}
	documents.push(values(edited(t, texts, []edit{{"mall.yaml", "unread: notices.count", "unread: notices.count + 1000"}})))
	after := ready()
	if after.Snapshot == before.Snapshot || len(after.Refused.Problems) > 0 {
		t.Errorf("after a good change: %+v", after)
	}
	if got := get(t, home); got == answer || !strings.Contains(got, `"unread":10`) {
		t.Errorf("after a good change it answers %s", got)
	}
}

// edited returns a copy of documents with edits.
func edited(t *testing.T, texts map[string]string, edits []edit) map[string]string {
	t.Helper()
	texts = maps.Clone(texts)
	for _, e := range edits {
		if !strings.Contains(texts[e.document], e.old) {
			t.Fatalf("%s does not hold %q", e.document, e.old)
		}
		texts[e.document] = strings.Replace(texts[e.document], e.old, e.new, 1)
		if e.old == e.new {
			delete(texts, e.document)
		}
	}
	return texts
}

// refusals are changes of the sample mall's documents, each with one mistake.
var refusals = []struct {
	name  string
	edits []edit
	want  string // every problem, one a line
}{
	{
		"no YAML",
		[]edit{{"mall.yaml", "    timeout: 800ms\n", "    timeout: 800ms: 1\n"}},
		`mall.yaml:13:5: no YAML: mapping values are not allowed in this context; a value that contains ": " must be quoted`,
	},
	{
		"a tab",
		[]edit{{"mall.yaml", "    timeout: 800ms\n", "\ttimeout: 800ms\n"}},
		`mall.yaml:13:1: a tab cannot indent in YAML; use spaces`,
	},
	{
		"a brace that is not closed",
		[]edit{{"upstreams.yaml", "upstreams:\n", "upstreams: {\n"}},
		`upstreams.yaml:2:3: no YAML: did not find expected ',' or '}'; the mapping is not closed with "}", or a comma is missing`,
	},
	{
		"a document that is not UTF-8",
		[]edit{{"upstreams.yaml", "upstreams:", "\xff\xfeupstreams:"}},
		`upstreams.yaml:1:1: this byte is not UTF-8 text`,
	},
	{
		"an unknown key",
		[]edit{{"mall.yaml", "    timeout: 800ms\n", "    timeot: 800ms\n"}},
		`mall.yaml:13:5: unknown key "timeot"; did you mean "timeout"?`,
	},
	{
		"a key set twice",
		[]edit{{"mall.yaml", "    timeout: 800ms\n", "    timeout: 800ms\n    timeout: 1s\n"}},
		`mall.yaml:14:5: "timeout" is set twice; first in line 13`,
	},
	{
		"a number for a duration",
		[]edit{{"mall.yaml", "timeout: 80ms", "timeout: 80"}},
		`mall.yaml:39:18: expected a duration such as 800ms or 2s, found the number 80; add its unit: 80ms or 80s`,
	},
	{
		"a text for a boolean",
		[]edit{{"mall.yaml", "optional: true", "optional: sure"}},
		`mall.yaml:24:19: expected true or false, found the text "sure"`,
	},
	{
		"a list for a mapping",
		[]edit{{"mall.yaml", "request: {id: request.user_id}", "request: [request.user_id]"}},
		`mall.yaml:17:9: calls.user.request: takes a mapping from the fields of user.v1.GetUserRequest, or one expression for the whole message`,
	},
	{
		"an integer that is too large",
		[]edit{{"mall.yaml", "batch: 50", "batch: 5000000000"}},
		`mall.yaml:32:16: 5000000000 is out of range: -2147483648 to 2147483647`,
	},
	{
		"a negative batch",
		[]edit{{"mall.yaml", "batch: 50", "batch: -50"}},
		`mall.yaml:32:16: batch cannot be negative: -50; leave it out for the default`,
	},
	{
		"a timeout of nothing",
		[]edit{{"mall.yaml", "timeout: 800ms", "timeout: 0s"}},
		`mall.yaml:13:14: a timeout of 0s would let nothing pass; leave it out for the default`,
	},
	{
		"nested too deep",
		[]edit{{"deep.yaml", "", "methods: {a.B/C: {reply: " + strings.Repeat("{a: ", 70) + strings.Repeat("}", 72)}},
		`deep.yaml:1:274: nested deeper than 64 levels`,
	},
	{
		"an unknown kind of document",
		[]edit{{"notes.txt", "", "remember the milk\n"}},
		`notes.txt: unknown kind of document; want .yaml, .yml or .json for settings, .proto, .binpb, .pb, .desc or .protoset for descriptors`,
	},
	{
		"a method that does not exist",
		[]edit{{"mall.yaml", "mall.v1.MallService/GetHome:", "mall.v1.MallService/GetHme:"}},
		`mall.yaml:12:3: service mall.v1.MallService has no method "GetHme"; did you mean "GetHome"?`,
	},
	{
		"a service that does not exist",
		[]edit{{"mall.yaml", "mall.v1.MallService/GetHome:", "mall.v1.MalService/GetHome:"}},
		`mall.yaml:12:3: unknown service "mall.v1.MalService"; did you mean "mall.v1.MallService"?`,
	},
	{
		"a stream in a plan that replies once",
		[]edit{{"mall.yaml", "rpc: user.v1.UserService/GetUser", "rpc: live.v1.LiveService/WatchStock"}},
		`mall.yaml:16:14: calls.user.rpc: live.v1.LiveService/WatchStock replies with a stream; only a method that does so, too, can call it, and mall.v1.MallService/GetHome replies once`,
	},
	{
		"a method in two documents",
		[]edit{{"more.yaml", "", "methods: {mall.v1.MallService/GetHome: {reply: {}}}\n"}},
		`more.yaml:1:11: method "mall.v1.MallService/GetHome" is defined in mall.yaml:12:3 too; keep one of them`,
	},
	{
		"an unknown rpc",
		[]edit{{"mall.yaml", "rpc: user.v1.UserService/GetUser", "rpc: user.v1.UserService/GetUsr"}},
		`mall.yaml:16:14: calls.user.rpc: service user.v1.UserService has no method "GetUsr"; did you mean "GetUser"?`,
	},
	{
		"an unknown downstream service",
		[]edit{{"mall.yaml", "rpc: order.v1.OrderService/ListOrders", "rpc: order.v1.OrdersService/ListOrders"}},
		`mall.yaml:22:14: calls.orders.rpc: unknown service "order.v1.OrdersService"; did you mean "order.v1.OrderService"?`,
	},
	{
		"a field that the request does not have",
		[]edit{{"mall.yaml", "request: {id: request.user_id}", "request: {id: request.usr_id}"}},
		`mall.yaml:17:30: calls.user.request.id: message mall.v1.GetHomeRequest has no field "usr_id"; did you mean "user_id"?`,
	},
	{
		"a field that the upstream's request does not have",
		[]edit{{"mall.yaml", "request: {id: request.user_id}", "request: {user: request.user_id}"}},
		`mall.yaml:17:25: calls.user.request.user: message user.v1.GetUserRequest has no field "user"`,
	},
	{
		"a request of another type",
		[]edit{{"mall.yaml", "page_size: 10", "page_size: \"'ten'\""}},
		`mall.yaml:23:57: calls.orders.request.page_size: order.v1.ListOrdersRequest.page_size takes int, not string; convert it with int(...)`,
	},
	{
		"a name that nothing defines",
		[]edit{{"mall.yaml", `"orders.orders.map(o, o.product_id)"`, `"ordres.orders.map(o, o.product_id)"`}},
		`mall.yaml:30:25: calls.products.request.ids: unknown name "ordres"; did you mean "orders"?`,
	},
	{
		"a reply of another type",
		[]edit{{"mall.yaml", "unread: notices.count", "unread: user.name"}},
		`mall.yaml:44:15: reply.unread: mall.v1.GetHomeReply.unread takes int, not string; convert it with int(...)`,
	},
	{
		"a reply field that does not exist",
		[]edit{{"mall.yaml", "unread: notices.count", "unred: notices.count"}},
		`mall.yaml:44:14: reply.unred: message mall.v1.GetHomeReply has no field "unred"; did you mean "unread"?`,
	},
	{
		"an expression that is none",
		[]edit{{"mall.yaml", "unread: notices.count", "unread: notices.count +"}},
		`mall.yaml:44:30: reply.unread: not a CEL expression: mismatched input '<EOF>'`,
	},
	{
		"a condition that is no boolean",
		[]edit{{"mall.yaml", `when: "product.room_id != ''"`, "when: product.room_id"}},
		`mall.yaml:65:15: calls.room.when: a condition is true or false, not string`,
	},
	{
		"a key that is no field",
		[]edit{{"mall.yaml", "key: products.id", "key: products.idd"}},
		`mall.yaml:31:14: calls.products.key: message product.v1.Product has no field "idd"; did you mean "id"?`,
	},
	{
		"calls that wait for each other",
		[]edit{
			{"mall.yaml", "request: {id: request.user_id}", `request: {id: "orders.orders[0].user_id"}`},
			{"mall.yaml", "request: {user_id: request.user_id, page_size: 10}", "request: {user_id: user.id, page_size: 10}"},
		},
		`mall.yaml:21:7: calls.orders: calls wait for each other: orders needs user needs orders`,
	},
	{
		"a call that nothing uses",
		[]edit{{"mall.yaml", "      unread: notices.count\n", ""}},
		`mall.yaml:36:7: calls.notices: nothing in the reply depends on this call; use it or remove it`,
	},
	{
		"bindings that clash",
		[]edit{{"mall.yaml", `get: "/v1/users/{id}"}`, `get: "/v1/users/{id}/home"}`}},
		`mall.yaml:169:12: GET /v1/users/{id}/home (user.v1.UserService/GetUser) clashes with GET /v1/users/{user_id}/home (mall.v1.MallService/GetHome): both match the same requests; change the path of one (in mall/v1/mall.proto:20:5)`,
	},
	{
		"a path with a variable that is no field",
		[]edit{{"mall.yaml", `get: "/v1/users/{id}"}`, `get: "/v1/users/{uid}"}`}},
		`mall.yaml:169:12: GET /v1/users/{uid}: variable {uid}: user.v1.GetUserRequest has no field "uid"; did you mean "id"?`,
	},
	{
		"a body on a GET",
		[]edit{{"mall.yaml", `get: "/v1/users/{id}"}`, `get: "/v1/users/{id}", body: "*"}`}},
		`mall.yaml:169:12: GET /v1/users/{id}: a GET request has no body: leave body out, so that the fields are query parameters, or use POST`,
	},
	{
		"bindings in the .proto and in the plan",
		[]edit{{"mall.yaml", "    timeout: 800ms\n", "    timeout: 800ms\n    http: [{get: /home}]\n"}},
		"mall.yaml:14:5: the method has a google.api.http option in mall/v1/mall.proto:20:5; remove it there, or `http` here",
	},
	{
		"an upstream without services",
		[]edit{{"upstreams.yaml", "services: [notice.v1.NoticeService]", "services: []"}},
		"mall.yaml:37:14: calls.notices.rpc: no upstream serves notice.v1.NoticeService; add it to the `services` of one\n" +
			"mall.yaml:170:3: the method has no calls, and no upstream serves notice.v1.NoticeService: write `calls` and a `reply`, or add the service to the `services` of an upstream\n" +
			"upstreams.yaml:5:3: upstream \"notice\" serves nothing; list its `services`, such as user.v1.UserService",
	},
	{
		"a service of two upstreams",
		[]edit{{"upstreams.yaml", "[notice.v1.NoticeService]", "[notice.v1.NoticeService, user.v1.UserService]"}},
		`upstreams.yaml:5:49: service user.v1.UserService is listed in upstreams.yaml:2:24 already; it belongs to one upstream`,
	},
	{
		"an upstream that serves what does not exist",
		[]edit{{"upstreams.yaml", "[notice.v1.NoticeService]", "[notice.v1.NoticesService]"}},
		`upstreams.yaml:5:24: unknown service "notice.v1.NoticesService": neither documents nor reflection describe it; did you mean "notice.v1.NoticeService"?`,
	},
	{
		"a target of an unknown scheme",
		[]edit{{"more.yaml", "", "upstreams: {more: {target: 'statc:///127.0.0.1:1', services: [mall.v1.MallService]}}\n"}},
		`more.yaml:1:29: target "statc:///127.0.0.1:1": unknown scheme "statc"; want static:///host:port[,host:port...] or dns:///name:port`,
	},
	{
		"an upstream less",
		[]edit{{"upstreams.yaml", "  notice:", "  # notice:"}},
		"mall.yaml:37:14: calls.notices.rpc: no upstream serves notice.v1.NoticeService; add it to the `services` of one\n" +
			"mall.yaml:170:3: the method has no calls, and no upstream serves notice.v1.NoticeService: write `calls` and a `reply`, or add the service to the `services` of an upstream",
	},
	{
		"a limit below zero",
		[]edit{{"limits.yaml", "", "limits: {body_bytes: -1}\n"}},
		`limits.yaml:1:22: body_bytes cannot be negative: -1; leave it out for the default`,
	},
	{
		"an unknown style",
		[]edit{{"json.yaml", "", "json: {unset: nulls}\n"}},
		`json.yaml:1:15: unknown value "nulls"; expected defaults, kratos or omit`,
	},
	{
		"a .proto with a syntax error",
		[]edit{{"mall/v1/mall.proto", "message OrderCard {", "message OrderCard {{"}},
		`mall/v1/mall.proto:72:20: syntax error: unexpected '{'`,
	},
	{
		"a type that does not exist",
		[]edit{{"mall/v1/mall.proto", "order.v1.Order order = 1;", "order.v1.Ordr order = 1;"}},
		`mall/v1/mall.proto:73:3: field mall.v1.OrderCard.order: unknown type order.v1.Ordr; did you mean "order.v1.Order"?`,
	},
	{
		"a number used twice",
		[]edit{{"mall/v1/mall.proto", "  int32 unread = 3;", "  int32 unread = 2;"}},
		`mall/v1/mall.proto:68:18: message mall.v1.GetHomeReply: fields orders and unread both have the same tag 2`,
	},
	{
		"a .proto less",
		[]edit{{"notice/v1/notice.proto", "", ""}},
		`upstreams.yaml:5:24: unknown service "notice.v1.NoticeService": neither documents nor reflection describe it; did you mean "live.v1.LiveService"?`,
	},
	{
		"a .proto twice",
		[]edit{{"mall/v1/again.proto", "", "syntax = \"proto3\";\npackage mall.v1;\nmessage OrderCard {}\n"}},
		`mall/v1/mall.proto:72:9: symbol "mall.v1.OrderCard" already defined at mall/v1/again.proto:3:9`,
	},
	{
		"a field that a plan needs is gone",
		[]edit{{"notice/v1/notice.proto", "  int32 count = 1;\n", ""}},
		`mall.yaml:44:22: reply.unread: message notice.v1.CountUnreadResponse has no field "count"`,
	},
	{
		"another package of a contract",
		[]edit{{"user/v1/user.proto", "package user.v1;", "package usr.v1;"}},
		`order/v1/order.proto:43:3: field order.v1.Order.address: unknown type user.v1.Address; did you mean "usr.v1.Address"?
order/v1/order.proto:130:3: field order.v1.CreateOrderRequest.address: unknown type user.v1.Address; did you mean "usr.v1.Address"?`,
	},
}
