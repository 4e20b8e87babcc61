package diff

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// fieldPair is a field as both versions of a message have it; one is nil if the field was added or removed.
type fieldPair struct{ before, after protoreflect.FieldDescriptor }

// matchFields pairs the fields of two messages: by name, and those left over by number, if their types are the same: they
// were renamed.
func matchFields(before, after protoreflect.MessageDescriptor) []fieldPair {
	var pairs []fieldPair
	matched := map[protoreflect.FieldNumber]bool{} // of after
	for i := range before.Fields().Len() {
		was := before.Fields().Get(i)
		is := after.Fields().ByName(was.Name())
		if is == nil {
			is = renamed(was, before, after)
		}
		if is != nil {
			matched[is.Number()] = true
		}
		pairs = append(pairs, fieldPair{was, is})
	}
	for i := range after.Fields().Len() {
		if is := after.Fields().Get(i); !matched[is.Number()] {
			pairs = append(pairs, fieldPair{nil, is})
		}
	}
	return pairs
}

// renamed returns the field that a field became whose name is gone, nil if there is none.
func renamed(was protoreflect.FieldDescriptor, before, after protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	is := after.Fields().ByNumber(was.Number())
	if is == nil || before.Fields().ByName(is.Name()) != nil || typeName(was) != typeName(is) {
		return nil
	}
	return is
}

// fields adds the changes between the fields of a message.
func (d *differ) fields(m *part[protoreflect.MessageDescriptor]) {
	subject := "message " + nameOf(m.before, m.after)
	for _, f := range matchFields(m.before, m.after) {
		var c Change
		var reasons []string
		switch {
		case f.before == nil:
			c = Change{Kind: Added, Path: string(f.after.Name()), New: declaration(f.after)}
			reasons = m.addedField(f.after)
		case f.after == nil:
			c = Change{Kind: Removed, Path: string(f.before.Name()), Old: declaration(f.before)}
			reasons = m.removedField()
		default:
			c = Change{Kind: Changed, Path: string(f.before.Name()), Old: declaration(f.before), New: declaration(f.after)}
			reasons = d.changedField(&m.use, f.before, f.after)
			if c.Old == c.New && len(reasons) == 0 {
				continue
			}
		}
		c.Subject = subject
		c.breaks(m.why(reasons))
		d.add(c)
	}
}

// why joins the reasons why a change breaks the clients of a part, "" if there is none or no client sees the part.
func (u *use) why(reasons []string) string {
	clients := u.String()
	if len(reasons) == 0 || clients == "" {
		return ""
	}
	return strings.Join(reasons, ", ") + " (" + clients + ")"
}

func (u *use) addedField(is protoreflect.FieldDescriptor) []string {
	if is.Cardinality() == protoreflect.Required && len(u.requests) > 0 {
		return []string{requiredNow}
	}
	return nil
}

const requiredNow = "requests without it are refused"

func (u *use) removedField() []string {
	var reasons []string
	if len(u.requests) > 0 {
		reasons = append(reasons, "HTTP requests that set it get 400 and gRPC requests are read without it")
	}
	if len(u.replies) > 0 {
		reasons = append(reasons, "replies lack it and selections that name it get 400")
	}
	return reasons
}

// changedField says in what a field of both versions is no longer the same to clients.
func (d *differ) changedField(u *use, was, is protoreflect.FieldDescriptor) []string {
	reasons := slices.Concat(changedName(was, is), changedValues(was, is))
	if len(u.requests) > 0 && was.Cardinality() != protoreflect.Required {
		reasons = append(reasons, u.addedField(is)...)
	}
	if other := newlyExclusive(was, is); other != "" {
		reasons = append(reasons, fmt.Sprintf("it cannot be set along with %s any more", other))
	}
	if len(u.replies) > 0 && d.after.JSON.Unset != pbwire.UnsetOmit {
		reasons = append(reasons, changedPresence(was, is)...)
	}
	return reasons
}

// changedName tells by which name or number clients no longer find a field.
func changedName(was, is protoreflect.FieldDescriptor) []string {
	var reasons []string
	switch {
	case was.Name() != is.Name():
		reasons = append(reasons, fmt.Sprintf("JSON and selections call it %s now", is.JSONName()))
	case was.JSONName() != is.JSONName():
		reasons = append(reasons, fmt.Sprintf("JSON calls it %s now", is.JSONName()))
	}
	if was.Number() != is.Number() {
		reasons = append(reasons, fmt.Sprintf("gRPC clients know it by the number %d", was.Number()))
	}
	return reasons
}

// changedValues tells how clients misread what a field holds.
func changedValues(was, is protoreflect.FieldDescriptor) []string {
	switch {
	case shape(was) != shape(is):
		return []string{fmt.Sprintf("it is %s, and was %s", shape(is), shape(was))}
	case was.IsMap():
		return append(changedType(was.MapKey(), is.MapKey()), changedType(was.MapValue(), is.MapValue())...)
	}
	return changedType(was, is)
}

// changedPresence tells how a field that is not set looks otherwise in JSON. It is said of fields of one type only: where the
// type is another, it goes without saying.
func changedPresence(was, is protoreflect.FieldDescriptor) []string {
	switch {
	case shape(was) != shape(is) || was.Kind() != is.Kind() || was.HasPresence() == is.HasPresence():
		return nil
	case is.HasPresence():
		return []string{"JSON leaves it out where it was a zero"}
	}
	return []string{"JSON has a zero where it was left out"}
}

// shape tells what holds the values of a field.
func shape(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.IsMap():
		return "a map"
	case fd.IsList():
		return "a list"
	}
	return "a single value"
}

// newlyExclusive returns a field that could be set along with one that moved into its oneof, and cannot be any more; "" if
// there is none.
func newlyExclusive(was, is protoreflect.FieldDescriptor) protoreflect.Name {
	before, now := was.ContainingOneof(), is.ContainingOneof()
	if now == nil || now.IsSynthetic() || before != nil && before.Name() == now.Name() {
		return ""
	}
	for i := range now.Fields().Len() {
		other := was.ContainingMessage().Fields().ByName(now.Fields().Get(i).Name())
		if other != nil && other != was && (before == nil || before != other.ContainingOneof()) {
			return other.Name()
		}
	}
	return ""
}

// declaration is a field as a .proto declares it: `repeated mall.v1.OrderCard orders = 2`.
func declaration(fd protoreflect.FieldDescriptor) string {
	label := ""
	switch {
	case fd.IsList():
		label = "repeated "
	case fd.Cardinality() == protoreflect.Required:
		label = "required "
	case fd.HasOptionalKeyword():
		label = "optional "
	}
	text := fmt.Sprintf("%s%s %s = %d", label, typeName(fd), fd.Name(), fd.Number())
	if fd.JSONName() != defaultJSONName(fd) {
		text += fmt.Sprintf(" [json_name = %q]", fd.JSONName())
	}
	if oneof := fd.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
		text += fmt.Sprintf(" in oneof %s", oneof.Name())
	}
	return text
}

// defaultJSONName is the JSON name of a field that states none.
func defaultJSONName(fd protoreflect.FieldDescriptor) string {
	var name strings.Builder
	upper := false
	for _, c := range string(fd.Name()) {
		switch {
		case c == '_':
			upper = true
			continue
		case upper:
			c = unicode.ToUpper(c)
		}
		upper = false
		name.WriteRune(c)
	}
	return name.String()
}
