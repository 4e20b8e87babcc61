package diff

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A part is a message or an enum of a contract as both snapshots have it. If the two have different names, a field
// or method changed its type.
type part[T protoreflect.Descriptor] struct {
	before, after T
	use
}

// use tells in what of the clients' a part is: the methods, by name, whose requests and whose replies hold it. Without any
// it is only seen by upstreams.
type use struct{ requests, replies []string }

// role is where a walk is.
type role int

const (
	inner role = iota // between the gateway and upstreams
	request
	reply
)

// add records a use. It tells whether that is news; methods are added in order, one after the other.
func (u *use) add(in role, method string) bool {
	switch in {
	case request:
		return addLast(&u.requests, method)
	case reply:
		return addLast(&u.replies, method)
	}
	return false
}

func addLast(methods *[]string, method string) bool {
	if n := len(*methods); n > 0 && (*methods)[n-1] == method {
		return false
	}
	*methods = append(*methods, method)
	return true
}

// String is for people: `requests of a.B/C and 2 more; replies of a.B/D`.
func (u *use) String() string {
	var uses []string
	for _, of := range []struct {
		what    string
		methods []string
	}{{"requests", u.requests}, {"replies", u.replies}} {
		switch n := len(of.methods); n {
		case 0:
		case 1:
			uses = append(uses, fmt.Sprintf("%s of %s", of.what, of.methods[0]))
		default:
			uses = append(uses, fmt.Sprintf("%s of %s and %d more", of.what, of.methods[0], n-1))
		}
	}
	return strings.Join(uses, "; ")
}

// contracts compares the messages and enums that served methods and their calls reach.
func (d *differ) contracts() {
	w := walk{messages: map[string]*part[protoreflect.MessageDescriptor]{}, enums: map[string]*part[protoreflect.EnumDescriptor]{}}
	rpcs := map[string]bool{}
	for _, name := range union(d.before.Methods, d.after.Methods) {
		before, after := d.before.Methods[name], d.after.Methods[name]
		if before == nil || after == nil {
			continue
		}
		w.message(before.Descriptor.Input(), after.Descriptor.Input(), request, name)
		w.message(before.Descriptor.Output(), after.Descriptor.Output(), reply, name)
		for _, call := range after.Config.GetCalls() {
			rpcs[call.GetRpc()] = true
		}
	}
	for rpc := range rpcs {
		before, err := d.before.Schema.Method(rpc)
		after, errAfter := d.after.Schema.Method(rpc)
		if err != nil || errAfter != nil {
			continue // it is new, so there is nothing to compare
		}
		w.message(before.Input(), after.Input(), inner, "")
		w.message(before.Output(), after.Output(), inner, "")
	}
	for _, m := range sortedParts(w.messages) {
		d.fields(m)
	}
	for _, e := range sortedParts(w.enums) {
		d.enum(e)
	}
}

// walk finds the parts that messages reach.
type walk struct {
	messages map[string]*part[protoreflect.MessageDescriptor]
	enums    map[string]*part[protoreflect.EnumDescriptor]
}

// message records a use of a message, and of what its fields hold.
func (w *walk) message(before, after protoreflect.MessageDescriptor, in role, method string) {
	m, known := find(w.messages, before, after)
	if news := m.add(in, method); known && !news {
		return
	}
	for _, f := range matchFields(before, after) {
		if f.before != nil && f.after != nil {
			w.field(f.before, f.after, in, method)
		}
	}
}

// field goes on with the type of a field, if it is a message or an enum on both sides.
func (w *walk) field(before, after protoreflect.FieldDescriptor, in role, method string) {
	if before.IsMap() && after.IsMap() {
		before, after = before.MapValue(), after.MapValue()
	}
	switch {
	case before.Enum() != nil && after.Enum() != nil:
		e, _ := find(w.enums, before.Enum(), after.Enum())
		e.add(in, method)
	case before.Message() != nil && after.Message() != nil && openTypes(before.Message(), after.Message()):
		w.message(before.Message(), after.Message(), in, method)
	}
}

// openTypes tells whether both messages are what their fields are: well-known types are not.
func openTypes(before, after protoreflect.MessageDescriptor) bool {
	return !wellKnown(before) && !wellKnown(after)
}

// wellKnown tells whether a type is one of protobuf's own, whose JSON is its own.
func wellKnown(d protoreflect.Descriptor) bool {
	return d.ParentFile().Package() == "google.protobuf"
}

// find returns the part of two descriptors, a new one if it is not known.
func find[T protoreflect.Descriptor](parts map[string]*part[T], before, after T) (p *part[T], known bool) {
	name := nameOf(before, after)
	if p, known = parts[name]; !known {
		p = &part[T]{before: before, after: after}
		parts[name] = p
	}
	return p, known
}

// nameOf is how a part is called: `mall.v1.OrderCard`, or `mall.v1.OrderCard -> mall.v1.Card`.
func nameOf(before, after protoreflect.Descriptor) string {
	if before.FullName() == after.FullName() {
		return string(before.FullName())
	}
	return fmt.Sprintf("%s -> %s", before.FullName(), after.FullName())
}

func sortedParts[T protoreflect.Descriptor](parts map[string]*part[T]) []*part[T] {
	sorted := make([]*part[T], 0, len(parts))
	for _, p := range parts {
		sorted = append(sorted, p)
	}
	slices.SortFunc(sorted, func(a, b *part[T]) int {
		return cmp.Compare(nameOf(a.before, a.after), nameOf(b.before, b.after))
	})
	return sorted
}
