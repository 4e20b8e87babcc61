package snapshot

import (
	"maps"
	"path"
	"slices"
	"strings"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/document"
	"facet/internal/problem"
	"facet/internal/schema"
)

// A located is a part of the documents' configuration, and where it stands.
type located[T any] struct {
	config    T
	positions *document.Positions
	path      []string // within its document
}

// at returns the position of a value below the part.
func (l located[T]) at(path ...string) problem.Position {
	return l.positions.At(slices.Concat(l.path, path)...)
}

// key returns the position of the key of the part, or of a value below it.
func (l located[T]) key(path ...string) problem.Position {
	return l.positions.AtKey(slices.Concat(l.path, path)...)
}

// configuration is all documents, merged.
type configuration struct {
	upstreams map[string]located[*gatewayv1.Upstream]
	methods   map[string]located[*gatewayv1.Method]
	json      located[*gatewayv1.Json]   // its config is nil if no document sets it
	limits    located[*gatewayv1.Limits] // the same
	files     []schema.File
}

// merge decodes the documents and puts them together.
func merge(documents []Document) (*configuration, problem.List) {
	c := &configuration{
		upstreams: map[string]located[*gatewayv1.Upstream]{},
		methods:   map[string]located[*gatewayv1.Method]{},
	}
	var problems problem.List
	seen := map[string]bool{}
	for _, d := range slices.SortedFunc(slices.Values(documents), func(a, b Document) int { return strings.Compare(a.Name, b.Name) }) {
		if seen[d.Name] {
			problems = append(problems, problem.At(problem.Position{Document: d.Name}, "there are two documents of this name"))
			continue
		}
		seen[d.Name] = true
		problems = append(problems, c.add(d)...)
	}
	return c, problems
}

// add reads one document by what its name ends in.
func (c *configuration) add(d Document) problem.List {
	switch path.Ext(d.Name) {
	case ".yaml", ".yml", ".json":
		return c.addGateway(d)
	case ".proto", ".binpb", ".pb", ".desc", ".protoset":
		c.files = append(c.files, schema.File{Name: d.Name, Data: d.Data})
		return nil
	}
	return problem.List{problem.At(problem.Position{Document: d.Name},
		"unknown kind of document; want .yaml, .yml or .json for settings, .proto, .binpb, .pb, .desc or .protoset for descriptors")}
}

func (c *configuration) addGateway(d Document) problem.List {
	gateway := new(gatewayv1.Gateway)
	positions, problems := document.Decode(d.Name, d.Data, gateway)
	problems = append(problems, addNamed(c.upstreams, gateway.GetUpstreams(), positions, "upstreams", "upstream")...)
	problems = append(problems, addNamed(c.methods, gateway.GetMethods(), positions, "methods", "method")...)
	if gateway.Json != nil {
		problems = append(problems, addOnce(&c.json, located[*gatewayv1.Json]{gateway.Json, positions, []string{"json"}})...)
	}
	if gateway.Limits != nil {
		problems = append(problems, addOnce(&c.limits, located[*gatewayv1.Limits]{gateway.Limits, positions, []string{"limits"}})...)
	}
	return problems
}

// addNamed adds the entries of one document to those of all; what is defined twice is a problem.
func addNamed[T any](all map[string]located[T], entries map[string]T, positions *document.Positions, field, kind string) problem.List {
	var problems problem.List
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		entry := located[T]{entries[name], positions, []string{field, name}}
		if first, ok := all[name]; ok {
			problems = append(problems, problem.At(entry.key(), "%s %q is defined in %s too; keep one of them", kind, name, first.key()))
			continue
		}
		all[name] = entry
	}
	return problems
}

// addOnce sets what one document may set.
func addOnce[T any](all *located[T], entry located[T]) problem.List {
	if all.positions != nil {
		return problem.List{problem.At(entry.key(), "%q is set in %s too; one document may set it", entry.path[0], all.key())}
	}
	*all = entry
	return nil
}

// plainUpstreams returns the upstreams without where they stand.
func (c *configuration) plainUpstreams() map[string]*gatewayv1.Upstream {
	plain := make(map[string]*gatewayv1.Upstream, len(c.upstreams))
	for name, u := range c.upstreams {
		plain[name] = u.config
	}
	return plain
}
