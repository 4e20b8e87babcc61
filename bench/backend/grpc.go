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
func newServer(wait delay, all methods) *grpc.Server {
	server := grpc.NewServer(grpc.ForceServerCodecV2(rawgrpc.Codec{}))
	for name, descriptor := range describe(wait, all) {
		descriptor.ServiceName = name
		server.RegisterService(descriptor, nil)
	}
	return server
}

func describe(wait delay, all methods) map[string]*grpc.ServiceDesc {
	services := map[string]*grpc.ServiceDesc{}
	for name, answer := range all {
		service, method, _ := strings.Cut(name, "/")
		if services[service] == nil {
			services[service] = &grpc.ServiceDesc{}
		}
		services[service].Methods = append(services[service].Methods, grpc.MethodDesc{
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
	return services
}
