package pbwire

import (
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
	// first is the field that most likely comes first on the wire.
	first  *field
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

// field is a field of a message, or the key or the value of a map. What each pass looks at comes first.
type field struct {
	tag   uint64 // of one value
	shape shape
	kind  protoreflect.Kind
	// implicit tells that zero is the same as not set.
	implicit bool
	// utf8 tells that proto.Unmarshal refuses a string that is not valid.
	utf8 bool
	rank int    // of its text in the object; members of a oneof share one
	next *field // the one that most likely comes next on the wire
	name cell   // `,"name":`
	mask uint64 // the bits of a number that count

	message *program
	enum    *enumTexts
	path    string // the name in errors
	index   int    // in program.fields
	oneof   int    // its index; -1 outside
	// inOneof tells that the oneof is one of the schema, not just what makes a proto3 field optional.
	inOneof bool
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

// textual tells whether the values of the field are strings or bytes.
func (f *field) textual() bool {
	return f.kind == protoreflect.StringKind || f.kind == protoreflect.BytesKind
}

// packed tells whether a value of a wire type is a packed list.
func (f *field) packed(typ protowire.Type) bool {
	return typ == protowire.BytesType && protowire.Type(f.tag&7) != protowire.BytesType
}

// repeated tells whether the values of the field come one after another.
func (f *field) repeated() bool { return f.shape == shapeList || f.shape == shapeMap }

// maxDense is up to which field number fields are found in a table; it bounds the table to 4 KB.
const maxDense = 255

// noField is no field: no tag is its.
var noField field

// index makes the tables that find fields by tag.
func (p *program) index() {
	p.first = &noField
	for i := len(p.fields) - 1; i >= 0; i-- {
		p.fields[i].next = p.first
		p.first = &p.fields[i]
	}
	for i := range p.fields {
		f := &p.fields[i]
		p.addTag(f.tag, i)
		if f.shape == shapeList && f.message == nil && !f.textual() {
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
