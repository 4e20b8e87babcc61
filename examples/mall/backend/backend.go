// Package backend runs the services of the sample mall: real gRPC servers with made-up data that is the same at every
// start.
package backend

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	livev1 "facet/api/live/v1"
	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	productv1 "facet/api/product/v1"
	userv1 "facet/api/user/v1"
)

// Addresses tells where each service listens: host:port.
type Addresses struct {
	User, Order, Product, Notice, Live string
}

// Options are what a mall is made of. The zero value is a mall on free ports of the loopback interface.
type Options struct {
	// Addresses to listen on. Default: "127.0.0.1:0" each, a free port.
	Addresses Addresses
	// Intercept, if set, sees every unary call after it has been counted, and may fail or delay it.
	Intercept grpc.UnaryServerInterceptor
	// LiveInterval is the time between two events of a live room's stream. Default: 1s.
	LiveInterval time.Duration
}

// Mall is the running services.
type Mall struct {
	*observer
	addresses Addresses
	servers   []*grpc.Server
	serving   sync.WaitGroup
}

// Start listens and serves. An address that cannot be listened on is an error that names the service.
func Start(options Options) (*Mall, error) {
	if options.LiveInterval <= 0 {
		options.LiveInterval = time.Second
	}
	m := &Mall{observer: newObserver(), addresses: options.Addresses}
	listeners, err := m.addresses.listen()
	if err != nil {
		return nil, err
	}
	data := newStore()
	register := []func(grpc.ServiceRegistrar){
		func(s grpc.ServiceRegistrar) { userv1.RegisterUserServiceServer(s, &userService{store: data}) },
		func(s grpc.ServiceRegistrar) { orderv1.RegisterOrderServiceServer(s, &orderService{store: data}) },
		func(s grpc.ServiceRegistrar) { productv1.RegisterProductServiceServer(s, &productService{store: data}) },
		func(s grpc.ServiceRegistrar) { noticev1.RegisterNoticeServiceServer(s, &noticeService{store: data}) },
		func(s grpc.ServiceRegistrar) {
			livev1.RegisterLiveServiceServer(s, &liveService{store: data, interval: options.LiveInterval})
		},
	}
	for i, listener := range listeners {
		m.serve(listener, m.newServer(options.Intercept, register[i]))
	}
	return m, nil
}

// Addresses tells where the services listen.
func (m *Mall) Addresses() Addresses { return m.addresses }

// Stop ends all services, and the calls and streams that are under way.
func (m *Mall) Stop() {
	for _, server := range m.servers {
		server.Stop()
	}
	m.serving.Wait()
}

func (m *Mall) newServer(intercept grpc.UnaryServerInterceptor, register func(grpc.ServiceRegistrar)) *grpc.Server {
	unary := []grpc.UnaryServerInterceptor{m.observeUnary}
	if intercept != nil {
		unary = append(unary, intercept)
	}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(unary...), grpc.StreamInterceptor(m.observeStream))
	register(server)
	reflection.Register(server)
	return server
}

func (m *Mall) serve(listener net.Listener, server *grpc.Server) {
	m.servers = append(m.servers, server)
	m.serving.Go(func() {
		// A listener on the loopback interface fails only when it is closed, which Stop does.
		_ = server.Serve(listener)
	})
}

// listen opens the listeners, in the order of the fields, and replaces each address by the one it got. It opens all or
// none.
func (a *Addresses) listen() ([]net.Listener, error) {
	services := []struct {
		name    string
		address *string
	}{
		{"user", &a.User}, {"order", &a.Order}, {"product", &a.Product}, {"notice", &a.Notice}, {"live", &a.Live},
	}
	var listeners []net.Listener
	for _, service := range services {
		if *service.address == "" {
			*service.address = "127.0.0.1:0"
		}
		listener, err := net.Listen("tcp", *service.address)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("service %s: %w", service.name, err), closeAll(listeners))
		}
		*service.address = listener.Addr().String()
		listeners = append(listeners, listener)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, listener := range listeners {
		errs = append(errs, listener.Close())
	}
	return errors.Join(errs...)
}
