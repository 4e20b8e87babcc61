package httprule

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// Binding is one HTTP rule of a method, compiled. It is safe for concurrent use.
type Binding struct {
	method     protoreflect.MethodDescriptor
	httpMethod string
	template   string
	path       *template
	variables  []pathVariable
	body       *body // nil if the binding takes none
	response   protoreflect.FieldDescriptor

	request  *fieldTable
	reserved []string
	lenient  bool
	mask     *field // the FieldMask that the body's fields fill, nil if there is none
}

// pathVariable is a part of the path that sets a field.
type pathVariable struct {
	field    fieldPath
	name     string // as in the template
	start, n int    // of segments; n is negative if the variable extends to the end of the path
	kept     escapes
}

// body is how a request's body is read.
type body struct {
	field  fieldPath // one top-level field; empty if the body is the whole request
	parser *pbwire.Parser
}

// HTTPMethod is the HTTP method, "*" for any.
func (b *Binding) HTTPMethod() string { return b.httpMethod }

// Template is the path template as it was written.
func (b *Binding) Template() string { return b.template }

// ResponseBody is the reply field that is the whole response, nil for the reply itself.
func (b *Binding) ResponseBody() protoreflect.FieldDescriptor { return b.response }

// HasBody tells whether the binding takes the request's body.
func (b *Binding) HasBody() bool { return b.body != nil }

// String names the binding in errors: `GET /v1/users/{id} (mall.v1.MallService/GetUser)`.
func (b *Binding) String() string {
	return fmt.Sprintf("%s %s (%s/%s)", b.httpMethod, b.template, b.method.Parent().FullName(), b.method.Name())
}
