// Package httprule matches HTTP requests to methods and turns them into request wire bytes, as
// google.api.http says (AIP-127).
//
// The rules of a method are compiled against its descriptors into [Binding]s, which a [Router] finds
// by HTTP method and path. A binding then writes the request message straight from the path, the query
// and the body: the parts are appended one after the other, and protobuf's own merge rule, by which the last
// value of a field wins, makes one message of them.
package httprule

import "facet/internal/pbwire"

// Options are the settings of a method's bindings.
type Options struct {
	// ParserOptions apply to the body. Lenient skips unknown query parameters too.
	pbwire.ParserOptions
	// Reserved are query parameters that are not fields of the request: `select`. A request that has a top-level
	// field of such a name takes the parameter as that field.
	Reserved []string
	// Shared is what the binding has in common with others over the same schema and Types. Nil shares nothing.
	Shared *Shared
}

// BadRequest says which part of a request is wrong.
type BadRequest struct {
	// Field is the path variable, query parameter or JSON path; "" for the whole.
	Field string
	// Message is complete in itself: it names the field, and its part of the request.
	Message string
}

// Error implements error.
func (e *BadRequest) Error() string { return e.Message }
