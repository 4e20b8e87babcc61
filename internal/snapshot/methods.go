package snapshot

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/problem"
)

// selectParameters are the query parameters that may hold a selection.
var selectParameters = []string{"select", "fields", "$fields"}

// compileMethods fills the snapshot's methods and router, and returns what of them the next snapshot may use again.
func (s *Snapshot) compileMethods(configs map[string]located[*gatewayv1.Method], c methodsCompiler, last map[string]*compiled) (map[string]*compiled, problem.List) {
	names := sorted(configs)
	outcomes := make([]*compiled, len(names))
	concurrently(len(names), func(i int) { outcomes[i] = c.method(names[i], configs[names[i]], last[names[i]]) })

	var problems problem.List
	all := make(map[string]*compiled, len(names))
	rules := map[*httprule.Binding]position{}
	for i, name := range names {
		all[name] = outcomes[i]
		problems = append(problems, outcomes[i].problems...)
		if outcomes[i].descriptor == nil {
			continue
		}
		m := s.newMethod(name, outcomes[i])
		s.Methods[name] = m
		for _, r := range outcomes[i].routes {
			rules[r.binding] = r.at
			problems = append(problems, s.route(m, r, rules)...)
		}
	}
	return all, problems
}

// newMethod makes a method of its expensive parts.
func (s *Snapshot) newMethod(name string, c *compiled) *Method {
	m := &Method{
		Name: name, Descriptor: c.descriptor, Config: c.config,
		Plan:    c.plan,
		Timeout: c.config.GetTimeout().AsDuration(),
		Options: s.JSON,
		SelectionLimits: pbwire.SelectionLimits{
			Bytes: int(s.Limits.GetSelectionBytes()),
			Depth: int(s.Limits.GetSelectionDepth()),
			Paths: int(s.Limits.GetSelectionPaths()),
		},
		CachedViews: int(s.Limits.GetSelectionCache()),
	}
	fields := c.descriptor.Input().Fields()
	m.SelectParameters = slices.DeleteFunc(slices.Clone(selectParameters), func(parameter string) bool {
		return fields.ByName(protoreflect.Name(parameter)) != nil || fields.ByJSONName(parameter) != nil
	})
	if field := fields.ByName("select"); field != nil && field.Kind() == protoreflect.StringKind && field.Cardinality() != protoreflect.Repeated {
		m.SelectField = field
	}
	m.views = c.viewsOf(m)
	return m
}

// route adds a binding to the router. rules tells where each binding stands.
func (s *Snapshot) route(m *Method, r route, rules map[*httprule.Binding]position) problem.List {
	m.Bindings = append(m.Bindings, r.binding)
	err := s.Router.Add(r.binding, m)
	var clash *httprule.Clash
	switch {
	case errors.As(err, &clash) && rules[clash.Other]() != r.at():
		return problem.List{problem.At(r.at(), "%v (in %s)", err, rules[clash.Other]())}
	case err != nil:
		return problem.List{problem.At(r.at(), "%v", err)}
	}
	return nil
}
