package main

import (
	"context"
	"strings"

	"google.golang.org/grpc"

	"facet/bench/internal/rawgrpc"
)

// methods are what a server answers, by full name: service/method. Each takes the wire bytes of a request and returns those of a
// reply, or a status.
type methods map[string]func(request []byte) ([]byte, error)

// newServer returns a server of encoded replies.
func newServer(wait delay, unary methods, streaming streams) *grpc.Server {
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawgrpc.Codec{}))
	services := map[string]*grpc.ServiceDesc{}
	unary.describe(services, wait)
	streaming.describe(services)
	for name, descriptor := range services {
		descriptor.ServiceName = name
		server.RegisterService(descriptor, nil)
	}
	return server
}

// describe adds the methods to the descriptors of services.
func (all methods) describe(services map[string]*grpc.ServiceDesc, wait delay) {
	for name, answer := range all {
		descriptor, method := descriptorOf(services, name)
		descriptor.Methods = append(descriptor.Methods, grpc.MethodDesc{
			MethodName: method,
			Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var request []byte
				if err := decode(&request); err != nil {
					return nil, err
				}
				wait(ctx)
				return answer(request)
			},
		})
	}
}

// descriptorOf returns the descriptor of the service in a full name, a new one if need be, and the method in the name.
func descriptorOf(services map[string]*grpc.ServiceDesc, name string) (descriptor *grpc.ServiceDesc, method string) {
	service, method, _ := strings.Cut(name, "/")
	if services[service] == nil {
		services[service] = &grpc.ServiceDesc{}
	}
	return services[service], method
}
