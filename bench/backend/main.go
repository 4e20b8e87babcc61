// Command backend is the services behind every gateway of the benchmark: those of the sample mall over gRPC, and the
// same replies as JSON over HTTP. Every reply is encoded before it is asked for, so that the services take as little as can
// be of the machine that they share with what is measured. They ignore read masks for that reason: no peer gains by them.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"facet/bench/internal/peer"
)

func main() {
	listen := peer.ListenFlag()
	latency := flag.Duration("latency", 0, "`time` that each reply takes")
	jitter := flag.Duration("jitter", 0, "`time` at most that a reply takes longer, evenly spread")
	peer.Main(func(ctx context.Context) error {
		return serve(ctx, *listen, newDelay(*latency, *jitter))
	})
}

// serve listens once for each service, all with the same address to listen on, and serves until the context ends.
func serve(ctx context.Context, listen string, wait delay) error {
	data, err := newReplies()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	line := ""
	for _, service := range services(data, wait) {
		listener, err := net.Listen("tcp", listen)
		if err != nil {
			return err
		}
		line += fmt.Sprintf("%s=%s ", service.name, listener.Addr())
		group.Go(func() error { return service.server.Serve(listener) })
		context.AfterFunc(ctx, service.server.Stop)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: jsonHandler(data, wait), ReadHeaderTimeout: time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	group.Go(func() error {
		if err := server.Serve(listener); ctx.Err() == nil {
			return err
		}
		return nil
	})
	peer.Announce(line + "json=" + listener.Addr().String())
	return group.Wait()
}

// service is one gRPC server.
type service struct {
	name   string
	server *grpc.Server
}

func services(data *replies, wait delay) []service {
	return []service{
		{"user", newServer(wait, methods{"user.v1.UserService/GetUser": data.user})},
		{"order", newServer(wait, methods{
			"order.v1.OrderService/ListOrders": data.orders,
			"bench.v1.Bench/ListOrders":        data.orders,
			"bench.v1.Bench/GetPage":           data.page,
		})},
		{"product", newServer(wait, methods{"product.v1.ProductService/BatchGetProducts": data.products})},
		{"notice", newServer(wait, methods{"notice.v1.NoticeService/ListNotices": data.notices})},
	}
}
