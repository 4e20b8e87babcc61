package pbwire

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// programSet is the programs of all message types and selections that one projection can meet.
type programSet struct {
	opts Options

	mu       sync.RWMutex // types within google.protobuf.Any are compiled when they are met
	programs map[programKey]*program
	enums    map[protoreflect.FullName]*enumTexts
}

type programKey struct {
	name protoreflect.FullName
	sel  *Selection
}

func newProgramSet(opts Options) *programSet {
	return &programSet{
		opts:     opts,
		programs: make(map[programKey]*program),
		enums:    make(map[protoreflect.FullName]*enumTexts),
	}
}

// anyProgram is the program of a type that a google.protobuf.Any names by its URL.
func (set *programSet) anyProgram(url []byte) (*program, error) {
	name := url
	for i, c := range url {
		if c == '/' {
			name = url[i+1:]
		}
	}
	set.mu.RLock()
	p, ok := set.programs[programKey{name: protoreflect.FullName(name)}]
	set.mu.RUnlock()
	if ok {
		return p, nil
	}
	mt, err := set.opts.Types.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	// A copy, so that a type that fails leaves nothing behind that links to it.
	next := programSet{opts: set.opts, programs: maps.Clone(set.programs), enums: maps.Clone(set.enums)}
	if p, err = next.program(mt.Descriptor(), nil); err != nil {
		return nil, err
	}
	set.programs, set.enums = next.programs, next.enums
	return p, nil
}

// program returns the program of a message type, compiled once for a selection. Those that are
// compiled already, or right now further up, are linked: recursive types end here.
func (set *programSet) program(md protoreflect.MessageDescriptor, sel *Selection) (*program, error) {
	key := programKey{name: md.FullName(), sel: sel}
	if p, ok := set.programs[key]; ok {
		return p, nil
	}
	if md.IsPlaceholder() {
		return nil, fmt.Errorf("the message type %s is not linked", md.FullName())
	}
	p := &program{md: md, whole: sel == nil, oneofs: md.Oneofs().Len()}
	set.programs[key] = p
	if err := set.compile(p, sel); err != nil {
		delete(set.programs, key)
		return nil, err
	}
	return p, nil
}

func (set *programSet) compile(p *program, sel *Selection) (err error) {
	if p.render, err = special(p.md); err != nil {
		return err
	}
	for _, fd := range set.descriptors(p.md, sel) {
		if err := set.addField(p, fd, sel); err != nil {
			return err
		}
	}
	if len(p.fields) >= math.MaxUint16 {
		return fmt.Errorf("the message type %s has %d fields; at most %d can be compiled", p.md.FullName(), len(p.fields), math.MaxUint16-1)
	}
	p.linkOneofs()
	p.index()
	p.shuffled = !p.writtenAsDeclared()
	p.layUnset(set.opts.Unset)
	return nil
}

// descriptors returns the fields that matter under a selection, as protojson orders them.
func (set *programSet) descriptors(md protoreflect.MessageDescriptor, sel *Selection) []protoreflect.FieldDescriptor {
	var fds []protoreflect.FieldDescriptor
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); matters(fd, sel) {
			fds = append(fds, fd)
		}
	}
	if sel != nil || isMessageSet(md) {
		return fds
	}
	declared := len(fds)
	set.opts.Types.RangeExtensionsByMessage(md.FullName(), func(xt protoreflect.ExtensionType) bool {
		if xd := xt.TypeDescriptor(); md.ExtensionRanges().Has(xd.Number()) {
			fds = append(fds, xd)
		}
		return true
	})
	slices.SortFunc(fds[declared:], func(a, b protoreflect.FieldDescriptor) int {
		return cmp.Compare(a.FullName(), b.FullName())
	})
	return fds
}

// matters tells whether a field is selected, or can clear one that is.
func matters(fd protoreflect.FieldDescriptor, sel *Selection) bool {
	if _, ok := sel.Field(fd); ok {
		return true
	}
	od := fd.ContainingOneof()
	for i := 0; od != nil && i < od.Fields().Len(); i++ {
		if _, ok := sel.Field(od.Fields().Get(i)); ok {
			return true
		}
	}
	return false
}

// addField compiles a field and adds it to a program.
func (set *programSet) addField(p *program, fd protoreflect.FieldDescriptor, sel *Selection) error {
	f := field{oneof: -1}
	sub, ok := sel.Field(fd)
	if ok {
		var err error
		if f, err = set.field(fd, sub); err != nil {
			return err
		}
	} else {
		f.shape, f.delicate = shapeClear, true
	}
	f.index, f.rank = len(p.fields), len(p.fields)
	f.tag = protowire.EncodeTag(fd.Number(), parseWireType(fd.Kind()))
	if od := fd.ContainingOneof(); od != nil {
		f.oneof, f.inOneof = od.Index(), !od.IsSynthetic()
		if f.index > 0 && p.fields[f.index-1].oneof == f.oneof {
			f.rank = p.fields[f.index-1].rank
		}
	}
	p.fields = append(p.fields, f)
	return nil
}

// field compiles one field under the selection within it.
func (set *programSet) field(fd protoreflect.FieldDescriptor, sub *Selection) (f field, err error) {
	f = field{
		name:     newCell(fieldName(fd)),
		path:     fd.JSONName(),
		kind:     fd.Kind(),
		shape:    shapeOf(fd),
		oneof:    -1,
		tag:      protowire.EncodeTag(fd.Number(), parseWireType(fd.Kind())),
		mask:     numberMask(fd.Kind()),
		implicit: !fd.HasPresence(),
		utf8:     enforcesUTF8(fd),
		whole:    sub == nil,
	}
	if fd.IsExtension() {
		f.path = "[" + string(fd.FullName()) + "]"
	}
	if f.shape == shapeMap {
		err = set.compileMap(&f, fd, sub)
	} else {
		err = set.compileType(&f, fd, sub)
	}
	return f, err // apart from the calls, which fill f in
}

// compileType links the message or enum type of a field.
func (set *programSet) compileType(f *field, fd protoreflect.FieldDescriptor, sub *Selection) (err error) {
	if md := fd.Message(); md != nil {
		if f.message, err = set.program(md, sub); err != nil {
			return err
		}
		f.delicate = f.shape == shapeMessage && f.message.delicate
	}
	if ed := fd.Enum(); ed != nil {
		f.enum, err = set.enumOf(ed)
	}
	return err
}

func (set *programSet) compileMap(f *field, fd protoreflect.FieldDescriptor, sub *Selection) error {
	others, ok := sub.OtherKeys()
	key, err := set.field(fd.MapKey(), nil)
	if err != nil {
		return err
	}
	value, err := set.field(fd.MapValue(), others)
	if err != nil {
		return err
	}
	if ed := fd.MapValue().Enum(); ed != nil {
		value.zero = uint64(int64(fd.MapValue().Default().Enum()))
	}
	f.key, f.value, f.others = &key, &value, ok
	for name, sub := range sub.Keys() {
		if f.keyed == nil {
			f.keyed = make(map[string]*program)
		}
		f.keyed[name] = nil
		if md := fd.MapValue().Message(); md != nil {
			if f.keyed[name], err = set.program(md, sub); err != nil {
				return err
			}
		}
	}
	return nil
}

func (set *programSet) enumOf(ed protoreflect.EnumDescriptor) (*enumTexts, error) {
	if e, ok := set.enums[ed.FullName()]; ok {
		return e, nil
	}
	if ed.IsPlaceholder() {
		return nil, fmt.Errorf("the enum type %s is not linked", ed.FullName())
	}
	e := newEnumTexts(ed)
	set.enums[ed.FullName()] = e
	return e, nil
}

// linkOneofs marks what makes trimming depend on order: the members of a oneof one of which is not
// selected, or one of which does itself.
func (p *program) linkOneofs() {
	for i := range p.fields {
		if f := &p.fields[i]; f.delicate && f.oneof >= 0 {
			for j := range p.fields {
				if p.fields[j].oneof == f.oneof {
					p.fields[j].delicate = true
				}
			}
		}
	}
	p.delicate = slices.ContainsFunc(p.fields, func(f field) bool { return f.delicate })
}

func shapeOf(fd protoreflect.FieldDescriptor) shape {
	switch {
	case fd.IsMap():
		return shapeMap
	case fd.IsList():
		return shapeList
	case fd.Message() != nil:
		return shapeMessage
	case fd.Kind() == protoreflect.StringKind, fd.Kind() == protoreflect.BytesKind:
		return shapeText
	default:
		return shapeNumber
	}
}

// numberMask is the bits of a number on the wire that a kind keeps.
func numberMask(kind protoreflect.Kind) uint64 {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind, protoreflect.EnumKind:
		return math.MaxUint32
	default:
		return math.MaxUint64
	}
}

// enforcesUTF8 tells whether proto.Unmarshal checks the strings of a field.
func enforcesUTF8(fd protoreflect.FieldDescriptor) bool {
	if fd.Kind() != protoreflect.StringKind {
		return false
	}
	if x, ok := fd.(protoreflect.ExtensionTypeDescriptor); ok {
		fd = x.Descriptor()
	}
	// Descriptors of this module know it; of others only the syntax is known.
	if e, ok := fd.(interface{ EnforceUTF8() bool }); ok {
		return e.EnforceUTF8()
	}
	return fd.Syntax() == protoreflect.Proto3
}

func isMessageSet(md protoreflect.MessageDescriptor) bool {
	m, ok := md.(interface{ IsMessageSet() bool })
	return ok && m.IsMessageSet()
}
