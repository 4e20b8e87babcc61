package snapshot

import (
	"maps"
	"path"
	"slices"
	"strings"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/problem"
	"facet/internal/schema"
)

// A located is a part of the documents' configuration, and where it stands.
type located[T any] struct {
	config    T
	positions *positions
	path      []string // within its document
}

// at returns the position of a value below the part.
func (l located[T]) at(path ...string) problem.Position {
	return l.positions.get().At(slices.Concat(l.path, path)...)
}

// key returns the position of the key of the part, or of a value below it.
func (l located[T]) key(path ...string) problem.Position {
	return l.positions.get().AtKey(slices.Concat(l.path, path)...)
}

// configuration is all documents, merged.
type configuration struct {
	readings  map[string]*reading // by the name of their document
	upstreams map[string]located[*gatewayv1.Upstream]
	methods   map[string]located[*gatewayv1.Method]
	json      located[*gatewayv1.Json]   // its config is nil if no document sets it
	limits    located[*gatewayv1.Limits] // the same
	cors      located[*gatewayv1.Cors]   // the same
	files     []schema.File
}

// merge reads the documents and puts them together. What was read for the last snapshot is not read again.
func merge(documents []Document, last map[string]*reading) (*configuration, problem.List) {
	c := &configuration{
		readings:  map[string]*reading{},
		upstreams: map[string]located[*gatewayv1.Upstream]{},
		methods:   map[string]located[*gatewayv1.Method]{},
	}
	ordered, problems := unique(documents)
	for i, r := range readAll(ordered, last) {
		switch {
		case r != nil:
			problems = append(problems, c.add(r)...)
		case isDescriptors(ordered[i].Name):
			c.files = append(c.files, schema.File{Name: ordered[i].Name, Data: ordered[i].Data})
		default:
			problems = append(problems, problem.At(problem.Position{Document: ordered[i].Name},
				"unknown kind of document; want .yaml, .yml or .json for settings, .proto, .binpb, .pb, .desc or .protoset for descriptors"))
		}
	}
	return c, problems
}

// unique returns the documents in the order of their names; a name that is there twice is a problem.
func unique(documents []Document) ([]Document, problem.List) {
	ordered := slices.SortedStableFunc(slices.Values(documents), func(a, b Document) int { return strings.Compare(a.Name, b.Name) })
	var problems problem.List
	return slices.CompactFunc(ordered, func(a, b Document) bool {
		if a.Name == b.Name {
			problems = append(problems, problem.At(problem.Position{Document: b.Name}, "there are two documents of this name"))
		}
		return a.Name == b.Name
	}), problems
}

// readAll reads the documents of settings; those that are none have no reading.
func readAll(documents []Document, last map[string]*reading) []*reading {
	readings := make([]*reading, len(documents))
	concurrently(len(documents), func(i int) {
		d := documents[i]
		switch {
		case !isSettings(d.Name):
		case last[d.Name].of(d):
			readings[i] = last[d.Name]
		default:
			readings[i] = read(d)
		}
	})
	return readings
}

func isSettings(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

func isDescriptors(name string) bool {
	return slices.Contains([]string{".proto", ".binpb", ".pb", ".desc", ".protoset"}, path.Ext(name))
}

// add adds what a document says to what all say.
func (c *configuration) add(r *reading) problem.List {
	c.readings[r.document.Name] = r
	problems := slices.Clone(r.problems)
	problems = append(problems, addNamed(c.upstreams, r.gateway.GetUpstreams(), r.positions, "upstreams", "upstream")...)
	problems = append(problems, addNamed(c.methods, r.gateway.GetMethods(), r.positions, "methods", "method")...)
	if r.gateway.Json != nil {
		problems = append(problems, addOnce(&c.json, located[*gatewayv1.Json]{r.gateway.Json, r.positions, []string{"json"}})...)
	}
	if r.gateway.Limits != nil {
		problems = append(problems, addOnce(&c.limits, located[*gatewayv1.Limits]{r.gateway.Limits, r.positions, []string{"limits"}})...)
	}
	if r.gateway.Cors != nil {
		problems = append(problems, addOnce(&c.cors, located[*gatewayv1.Cors]{r.gateway.Cors, r.positions, []string{"cors"}})...)
	}
	return problems
}

// addNamed adds the entries of one document to those of all; what is defined twice is a problem.
func addNamed[T any](all map[string]located[T], entries map[string]T, positions *positions, field, kind string) problem.List {
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
