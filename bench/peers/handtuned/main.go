// Command handtuned is the endpoint of a skilled author who wants it fast and uses no framework: net/http with its own
// router, or with -grpc a plain grpc-go server, generated clients, a trim written out by hand for each message, calls left out that
// the selection does not need, and protojson into pooled buffers, which writes no unset fields.
package main

import (
	"context"

	"google.golang.org/grpc"

	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
)

func main() {
	listen, services, asGRPC := peer.ListenFlag(), peer.ServiceFlags(), peer.GRPCFlag()
	peer.Main(func(ctx context.Context) error {
		b, err := newBFF(services)
		if err != nil {
			return err
		}
		if *asGRPC {
			server := grpc.NewServer()
			benchv1.RegisterBenchServer(server, b)
			return peer.ServeGRPC(ctx, *listen, server)
		}
		return peer.ServeHTTP(ctx, *listen, peer.NewHTTPServer(newHandler(b)))
	})
}
