package server

import (
	"errors"
	"maps"
	"slices"

	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/snapshot"
)

// own are the services that the gateway itself has, and the types that are not in any contract: details of errors.
var own = []protoreflect.FileDescriptor{
	errdetails.File_google_rpc_error_details_proto,
	healthpb.File_grpc_health_v1_health_proto,
	reflectionpb.File_grpc_reflection_v1_reflection_proto,
}

// contract is what the clients of a snapshot may know: the services of which a method is served, those methods of
// theirs, and the files that these reach.
type contract struct {
	hash    string
	methods map[protoreflect.FullName]bool // served
	files   *protoregistry.Files
	types   *protoregistry.Types
	sent    map[string]bool // the paths of the files that the client has
}

func contractOf(snap *snapshot.Snapshot) *contract {
	c := &contract{
		hash:    snap.Hash,
		methods: map[protoreflect.FullName]bool{},
		files:   new(protoregistry.Files),
		types:   snap.Schema.Types(),
		sent:    map[string]bool{},
	}
	for _, m := range snap.Methods {
		c.methods[m.Descriptor.FullName()] = true
		c.reach(m.Descriptor.ParentFile())
	}
	for _, file := range own {
		c.reach(file)
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				c.methods[methods.Get(j).FullName()] = true
			}
		}
	}
	return c
}

// reach adds a file and what it imports. A file of the documents hides one of the gateway's own.
func (c *contract) reach(file protoreflect.FileDescriptor) {
	if _, err := c.files.FindFileByPath(file.Path()); err == nil || file.IsPlaceholder() {
		return
	}
	if err := c.files.RegisterFile(file); err != nil {
		return
	}
	for i := range file.Imports().Len() {
		c.reach(file.Imports().Get(i).FileDescriptor)
	}
}

// answer answers one question.
func (c *contract) answer(question *reflectionpb.ServerReflectionRequest) *reflectionpb.ServerReflectionResponse {
	answer := &reflectionpb.ServerReflectionResponse{ValidHost: question.GetHost(), OriginalRequest: question}
	if err := c.fill(answer, question); err != nil {
		code := status.Code(err)
		if errors.Is(err, protoregistry.NotFound) {
			code = codes.NotFound
		}
		answer.MessageResponse = &reflectionpb.ServerReflectionResponse_ErrorResponse{
			ErrorResponse: &reflectionpb.ErrorResponse{ErrorCode: int32(code), ErrorMessage: status.Convert(err).Message()},
		}
	}
	return answer
}

func (c *contract) fill(answer *reflectionpb.ServerReflectionResponse, question *reflectionpb.ServerReflectionRequest) (err error) {
	var file protoreflect.FileDescriptor
	switch q := question.GetMessageRequest().(type) {
	case *reflectionpb.ServerReflectionRequest_ListServices:
		answer.MessageResponse = &reflectionpb.ServerReflectionResponse_ListServicesResponse{ListServicesResponse: c.services()}
		return nil
	case *reflectionpb.ServerReflectionRequest_AllExtensionNumbersOfType:
		list, err := c.extensions(protoreflect.FullName(q.AllExtensionNumbersOfType))
		answer.MessageResponse = &reflectionpb.ServerReflectionResponse_AllExtensionNumbersResponse{AllExtensionNumbersResponse: list}
		return err
	case *reflectionpb.ServerReflectionRequest_FileByFilename:
		file, err = c.files.FindFileByPath(q.FileByFilename)
	case *reflectionpb.ServerReflectionRequest_FileContainingSymbol:
		file, err = c.fileOf(protoreflect.FullName(q.FileContainingSymbol))
	case *reflectionpb.ServerReflectionRequest_FileContainingExtension:
		file, err = c.fileOfExtension(q.FileContainingExtension)
	default:
		err = status.Error(codes.InvalidArgument, "the question is of no known kind")
	}
	if err != nil {
		return err
	}
	list := new(reflectionpb.FileDescriptorResponse)
	answer.MessageResponse = &reflectionpb.ServerReflectionResponse_FileDescriptorResponse{FileDescriptorResponse: list}
	delete(c.sent, file.Path()) // a file that is asked for is sent again
	return c.send(file, list)
}

// send adds a file, and what it imports as far as the client does not have it yet.
func (c *contract) send(file protoreflect.FileDescriptor, to *reflectionpb.FileDescriptorResponse) error {
	if c.sent[file.Path()] || file.IsPlaceholder() {
		return nil
	}
	c.sent[file.Path()] = true
	wire, err := proto.Marshal(c.shown(file))
	if err != nil {
		return err
	}
	to.FileDescriptorProto = append(to.FileDescriptorProto, wire)
	for i := range file.Imports().Len() {
		if err := c.send(file.Imports().Get(i).FileDescriptor, to); err != nil {
			return err
		}
	}
	return nil
}

// shown returns a file without the services and methods that are not served.
func (c *contract) shown(file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	shown := proto.CloneOf(protoutil.ProtoFromFileDescriptor(file))
	shown.Service = slices.DeleteFunc(shown.Service, func(service *descriptorpb.ServiceDescriptorProto) bool {
		name := file.Services().ByName(protoreflect.Name(service.GetName())).FullName()
		service.Method = slices.DeleteFunc(service.Method, func(method *descriptorpb.MethodDescriptorProto) bool {
			return !c.methods[name.Append(protoreflect.Name(method.GetName()))]
		})
		return len(service.Method) == 0
	})
	shown.SourceCodeInfo = nil // its paths count the services and methods that are gone
	return shown
}

// services lists the services by name.
func (c *contract) services() *reflectionpb.ListServiceResponse {
	names := map[string]bool{}
	for method := range c.methods {
		names[string(method.Parent())] = true
	}
	list := &reflectionpb.ListServiceResponse{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		list.Service = append(list.Service, &reflectionpb.ServiceResponse{Name: name})
	}
	return list
}

// fileOf returns the file that declares a name, unless it is that of a service or method that is not served.
func (c *contract) fileOf(name protoreflect.FullName) (protoreflect.FileDescriptor, error) {
	declared, err := c.files.FindDescriptorByName(name)
	if err != nil {
		return nil, err
	}
	hidden := false
	switch d := declared.(type) {
	case protoreflect.ServiceDescriptor:
		hidden = !c.serves(name)
	case protoreflect.MethodDescriptor:
		hidden = !c.methods[d.FullName()]
	}
	if hidden {
		return nil, protoregistry.NotFound
	}
	return declared.ParentFile(), nil
}

func (c *contract) serves(service protoreflect.FullName) bool {
	for method := range c.methods {
		if method.Parent() == service {
			return true
		}
	}
	return false
}

func (c *contract) fileOfExtension(q *reflectionpb.ExtensionRequest) (protoreflect.FileDescriptor, error) {
	number := protoreflect.FieldNumber(q.GetExtensionNumber())
	extension, err := c.types.FindExtensionByNumber(protoreflect.FullName(q.GetContainingType()), number)
	if err != nil {
		return nil, err
	}
	return c.files.FindFileByPath(extension.TypeDescriptor().ParentFile().Path()) // not, if nothing served reaches it
}

// extensions lists the numbers of the extensions of a message.
func (c *contract) extensions(message protoreflect.FullName) (*reflectionpb.ExtensionNumberResponse, error) {
	if _, err := c.files.FindDescriptorByName(message); err != nil {
		return nil, err
	}
	list := &reflectionpb.ExtensionNumberResponse{BaseTypeName: string(message)}
	c.types.RangeExtensionsByMessage(message, func(extension protoreflect.ExtensionType) bool {
		if _, err := c.files.FindFileByPath(extension.TypeDescriptor().ParentFile().Path()); err == nil {
			list.ExtensionNumber = append(list.ExtensionNumber, int32(extension.TypeDescriptor().Number()))
		}
		return true
	})
	slices.Sort(list.ExtensionNumber)
	return list, nil
}
