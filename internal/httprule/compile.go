package httprule

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/suggest"
)

// anyMethod is the HTTP method of a custom rule that stands for all.
const anyMethod = "*"

// Compile makes the bindings of a method from a rule: the rule itself and its additional_bindings. The error joins
// all that is wrong with them; each names its HTTP method and path.
func Compile(method protoreflect.MethodDescriptor, rule *annotations.HttpRule, opts Options) ([]*Binding, error) {
	if opts.Shared == nil {
		opts.Shared = new(Shared)
	}
	request := opts.Shared.table(method.Input())
	var bindings []*Binding
	var errs []error
	compile := func(rule *annotations.HttpRule) {
		c := compiler{
			Binding: &Binding{method: method, request: request, lenient: opts.Lenient, reserved: reservedNames(request, opts.Reserved)},
			opts:    opts,
		}
		c.compile(rule)
		bindings, errs = append(bindings, c.Binding), append(errs, c.errs...)
	}
	compile(rule)
	for _, additional := range rule.GetAdditionalBindings() {
		compile(additional)
		if len(additional.GetAdditionalBindings()) > 0 {
			errs = append(errs, errors.New("additional_bindings has additional_bindings of its own: list all of them in the first rule"))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return bindings, nil
}

// reservedNames are the names that the request has no field for.
func reservedNames(request *fieldTable, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return request.names[name] != nil })
}

// compiler fills a binding from a rule and collects what is wrong with it.
type compiler struct {
	*Binding
	opts Options
	errs []error
}

func (c *compiler) errorf(format string, args ...any) {
	at := ""
	if c.template != "" {
		at = c.httpMethod + " " + c.template + ": "
	}
	c.errs = append(c.errs, errors.New(at+fmt.Sprintf(format, args...)))
}

func (c *compiler) compile(rule *annotations.HttpRule) {
	if !c.compilePattern(rule) {
		return
	}
	if rule.GetSelector() != "" && rule.GetSelector() != string(c.method.FullName()) {
		c.errorf("selector names %s, but the rule belongs to %s: leave it out", rule.GetSelector(), c.method.FullName())
	}
	c.compileBody(rule.GetBody())
	c.compileResponseBody(rule.GetResponseBody())
	path, err := parseTemplate(c.template)
	if err != nil {
		c.errorf("%v", err)
		return
	}
	c.path = path
	for _, v := range path.variables {
		c.compileVariable(v)
	}
	c.findMask()
}

// compilePattern sets the HTTP method and template, and tells whether the rule has them.
func (c *compiler) compilePattern(rule *annotations.HttpRule) bool {
	switch pattern := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		c.httpMethod, c.template = "GET", pattern.Get
	case *annotations.HttpRule_Put:
		c.httpMethod, c.template = "PUT", pattern.Put
	case *annotations.HttpRule_Post:
		c.httpMethod, c.template = "POST", pattern.Post
	case *annotations.HttpRule_Delete:
		c.httpMethod, c.template = "DELETE", pattern.Delete
	case *annotations.HttpRule_Patch:
		c.httpMethod, c.template = "PATCH", pattern.Patch
	case *annotations.HttpRule_Custom:
		c.httpMethod, c.template = pattern.Custom.GetKind(), pattern.Custom.GetPath()
	}
	switch {
	case c.httpMethod == "":
		c.errorf(`an HTTP rule of %s has no HTTP method: give it one, such as get: "/v1/things/{id}"`, c.method.FullName())
		return false
	case c.template == "":
		c.errorf("the %s rule of %s has no path", c.httpMethod, c.method.FullName())
		return false
	case !isHTTPMethod(c.httpMethod):
		c.errorf(`%q is not an HTTP method: kind is a word in capitals, such as HEAD, or "*" for any`, c.httpMethod)
	}
	return true
}

// isHTTPMethod tells whether a custom kind can be a method: a word of capitals and hyphens, or any.
func isHTTPMethod(kind string) bool {
	return kind == anyMethod || !strings.ContainsFunc(kind, func(r rune) bool { return (r < 'A' || r > 'Z') && r != '-' })
}

func (c *compiler) compileBody(name string) {
	if name == "" {
		return
	}
	if c.httpMethod == "GET" || c.httpMethod == "DELETE" || c.httpMethod == "HEAD" {
		c.errorf("a %s request has no body: leave body out, so that the fields are query parameters, or use POST", c.httpMethod)
		return
	}
	c.body = &body{}
	var err error
	if name == "*" {
		c.body.parser, err = c.opts.Shared.messageParser(c.method.Input(), c.opts.ParserOptions)
	} else {
		err = c.compileBodyField(name)
	}
	if err != nil {
		c.errorf("body: %v", err)
	}
}

func (c *compiler) compileBodyField(name string) error {
	if strings.Contains(name, ".") {
		return fmt.Errorf("%q is a path: the body is one top-level field of %s", name, c.method.Input().FullName())
	}
	f, err := c.request.field(name)
	if err != nil {
		return err
	}
	c.body.field = fieldPath{f}
	c.body.parser, err = c.opts.Shared.fieldParser(f.fd, c.opts.ParserOptions)
	return err
}

func (c *compiler) compileResponseBody(name string) {
	if name == "" {
		return
	}
	reply := c.method.Output()
	if c.response = reply.Fields().ByName(protoreflect.Name(name)); c.response == nil {
		names := c.opts.Shared.table(reply).protoNames()
		c.errorf("response_body: %s has no top-level field %q%s", reply.FullName(), name, suggest.DidYouMean(name, names))
	}
}

func (c *compiler) compileVariable(v variable) {
	path, err := c.request.path(v.path)
	if err != nil {
		c.errorf("variable {%s}: %v", v.path, err)
		return
	}
	if f := path.leaf(); f.fd.IsList() {
		c.errorf("variable {%s}: a path cannot set a repeated field", v.path)
		return
	} else if !f.text {
		c.errorf("variable {%s}: the field %s", v.path, f.noText())
		return
	}
	c.checkBody(v.path, path)
	for _, other := range c.variables {
		switch how, i := relate(path, other.field); how {
		case overlapping:
			c.errorf("variable {%s} is there twice", v.path)
		case exclusive:
			c.errorf("variable {%s}: %s", v.path, exclusion(path, other.field, i))
		}
	}
	compiled := pathVariable{field: path, name: v.path, start: v.start, n: v.end - v.start}
	if c.path.multi(v) {
		compiled.kept = keepReserved
	}
	if c.path.open(v) {
		compiled.n = -1
	}
	c.variables = append(c.variables, compiled)
}

// checkBody refuses a variable that the body would fight with. Within a message that the body sets, a variable
// may set a scalar: the path wins. It may not set a well-known message there, since two messages of one field
// would be merged.
func (c *compiler) checkBody(name string, variable fieldPath) {
	if c.body == nil {
		return
	}
	if how, i := relate(variable, c.body.field); how == exclusive {
		c.errorf("variable {%s}: %s", name, exclusion(variable, c.body.field, i))
	} else if how == overlapping && len(variable) == len(c.body.field) {
		c.errorf("variable {%s} is the body too: bind the field once", name)
	} else if how == overlapping && variable.leaf().fd.Message() != nil {
		c.errorf("variable {%s}: a field of type %s cannot be in the path and in the body", name, variable.leaf().fd.Message().FullName())
	}
}

// findMask finds the update_mask that a PATCH of one message fills from the fields in the body.
func (c *compiler) findMask() {
	if c.httpMethod != "PATCH" || c.body == nil || len(c.body.field) == 0 || c.body.field.leaf().inner == nil {
		return
	}
	mask, err := c.request.field("update_mask")
	if err != nil || mask.fd.IsList() || mask.fd.Message() == nil || mask.fd.Message().FullName() != "google.protobuf.FieldMask" {
		return
	}
	inPath := slices.ContainsFunc(c.variables, func(v pathVariable) bool { return v.field[0] == mask })
	if !inPath {
		c.mask = mask
	}
}
