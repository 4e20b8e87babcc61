package app_test

import (
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"facet/internal/app"
	"facet/internal/source"
)

// Documents are served as soon as the upstream is there that has to describe itself; nobody has to change them for that.
func TestDocumentsAreTriedAgainWhenAnUpstreamWasAway(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t)
	c.push(t, hello("'old'"))
	r := startReplica(t, app.Options{Source: source.NewEtcd(c.client, c.layout.Live())})
	documents := hello("'new'")
	documents[1].Data = append(documents[1].Data, "upstreams: {health: {target: 'static:///"+address+"', services: [grpc.health.v1.Health], reflection: true}}\n"...)
	c.push(t, documents)
	await(t, r.admin+"/readyz", address)

	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	reflection.Register(server)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	await(t, r.say, `{"text":"new"}`)
}
