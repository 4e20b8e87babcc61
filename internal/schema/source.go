package schema

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/problem"
)

// File is one schema document: .proto text if its name ends in .proto, otherwise a binary
// google.protobuf.FileDescriptorSet.
type File struct {
	// Name is the import path of .proto text: `mall/v1/mall.proto`. Names are unique.
	Name string
	Data []byte
}

// Set is descriptors that are not documents: those of an upstream's server reflection.
type Set struct {
	// Name tells people where the set comes from: `the reflection of upstream user`.
	Name string
	// At is what problems with the set point at.
	At    problem.Position
	Files *descriptorpb.FileDescriptorSet
}

// A source is one .proto file, before it is linked: as text or as a descriptor.
type source struct {
	path       string
	text       []byte // of a .proto document
	descriptor *descriptorpb.FileDescriptorProto
	origin     string           // names where it comes from, for people
	at         problem.Position // what problems without a line point at
	others     []*source        // descriptors of the same path from other origins, not yet compared
}

// sources are the files of a schema by import path.
type sources map[string]*source

// collect finds the files of documents and sets; a document with text counts before other sources of the file. Files
// that are built in are left out, whatever they hold.
func collect(files []File, sets []Set) (sources, problem.List) {
	all, problems := sources{}, problem.List{}
	for _, file := range files {
		if strings.HasSuffix(file.Name, ".proto") {
			all.add(&source{path: file.Name, text: file.Data, origin: "the document " + file.Name, at: problem.Position{Document: file.Name}})
		}
	}
	for _, file := range files {
		if strings.HasSuffix(file.Name, ".proto") {
			continue
		}
		at := problem.Position{Document: file.Name}
		set := new(descriptorpb.FileDescriptorSet)
		// Options that only extensions describe stay as they are: nothing global may give them a meaning.
		if err := (proto.UnmarshalOptions{Resolver: new(protoregistry.Types)}).Unmarshal(file.Data, set); err != nil {
			problems = append(problems, problem.At(at, "not a binary google.protobuf.FileDescriptorSet, as protoc --descriptor_set_out writes it: %v", err))
			continue
		}
		all.addSet(Set{Name: "the document " + file.Name, At: at, Files: set})
	}
	for _, set := range sets {
		all.addSet(set)
	}
	return all, problems
}

func (all sources) addSet(set Set) {
	for _, file := range set.Files.GetFile() {
		all.add(&source{path: file.GetName(), descriptor: file, origin: set.Name, at: set.At})
	}
}

func (all sources) add(s *source) {
	switch first, ok := all[s.path]; {
	case standardImport(s.path) != nil:
	case ok:
		first.others = append(first.others, s)
	default:
		all[s.path] = s
	}
}

// paths returns the import paths, sorted.
func (all sources) paths() []string { return slices.Sorted(maps.Keys(all)) }

// equal tells whether two sources of a path hold the same file, and are its only ones.
func (s *source) equal(other *source) bool {
	if s == nil || other == nil || len(s.others) > 0 || len(other.others) > 0 {
		return false
	}
	return bytes.Equal(s.text, other.text) && (s.text == nil) == (other.text == nil) && proto.Equal(s.descriptor, other.descriptor)
}

// compare reports the other sources of a file that are not equal to it, once it is linked.
func (s *source) compare(linked *descriptorpb.FileDescriptorProto) problem.List {
	var problems problem.List
	want := normal(linked)
	for _, other := range s.others {
		if !proto.Equal(want, normal(other.descriptor)) {
			problems = append(problems, problem.At(other.at, "%s is in %s and, with other content, in %s; keep one of them", s.path, other.origin, s.origin))
		}
	}
	return problems
}

// normal returns a descriptor in the form in which equal content is equal: without positions and comments, and with
// the options of extensions that are known read.
func normal(file *descriptorpb.FileDescriptorProto) *descriptorpb.FileDescriptorProto {
	file = proto.Clone(file).(*descriptorpb.FileDescriptorProto)
	file.SourceCodeInfo = nil
	text, err := proto.MarshalOptions{Deterministic: true, AllowPartial: true}.Marshal(file)
	if err != nil {
		return file
	}
	again := new(descriptorpb.FileDescriptorProto)
	if err := (proto.UnmarshalOptions{AllowPartial: true}).Unmarshal(text, again); err != nil {
		return file
	}
	return again
}

// String names the source in messages.
func (s *source) String() string { return fmt.Sprintf("%s (%s)", s.path, s.origin) }
