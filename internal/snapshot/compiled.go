package snapshot

import (
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

// compiled is what of a method takes long to make, and what it was made from.
type compiled struct {
	config *gatewayv1.Method
	schema *schema.Schema

	descriptor protoreflect.MethodDescriptor // nil if there is no such method to serve
	routes     []route
	plan       *plan.Plan
	views      *views
	problems   problem.List
}

// route is a binding, and where its rule stands.
type route struct {
	binding *httprule.Binding
	at      position
}

// position finds where something stands, which only a problem needs to know.
type position func() problem.Position

func (c *compiled) report(at problem.Position, format string, args ...any) {
	c.problems = append(c.problems, problem.At(at, format, args...))
}

// viewsOf returns the views of a method. Those of the last snapshot serve it if they are compiled alike.
func (c *compiled) viewsOf(m *Method) *views {
	settings := viewSettings{options: m.Options, limits: m.SelectionLimits, most: m.CachedViews}
	if c.views == nil || c.views.settings != settings {
		c.views = &views{settings: settings}
	}
	return c.views
}

// methodsCompiler compiles methods.
type methodsCompiler struct {
	linked
	since   *plan.Difference // from the last schema; nil if it is the same one, or there is none
	callers map[protoreflect.FullName]plan.Upstream
}

// method compiles one method, unless it was compiled from the same before.
func (mc methodsCompiler) method(name string, config located[*gatewayv1.Method], last *compiled) *compiled {
	if again := mc.again(name, config, last); again != nil {
		return again
	}
	c := &compiled{config: config.config, schema: mc.schema}
	descriptor, err := mc.schema.Method(name)
	if err != nil {
		c.report(config.key(), "%v", err)
		return c
	}
	if descriptor.IsStreamingClient() {
		c.report(config.key(), "%s takes a stream of requests; methods that take one request are served, whether they reply once or with a stream", name)
		return c
	}
	c.descriptor = descriptor
	c.bind(name, config, mc.rules)
	c.fill(mc, config)
	return c
}

// again returns what a method was compiled to the last time, if that is what it would be compiled to now; nil otherwise. A
// document that changed has been read anew, so the configuration is another one even where it is equal: its positions
// may have moved.
func (mc methodsCompiler) again(name string, config located[*gatewayv1.Method], last *compiled) *compiled {
	if last == nil || last.config != config.config {
		return nil
	}
	if last.schema != mc.schema {
		last = mc.over(name, config, last)
	}
	if last == nil {
		return nil
	}
	reconnected, ok := last.plan.Reconnect(mc.caller)
	switch {
	case !ok:
		return nil
	case reconnected == last.plan:
		return last
	}
	again := *last
	again.plan, again.views = reconnected, nil
	return &again
}

// over returns a method of the last schema over the present one, nil if it has to be compiled.
func (mc methodsCompiler) over(name string, config located[*gatewayv1.Method], last *compiled) *compiled {
	if mc.since == nil {
		return nil
	}
	moved, ok := last.plan.Over(mc.since)
	if !ok {
		return nil
	}
	c := &compiled{config: last.config, schema: mc.schema, descriptor: last.descriptor, plan: moved}
	c.bind(name, config, mc.rules)
	return c
}

func (mc methodsCompiler) caller(service protoreflect.FullName) (plan.Upstream, bool) {
	upstream, ok := mc.callers[service]
	return upstream, ok
}

// rule is one HTTP rule of a method, and where it stands.
type rule struct {
	*annotations.HttpRule
	at position
}

// httpRules returns the rules of a method: those of its .proto or of its configuration.
func (c *compiled) httpRules(name string, config located[*gatewayv1.Method]) []rule {
	var rules []rule
	for i, configured := range config.config.GetHttp() {
		rules = append(rules, rule{configured, func() problem.Position { return config.at("http", strconv.Itoa(i)) }})
	}
	linked, descriptor := c.schema, c.descriptor
	declaredAt := func() problem.Position { return linked.HTTPRulePosition(descriptor) }
	declared, err := schema.HTTPRule(c.descriptor)
	switch {
	case err != nil:
		c.report(declaredAt(), "the google.api.http option of %s cannot be read: %v", name, err)
	case declared != nil && len(rules) > 0:
		c.report(config.key("http"), "the method has a google.api.http option in %s; remove it there, or `http` here", declaredAt())
		return nil
	case declared != nil:
		rules = append(rules, rule{declared, declaredAt})
	}
	return rules
}

// bind compiles the HTTP rules of the method.
func (c *compiled) bind(name string, config located[*gatewayv1.Method], shared *httprule.Shared) {
	options := httprule.Options{
		ParserOptions: pbwire.ParserOptions{Lenient: c.config.GetLenient(), Types: c.schema.Types()},
		Reserved:      selectParameters,
		Shared:        shared,
	}
	for _, rule := range c.httpRules(name, config) {
		bindings, err := httprule.Compile(c.descriptor, rule.HttpRule, options)
		c.reportAll(rule.at, err)
		for _, binding := range bindings {
			c.routes = append(c.routes, route{binding, rule.at})
		}
	}
}

// reportAll reports each of the errors that were joined.
func (c *compiled) reportAll(at position, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			c.reportAll(at, e)
		}
	} else if err != nil {
		c.report(at(), "%v", err)
	}
}

// fill compiles how the method's reply is filled.
func (c *compiled) fill(mc methodsCompiler, config located[*gatewayv1.Method]) {
	var problems problem.List
	c.plan, problems = plan.Compile(plan.Spec{
		Method: c.descriptor,
		Config: c.config,
		Safe:   c.safe(),
		Locate: config.at,
		Types:  mc.types,
		Caller: mc.caller,
	})
	c.problems = append(c.problems, problems...)
}

// safe tells whether the method has no side effects: it says so, or all its bindings are of HTTP methods that have none.
func (c *compiled) safe() bool {
	if declared, known := schema.NoSideEffects(c.descriptor); known && declared {
		return true
	}
	sideEffects := func(r route) bool { return r.binding.HTTPMethod() != "GET" && r.binding.HTTPMethod() != "HEAD" }
	return len(c.routes) > 0 && !slices.ContainsFunc(c.routes, sideEffects)
}
