package diff

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/schema"
	"facet/internal/snapshot"
)

// methods compares what is served.
func (d *differ) methods() {
	for _, name := range union(d.before.Methods, d.after.Methods) {
		subject := "method " + name
		before, after := d.before.Methods[name], d.after.Methods[name]
		switch {
		case before == nil:
			c := Change{Kind: Added, Subject: subject, New: address(after)}
			c.breaks(d.takes(after, after.Bindings...))
			d.add(c)
		case after == nil:
			d.add(Change{
				Kind: Removed, Subject: subject, Old: address(before),
				Breaking: true, Why: "HTTP clients get 404, gRPC clients UNIMPLEMENTED",
			})
		default:
			d.method(subject, before, after)
		}
	}
}

// address tells how a method is reached.
func address(m *snapshot.Method) string {
	if len(m.Bindings) == 0 {
		return "gRPC only"
	}
	rules := make([]string, len(m.Bindings))
	for i, b := range m.Bindings {
		rules[i] = b.Rule()
	}
	return strings.Join(rules, "; ")
}

// method compares a method that both snapshots serve.
func (d *differ) method(subject string, before, after *snapshot.Method) {
	d.signature(subject, before.Descriptor, after.Descriptor)
	d.bindings(subject, before, after)
	d.selectParameters(subject, before, after)
	d.unmapped(subject, before, after)
	d.message(subject, before.Config, after.Config, func(s setting) string {
		switch {
		case s.path[0] == "lenient" && before.Config.GetLenient():
			return "requests with unknown parameters or keys get 400"
		case s.path[0] == "reply" && s.kind == Removed && hasField(after.Descriptor.Output(), s.path[1:]):
			return noLongerSet
		}
		return ""
	})
}

const noLongerSet = "the field is no longer set"

// unmapped adds the reply fields that came along while the reply was another's as a whole, and that a mapping lacks now.
func (d *differ) unmapped(subject string, before, after *snapshot.Method) {
	mapping := after.Config.GetReply().GetStructValue()
	if mapping == nil || !wholeReply(before.Config) {
		return
	}
	fields := after.Descriptor.Output().Fields()
	for i := range fields.Len() {
		name := fields.Get(i).Name()
		if mapping.GetFields()[string(name)] == nil && before.Descriptor.Output().Fields().ByName(name) != nil {
			d.add(Change{Kind: Removed, Subject: subject, Path: "reply." + string(name), Breaking: true, Why: noLongerSet})
		}
	}
}

// wholeReply tells whether a method answers with what an upstream replies, all of it: it is passed through, or its reply is
// that of a call.
func wholeReply(config *gatewayv1.Method) bool {
	if config.GetReply() == nil {
		return true
	}
	call := config.GetCalls()[config.GetReply().GetStringValue()]
	return call != nil && call.GetKey() == "" && call.GetForEach() == ""
}

// hasField tells whether a mapping of a reply, by the keys that lead to it, is of a field that there is.
func hasField(reply protoreflect.MessageDescriptor, path []string) bool {
	for i, name := range path {
		fd := reply.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			return false
		}
		if reply = fd.Message(); reply == nil {
			return i == len(path)-1
		}
	}
	return len(path) > 0
}

// signature compares the declarations of a method. Its messages are compared field by field elsewhere, so that their names
// alone break nobody.
func (d *differ) signature(subject string, before, after protoreflect.MethodDescriptor) {
	for _, part := range []struct {
		path string
		of   func(protoreflect.MethodDescriptor) string
		why  string
	}{
		{"request_type", func(m protoreflect.MethodDescriptor) string { return string(m.Input().FullName()) }, ""},
		{"reply_type", func(m protoreflect.MethodDescriptor) string { return string(m.Output().FullName()) }, ""},
		{"streams", streams, "clients expect the other number of messages"},
		{"side_effects", sideEffects, ""},
	} {
		if was, is := part.of(before), part.of(after); was != is {
			c := Change{Kind: Changed, Subject: subject, Path: part.path, Old: was, New: is}
			c.breaks(part.why)
			d.add(c)
		}
	}
}

// streams tells which side of a method sends many messages.
func streams(method protoreflect.MethodDescriptor) string {
	switch client, server := method.IsStreamingClient(), method.IsStreamingServer(); {
	case client && server:
		return "both"
	case client:
		return "requests"
	case server:
		return "replies"
	}
	return "none"
}

// sideEffects tells what a method declares, which decides whether calls that a selection does not need are made.
func sideEffects(method protoreflect.MethodDescriptor) string {
	switch none, known := schema.NoSideEffects(method); {
	case !known:
		return "undeclared"
	case none:
		return "none"
	}
	return "idempotent"
}

// selectParameters compares the query parameters that hold a selection: a field of that name takes it over.
func (d *differ) selectParameters(subject string, before, after *snapshot.Method) {
	for _, parameter := range before.SelectParameters {
		if slices.Contains(after.SelectParameters, parameter) || parameter == "select" && after.SelectField != nil {
			continue
		}
		d.add(Change{
			Kind: Removed, Subject: subject, Path: "selection_parameters", Old: parameter,
			Breaking: true, Why: "it is a field of the request now, and selects nothing",
		})
	}
	for _, parameter := range after.SelectParameters {
		if !slices.Contains(before.SelectParameters, parameter) {
			d.add(Change{Kind: Added, Subject: subject, Path: "selection_parameters", New: parameter})
		}
	}
}
