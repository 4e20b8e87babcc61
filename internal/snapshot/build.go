package snapshot

import (
	"context"

	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/problem"
	"facet/internal/schema"
	"facet/internal/upstream"
)

// Build compiles documents into a snapshot, or returns every problem they have. Its upstreams are open: close the
// snapshot, or publish it.
func Build(ctx context.Context, documents []Document, pool *upstream.Pool) (*Snapshot, problem.List) {
	config, problems := merge(documents)
	decoded := len(problems) == 0
	problems = append(problems, config.check()...)
	opened, openProblems := openUpstreams(config.upstreams, pool)
	problems = append(problems, openProblems...)

	sets, reflectProblems := opened.reflect(ctx)
	problems = append(problems, reflectProblems...)
	linked, schemaProblems := link(ctx, config, sets, len(reflectProblems) == 0)
	problems = append(problems, schemaProblems...)

	s := &Snapshot{Hash: Hash(documents), Schema: linked, open: opened.closers()}
	if decoded && linked != nil {
		problems = append(problems, s.compile(config, opened)...)
	}
	if len(problems) == 0 {
		return s, nil
	}
	problems.Sort()
	if err := s.Close(); err != nil {
		problems = append(problems, problem.At(problem.Position{}, "closing the upstreams of the refused documents: %v", err))
	}
	return nil, problems
}

// link links the descriptors. If some could not be reflected, what imports them would have problems that are not its own;
// so there is no schema then.
func link(ctx context.Context, config *configuration, sets []schema.Set, complete bool) (*schema.Schema, problem.List) {
	if !complete {
		return nil, nil
	}
	return schema.Build(ctx, config.files, sets...)
}

// compile fills the snapshot with what the documents configure. If services are unknown, so are the methods of
// them, and what the methods would say about it is left out.
func (s *Snapshot) compile(config *configuration, opened *upstreams) problem.List {
	problems := opened.checkServices(s.Schema)
	if len(problems) > 0 {
		return problems
	}
	config.fillDefaults()
	s.Limits = config.limits.config
	s.JSON = pbwire.Options{Unset: config.unset(), Types: s.Schema.Types()}
	s.Router = new(httprule.Router[*Method])
	s.Methods = make(map[string]*Method, len(config.methods))
	s.Upstreams = config.plainUpstreams()
	return s.compileMethods(config.methods, opened)
}
