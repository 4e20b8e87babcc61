package plan

import (
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// Reconnect returns the plan as it is compiled when other upstreams serve the same services: the plan itself if they are
// the same ones. caller is that of a [Spec]; ok is false if nobody serves one of the services any more.
func (p *Plan) Reconnect(caller func(service protoreflect.FullName) (Upstream, bool)) (_ *Plan, ok bool) {
	upstreams := make(map[protoreflect.FullName]Upstream, len(p.upstreams))
	for service := range p.upstreams {
		if upstreams[service], ok = caller(service); !ok {
			return nil, false
		}
	}
	if maps.Equal(upstreams, p.upstreams) {
		return p, true
	}
	reconnected := *p
	reconnected.upstreams = upstreams
	return &reconnected, true
}

// Difference is what changes from one schema to the next for plans.
type Difference struct {
	to    *Types
	names []string // of what the files declare that are not the same in both, as expressions know it
}

// Since compares the types with earlier ones. Of the files that have not changed both have the same descriptors.
func (t *Types) Since(earlier *Types) *Difference {
	d := &Difference{to: t}
	d.add(earlier.files, t.files)
	d.add(t.files, earlier.files)
	slices.Sort(d.names)
	d.names = slices.Compact(d.names)
	return d
}

// add adds what the files declare that the others do not have.
func (d *Difference) add(files, others *protoregistry.Files) {
	files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if other, err := others.FindFileByPath(file.Path()); err != nil || other != file {
			d.addTypes(file.Messages(), file.Enums())
		}
		return true
	})
}

func (d *Difference) addTypes(messages protoreflect.MessageDescriptors, enums protoreflect.EnumDescriptors) {
	for i := range messages.Len() {
		d.names = append(d.names, string(messages.Get(i).FullName()))
		d.addTypes(messages.Get(i).Messages(), messages.Get(i).Enums())
	}
	for i := range enums.Len() {
		enum := string(enums.Get(i).FullName())
		d.names = append(d.names, enum)
		for j := range enums.Get(i).Values().Len() {
			d.names = append(d.names, enum+"."+string(enums.Get(i).Values().Get(j).Name()))
		}
	}
}

// Over returns the plan as it is compiled over the later schema. ok is false if it may come out otherwise: if something that it is made
// of has changed, or what a name in it stands for; or if cel-go evaluates some of it, over the types of its own schema.
func (p *Plan) Over(d *Difference) (_ *Plan, ok bool) {
	if len(p.slow) > 0 || !d.same(p.method) || slices.ContainsFunc(p.calls, func(c *call) bool { return !d.same(c.rpc) }) {
		return nil, false
	}
	container := string(p.method.ParentFile().Package())
	if slices.ContainsFunc(d.names, func(name string) bool { return p.mayName(container, name) }) {
		return nil, false
	}
	moved := *p
	moved.types = d.to
	return &moved, true
}

// same tells whether the later schema has the very same method. Then it has the same file, and all that the file imports.
func (d *Difference) same(method protoreflect.MethodDescriptor) bool {
	file, err := d.to.files.FindFileByPath(method.ParentFile().Path())
	return err == nil && file == method.ParentFile()
}

// mayName tells whether an expression may refer to a type or an enum value. It may leave out the package that it stands in,
// or a part of that from the left; whatever it writes of the name, it writes the first and the last part of it.
func (p *Plan) mayName(container, name string) bool {
	for {
		if within, ok := strings.CutPrefix(name, container); ok && p.mentions(strings.TrimPrefix(within, ".")) {
			return true
		}
		if container == "" {
			return false
		}
		container = container[:max(0, strings.LastIndexByte(container, '.'))]
	}
}

// mentions tells whether the first and the last part of a name are in the text of an expression.
func (p *Plan) mentions(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	return slices.ContainsFunc(p.texts, func(text string) bool {
		return strings.Contains(text, first) && strings.Contains(text, last)
	})
}
