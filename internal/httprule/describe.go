package httprule

import (
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Shape is the template without its variables: `/v1/users/*/home`. Bindings of one shape match the same paths.
func (b *Binding) Shape() string {
	return (&template{segments: b.path.segments, verb: b.path.verb}).String()
}

// Rule is the binding as text: `PATCH /v1/users/{user.id}, body user`.
func (b *Binding) Rule() string {
	rule := b.httpMethod + " " + b.template
	switch {
	case b.body == nil:
	case len(b.body.field) == 0:
		rule += ", body *"
	default:
		rule += ", body " + b.body.field.String()
	}
	if b.response != nil {
		rule += ", response_body " + string(b.response.Name())
	}
	return rule
}

// ReadsAs tells whether two bindings of one shape read a request into the same fields. Fields are compared by their
// numbers, so that the bindings may be of different versions of a contract.
func (b *Binding) ReadsAs(other *Binding) bool {
	if b.HasBody() != other.HasBody() || b.HasBody() && !b.body.field.sameAs(other.body.field) {
		return false
	}
	return slices.EqualFunc(b.variables, other.variables, func(v, o pathVariable) bool {
		return v.start == o.start && v.n == o.n && v.field.sameAs(o.field)
	})
}

// AnswersAs tells whether two bindings answer with the same part of the reply.
func (b *Binding) AnswersAs(other *Binding) bool {
	return numberOf(b.response) == numberOf(other.response)
}

func (p fieldPath) sameAs(other fieldPath) bool {
	return slices.EqualFunc(p, other, func(f, o *field) bool { return numberOf(f.fd) == numberOf(o.fd) })
}

// numberOf is the number of a field, 0 for none.
func numberOf(fd protoreflect.FieldDescriptor) protoreflect.FieldNumber {
	if fd == nil {
		return 0
	}
	return fd.Number()
}
