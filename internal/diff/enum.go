package diff

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// enum adds the changes between the values of an enum.
func (d *differ) enum(e *part[protoreflect.EnumDescriptor]) {
	subject := "enum " + nameOf(e.before, e.after)
	before, after := e.before.Values(), e.after.Values()
	renamed := map[protoreflect.Name]bool{} // of after
	for i := range before.Len() {
		was := before.Get(i)
		c := Change{Subject: subject, Path: string(was.Name()), Old: valueDeclaration(was)}
		is := after.ByName(was.Name())
		switch {
		case is != nil && is.Number() == was.Number():
			continue
		case is != nil:
			c.Kind, c.New = Changed, valueDeclaration(is)
			c.breaks(e.why([]string{fmt.Sprintf("gRPC clients know it by the number %d", was.Number())}))
		default:
			is = after.ByNumber(was.Number())
			if is != nil && before.ByName(is.Name()) == nil {
				renamed[is.Name()] = true
				c.Kind, c.New = Changed, valueDeclaration(is)
				c.breaks(e.why([]string{fmt.Sprintf("JSON calls it %s now", is.Name())}))
				break
			}
			c.Kind = Removed
			c.breaks(e.why(e.removedValue()))
		}
		d.add(c)
	}
	for i := range after.Len() {
		if is := after.Get(i); before.ByName(is.Name()) == nil && !renamed[is.Name()] {
			d.add(Change{Kind: Added, Subject: subject, Path: string(is.Name()), New: valueDeclaration(is)})
		}
	}
}

func (u *use) removedValue() []string {
	var reasons []string
	if len(u.requests) > 0 {
		reasons = append(reasons, "HTTP requests that name it get 400")
	}
	if len(u.replies) > 0 {
		reasons = append(reasons, "replies that hold it have its number instead")
	}
	return reasons
}

func valueDeclaration(value protoreflect.EnumValueDescriptor) string {
	return fmt.Sprintf("%s = %d", value.Name(), value.Number())
}
