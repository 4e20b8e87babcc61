package schema

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/bufbuild/protocompile/ast"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/problem"
)

// Position returns where a descriptor is declared. Of descriptors that are not from .proto documents only the document
// is known, if they are from one.
func (s *Schema) Position(descriptor protoreflect.Descriptor) problem.Position {
	file := descriptor.ParentFile()
	return s.sources.locate(file, file.SourceLocations().ByDescriptor(descriptor))
}

// HTTPRulePosition returns where the google.api.http option of a method stands.
func (s *Schema) HTTPRulePosition(method protoreflect.MethodDescriptor) problem.Position {
	file := method.ParentFile()
	path := slices.Clone(file.SourceLocations().ByDescriptor(method).Path)
	path = append(path, methodOptions, int32(annotations.E_Http.TypeDescriptor().Number()))
	if location := file.SourceLocations().ByPath(path); len(location.Path) > 0 {
		return s.sources.locate(file, location)
	}
	return s.Position(method)
}

// methodOptions is the number of the field `options` of google.protobuf.MethodDescriptorProto.
var methodOptions = int32((*descriptorpb.MethodDescriptorProto)(nil).ProtoReflect().Descriptor().Fields().ByName("options").Number())

// locate turns a source location of a file into a position.
func (all sources) locate(file protoreflect.FileDescriptor, location protoreflect.SourceLocation) problem.Position {
	s, ok := all[file.Path()]
	switch {
	case !ok:
		return problem.Position{Document: file.Path()}
	case s.text == nil || len(location.Path) == 0:
		return s.at
	}
	return problem.Position{
		Document: s.path,
		Line:     location.StartLine + 1,
		Column:   byteColumn(s.text, location.StartLine, location.StartColumn),
	}
}

// position turns a position of the compiler into one of ours.
func (all sources) position(at ast.SourcePos) problem.Position {
	s, ok := all[at.Filename]
	switch {
	case !ok:
		return problem.Position{Document: at.Filename}
	case s.text == nil || at.Line < 1:
		return s.at
	}
	return problem.Position{Document: s.path, Line: at.Line, Column: byteColumn(s.text, at.Line-1, at.Col-1)}
}

// byteColumn converts a column as protoc counts it, from 0, in characters with tab stops of eight, to one in bytes,
// from 1.
func byteColumn(text []byte, line, column int) int {
	for range line {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	i := 0
	for at := 0; at < column && i < len(text); {
		if text[i] == '\t' {
			at += 8 - at%8
			i++
			continue
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
		at++
	}
	return i + 1
}
