package backend

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
)

// Observation is one call as a service saw it. It is not to be changed.
type Observation struct {
	Request  proto.Message
	Metadata metadata.MD
}

// observer remembers what calls the services got. It is safe for concurrent use.
type observer struct {
	mu     sync.Mutex
	counts map[string]int
	last   map[string]Observation
}

func newObserver() *observer {
	return &observer{counts: map[string]int{}, last: map[string]Observation{}}
}

// Calls returns how often a method was called since the start or the last Forget. The name is as in documents:
// `product.v1.ProductService/BatchGetProducts`.
func (o *observer) Calls(method string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.counts[method]
}

// Last returns the latest call of a method, if there was one since the start or the last Forget.
func (o *observer) Last(method string) (Observation, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	observation, ok := o.last[method]
	return observation, ok
}

// Forget starts counting anew.
func (o *observer) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	clear(o.counts)
	clear(o.last)
}

func (o *observer) record(ctx context.Context, fullMethod string, request any) {
	md, _ := metadata.FromIncomingContext(ctx)
	message, _ := request.(proto.Message)
	method := strings.TrimPrefix(fullMethod, "/")
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[method]++
	o.last[method] = Observation{Request: message, Metadata: md}
}

func (o *observer) observeUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	o.record(ctx, info.FullMethod, request)
	return next(ctx, request)
}

func (o *observer) observeStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	return next(service, &observedStream{ServerStream: stream, observer: o, method: info.FullMethod})
}

// observedStream records a stream when its request, the first message from the client, has come.
type observedStream struct {
	grpc.ServerStream
	observer *observer
	method   string
	recorded bool
}

func (s *observedStream) RecvMsg(message any) error {
	err := s.ServerStream.RecvMsg(message)
	if err == nil && !s.recorded {
		s.recorded = true
		s.observer.record(s.Context(), s.method, message)
	}
	return err
}
