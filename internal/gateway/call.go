package gateway

import (
	"net/url"
	"strings"

	"github.com/go-kratos/kratos/v2/transport"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/httprule"
	"facet/internal/plan"
	"facet/internal/snapshot"
)

// Call is one request on its way through the gateway, whatever protocol it came by. A server fills
// the upper part and reads the lower one after [Gateway.Serve]. It is the Kratos Transporter that the
// method's middleware sees.
type Call struct {
	Protocol transport.Kind
	// Header is the request's metadata.
	Header transport.Header

	// HTTPMethod, Path (escaped) and Query (raw) identify an HTTP request.
	HTTPMethod, Path, Query string
	// RPC is the full method of a gRPC request: `mall.v1.MallService/GetHome`.
	RPC string
	// ReadBody reads the request's body, of at most limit bytes. It is called once, after the middleware
	// has let the call pass, and only if the method takes a body. The bytes must stay valid until
	// Serve returns.
	ReadBody func(limit int) ([]byte, error)
	// Send sends one message of a reply stream, in order: JSON for an HTTP request, wire bytes for a gRPC one. The
	// bytes are valid until it returns. It blocks while the client is slow; an error ends the stream. nil means
	// that the protocol, as the client asked for it, carries no streams: such a method is refused.
	Send func(message []byte) error
	// Streaming, unless it is nil, is called once before a stream is opened, when the request is known to be right: from
	// now on the client may be told that it waits for messages.
	Streaming func()

	// Reply is the reply of a unary method: JSON for an HTTP request, wire bytes for a gRPC one. The server owns the
	// slice and may pass one with capacity to be appended to.
	Reply []byte
	// Partial names the downstream calls that failed without failing the method.
	Partial []plan.Partial
	// Added is what middleware adds to the reply; nil if nothing does.
	Added Header

	method  *snapshot.Method
	binding *httprule.Binding // nil for a gRPC request
	match   httprule.Match
	scratch []byte // the request message

	limits *gatewayv1.Limits // of the snapshot
}

// Reset makes the call ready for another request of the same server, keeping ReadBody and its buffers. Send and
// Streaming are not kept: what a protocol carries depends on the request.
func (c *Call) Reset() {
	*c = Call{ReadBody: c.ReadBody, Reply: c.Reply[:0], scratch: c.scratch[:0], match: c.match}
}

// Method is the served method, nil before it is known.
func (c *Call) Method() *snapshot.Method { return c.method }

// streams tells whether the method replies with a stream.
func (c *Call) streams() bool { return c.method.Descriptor.IsStreamingServer() }

// Kind implements transport.Transporter.
func (c *Call) Kind() transport.Kind { return c.Protocol }

// Endpoint implements transport.Transporter. A call does not know on which address it arrived.
func (c *Call) Endpoint() string { return "" }

// Operation implements transport.Transporter: `/mall.v1.MallService/GetHome`.
func (c *Call) Operation() string {
	if c.method == nil {
		return ""
	}
	return "/" + c.method.Name
}

// String names the call in logs. What a client has sent is none of their business.
func (c *Call) String() string {
	if c.method == nil {
		return string(c.Protocol)
	}
	return string(c.Protocol) + " " + c.method.Name
}

// RequestHeader implements transport.Transporter.
func (c *Call) RequestHeader() transport.Header { return c.Header }

// ReplyHeader implements transport.Transporter.
func (c *Call) ReplyHeader() transport.Header {
	if c.Added == nil {
		c.Added = Header{}
	}
	return c.Added
}

// Header is a set of header fields with lower-case names.
type Header map[string][]string

// Get returns the first value of a field.
func (h Header) Get(key string) string {
	if values := h[strings.ToLower(key)]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Set replaces the values of a field.
func (h Header) Set(key, value string) { h[strings.ToLower(key)] = []string{value} }

// Add adds a value to a field.
func (h Header) Add(key, value string) {
	key = strings.ToLower(key)
	h[key] = append(h[key], value)
}

// Keys returns the names of the fields.
func (h Header) Keys() []string {
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	return keys
}

// Values returns the values of a field.
func (h Header) Values(key string) []string { return h[strings.ToLower(key)] }

// PartialHeader returns the value of `x-facet-partial`, a structured field list (RFC 9651) of the
// calls that are missing: `orders;reason=UNAVAILABLE, notices;reason=DEADLINE_EXCEEDED;fallback`. It is "" for a
// whole reply.
func (c *Call) PartialHeader() string {
	if len(c.Partial) == 0 {
		return ""
	}
	var b strings.Builder
	for i, p := range c.Partial {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(url.PathEscape(p.Call))
		b.WriteString(";reason=")
		b.WriteString(CodeName(codeOf(p.Err)))
		if p.Fallback {
			b.WriteString(";fallback")
		}
	}
	return b.String()
}
