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
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"facet/bench/internal/peer"
)

func main() {
	listen := peer.ListenFlag()
	latency := flag.Duration("latency", 0, "`time` that each reply takes")
	jitter := flag.Duration("jitter", 0, "`time` at most that a reply takes longer, evenly spread")
	peer.Main(func(ctx context.Context) error {
		if *latency < 0 || *jitter < 0 {
			return fmt.Errorf("-latency %v -jitter %v: want 0 or more", *latency, *jitter)
		}
		return serve(ctx, *listen, newDelay(*latency, *jitter))
	})
}

// server is one of the services: a *grpc.Server, or the *http.Server that answers in JSON.
type server interface {
	Serve(net.Listener) error
}

// serve listens once for each service, with the same address to listen on, and serves until the context ends.
func serve(ctx context.Context, listen string, wait delay) error {
	data, err := newReplies()
	if err != nil {
		return err
	}
	onAir, err := newRoom()
	if err != nil {
		return err
	}
	quiet, err := newRoom()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return onAir.run(ctx) })
	var where []string
	for _, service := range services(data, wait, rooms(onAir, quiet)) {
		listener, err := peer.Listen(ctx, listen)
		if err != nil {
			return err
		}
		where = append(where, service.name+"="+listener.Addr().String())
		context.AfterFunc(ctx, service.stop)
		group.Go(func() error {
			if err := service.server.Serve(listener); ctx.Err() == nil {
				return fmt.Errorf("%s: %w", service.name, err)
			}
			return nil
		})
	}
	peer.Announce(strings.Join(where, " "))
	return group.Wait()
}

// service is one of the services, and how it is stopped.
type service struct {
	name   string
	server server
	stop   func()
}

func services(data *replies, wait delay, rooms streams) []service {
	var all []service
	for _, s := range []struct {
		name    string
		methods methods
		streams streams
	}{
		{"user", methods{"user.v1.UserService/GetUser": data.user}, nil},
		{"order", methods{
			"order.v1.OrderService/ListOrders": data.orders,
			"bench.v1.Bench/ListOrders":        data.orders,
			"bench.v1.Bench/GetPage":           data.page,
		}, rooms},
		{"product", methods{"product.v1.ProductService/BatchGetProducts": data.products}, nil},
		{"notice", methods{"notice.v1.NoticeService/ListNotices": data.notices}, nil},
	} {
		server := newServer(wait, s.methods, s.streams)
		all = append(all, service{s.name, server, server.Stop})
	}
	server := &http.Server{Handler: jsonHandler(data, wait), ReadHeaderTimeout: time.Second}
	return append(all, service{"json", server, func() { _ = server.Close() }})
}
