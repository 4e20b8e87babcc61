package upstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	rpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/suggest"
)

// The two versions of server reflection differ in name only.
var reflectionMethods = []string{
	"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
}

// maxReflectionBytes bounds one answer of server reflection, which holds whole files.
const maxReflectionBytes = 16 << 20

// Reflect returns the files that define services and everything that these import, by server reflection, each
// file after its imports. It takes as long as ctx allows. The error says what the upstream lacks.
func (u *Upstream) Reflect(ctx context.Context, services []string) (*descriptorpb.FileDescriptorSet, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream
	var err error
	for _, method := range reflectionMethods {
		var files *descriptorpb.FileDescriptorSet
		if files, err = u.reflect(ctx, method, services); status.Code(err) != codes.Unimplemented {
			return files, err
		}
	}
	return nil, fmt.Errorf("upstream %s (%s): server reflection is not enabled there; enable it, or put the .proto files of %s among the documents: %w",
		u.name, u.conn.target.addresses(), strings.Join(services, ", "), err)
}

// reflect asks one version of server reflection.
func (u *Upstream) reflect(ctx context.Context, method string, services []string) (*descriptorpb.FileDescriptorSet, error) {
	stream, err := u.conn.client.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method,
		grpc.ForceCodecV2(encoding.GetCodecV2("proto")), grpc.MaxCallRecvMsgSize(maxReflectionBytes))
	if err != nil {
		return nil, u.failure(err)
	}
	r := &reflector{upstream: u, stream: stream, files: make(map[string]*descriptorpb.FileDescriptorProto)}
	for _, service := range services {
		if err := r.addService(service); err != nil {
			return nil, err
		}
	}
	if err := r.addImports(); err != nil {
		return nil, err
	}
	return &descriptorpb.FileDescriptorSet{File: r.sorted()}, nil
}

// reflector collects files over one reflection stream.
type reflector struct {
	upstream *Upstream
	stream   grpc.ClientStream
	files    map[string]*descriptorpb.FileDescriptorProto // by name; nil is one that the server lacks
}

// errNotFound is the answer of a server that does not know what it was asked for.
var errNotFound = errors.New("not found")

// ask sends one question and returns its answer. Errors are gRPC statuses or errNotFound.
func (r *reflector) ask(question *rpb.ServerReflectionRequest) (*rpb.ServerReflectionResponse, error) {
	// The error of a send is io.EOF when the stream has ended; receiving says why it has.
	_ = r.stream.SendMsg(question)
	answer := new(rpb.ServerReflectionResponse)
	if err := r.stream.RecvMsg(answer); err != nil {
		return nil, r.upstream.failure(err)
	}
	if refusal := answer.GetErrorResponse(); refusal != nil {
		if codes.Code(refusal.GetErrorCode()) == codes.NotFound {
			return nil, errNotFound
		}
		return nil, status.Errorf(codes.Internal, "upstream %s: server reflection: %s", r.upstream.name, refusal.GetErrorMessage())
	}
	return answer, nil
}

// add keeps the files of an answer.
func (r *reflector) add(answer *rpb.ServerReflectionResponse) error {
	for _, data := range answer.GetFileDescriptorResponse().GetFileDescriptorProto() {
		file := new(descriptorpb.FileDescriptorProto)
		if err := proto.Unmarshal(data, file); err != nil {
			return fmt.Errorf("upstream %s: server reflection sent a malformed descriptor: %w", r.upstream.name, err)
		}
		r.files[file.GetName()] = file
	}
	return nil
}

func (r *reflector) addService(service string) error {
	answer, err := r.ask(&rpb.ServerReflectionRequest{
		MessageRequest: &rpb.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
	})
	if errors.Is(err, errNotFound) {
		return fmt.Errorf("upstream %s (%s) does not serve %s%s", r.upstream.name, r.upstream.conn.target.addresses(), service, r.hint(service))
	}
	if err != nil {
		return err
	}
	return r.add(answer)
}

// hint says which services there are, if the server tells.
func (r *reflector) hint(service string) string {
	answer, err := r.ask(&rpb.ServerReflectionRequest{MessageRequest: &rpb.ServerReflectionRequest_ListServices{}})
	if err != nil {
		return ""
	}
	var served []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		if !strings.HasPrefix(s.GetName(), "grpc.reflection.") {
			served = append(served, s.GetName())
		}
	}
	if guess := suggest.DidYouMean(service, served); guess != "" {
		return guess
	}
	slices.Sort(served)
	return "; it serves " + strings.Join(served, ", ")
}

// addImports asks for what the files import, until nothing is missing.
func (r *reflector) addImports() error {
	for {
		importer, name := r.missing()
		if name == "" {
			return nil
		}
		answer, err := r.ask(&rpb.ServerReflectionRequest{
			MessageRequest: &rpb.ServerReflectionRequest_FileByFilename{FileByFilename: name},
		})
		switch {
		case errors.Is(err, errNotFound) && strings.HasPrefix(name, "google/protobuf/"):
			r.files[name] = nil // some servers leave these out; every schema knows them
			continue
		case errors.Is(err, errNotFound):
			return fmt.Errorf("upstream %s: server reflection lacks %s, which %s imports", r.upstream.name, name, importer)
		case err != nil:
			return err
		}
		if err := r.add(answer); err != nil {
			return err
		}
		if r.files[name] == nil {
			return fmt.Errorf("upstream %s: server reflection was asked for %s and sent another file", r.upstream.name, name)
		}
	}
}

// missing returns an import that is not there yet, and the file that imports it.
func (r *reflector) missing() (importer, name string) {
	for importer, file := range r.files {
		for _, name := range file.GetDependency() {
			if _, ok := r.files[name]; !ok {
				return importer, name
			}
		}
	}
	return "", ""
}

// sorted returns the files in order of their names, except that each comes after its imports.
func (r *reflector) sorted() []*descriptorpb.FileDescriptorProto {
	names := make([]string, 0, len(r.files))
	for name := range r.files {
		names = append(names, name)
	}
	slices.Sort(names)
	sorted := make([]*descriptorpb.FileDescriptorProto, 0, len(names))
	done := make(map[string]bool, len(names))
	var visit func(name string)
	visit = func(name string) {
		file := r.files[name]
		if done[name] || file == nil {
			return
		}
		done[name] = true // before the imports, so that a cycle, which linking refuses, ends here
		for _, dependency := range file.GetDependency() {
			visit(dependency)
		}
		sorted = append(sorted, file)
	}
	for _, name := range names {
		visit(name)
	}
	return sorted
}
