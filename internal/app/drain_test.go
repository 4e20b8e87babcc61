package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/fstest"

	"google.golang.org/grpc"

	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/source"
)

const slowProto = `syntax = "proto3";
package slow.v1;
import "google/api/annotations.proto";
service SlowService {
  rpc Get(GetRequest) returns (GetReply) { option (google.api.http) = {get: "/slow"}; }
}
message GetRequest {}
message GetReply { string text = 1; }
`

// A request that is under way when the gateway is told to stop is answered.
func TestStopDrains(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	called, goOn := make(chan struct{}), make(chan struct{})
	slow := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		close(called)
		<-goOn
		return stream.SendMsg(&emptyReply{})
	}), grpc.ForceServerCodec(emptyCodec{}))
	go func() { _ = slow.Serve(listener) }()
	t.Cleanup(slow.Stop)

	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr, bootstrap.Server.Grpc.Addr, bootstrap.Server.Admin.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	documents := source.NewFS(fstest.MapFS{
		"slow.proto": {Data: []byte(slowProto)},
		"slow.yaml": {Data: fmt.Appendf(nil, "upstreams: {slow: {target: 'static:///%s', services: [slow.v1.SlowService]}}\n"+
			"methods: {slow.v1.SlowService/Get: {}}\n", listener.Addr())},
	})
	ctx, stop := context.WithCancel(t.Context())
	gateway, err := app.New(ctx, app.Options{Bootstrap: bootstrap, Source: documents, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	address, _, _ := gateway.Addresses()
	stopped := make(chan error, 1)
	go func() { stopped <- gateway.Run() }()

	answered := make(chan string, 1)
	go func() {
		reply, err := http.Get("http://" + address + "/slow")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer reply.Body.Close()
		body, _ := io.ReadAll(reply.Body)
		answered <- reply.Status + " " + string(body)
	}()
	<-called
	stop()
	for { // until the gateway has begun to stop
		conn, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	close(goOn)
	if got, want := <-answered, `200 OK {"text":""}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the gateway did not stop cleanly: %v", err)
	}
}

// emptyReply is a message without fields, sent by emptyCodec.
type emptyReply struct{}

type emptyCodec struct{}

func (emptyCodec) Name() string                { return "proto" }
func (emptyCodec) Marshal(any) ([]byte, error) { return nil, nil }
func (emptyCodec) Unmarshal([]byte, any) error { return nil }
