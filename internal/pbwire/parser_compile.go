package pbwire

import (
	"fmt"
	"maps"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// parseProgram reads the JSON of one message type.
type parseProgram struct {
	md protoreflect.MessageDescriptor
	// special reads a message with a JSON form of its own; nil for all others.
	special func(*parseState, *parseProgram) *SyntaxError
	// fields are found by JSON name, by proto name, and extensions by `[full.name]`.
	fields map[string]*parseField
	// ordered are the fields as declared, for the special types and for a guess at the next name.
	ordered []*parseField
	oneofs  int
	// messageSet tells that this is the proto1 relic that has no JSON.
	messageSet bool
}

// parseField reads the value of one field.
type parseField struct {
	fd      protoreflect.FieldDescriptor
	name    string // in JSON
	kind    protoreflect.Kind
	tag     uint64 // of one value, as a varint
	shape   parseShape
	packed  bool
	zeros   bool // zero is written, because presence is explicit
	nulls   bool // null is a value, not the default
	index   int  // in ordered
	oneof   int  // the index of its oneof; -1 outside
	message *parseProgram
	enum    *parseEnum
	key     *parseField // of a map
	value   *parseField // of a map
}

type parseShape uint8

const (
	parseSingular parseShape = iota
	parseList
	parseMap
)

// parseEnum finds the numbers of an enum by name.
type parseEnum struct {
	ed     protoreflect.EnumDescriptor
	values map[string]int32
}

// parseSet is the programs of all the message types that one parser can meet.
type parseSet struct {
	lenient bool
	types   *protoregistry.Types

	mu       sync.RWMutex // types within google.protobuf.Any are compiled when they are met
	programs map[protoreflect.FullName]*parseProgram
	enums    map[protoreflect.FullName]*parseEnum
}

func newParseSet(opts ParserOptions) *parseSet {
	return &parseSet{
		lenient:  opts.Lenient,
		types:    opts.Types,
		programs: make(map[protoreflect.FullName]*parseProgram),
		enums:    make(map[protoreflect.FullName]*parseEnum),
	}
}

// anyProgram is program for a type that a google.protobuf.Any names by its URL.
func (set *parseSet) anyProgram(url []byte) (*parseProgram, error) {
	name := url
	for i, c := range url {
		if c == '/' {
			name = url[i+1:]
		}
	}
	set.mu.RLock()
	p, ok := set.programs[protoreflect.FullName(name)]
	set.mu.RUnlock()
	if ok {
		return p, nil
	}
	mt, err := set.types.FindMessageByName(protoreflect.FullName(name))
	if err != nil {
		return nil, err
	}
	set.mu.Lock()
	defer set.mu.Unlock()
	// A copy, so that a type that fails leaves nothing behind that links to it.
	next := parseSet{lenient: set.lenient, types: set.types, programs: maps.Clone(set.programs), enums: maps.Clone(set.enums)}
	if p, err = next.program(mt.Descriptor()); err != nil {
		return nil, err
	}
	set.programs, set.enums = next.programs, next.enums
	return p, nil
}

// program returns the program of a message type, compiled once. Types that are compiled already, or
// right now further up, are linked: recursive types end here.
func (set *parseSet) program(md protoreflect.MessageDescriptor) (*parseProgram, error) {
	if p, ok := set.programs[md.FullName()]; ok {
		return p, nil
	}
	if md.IsPlaceholder() {
		return nil, fmt.Errorf("the message type %s is not linked", md.FullName())
	}
	p := &parseProgram{md: md, special: parseSpecial(md), fields: make(map[string]*parseField)}
	set.programs[md.FullName()] = p
	if m, ok := md.(interface{ IsMessageSet() bool }); ok {
		p.messageSet = m.IsMessageSet()
	}
	if err := set.compile(p); err != nil {
		delete(set.programs, md.FullName())
		return nil, err
	}
	return p, nil
}

// compile fills in the fields of a program.
func (set *parseSet) compile(p *parseProgram) error {
	p.oneofs = p.md.Oneofs().Len()
	fields := p.md.Fields()
	for i := range fields.Len() {
		f, err := set.addField(p, fields.Get(i))
		if err != nil {
			return err
		}
		p.name(f.name, f)
	}
	// A JSON name wins over another field's proto name.
	for _, f := range p.ordered {
		p.name(f.fd.TextName(), f)
	}
	var failed error
	set.types.RangeExtensionsByMessage(p.md.FullName(), func(xt protoreflect.ExtensionType) bool {
		xd := xt.TypeDescriptor()
		if !p.md.ExtensionRanges().Has(xd.Number()) {
			return true
		}
		var f *parseField
		if f, failed = set.addField(p, xd); failed != nil {
			return false
		}
		p.name(f.name, f)
		return true
	})
	return failed
}

// addField adds a field to a program.
func (set *parseSet) addField(p *parseProgram, fd protoreflect.FieldDescriptor) (*parseField, error) {
	f, err := set.field(fd)
	if err != nil {
		return nil, err
	}
	f.index = len(p.ordered)
	p.ordered = append(p.ordered, f)
	return f, nil
}

// name gives a field one more name, unless another has it.
func (p *parseProgram) name(name string, f *parseField) {
	if _, taken := p.fields[name]; !taken {
		p.fields[name] = f
	}
}

// field compiles one field.
func (set *parseSet) field(fd protoreflect.FieldDescriptor) (*parseField, error) {
	f := &parseField{
		fd:    fd,
		name:  fd.JSONName(),
		kind:  fd.Kind(),
		tag:   protowire.EncodeTag(fd.Number(), parseWireType(fd.Kind())),
		zeros: fd.HasPresence(),
		oneof: -1,
	}
	if fd.IsExtension() {
		f.name = "[" + string(fd.FullName()) + "]"
	}
	if od := fd.ContainingOneof(); od != nil {
		f.oneof = od.Index()
	}
	if fd.IsMap() {
		f.shape = parseMap
		return f, set.compileMap(f)
	}
	if fd.IsList() {
		f.shape = parseList
		f.packed = fd.IsPacked()
	}
	return f, set.compileType(f)
}

func (set *parseSet) compileMap(f *parseField) (err error) {
	if f.key, err = set.field(f.fd.MapKey()); err != nil {
		return err
	}
	f.value, err = set.field(f.fd.MapValue())
	return err
}

// compileType links the message or enum type of a field.
func (set *parseSet) compileType(f *parseField) (err error) {
	if md := f.fd.Message(); md != nil {
		f.nulls = md.FullName() == "google.protobuf.Value"
		f.message, err = set.program(md)
		return err
	}
	if ed := f.fd.Enum(); ed != nil {
		f.nulls = ed.FullName() == parseNullValue
		f.enum, err = set.enumOf(ed)
	}
	return err
}

func (set *parseSet) enumOf(ed protoreflect.EnumDescriptor) (*parseEnum, error) {
	if e, ok := set.enums[ed.FullName()]; ok {
		return e, nil
	}
	if ed.IsPlaceholder() {
		return nil, fmt.Errorf("the enum type %s is not linked", ed.FullName())
	}
	values := ed.Values()
	e := &parseEnum{ed: ed, values: make(map[string]int32, values.Len())}
	for i := range values.Len() {
		e.values[string(values.Get(i).Name())] = int32(values.Get(i).Number())
	}
	set.enums[ed.FullName()] = e
	return e, nil
}

// parseNullValue is the enum whose only value is JSON's null.
const parseNullValue = "google.protobuf.NullValue"

// parseWireType is the wire type of one value of a kind.
func parseWireType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	default:
		return protowire.VarintType
	}
}
