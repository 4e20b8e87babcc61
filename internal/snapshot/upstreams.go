package snapshot

import (
	"context"
	"io"
	"strconv"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/plan"
	"facet/internal/problem"
	"facet/internal/schema"
	"facet/internal/upstream"
)

// reflectionTimeout bounds the server reflection of an upstream.
const reflectionTimeout = 5 * time.Second

// upstreams are the open upstreams of a snapshot.
type upstreams struct {
	configs map[string]located[*gatewayv1.Upstream]
	open    map[string]*sharedUpstream
}

// sharedUpstream is an upstream that is open for the snapshots that were built while its configuration stayed the same.
type sharedUpstream struct {
	*upstream.Upstream
	config *gatewayv1.Upstream
	users  users
}

// Close ends the use by one snapshot; with the last one the upstream closes.
func (u *sharedUpstream) Close() error {
	if u.users.leave() {
		return u.Upstream.Close()
	}
	return nil
}

// openUpstreams opens all upstreams; what opens is open even if others have problems. Nothing connects yet. Those
// of the last snapshot that are configured as before, and still open, are shared with it.
func openUpstreams(configs map[string]located[*gatewayv1.Upstream], pool *upstream.Pool, last map[string]*sharedUpstream) (*upstreams, problem.List) {
	u := &upstreams{configs: configs, open: make(map[string]*sharedUpstream, len(configs))}
	var problems problem.List
	for _, name := range sorted(configs) {
		config := configs[name].config
		if config.GetMaxReplyBytes() < 0 {
			continue // a problem already
		}
		if shared, ok := last[name]; ok && proto.Equal(shared.config, config) && shared.users.join() {
			u.open[name] = shared
			continue
		}
		opened, err := pool.Open(name, config)
		if err != nil {
			problems = append(problems, problem.At(configs[name].at("target"), "%v", err))
			continue
		}
		u.open[name] = &sharedUpstream{Upstream: opened, config: config}
		u.open[name].users.n.Store(1)
	}
	return u, problems
}

// closers returns what is to be closed with the snapshot.
func (u *upstreams) closers() []io.Closer {
	closers := make([]io.Closer, 0, len(u.open))
	for _, opened := range u.open {
		closers = append(closers, opened)
	}
	return closers
}

// reflect asks the upstreams that are to be reflected for their descriptors, all at once.
func (u *upstreams) reflect(ctx context.Context) ([]schema.Set, problem.List) {
	ctx, cancel := context.WithTimeout(ctx, reflectionTimeout)
	defer cancel()
	names := sorted(u.open)
	sets, errs := make([]schema.Set, len(names)), make([]error, len(names))
	var running sync.WaitGroup
	for i, name := range names {
		entry := u.configs[name]
		if !entry.config.GetReflection() {
			continue
		}
		sets[i] = schema.Set{Name: "the reflection of upstream " + name, At: entry.at("reflection")}
		running.Go(func() {
			sets[i].Files, errs[i] = u.open[name].Reflect(ctx, entry.config.GetServices())
		})
	}
	running.Wait()
	var problems problem.List
	for i, err := range errs {
		if err != nil {
			p := problem.At(sets[i].At, "%v", err)
			p.Passing = true // the upstream may be away, or about to be brought up to date
			problems = append(problems, p)
		}
	}
	return sets, problems
}

// checkServices reports services that the schema lacks.
func (u *upstreams) checkServices(s *schema.Schema) problem.List {
	var problems problem.List
	for _, name := range sorted(u.configs) {
		entry := u.configs[name]
		for i, service := range entry.config.GetServices() {
			if _, ok := s.Service(protoreflect.FullName(service)); !ok {
				problems = append(problems, problem.At(entry.at("services", strconv.Itoa(i)),
					"unknown service %q: neither documents nor reflection describe it%s", service, s.SuggestService(service)))
			}
		}
	}
	return problems
}

// callers returns who serves which service. One that did not open has a problem already.
func (u *upstreams) callers() map[protoreflect.FullName]plan.Upstream {
	callers := map[protoreflect.FullName]plan.Upstream{}
	for name, entry := range u.configs {
		caller := plan.Upstream{Name: name, Config: entry.config}
		if opened, ok := u.open[name]; ok {
			caller.Caller, caller.Config = opened.Upstream, opened.config
		}
		for _, service := range entry.config.GetServices() {
			callers[protoreflect.FullName(service)] = caller
		}
	}
	return callers
}
