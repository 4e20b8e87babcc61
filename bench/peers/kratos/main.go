// Command kratos is a backend-for-frontend as teams write it by hand on Kratos: the HTTP server that
// protoc-gen-go-http generates, or with -grpc the gRPC server, generated clients of the services, errgroup for calls at once, the
// recovery middleware, and for selections fmutils, which clears by reflection what was not asked for. Timeouts and codecs are
// Kratos' own. Its JSON codec writes fields that are unset, so a selected reply is larger here than it has to be:
// this is what its users get.
package main

import (
	"context"

	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/middleware/recovery"
	"github.com/go-kratos/kratos/v2/transport"
	kgrpc "github.com/go-kratos/kratos/v2/transport/grpc"
	khttp "github.com/go-kratos/kratos/v2/transport/http"
	"google.golang.org/grpc"

	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
)

func main() {
	listen, services, asGRPC := peer.ListenFlag(), peer.ServiceFlags(), peer.GRPCFlag()
	peer.Main(func(ctx context.Context) error {
		service, err := newService(ctx, services)
		if err != nil {
			return err
		}
		if *asGRPC {
			return serve(ctx, newGRPCServer(*listen, service))
		}
		return serve(ctx, newHTTPServer(*listen, service))
	})
}

// server is one of Kratos' two.
type server interface {
	transport.Server
	transport.Endpointer
}

func newHTTPServer(listen string, service *benchService) server {
	s := khttp.NewServer(khttp.Address(listen), khttp.Middleware(recovery.Recovery()))
	benchv1.RegisterBenchHTTPServer(s, service)
	return s
}

func newGRPCServer(listen string, service *benchService) server {
	s := kgrpc.NewServer(kgrpc.Address(listen), kgrpc.Middleware(recovery.Recovery()))
	benchv1.RegisterBenchServer(s, service)
	return s
}

// serve runs the server as an application until the context ends.
func serve(ctx context.Context, server server) error {
	endpoint, err := server.Endpoint() // it listens from here on
	if err != nil {
		return err
	}
	app := kratos.New(
		kratos.Context(ctx),
		kratos.Name("bff"),
		kratos.Server(server),
		kratos.AfterStart(func(context.Context) error {
			peer.Announce(endpoint.Host)
			return nil
		}),
	)
	return app.Run()
}

func dial(ctx context.Context, address string) (*grpc.ClientConn, error) {
	return kgrpc.DialInsecure(ctx, kgrpc.WithEndpoint(address), kgrpc.WithMiddleware(recovery.Recovery()))
}
