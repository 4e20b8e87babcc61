package upstream_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	v1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// shop is a service whose file imports another, which imports a well-known one.
var shop = []string{
	`name: "shop.proto" package: "shop" dependency: "item.proto" syntax: "proto3"
	 service { name: "Shop" method { name: "Get" input_type: ".item.Item" output_type: ".item.Item" } }
	 service { name: "Till" method { name: "Get" input_type: ".item.Item" output_type: ".item.Item" } }`,
	`name: "item.proto" package: "item" dependency: "google/protobuf/timestamp.proto" syntax: "proto3"
	 message_type { name: "Item" field { name: "at" number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE
	   type_name: ".google.protobuf.Timestamp" } }`,
}

// services lets a reflection server list services that it does not have.
type services []string

func (s services) GetServiceInfo() map[string]grpc.ServiceInfo {
	info := make(map[string]grpc.ServiceInfo)
	for _, name := range s {
		info[name] = grpc.ServiceInfo{}
	}
	return info
}

func shopFiles(t *testing.T) *protoregistry.Files {
	t.Helper()
	set := &descriptorpb.FileDescriptorSet{File: []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto)}}
	for _, text := range shop {
		file := new(descriptorpb.FileDescriptorProto)
		if err := prototext.Unmarshal([]byte(text), file); err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, file)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// serveReflection starts a gRPC server that has what register adds.
func serveReflection(t *testing.T, register func(*grpc.Server)) string {
	t.Helper()
	server := grpc.NewServer()
	register(server)
	listener := listen(t)
	go server.Serve(listener) // until Stop
	t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func shopReflection(t *testing.T) reflection.ServerOptions {
	return reflection.ServerOptions{Services: services{"shop.Shop", "shop.Till"}, DescriptorResolver: shopFiles(t)}
}

func TestReflectReturnsFilesAfterTheirImports(t *testing.T) {
	for version, register := range map[string]func(*grpc.Server){
		"v1":      func(s *grpc.Server) { v1.RegisterServerReflectionServer(s, reflection.NewServerV1(shopReflection(t))) },
		"v1alpha": func(s *grpc.Server) { registerAlpha(s, shopReflection(t)) },
		"import by import": func(s *grpc.Server) {
			v1.RegisterServerReflectionServer(s, fileServer{files: shopFiles(t)})
		},
	} {
		t.Run(version, func(t *testing.T) {
			u := open(t, static(serveReflection(t, register)))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			set, err := u.Reflect(ctx, []string{"shop.Till", "shop.Shop"})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, file := range set.GetFile() {
				names = append(names, file.GetName())
			}
			if want := []string{"google/protobuf/timestamp.proto", "item.proto", "shop.proto"}; !slices.Equal(names, want) {
				t.Errorf("got %v, want %v", names, want)
			}
			files, err := protodesc.NewFiles(set)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := files.FindDescriptorByName("shop.Shop"); err != nil {
				t.Error(err)
			}
		})
	}
}

// registerAlpha adds the old version of reflection only. Its messages are those of the new one.
func registerAlpha(s *grpc.Server, options reflection.ServerOptions) {
	description := v1.ServerReflection_ServiceDesc
	description.ServiceName = "grpc.reflection.v1alpha.ServerReflection"
	s.RegisterService(&description, reflection.NewServerV1(options))
}

// fileServer is a reflection server that sends one file at a time, and lacks some.
type fileServer struct {
	v1.UnimplementedServerReflectionServer
	files *protoregistry.Files
	lacks string
}

func (f fileServer) ServerReflectionInfo(stream v1.ServerReflection_ServerReflectionInfoServer) error {
	for {
		question, err := stream.Recv()
		if err != nil {
			return nil //nolint:nilerr // the client has what it wants
		}
		name := question.GetFileByFilename()
		if question.GetFileContainingSymbol() != "" {
			name = "shop.proto"
		}
		if err := stream.Send(f.answer(name)); err != nil {
			return err
		}
	}
}

func (f fileServer) answer(name string) *v1.ServerReflectionResponse {
	file, err := f.files.FindFileByPath(name)
	if err != nil || name == f.lacks {
		return &v1.ServerReflectionResponse{MessageResponse: &v1.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &v1.ErrorResponse{ErrorCode: 5, ErrorMessage: "not found"},
		}}
	}
	data, err := proto.Marshal(protodesc.ToFileDescriptorProto(file))
	if err != nil {
		panic(err)
	}
	return &v1.ServerReflectionResponse{MessageResponse: &v1.ServerReflectionResponse_FileDescriptorResponse{
		FileDescriptorResponse: &v1.FileDescriptorResponse{FileDescriptorProto: [][]byte{data}},
	}}
}

func TestReflectLeavesOutWellKnownFilesThatTheServerLacks(t *testing.T) {
	u := open(t, static(serveReflection(t, func(s *grpc.Server) {
		v1.RegisterServerReflectionServer(s, fileServer{files: shopFiles(t), lacks: "google/protobuf/timestamp.proto"})
	})))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	set, err := u.Reflect(ctx, []string{"shop.Shop"})
	if err != nil || len(set.GetFile()) != 2 {
		t.Errorf("got %v, %v", set, err)
	}
}

func TestReflectExplainsWhatIsMissing(t *testing.T) {
	withShop := func(s *grpc.Server) { v1.RegisterServerReflectionServer(s, reflection.NewServerV1(shopReflection(t))) }
	for _, test := range []struct {
		name     string
		register func(*grpc.Server)
		service  string
		want     string
	}{
		{"not enabled", func(*grpc.Server) {}, "shop.Shop", "server reflection is not enabled there; enable it, or put the .proto files of shop.Shop among the documents"},
		{"near miss", withShop, "shop.Shopp", `does not serve shop.Shopp; did you mean "shop.Shop"?`},
		{"unknown service", withShop, "user.v1.UserService", "does not serve user.v1.UserService; it serves shop.Shop, shop.Till"},
		{"missing import", func(s *grpc.Server) {
			v1.RegisterServerReflectionServer(s, fileServer{files: shopFiles(t), lacks: "item.proto"})
		}, "shop.Shop", "server reflection lacks item.proto, which shop.proto imports"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := open(t, static(serveReflection(t, test.register)))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			_, err := u.Reflect(ctx, []string{test.service})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "upstream user") {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestReflectEndsWithItsContext(t *testing.T) {
	u := open(t, static(serve(t, hang)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := u.Reflect(ctx, []string{"shop.Shop"}); err == nil {
		t.Error("it has an answer")
	}
}
