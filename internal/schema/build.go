package schema

import (
	"context"
	"slices"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"facet/internal/problem"
)

// Build compiles and links the files of documents and of further sets. google/protobuf, google/api, google/rpc
// and google/type are built in. It returns no schema if there is a problem.
func Build(ctx context.Context, files []File, sets ...Set) (*Schema, problem.List) {
	return (*Schema)(nil).Rebuild(ctx, files, sets...)
}

// Rebuild is [Build], but takes from the schema, unless it is nil, the files that have not changed.
func (s *Schema) Rebuild(ctx context.Context, files []File, sets ...Set) (*Schema, problem.List) {
	all, problems := collect(files, sets)
	if kept := s.unchanged(all); len(kept) > 0 && len(problems) == 0 {
		if next, problems := build(ctx, all, kept); len(problems) == 0 {
			return next, nil
		}
		// What is wrong, and how it is put, may depend on all files.
	}
	next, buildProblems := build(ctx, all, nil)
	if problems = append(problems, buildProblems...); len(problems) > 0 {
		problems.Sort()
		return nil, problems
	}
	return next, nil
}

// unchanged returns the linked files, by path, that are the same in the sources, with all that they import.
func (s *Schema) unchanged(all sources) map[string]protoreflect.FileDescriptor {
	if s == nil {
		return nil
	}
	kept, visited := map[string]protoreflect.FileDescriptor{}, map[string]bool{}
	var visit func(path string) bool
	visit = func(path string) bool {
		if visited[path] {
			return kept[path] != nil
		}
		visited[path] = true
		if !s.sources[path].equal(all[path]) {
			return false
		}
		file, err := s.files.FindFileByPath(path)
		if err != nil {
			return false
		}
		for i := range file.Imports().Len() {
			if imported := file.Imports().Get(i).Path(); standardImport(imported) == nil && !visit(imported) {
				return false
			}
		}
		kept[path] = file
		return true
	}
	for path := range s.sources {
		visit(path)
	}
	return kept
}

// build compiles and links files; those that are kept are linked already.
func build(ctx context.Context, all sources, kept map[string]protoreflect.FileDescriptor) (*Schema, problem.List) {
	p := parse(all, kept)
	linked, linkProblems := p.link(ctx)
	problems := slices.Concat(p.problems, linkProblems)
	if len(problems) == 0 {
		problems = all.compare(linked)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	s := &Schema{files: new(protoregistry.Files), types: new(protoregistry.Types), sources: all}
	for _, file := range linked {
		if err := s.register(file); err != nil {
			return nil, problem.List{problem.At(all[file.Path()].at, "%s: %v", all[file.Path()], err)}
		}
	}
	return s, nil
}

// link links the files that are sound. Where their declarations stand is left out, see [Schema.Position].
func (p *parsed) link(ctx context.Context) (linker.Files, problem.List) {
	collector := newCollector(p.sources)
	collector.trees = p.trees
	compiler := protocompile.Compiler{
		Resolver: protocompile.ResolverFunc(p.resolve),
		Reporter: collector,
	}
	linked, err := compiler.Compile(ctx, p.sound()...)
	if err != nil {
		return nil, collector.list(err, nil)
	}
	return linked, nil
}

// resolve gives the compiler a file. It only asks for what there is: the imports are checked.
func (p *parsed) resolve(path string) (protocompile.SearchResult, error) {
	if file := standardImport(path); file != nil {
		return protocompile.SearchResult{Desc: file}, nil
	}
	if file := p.kept[path]; file != nil {
		return protocompile.SearchResult{Desc: file}, nil
	}
	s, ok := p.sources[path]
	if !ok {
		return protocompile.SearchResult{}, protoregistry.NotFound
	}
	return protocompile.SearchResult{AST: p.trees[path], Proto: s.descriptor}, nil
}

// compare reports files that come from several sources with different content.
func (all sources) compare(linked linker.Files) problem.List {
	var problems problem.List
	for _, file := range linked {
		if s := all[file.Path()]; len(s.others) > 0 {
			problems = append(problems, s.compare(protoutil.ProtoFromFileDescriptor(file))...)
		}
	}
	return problems
}

// register adds a file and the standard files that it imports.
func (s *Schema) register(file protoreflect.FileDescriptor) error {
	if _, err := s.files.FindFileByPath(file.Path()); err == nil {
		return nil
	}
	for i := range file.Imports().Len() {
		if err := s.register(file.Imports().Get(i).FileDescriptor); err != nil {
			return err
		}
	}
	if err := s.files.RegisterFile(file); err != nil {
		return err
	}
	return s.registerTypes(file)
}

// container is what declares types: a file or a message.
type container interface {
	Messages() protoreflect.MessageDescriptors
	Enums() protoreflect.EnumDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

func (s *Schema) registerTypes(c container) error {
	for i := range c.Enums().Len() {
		if err := s.types.RegisterEnum(dynamicpb.NewEnumType(c.Enums().Get(i))); err != nil {
			return err
		}
	}
	for i := range c.Extensions().Len() {
		if err := s.types.RegisterExtension(dynamicpb.NewExtensionType(c.Extensions().Get(i))); err != nil {
			return err
		}
	}
	for i := range c.Messages().Len() {
		if err := s.types.RegisterMessage(dynamicpb.NewMessageType(c.Messages().Get(i))); err != nil {
			return err
		}
		if err := s.registerTypes(c.Messages().Get(i)); err != nil {
			return err
		}
	}
	return nil
}
