package load_test

import (
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"facet/bench/internal/load"
)

func TestGeneratorSpeaksGRPC(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	healthpb.RegisterHealthServer(server, health.NewServer())
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	generator := start(t)
	reply, err := generator.Connect(load.Target{
		Protocol: load.GRPC, Address: listener.Addr().String(), Connections: 2,
		Requests: []load.Request{{Path: "/grpc.health.v1.Health/Check", Header: map[string]string{"x-select": "status"}}},
	})
	if err != nil || string(reply) != "\x08\x01" { // status: SERVING
		t.Fatalf("reply %q, %v", reply, err)
	}
	result, err := generator.Run(0, 20*time.Millisecond)
	if err != nil || result.Requests == 0 {
		t.Errorf("%+v, %v", result, err)
	}
}
