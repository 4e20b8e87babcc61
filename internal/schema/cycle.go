package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/bufbuild/protocompile/ast"

	"facet/internal/problem"
)

// findCycles refuses files that import each other in a circle. The compiler would find the circle too, but at which of the
// files depends on its timing.
func (p *parsed) findCycles(imports map[string][]string) {
	var (
		trail   []string // from a file to what it imports, and so on
		visited = map[string]bool{}
		visit   func(path string)
	)
	visit = func(path string) {
		if start := slices.Index(trail, path); start >= 0 {
			p.failCycle(trail[start:])
			return
		}
		if visited[path] {
			return
		}
		visited[path] = true
		trail = append(trail, path)
		for _, imported := range imports[path] {
			visit(imported)
		}
		trail = trail[:len(trail)-1]
	}
	for _, path := range p.sources.paths() {
		visit(path)
	}
}

// failCycle makes one problem of a circle, at the import that leads on from the file that sorts first.
func (p *parsed) failCycle(files []string) {
	first := slices.Index(files, slices.Min(files))
	circle := slices.Concat(files[first:], files[:first+1])
	quoted := make([]string, len(circle))
	for i, path := range circle {
		p.broken[path] = true
		quoted[i] = strconv.Quote(path)
	}
	at := p.importPosition(circle[0], circle[1])
	p.fail(circle[0], problem.At(at, "cycle found in imports: %s", strings.Join(quoted, " -> ")))
}

// importPosition tells where a file imports another.
func (p *parsed) importPosition(path, imported string) problem.Position {
	tree := p.trees[path]
	if tree == nil { // of a descriptor set
		return p.sources[path].at
	}
	for _, declaration := range tree.Decls {
		if node, ok := declaration.(*ast.ImportNode); ok && node.Name.AsString() == imported {
			return p.sources.position(tree.NodeInfo(node.Name).Start())
		}
	}
	return p.sources[path].at
}
