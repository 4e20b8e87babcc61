// Package schema turns .proto documents, descriptor sets and server reflection into linked
// descriptors. It never touches the global registry: schemas with clashing types live side by side.
package schema

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"facet/internal/suggest"
)

// Schema is the linked descriptors of a snapshot. It is immutable and safe for concurrent use.
type Schema struct {
	files   *protoregistry.Files
	types   *protoregistry.Types
	sources sources

	relinking sync.Mutex
	relinked  map[string]linker.File // see relink
}

// Files returns the descriptors, with those of the standard imports that are used.
func (s *Schema) Files() *protoregistry.Files { return s.files }

// Types returns dynamic types of every message, enum and extension.
func (s *Schema) Types() *protoregistry.Types { return s.types }

// Service finds a service by its full name.
func (s *Schema) Service(name protoreflect.FullName) (protoreflect.ServiceDescriptor, bool) {
	descriptor, err := s.files.FindDescriptorByName(name)
	if err != nil {
		return nil, false
	}
	service, ok := descriptor.(protoreflect.ServiceDescriptor)
	return service, ok
}

// Method finds a method by its name in documents: `mall.v1.MallService/GetHome`. If there is none, the error names
// what is missing and suggests what was meant.
func (s *Schema) Method(name string) (protoreflect.MethodDescriptor, error) {
	serviceName, methodName, ok := strings.Cut(name, "/")
	if !ok {
		return nil, fmt.Errorf("%q is not the name of a method: want package.Service/Method%s", name, suggest.DidYouMean(name, s.dottedMethods()))
	}
	service, ok := s.Service(protoreflect.FullName(serviceName))
	if !ok {
		return nil, fmt.Errorf("unknown service %q%s", serviceName, s.SuggestService(serviceName))
	}
	method := service.Methods().ByName(protoreflect.Name(methodName))
	if method == nil {
		return nil, fmt.Errorf("service %s has no method %q%s", serviceName, methodName, suggest.DidYouMean(methodName, methodNames(service)))
	}
	return method, nil
}

// SuggestService returns `; did you mean "x"?` for a service that there is, or "".
func (s *Schema) SuggestService(name string) string {
	var names []string
	s.rangeServices(func(service protoreflect.ServiceDescriptor) {
		names = append(names, string(service.FullName()))
	})
	slices.Sort(names) // of two that are as close, it is always the same
	return suggest.DidYouMean(name, names)
}

// dottedMethods returns the names of all methods: they are close to what a full name with a dot for the slash is.
func (s *Schema) dottedMethods() []string {
	var names []string
	s.rangeServices(func(service protoreflect.ServiceDescriptor) {
		for _, method := range methodNames(service) {
			names = append(names, string(service.FullName())+"/"+method)
		}
	})
	slices.Sort(names)
	return names
}

func (s *Schema) rangeServices(visit func(protoreflect.ServiceDescriptor)) {
	s.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			visit(file.Services().Get(i))
		}
		return true
	})
}

func methodNames(service protoreflect.ServiceDescriptor) []string {
	names := make([]string, service.Methods().Len())
	for i := range names {
		names[i] = string(service.Methods().Get(i).Name())
	}
	return names
}
