package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"facet/examples/mall/backend"
	"facet/internal/app"
	"facet/internal/conf"
)

// serveGateway runs a gateway in front of the services until ctx ends.
func serveGateway(ctx context.Context, s settings, services backend.Addresses, stdout, stderr io.Writer) error {
	source, err := newDocuments(services)
	if err != nil {
		return err
	}
	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr = s.http
	bootstrap.Server.Grpc.Addr = s.grpc
	bootstrap.Server.Admin.Addr = s.admin
	gateway, err := app.New(ctx, app.Options{
		Version:   "mall",
		Bootstrap: bootstrap,
		Source:    source,
		Logger:    slog.New(slog.NewTextHandler(stderr, nil)),
	})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	printTour(stdout, gateway)
	return gateway.Run()
}

// printTour tells where the gateway listens, and what to try first.
func printTour(stdout io.Writer, gateway *app.App) {
	http, grpc, admin := gateway.Addresses()
	fmt.Fprintf(stdout, `gateway    http://%[1]s, gRPC %[2]s, admin http://%[3]s

Try, from another terminal:

  curl 'http://%[1]s/v1/users/42/home'
  curl 'http://%[1]s/v1/users/42/home?select=user(id,name,avatar),orders.product.title'
  curl 'http://%[1]s/v1/products:search?query=tea&filter.price.max=12000&page_size=3'

`, http, grpc, admin)
}
