package snapshot

import (
	"errors"
	"slices"
	"strconv"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/plan"
	"facet/internal/problem"
	"facet/internal/schema"
)

// selectParameters are the query parameters that may hold a selection.
var selectParameters = []string{"select", "fields", "$fields"}

// methodsCompiler compiles the methods of a snapshot.
type methodsCompiler struct {
	snapshot *Snapshot
	types    *plan.Types
	callers  map[protoreflect.FullName]plan.Upstream
	rules    map[*httprule.Binding]position // where each binding stands
	problems problem.List
}

// compileMethods fills the snapshot's methods and router.
func (s *Snapshot) compileMethods(configs map[string]located[*gatewayv1.Method], opened *upstreams) problem.List {
	types, err := plan.NewTypes(s.Schema.Files(), s.Schema.Types())
	if err != nil {
		return problem.List{problem.At(problem.Position{}, "%v", err)}
	}
	c := &methodsCompiler{snapshot: s, types: types, callers: opened.callers(), rules: map[*httprule.Binding]position{}}
	for _, name := range sorted(configs) {
		c.method(name, configs[name])
	}
	return c.problems
}

func (c *methodsCompiler) report(at problem.Position, format string, args ...any) {
	c.problems = append(c.problems, problem.At(at, format, args...))
}

// method compiles one method.
func (c *methodsCompiler) method(name string, config located[*gatewayv1.Method]) {
	descriptor, err := c.snapshot.Schema.Method(name)
	if err != nil {
		c.report(config.key(), "%v", err)
		return
	}
	if descriptor.IsStreamingClient() || descriptor.IsStreamingServer() {
		c.report(config.key(), "%s is a stream; only unary methods are served", name)
		return
	}
	m := c.snapshot.newMethod(name, descriptor, config.config)
	c.snapshot.Methods[name] = m
	rulesSound := c.bind(m, config)
	c.plan(m, config, rulesSound)
}

// newMethod returns a method with everything but its bindings and plan.
func (s *Snapshot) newMethod(name string, descriptor protoreflect.MethodDescriptor, config *gatewayv1.Method) *Method {
	m := &Method{
		Name: name, Descriptor: descriptor, Config: config,
		Timeout: config.GetTimeout().AsDuration(),
		Options: s.JSON,
		SelectionLimits: pbwire.SelectionLimits{
			Bytes: int(s.Limits.GetSelectionBytes()),
			Depth: int(s.Limits.GetSelectionDepth()),
			Paths: int(s.Limits.GetSelectionPaths()),
		},
		CachedViews: int(s.Limits.GetSelectionCache()),
	}
	fields := descriptor.Input().Fields()
	m.SelectParameters = slices.DeleteFunc(slices.Clone(selectParameters), func(parameter string) bool {
		return fields.ByName(protoreflect.Name(parameter)) != nil || fields.ByJSONName(parameter) != nil
	})
	if field := fields.ByName("select"); field != nil && field.Kind() == protoreflect.StringKind && field.Cardinality() != protoreflect.Repeated {
		m.SelectField = field
	}
	return m
}

// position finds where something stands, which only a problem needs to know.
type position func() problem.Position

// rule is one HTTP rule of a method, and where it stands.
type rule struct {
	*annotations.HttpRule
	at position
}

// httpRules returns the rules of a method: those of its .proto or of its configuration.
func (c *methodsCompiler) httpRules(m *Method, config located[*gatewayv1.Method]) []rule {
	var rules []rule
	for i, configured := range m.Config.GetHttp() {
		rules = append(rules, rule{configured, func() problem.Position { return config.at("http", strconv.Itoa(i)) }})
	}
	declaredAt := func() problem.Position { return c.snapshot.Schema.HTTPRulePosition(m.Descriptor) }
	declared, err := schema.HTTPRule(m.Descriptor)
	switch {
	case err != nil:
		c.report(declaredAt(), "the google.api.http option of %s cannot be read: %v", m.Name, err)
	case declared != nil && len(rules) > 0:
		c.report(config.key("http"), "the method has a google.api.http option in %s; remove it there, or `http` here", declaredAt())
		return nil
	case declared != nil:
		rules = append(rules, rule{declared, declaredAt})
	}
	return rules
}

// bind compiles the HTTP rules of a method and adds them to the router. It tells whether all are sound.
func (c *methodsCompiler) bind(m *Method, config located[*gatewayv1.Method]) bool {
	before := len(c.problems)
	options := httprule.Options{
		ParserOptions: pbwire.ParserOptions{Lenient: m.Config.GetLenient(), Types: c.snapshot.Schema.Types()},
		Reserved:      selectParameters,
	}
	for _, rule := range c.httpRules(m, config) {
		bindings, err := httprule.Compile(m.Descriptor, rule.HttpRule, options)
		c.reportAll(rule.at, err)
		for _, binding := range bindings {
			c.route(m, binding, rule.at)
		}
	}
	return len(c.problems) == before
}

// route adds a binding to the router.
func (c *methodsCompiler) route(m *Method, binding *httprule.Binding, at position) {
	m.Bindings = append(m.Bindings, binding)
	c.rules[binding] = at
	err := c.snapshot.Router.Add(binding, m)
	var clash *httprule.Clash
	switch {
	case errors.As(err, &clash) && c.rules[clash.Other]() != at():
		c.report(at(), "%v (in %s)", err, c.rules[clash.Other]())
	case err != nil:
		c.report(at(), "%v", err)
	}
}

// reportAll reports each of the errors that were joined.
func (c *methodsCompiler) reportAll(at position, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.reportAll(at, e)
		}
	} else if err != nil {
		c.report(at(), "%v", err)
	}
}

// plan compiles how the method's reply is filled.
func (c *methodsCompiler) plan(m *Method, config located[*gatewayv1.Method], rulesSound bool) {
	compiled, problems := plan.Compile(plan.Spec{
		Method: m.Descriptor,
		Config: m.Config,
		Safe:   rulesSound && safe(m),
		Locate: config.at,
		Types:  c.types,
		Caller: func(service protoreflect.FullName) (plan.Upstream, bool) {
			upstream, ok := c.callers[service]
			return upstream, ok
		},
	})
	m.Plan = compiled
	c.problems = append(c.problems, problems...)
}

// safe tells whether a method has no side effects: it says so, or all its bindings are of HTTP methods that have none.
func safe(m *Method) bool {
	if declared, known := schema.NoSideEffects(m.Descriptor); known && declared {
		return true
	}
	sideEffects := func(b *httprule.Binding) bool { return b.HTTPMethod() != "GET" && b.HTTPMethod() != "HEAD" }
	return len(m.Bindings) > 0 && !slices.ContainsFunc(m.Bindings, sideEffects)
}
