package schema

import (
	"bytes"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/problem"
	"facet/internal/suggest"
)

// parsed is what is to be linked: files that are free of mistakes by themselves and whose imports are too.
type parsed struct {
	sources  sources
	kept     map[string]protoreflect.FileDescriptor // linked already, by path
	trees    map[string]*ast.FileNode               // of .proto text, by path
	problems problem.List
	// broken are the files that have problems or import one that does, so that one mistake is one problem.
	broken map[string]bool
}

// parse reads all .proto text, but for that of the files that are kept, and checks that what files import is there.
func parse(all sources, kept map[string]protoreflect.FileDescriptor) *parsed {
	p := &parsed{sources: all, kept: kept, trees: map[string]*ast.FileNode{}, broken: map[string]bool{}}
	imports := map[string][]string{}
	for _, path := range all.paths() {
		if kept[path] == nil { // it imports what is sound
			imports[path] = p.file(all[path])
		}
	}
	p.findCycles(imports)
	p.spread(imports)
	return p
}

// file parses one file, if it is text, and returns what it imports.
func (p *parsed) file(s *source) []string {
	if s.text == nil {
		p.checkDescriptor(s)
		return s.descriptor.GetDependency()
	}
	collector := newCollector(p.sources)
	tree, err := parser.Parse(s.path, bytes.NewReader(s.text), reporter.NewHandler(collector))
	if err != nil || tree == nil {
		p.fail(s.path, collector.list(err, s)...)
		return nil
	}
	p.trees[s.path] = tree
	var imports []string
	for _, declaration := range tree.Decls {
		if node, ok := declaration.(*ast.ImportNode); ok {
			imports = append(imports, node.Name.AsString())
			if !p.known(node.Name.AsString()) {
				at := p.sources.position(tree.NodeInfo(node.Name).Start())
				p.fail(s.path, p.unknownImport(at, s.path, node.Name.AsString()))
			}
		}
	}
	return imports
}

// checkDescriptor checks what the compiler takes for granted of descriptors: it reads them as if protoc had written
// them.
func (p *parsed) checkDescriptor(s *source) {
	if _, err := (protodesc.FileOptions{AllowUnresolvable: true}).New(s.descriptor, nil); err != nil {
		p.fail(s.path, problem.At(s.at, "%s is not valid: %v", s, err))
		return
	}
	for _, path := range s.descriptor.GetDependency() {
		if !p.known(path) {
			p.fail(s.path, problem.At(s.at, "%s imports %q, which is not there; build the set with its imports (protoc --include_imports)", s, path))
		}
	}
}

func (p *parsed) fail(path string, problems ...problem.Problem) {
	p.broken[path] = true
	p.problems = append(p.problems, problems...)
}

func (p *parsed) known(path string) bool {
	return p.sources[path] != nil || standardImport(path) != nil
}

// unknownImport makes the problem of an import that is not there. The file may be there under another root.
func (p *parsed) unknownImport(at problem.Position, importer, path string) problem.Problem {
	candidates := slices.DeleteFunc(append(p.sources.paths(), standardImports()...), func(name string) bool { return name == importer })
	for _, candidate := range candidates {
		if strings.HasSuffix(candidate, "/"+path) || strings.HasSuffix(path, "/"+candidate) {
			return problem.At(at, `unknown import %q; did you mean %q?`, path, candidate)
		}
	}
	slices.Sort(candidates)
	return problem.At(at, "unknown import %q: it is not among the documents%s", path, suggest.DidYouMean(path, candidates))
}

// spread marks the files as broken that import a broken one.
func (p *parsed) spread(imports map[string][]string) {
	for changed := true; changed; {
		changed = false
		for path, imported := range imports {
			if !p.broken[path] && slices.ContainsFunc(imported, func(name string) bool { return p.broken[name] }) {
				p.broken[path], changed = true, true
			}
		}
	}
}

// sound returns the paths of the files to link, sorted.
func (p *parsed) sound() []string {
	return slices.DeleteFunc(p.sources.paths(), func(path string) bool { return p.broken[path] })
}
