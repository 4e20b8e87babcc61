// Command grpcgateway is grpc-gateway as its guide sets it up: the generated handlers over a generated client, in front of
// a service that has the annotations, with the default marshaler. It passes one call through, and cannot merge or select.
package main

import (
	"context"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"

	benchv1 "facet/bench/api/bench/v1"
	"facet/bench/internal/peer"
)

func main() {
	listen, services := peer.ListenFlag(), peer.ServiceFlags()
	peer.Main(func(ctx context.Context) error {
		conn, err := peer.Dial(services.Order)
		if err != nil {
			return err
		}
		mux := runtime.NewServeMux()
		if err := benchv1.RegisterBenchHandlerClient(ctx, mux, benchv1.NewBenchClient(conn)); err != nil {
			return err
		}
		return peer.ServeHTTP(ctx, *listen, peer.NewHTTPServer(mux))
	})
}
