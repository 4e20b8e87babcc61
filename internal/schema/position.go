package schema

import (
	"bytes"
	"context"
	"slices"
	"unicode/utf8"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/problem"
)

// Position returns where a descriptor is declared. Of descriptors that are not from .proto documents only the document
// is known, if they are from one.
func (s *Schema) Position(descriptor protoreflect.Descriptor) problem.Position {
	path := descriptor.ParentFile().Path()
	again, ok := s.relink(path)
	if !ok {
		return s.sources.locate(path, protoreflect.SourceLocation{})
	}
	return s.sources.locate(path, again.SourceLocations().ByDescriptor(again.FindDescriptorByName(descriptor.FullName())))
}

// HTTPRulePosition returns where the google.api.http option of a method stands.
func (s *Schema) HTTPRulePosition(method protoreflect.MethodDescriptor) problem.Position {
	path := method.ParentFile().Path()
	if again, ok := s.relink(path); ok {
		locations := again.SourceLocations()
		within := slices.Clone(locations.ByDescriptor(again.FindDescriptorByName(method.FullName())).Path)
		within = append(within, methodOptions, int32(annotations.E_Http.TypeDescriptor().Number()))
		if location := locations.ByPath(within); len(location.Path) > 0 {
			return s.sources.locate(path, location)
		}
	}
	return s.Position(method)
}

// relink links the file of a .proto document once more, now with where its declarations stand. Only problems need to know, and
// it takes as much memory as the descriptors themselves.
func (s *Schema) relink(path string) (linker.File, bool) {
	source, ok := s.sources[path]
	if !ok || source.text == nil {
		return nil, false
	}
	s.relinking.Lock()
	defer s.relinking.Unlock()
	if file, ok := s.relinked[path]; ok {
		return file, true
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.ResolverFunc(func(imported string) (protocompile.SearchResult, error) {
			if imported == path {
				return protocompile.SearchResult{Source: bytes.NewReader(source.text)}, nil
			}
			file, err := s.files.FindFileByPath(imported)
			return protocompile.SearchResult{Desc: file}, err
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	linked, err := compiler.Compile(context.Background(), path)
	if err != nil {
		return nil, false // it was linked before, so this does not happen; the document is known at least
	}
	if s.relinked == nil {
		s.relinked = map[string]linker.File{}
	}
	s.relinked[path] = linked[0]
	return linked[0], true
}

// methodOptions is the number of the field `options` of google.protobuf.MethodDescriptorProto.
var methodOptions = int32((*descriptorpb.MethodDescriptorProto)(nil).ProtoReflect().Descriptor().Fields().ByName("options").Number())

// locate turns a source location of a file into a position.
func (all sources) locate(path string, location protoreflect.SourceLocation) problem.Position {
	s, ok := all[path]
	switch {
	case !ok:
		return problem.Position{Document: path}
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
