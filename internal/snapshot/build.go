package snapshot

import (
	"bytes"
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/proto"

	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/plan"
	"facet/internal/problem"
	"facet/internal/schema"
	"facet/internal/upstream"
)

// Build compiles documents into a snapshot, or returns every problem they have. Its upstreams are open: close the
// snapshot, or publish it.
func Build(ctx context.Context, documents []Document, pool *upstream.Pool) (*Snapshot, problem.List) {
	return NewBuilder(pool).Build(ctx, documents)
}

// Builder builds one snapshot after another. Of each it compiles what differs from the last one that had no problems; the
// outcome is that of a build from nothing. It is safe for concurrent use.
type Builder struct {
	pool *upstream.Pool

	mu   sync.Mutex // one build at a time
	last parts
}

// parts is what of a snapshot the next one may use again. They do not refer to the snapshot, which is thus free
// when it is retired.
type parts struct {
	readings  map[string]*reading
	upstreams map[string]*sharedUpstream
	schema    linked
	methods   map[string]*compiled
}

// NewBuilder returns a builder that has not built anything yet.
func NewBuilder(pool *upstream.Pool) *Builder { return &Builder{pool: pool} }

// Build is [Build], over what the last build left. The builder keeps the documents: their data is not to be changed.
func (b *Builder) Build(ctx context.Context, documents []Document) (*Snapshot, problem.List) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s, built, problems := b.build(ctx, documents)
	if len(problems) == 0 {
		b.last = built
		for _, r := range built.readings {
			r.positions.forget()
		}
		return s, nil
	}
	problems.Sort()
	if err := s.Close(); err != nil {
		problems = append(problems, problem.At(problem.Position{}, "closing the upstreams of the refused documents: %v", err))
	}
	return nil, problems
}

// build goes through the parts of a snapshot. If there are problems it and its parts are incomplete.
func (b *Builder) build(ctx context.Context, documents []Document) (*Snapshot, parts, problem.List) {
	config, problems := merge(documents, b.last.readings)
	decoded := len(problems) == 0
	problems = append(problems, config.check()...)
	opened, openProblems := openUpstreams(config.upstreams, b.pool, b.last.upstreams)
	problems = append(problems, openProblems...)

	sets, reflectProblems := opened.reflect(ctx)
	problems = append(problems, reflectProblems...)
	built := parts{readings: config.readings, upstreams: opened.open}
	if len(reflectProblems) == 0 { // what imports a file that is missing would have problems that are not its own
		var schemaProblems problem.List
		built.schema, schemaProblems = b.last.schema.link(ctx, config.files, sets)
		problems = append(problems, schemaProblems...)
	}
	s := &Snapshot{Hash: Hash(documents), Schema: built.schema.schema, open: opened.closers()}
	if decoded && s.Schema != nil {
		var methodProblems problem.List
		built.methods, methodProblems = s.compile(config, opened, built.schema, b.last)
		problems = append(problems, methodProblems...)
	}
	return s, built, problems
}

// linked is the descriptors of a snapshot, and what they were linked from.
type linked struct {
	files  []schema.File
	sets   []schema.Set
	schema *schema.Schema // nil if there were problems
	types  *plan.Types
	rules  *httprule.Shared
}

// link links descriptors, unless there are the same already.
func (l linked) link(ctx context.Context, files []schema.File, sets []schema.Set) (linked, problem.List) {
	if l.schema != nil && slices.EqualFunc(l.files, files, sameFile) && slices.EqualFunc(l.sets, sets, sameSet) {
		return l, nil
	}
	next := linked{files: files, sets: sets, rules: new(httprule.Shared)}
	var problems problem.List
	if next.schema, problems = l.schema.Rebuild(ctx, files, sets...); len(problems) > 0 {
		return linked{}, problems
	}
	var err error
	if next.types, err = plan.NewTypes(next.schema.Files(), next.schema.Types()); err != nil {
		return linked{}, problem.List{problem.At(problem.Position{}, "%v", err)}
	}
	return next, nil
}

func sameFile(a, b schema.File) bool { return a.Name == b.Name && bytes.Equal(a.Data, b.Data) }

func sameSet(a, b schema.Set) bool {
	return a.Name == b.Name && a.At == b.At && proto.Equal(a.Files, b.Files)
}

// compile fills the snapshot with what the documents configure. If services are unknown, so are the methods of
// them, and what the methods would say about it is left out.
func (s *Snapshot) compile(config *configuration, opened *upstreams, l linked, last parts) (map[string]*compiled, problem.List) {
	problems := opened.checkServices(s.Schema)
	if len(problems) > 0 {
		return nil, problems
	}
	s.Limits = config.filledLimits()
	s.CORS = config.filledCORS()
	s.JSON = pbwire.Options{Unset: config.unset(), Types: s.Schema.Types()}
	s.Router = new(httprule.Router[*Method])
	s.Methods = make(map[string]*Method, len(config.methods))
	s.Upstreams = config.plainUpstreams()
	c := methodsCompiler{linked: l, callers: opened.callers()}
	if last.schema.schema != nil && last.schema.schema != l.schema {
		c.since = l.types.Since(last.schema.types)
	}
	return s.compileMethods(config.methods, c, last.methods)
}

// concurrently does something for each of n indexes, on all processors.
func concurrently(n int, do func(i int)) {
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		running.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	running.Wait()
}
