package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"facet/examples/mall/backend"
	"facet/internal/app"
	"facet/internal/conf"
)

// serveGateway runs a gateway in front of the services until ctx ends. Its documents are in etcd.
func serveGateway(ctx context.Context, s settings, services backend.Addresses, stdout, stderr io.Writer) (err error) {
	store, err := startStore(ctx, s.etcd, services)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.stop()) }()
	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr = s.http
	bootstrap.Server.Grpc.Addr = s.grpc
	bootstrap.Server.Admin.Addr = s.admin
	gateway, err := app.New(ctx, app.Options{
		Version:   "mall",
		Bootstrap: bootstrap,
		Source:    store.documents(),
		History:   store.history(),
		Logger:    slog.New(slog.NewTextHandler(stderr, nil)),
	})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	printTour(stdout, gateway, store)
	return gateway.Run()
}

// printTour tells where the gateway listens, and what to try first.
func printTour(stdout io.Writer, gateway *app.App, store *store) {
	http, grpc, admin := gateway.Addresses()
	fmt.Fprintf(stdout, `documents  etcd %[4]s, application %[5]s
gateway    http://%[1]s, gRPC %[2]s, admin http://%[3]s

Try, from another terminal:

  curl 'http://%[1]s/v1/users/42/home'
  curl 'http://%[1]s/v1/users/42/home?select=user(id,name,avatar),orders.product.title'
  curl 'http://%[1]s/v1/products:search?query=tea&filter.price.max=12000&page_size=3'

Change it:

  go run ./cmd/facet pull mall-documents --etcd %[4]s --app %[5]s
  go run ./cmd/facet push mall-documents --etcd %[4]s --app %[5]s

`, http, grpc, admin, store.server.Addr(), appName)
}
