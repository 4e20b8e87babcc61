package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	khttp "github.com/go-kratos/kratos/v2/transport/http"
	"github.com/improbable-eng/grpc-web/go/grpcweb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"

	"facet/internal/gateway"
	"facet/internal/server"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

const shopProto = `syntax = "proto3";
package shop.v1;
import "google/api/annotations.proto";

service Shop {
  rpc Required(Request) returns (Page) { option (google.api.http) = {get: "/required/{id}"}; }
  rpc Optional(Request) returns (Page) { option (google.api.http) = {get: "/optional/{id}"}; }
  rpc Fallback(Request) returns (Page) { option (google.api.http) = {get: "/fallback/{id}"}; }
  rpc Live(Request) returns (stream Page) { option (google.api.http) = {get: "/live/{id}"}; }
  rpc Keyed(Request) returns (Page) { option (google.api.http) = {get: "/keyed/{id}"}; }
}
service Stock {
  rpc Get(Request) returns (Item) { option (google.api.http) = {get: "/passed/{id}"}; }
  rpc Post(Item) returns (Item) { option (google.api.http) = {post: "/passed", body: "*"}; }
  rpc List(Request) returns (Items) {}
  rpc Watch(Request) returns (stream Item) { option (google.api.http) = {get: "/watch/{id}"}; }
}
message Request { string id = 1; }
message Item {
  string id = 1;
  string title = 2;
  Item part = 3;
  repeated int32 sizes = 4;
  map<string, Item> by_name = 5;
}
message Items { repeated Item items = 1; }
message Page { string name = 1; Item item = 2; string title = 3; string text = 4; }
`

const shopYAML = `
upstreams: {stock: {target: "static:///%s", services: [shop.v1.Stock], max_reply_bytes: 100000}}
methods:
  shop.v1.Shop/Required:
    timeout: 300ms
    calls: {item: {rpc: shop.v1.Stock/Get, request: {id: request.id}}}
    reply: {name: request.id, item: item, title: item.title, text: item.title + '!'}
  shop.v1.Shop/Optional:
    timeout: 5s
    calls: {item: {rpc: shop.v1.Stock/Get, request: {id: request.id}, optional: true, timeout: 300ms}}
    reply: {name: request.id, item: item, title: item.title}
  shop.v1.Shop/Fallback:
    timeout: 5s
    calls: {item: {rpc: shop.v1.Stock/Get, request: {id: request.id}, fallback: {id: "'no ' + request.id"}, timeout: 300ms}}
    reply: {name: request.id, item: item, title: item.title}
  shop.v1.Shop/Keyed:
    timeout: 5s
    calls:
      first: {rpc: shop.v1.Stock/Get, request: {id: "'ok'"}}
      items: {rpc: shop.v1.Stock/List, request: {id: request.id}, optional: true, key: items.id, timeout: 300ms}
    reply: {name: request.id, item: "items[first.id]"}
  shop.v1.Shop/Live:
    calls:
      items: {rpc: shop.v1.Stock/Watch, request: {id: request.id}}
      others: {rpc: shop.v1.Stock/Watch, request: {id: "'others'"}, optional: true}
    reply: {item: items, title: others.title}
  shop.v1.Stock/Get: {timeout: 300ms}
  shop.v1.Stock/Post: {timeout: 5s}
  shop.v1.Stock/Watch: {}
`

// shop is a gateway in front of an upstream that answers whatever bytes a test wants.
type shop struct {
	http    *khttp.Server
	handler http.Handler // of http
	oracle  http.Handler // the same over gRPC-Web, by another implementation
	holder  *snapshot.Holder
	front   *server.GRPC
	gateway *gateway.Gateway
	conn    *grpc.ClientConn
	counted *compression // of what arrives over conn
	stock   *stock
	yaml    string // its document
}

// stock is the upstream.
type stock struct {
	mu     sync.Mutex
	answer func(ctx context.Context, request []byte) ([]byte, error)
	stream func(ctx context.Context, request []byte, send func(string) error) error // of Watch
	seen   metadata.MD                                                              // of the last call
}

func (s *stock) set(answer func(context.Context, []byte) ([]byte, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *stock) setStream(stream func(context.Context, []byte, func(string) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stream = stream
}

func (s *stock) serve(_ any, stream grpc.ServerStream) error {
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	s.mu.Lock()
	answer, watch := s.answer, s.stream
	s.seen, _ = metadata.FromIncomingContext(stream.Context())
	s.mu.Unlock()
	if method, _ := grpc.MethodFromServerStream(stream); method == "/shop.v1.Stock/Watch" {
		return watch(stream.Context(), request, func(message string) error {
			wire := []byte(message)
			return stream.SendMsg(&wire)
		})
	}
	reply, err := answer(stream.Context(), request)
	if err != nil {
		return err
	}
	return stream.SendMsg(&reply)
}

// bytesCodec passes *[]byte as they are.
type bytesCodec struct{}

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = bytes.Clone(data.Materialize())
	return nil
}

func startShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{stock: &stock{}}
	back := grpc.NewServer(grpc.UnknownServiceHandler(s.stock.serve), grpc.ForceServerCodecV2(bytesCodec{}))
	s.startAt(t, serve(t, back))
	return s
}

// serve starts a server and returns its address.
func serve(t testing.TB, back *grpc.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = back.Serve(listener) }()
	t.Cleanup(back.Stop)
	return listener.Addr().String()
}

// startAt starts the gateway in front of an address.
func (s *shop) startAt(t testing.TB, address string) {
	t.Helper()
	pool := upstream.NewPool()
	s.yaml = fmt.Sprintf(shopYAML, address)
	snap, problems := snapshot.Build(t.Context(), []snapshot.Document{
		{Name: "shop.proto", Data: []byte(shopProto)},
		{Name: "shop.yaml", Data: []byte(s.yaml)},
	}, pool)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	holder := &snapshot.Holder{}
	holder.Publish(snap)
	gw := gateway.New(holder)
	s.gateway, s.counted = gw, new(compression)
	s.http = server.NewHTTP(server.Settings{Addr: "127.0.0.1:0"}, gw, holder)
	s.handler = s.http.Handler

	s.holder = holder

	front := server.NewGRPC(server.GRPCSettings{Addr: "127.0.0.1:0", ReadTimeout: 10 * time.Second}, gw, holder)
	endpoint, err := front.Endpoint()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = front.Start(context.Background()) }()
	s.front, s.oracle = front, grpcweb.WrapServer(front.Server.Server)
	s.conn, err = grpc.NewClient(endpoint.Host, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithStatsHandler(s.counted))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.conn.Close()
		front.Server.Server.Stop()
		holder.Publish(nil)
		_ = pool.Close()
	})
}

// get asks over HTTP.
func (s *shop) get(t *testing.T, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return s.do(r)
}

func (s *shop) do(r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Result()
}

// call asks over gRPC.
func (s *shop) call(ctx context.Context, t *testing.T, method string, request []byte) (reply []byte, header metadata.MD, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	err = s.conn.Invoke(ctx, "/"+method, &request, &reply, grpc.ForceCodecV2(bytesCodec{}), grpc.Header(&header))
	return reply, header, err
}

func bodyOf(t *testing.T, r *http.Response) string {
	t.Helper()
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
