package server_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// publish makes other documents serve.
func (s *shop) publish(t *testing.T, yaml string) {
	t.Helper()
	pool := upstream.NewPool()
	t.Cleanup(func() { _ = pool.Close() })
	snap, problems := snapshot.Build(t.Context(), []snapshot.Document{
		{Name: "shop.proto", Data: []byte(shopProto)}, {Name: "shop.yaml", Data: []byte(yaml)},
	}, pool)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s.holder.Publish(snap)
}

// publishOver makes the documents of the shop serve with some more.
func (s *shop) publishOver(t *testing.T, yaml string) {
	t.Helper()
	s.publish(t, s.yaml+yaml)
}

const onlyStock = `
upstreams: {stock: {target: "static:///127.0.0.1:1", services: [shop.v1.Stock]}}
methods: {shop.v1.Stock/Get: {}}
`

const (
	serving    = healthpb.HealthCheckResponse_SERVING
	notServing = healthpb.HealthCheckResponse_NOT_SERVING
	unknown    = healthpb.HealthCheckResponse_SERVICE_UNKNOWN
)

func TestHealthFollowsSnapshot(t *testing.T) {
	s := startShop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	client := healthpb.NewHealthClient(s.conn)
	watch, err := client.Watch(ctx, &healthpb.HealthCheckRequest{Service: "shop.v1.Shop"})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		if got, err := watch.Recv(); err != nil || got.GetStatus() != want {
			t.Fatalf("got %v %v, want %s", got, err, want)
		}
	}
	expect(serving)
	for service, want := range map[string]codes.Code{"": codes.OK, "shop.v1.Shop": codes.OK, "shop.v1.Stock": codes.OK, "shop.v1": codes.NotFound} {
		got, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: service})
		if status.Code(err) != want || err == nil && got.GetStatus() != serving {
			t.Errorf("%q: got %v %v, want %s", service, got, err, want)
		}
	}
	s.publish(t, onlyStock)
	expect(unknown)
	s.holder.Publish(nil)
	expect(notServing)
	if got, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil || got.GetStatus() != notServing {
		t.Errorf("without a snapshot: got %v %v", got, err)
	}
	s.publish(t, onlyStock)
	expect(unknown)
}

// Who watches the health is told that the gateway stops, and does not hold it up.
func TestHealthWhileDraining(t *testing.T) {
	s := startShop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	watch, err := healthpb.NewHealthClient(s.conn).Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := watch.Recv(); err != nil || got.GetStatus() != serving {
		t.Fatalf("got %v %v", got, err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.front.Stop(ctx) }()
	if got, err := watch.Recv(); err != nil || got.GetStatus() != notServing {
		t.Errorf("got %v %v, want NOT_SERVING", got, err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
	if err := <-stopped; err != nil || ctx.Err() != nil {
		t.Errorf("the server stopped with %v %v", err, ctx.Err())
	}
}

// Who has asked what is served, and may ask more, does not hold up the gateway that stops.
func TestReflectionWhileDraining(t *testing.T) {
	s := startShop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(s.conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	reflected{t, stream}.services()
	stopped := make(chan error, 1)
	go func() { stopped <- s.front.Stop(ctx) }()
	if _, err := stream.Recv(); status.Code(err) != codes.Canceled || ctx.Err() != nil {
		t.Errorf("got %v, want CANCELED by the server", err)
	}
	if err := <-stopped; err != nil || ctx.Err() != nil {
		t.Errorf("the server stopped with %v %v", err, ctx.Err())
	}
}

// reflected is what a client learns by reflection.
type reflected struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[reflectionpb.ServerReflectionRequest, reflectionpb.ServerReflectionResponse]
}

func (r reflected) ask(question *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
	r.t.Helper()
	if err := r.stream.Send(question); err != nil && !errors.Is(err, io.EOF) {
		r.t.Fatal(err)
	}
	answer, err := r.stream.Recv()
	if err != nil {
		r.t.Fatal(err)
	}
	return answer
}

func (r reflected) services() (names []string) {
	r.t.Helper()
	answer := r.ask(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	return names
}

// files returns the files that answer, by name, and the error if there is none.
func (r reflected) files(question *reflectionpb.ServerReflectionRequest) (map[string]*descriptorpb.FileDescriptorProto, codes.Code) {
	r.t.Helper()
	answer := r.ask(question)
	files := map[string]*descriptorpb.FileDescriptorProto{}
	for _, wire := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := new(descriptorpb.FileDescriptorProto)
		if err := proto.Unmarshal(wire, file); err != nil {
			r.t.Fatal(err)
		}
		files[file.GetName()] = file
	}
	return files, codes.Code(answer.GetErrorResponse().GetErrorCode())
}

func symbol(name string) *reflectionpb.ServerReflectionRequest {
	return &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: name}}
}

func TestReflectionFollowsSnapshot(t *testing.T) {
	s := startShop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := reflectionpb.NewServerReflectionClient(s.conn).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r := reflected{t, stream}
	own := []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"}
	if got, want := r.services(), append(slices.Clone(own), "shop.v1.Shop", "shop.v1.Stock"); !slices.Equal(got, want) {
		t.Errorf("got the services %q, want %q", got, want)
	}
	files, _ := r.files(symbol("shop.v1.Shop"))
	if files["shop.proto"] == nil || files["google/api/annotations.proto"] == nil || files["google/protobuf/descriptor.proto"] == nil {
		t.Errorf("a service comes without what it imports: %d files", len(files))
	}
	for _, service := range files["shop.proto"].GetService() {
		for _, method := range service.GetMethod() {
			if method.GetName() == "List" {
				t.Error("a method that is not served is told")
			}
		}
	}
	if again, _ := r.files(symbol("shop.v1.Stock.Get")); len(again) != 1 || again["shop.proto"] == nil {
		t.Errorf("asked again: got %d files, want shop.proto alone", len(again))
	}

	s.publish(t, onlyStock)
	if got, want := r.services(), append(slices.Clone(own), "shop.v1.Stock"); !slices.Equal(got, want) {
		t.Errorf("after a change: got the services %q, want %q", got, want)
	}
	file := func(name string) *reflectionpb.ServerReflectionRequest {
		return &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_FileByFilename{FileByFilename: name}}
	}
	extension := func(of string, number int32) *reflectionpb.ServerReflectionRequest {
		return &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_FileContainingExtension{
			FileContainingExtension: &reflectionpb.ExtensionRequest{ContainingType: of, ExtensionNumber: number},
		}}
	}
	for name, test := range map[string]struct {
		question *reflectionpb.ServerReflectionRequest
		code     codes.Code
	}{
		"a service":                    {symbol("shop.v1.Stock"), codes.OK},
		"a message":                    {symbol("shop.v1.Item.ByNameEntry"), codes.OK},
		"a file":                       {file("shop.proto"), codes.OK},
		"a file that is imported":      {file("google/api/http.proto"), codes.OK},
		"google.api.http":              {extension("google.protobuf.MethodOptions", 72295728), codes.OK},
		"a service that is not served": {symbol("shop.v1.Shop"), codes.NotFound},
		"a method that is not served":  {symbol("shop.v1.Stock.List"), codes.NotFound},
		"no symbol":                    {symbol("shop.v1.Nothing"), codes.NotFound},
		"no file":                      {file("internal/conf/conf.proto"), codes.NotFound},
		"a file of the binary":         {file("facet/gateway/v1/gateway.proto"), codes.NotFound},
		"no extension":                 {extension("shop.v1.Item", 1), codes.NotFound},
		"nothing":                      {&reflectionpb.ServerReflectionRequest{}, codes.InvalidArgument},
	} {
		if files, code := r.files(test.question); code != test.code || (len(files) > 0) != (test.code == codes.OK) {
			t.Errorf("%s: got %d files and %s, want %s", name, len(files), code, test.code)
		}
	}
	answer := r.ask(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_AllExtensionNumbersOfType{
		AllExtensionNumbersOfType: "google.protobuf.MethodOptions",
	}})
	if got := answer.GetAllExtensionNumbersResponse().GetExtensionNumber(); !slices.Equal(got, []int32{72295728}) {
		t.Errorf("got the extensions %d of MethodOptions", got)
	}
}

// Older clients ask the same by another name.
func TestOldReflection(t *testing.T) {
	s := startShop(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	desc := &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}
	stream, err := s.conn.NewStream(ctx, desc, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
	if err != nil {
		t.Fatal(err)
	}
	r := reflected{t, &grpc.GenericClientStream[reflectionpb.ServerReflectionRequest, reflectionpb.ServerReflectionResponse]{ClientStream: stream}}
	if files, code := r.files(symbol("shop.v1.Shop")); files["shop.proto"] == nil {
		t.Errorf("got %d files, %s", len(files), code)
	}
}
