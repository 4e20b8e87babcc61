// Package httprule matches HTTP requests to methods and turns them into request wire bytes, as
// google.api.http says (AIP-127).
package httprule

import (
	"net/url"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// Options are the settings of a method's bindings.
type Options struct {
	pbwire.ParserOptions
	// Reserved are query parameters that are not fields of the request: `select`.
	Reserved []string
}

// Binding is one HTTP rule of a method, compiled.
type Binding struct{}

// Compile makes the bindings of a method from a rule: the rule itself and its additional_bindings.
func Compile(method protoreflect.MethodDescriptor, rule *annotations.HttpRule, opts Options) ([]*Binding, error) {
	return nil, nil
}

// HTTPMethod is the HTTP method, "*" for any.
func (b *Binding) HTTPMethod() string { return "" }

// Template is the path template as it was written.
func (b *Binding) Template() string { return "" }

// ResponseBody is the reply field that is the whole response, nil for the reply itself.
func (b *Binding) ResponseBody() protoreflect.FieldDescriptor { return nil }

// HasBody tells whether the binding takes the request's body.
func (b *Binding) HasBody() bool { return false }

// AppendRequest appends the request message to dst: from the variables of the match, the query and the body.
// Its errors are *BadRequest.
func (b *Binding) AppendRequest(dst []byte, match *Match, query string, body []byte) ([]byte, error) {
	return nil, nil
}

// BadRequest says which part of a request is wrong.
type BadRequest struct {
	// Field is the path variable, query parameter or JSON path; "" for the whole.
	Field   string
	Message string
}

// Error implements error.
func (e *BadRequest) Error() string { return e.Message }

// Router finds the binding of a request. T is what the caller wants back. It is built, then only read.
type Router[T any] struct{}

// Add adds a binding. It fails if the router has one of the same shape and HTTP method.
func (r *Router[T]) Add(b *Binding, value T) error { return nil }

// Match is the outcome of a look-up; it holds the path's variables and may be reused.
type Match struct {
	Binding *Binding
}

// Find looks up an HTTP method and an escaped path (URL.EscapedPath). found tells whether the path and method
// match; if only the path does, allow lists the methods that it has, sorted.
func (r *Router[T]) Find(httpMethod, path string, m *Match) (value T, found bool, allow []string) {
	return value, false, nil
}

var _ = url.Values{}
