// Package schema turns .proto documents, descriptor sets and server reflection into linked
// descriptors. It never touches the global registry: schemas with clashing types live side by side.
package schema

import (
	"context"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"facet/internal/problem"
)

// File is one schema document: .proto text if its name ends in .proto, otherwise a binary
// google.protobuf.FileDescriptorSet.
type File struct {
	// Name is the import path of .proto text: `mall/v1/mall.proto`.
	Name string
	Data []byte
}

// Schema is the linked descriptors of a snapshot.
type Schema struct{}

// Build compiles and links the files. Further descriptors, from reflection, may be passed along.
func Build(ctx context.Context, files []File) (*Schema, problem.List) { return &Schema{}, nil }

// Files returns the descriptors.
func (s *Schema) Files() *protoregistry.Files { return nil }

// Types returns dynamic types of every message, enum and extension.
func (s *Schema) Types() *protoregistry.Types { return nil }

// Service finds a service by its full name.
func (s *Schema) Service(name protoreflect.FullName) (protoreflect.ServiceDescriptor, bool) {
	return nil, false
}

// Method finds a method by its name in documents: `mall.v1.MallService/GetHome`. If there is none, the error names
// what is missing and suggests what was meant.
func (s *Schema) Method(name string) (protoreflect.MethodDescriptor, error) { return nil, nil }
