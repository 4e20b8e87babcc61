package pbwire

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// program trims and renders one message type under one selection.
type program struct {
	md protoreflect.MessageDescriptor
	// render writes a message with a JSON form of its own; nil for all others.
	render func(*run, []byte, *program, span) ([]byte, *WireError)
	// fields are those that are selected, and those that clear one that is, in the order of their
	// declaration; extensions come last, by name.
	fields []field
	oneofs int
	// dense and sparse find a field by tag: its index plus one, 0 for none. Tags of a wire type that a
	// field does not have are those of unknown fields.
	dense  []uint16
	sparse map[uint64]uint16
	// unset is the text of all fields that are not set, and offsets[rank] where that of a field
	// starts, so that a gap of missing fields is one copy.
	unset   string
	offsets []int
	// shuffled tells that encoders do not write the fields in the order of their declaration.
	shuffled bool
	// whole tells that everything is selected.
	whole bool
	// delicate tells that trimming depends on the order of fields: see field.delicate.
	delicate bool
}

// field is a field of a message, or the key or the value of a map.
type field struct {
	name  string // `,"name":`
	path  string // the name in errors
	kind  protoreflect.Kind
	shape shape
	index int // in program.fields
	rank  int // of its text in the object; members of a oneof share one
	oneof int // its index; -1 outside
	// inOneof tells that the oneof is one of the schema, not just what makes a proto3 field optional.
	inOneof bool
	tag     uint64 // of one value
	mask    uint64 // the bits of a number that count
	// implicit tells that zero is the same as not set.
	implicit bool
	// utf8 tells that proto.Unmarshal refuses a string that is not valid.
	utf8    bool
	message *program
	enum    *enumTexts
	// whole tells that nothing of the value is trimmed.
	whole bool
	// delicate tells that trimming the field depends on the order and the number of its occurrences:
	// of a oneof that is not selected as a whole, for the last member clears the others.
	delicate bool

	// Of a map:
	key, value *field
	keyed      map[string]*program // what is selected of named keys; nil unless keys are named
	others     bool                // the other keys are selected; what of them, value.message says
	zero       uint64              // of a map's value: what it is if it is missing
}

// shape says what a field holds.
type shape uint8

const (
	shapeNumber shape = iota // also booleans and enums
	shapeText                // strings and bytes
	shapeMessage
	shapeList
	shapeMap
	shapeClear // not selected, but its presence clears other members of its oneof
)

// replaces tells whether a value of the field replaces the one before.
func (f *field) replaces() bool { return f.shape == shapeNumber || f.shape == shapeText }

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
		name:     fieldName(fd),
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

// maxDense is up to which field number fields are found in a table; it bounds the table to 4 KB.
const maxDense = 255

// index makes the tables that find fields by tag.
func (p *program) index() {
	for i := range p.fields {
		f := &p.fields[i]
		p.addTag(f.tag, i)
		if f.shape == shapeList && f.message == nil && f.kind != protoreflect.StringKind && f.kind != protoreflect.BytesKind {
			p.addTag(protowire.EncodeTag(protowire.Number(f.tag>>3), protowire.BytesType), i)
		}
	}
}

func (p *program) addTag(tag uint64, i int) {
	if tag>>3 > maxDense {
		if p.sparse == nil {
			p.sparse = make(map[uint64]uint16)
		}
		p.sparse[tag] = uint16(i + 1)
		return
	}
	for uint64(len(p.dense)) <= tag {
		p.dense = append(p.dense, 0)
	}
	p.dense[tag] = uint16(i + 1)
}

// writtenAsDeclared tells whether encoders write the fields in the order of their declaration. They go
// by field number, but Go's write oneofs last.
func (p *program) writtenAsDeclared() bool {
	for i := 1; i < len(p.fields); i++ {
		before, f := &p.fields[i-1], &p.fields[i]
		if f.rank == before.rank {
			continue
		}
		if f.tag < before.tag || before.inOneof && !f.inOneof {
			return false
		}
	}
	return true
}

// lookup finds the field of a tag; nil if it is not one that matters.
func (p *program) lookup(tag uint64) *field {
	var i uint16
	if tag < uint64(len(p.dense)) {
		i = p.dense[tag]
	} else if p.sparse != nil {
		i = p.sparse[tag]
	}
	if i == 0 {
		return nil
	}
	return &p.fields[i-1]
}

// layUnset joins the texts of fields that are not set.
func (p *program) layUnset(unset Unset) {
	var text strings.Builder
	fds := p.md.Fields()
	byTag := make(map[uint64]protoreflect.FieldDescriptor, fds.Len())
	for i := range fds.Len() {
		fd := fds.Get(i)
		byTag[protowire.EncodeTag(fd.Number(), parseWireType(fd.Kind()))] = fd
	}
	for i := range p.fields {
		f := &p.fields[i]
		for len(p.offsets) <= f.rank {
			p.offsets = append(p.offsets, text.Len())
		}
		if fd := byTag[f.tag]; fd != nil && f.shape != shapeClear {
			text.WriteString(unsetText(fd, unset))
		}
	}
	for len(p.offsets) <= len(p.fields) {
		p.offsets = append(p.offsets, text.Len())
	}
	p.unset = text.String()
}

// unsetText is what stands for a field that is not set, with its name; often nothing.
func unsetText(fd protoreflect.FieldDescriptor, unset Unset) string {
	switch {
	case unset == UnsetOmit || fd.ContainingOneof() != nil:
		return ""
	case fd.HasPresence() && unset != UnsetKratos:
		return ""
	}
	return fieldName(fd) + unsetValue(fd)
}

// unsetValue is the JSON value of a field that is not set.
func unsetValue(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.HasPresence():
		return "null"
	case fd.IsMap():
		return "{}"
	case fd.IsList():
		return "[]"
	}
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return `""`
	case protoreflect.EnumKind:
		return string(newEnumTexts(fd.Enum()).append(nil, 0))
	case protoreflect.BoolKind:
		return "false"
	}
	f := field{kind: fd.Kind()}
	return string(f.appendNumber(nil, 0))
}

// fieldName is `,"name":`.
func fieldName(fd protoreflect.FieldDescriptor) string {
	name := fd.JSONName()
	if fd.IsExtension() {
		name = "[" + string(fd.FullName()) + "]"
	}
	text, ok := appendString([]byte{','}, []byte(name))
	if !ok {
		text = strconv.AppendQuoteToASCII([]byte{','}, name)
	}
	return string(append(text, ':'))
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
