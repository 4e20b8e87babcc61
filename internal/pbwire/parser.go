package pbwire

import (
	"fmt"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// parseMaxDepth is how deeply messages may be nested in JSON.
const parseMaxDepth = 200

// ParserOptions are the settings of a parser.
type ParserOptions struct {
	// Lenient skips unknown keys and unknown enum names instead of refusing them.
	Lenient bool
	// Types resolves google.protobuf.Any and extensions; nil knows none.
	Types *protoregistry.Types
}

// Parser turns JSON into the wire bytes of one message type. It is safe for concurrent use.
//
// It accepts what protojson.Unmarshal accepts and writes a message that is equal to what that reads,
// with these differences:
//
//   - Messages may be nested 200 deep; protojson allows 10,000.
//   - Required fields of proto2 may be missing, as with protojson's AllowPartial: the service that
//     reads the message checks them.
//   - A map entry that Lenient drops, for its enum name is unknown, does not count as a duplicate.
//   - A number whose exponent has no digits (`1e`), which is not JSON, is refused.
//
// Fields are written in the order of the JSON text. A field without explicit presence is left out
// when it is zero.
type Parser struct {
	set   *parseSet
	root  *parseProgram
	field *parseField // instead of root: the text is the value of this field
}

// CompileParser makes the parser of a message type. It fails if a type that can be reached from md is
// not linked.
func CompileParser(md protoreflect.MessageDescriptor, opts ParserOptions) (*Parser, error) {
	set := newParseSet(opts)
	root, err := set.program(md)
	if err != nil {
		return nil, err
	}
	return &Parser{set: set, root: root}, nil
}

// CompileFieldParser makes a parser whose JSON is the bare value of one field (`body: "field"` of
// google.api.http) and whose output is the message with that field set. A null leaves it unset.
func CompileFieldParser(fd protoreflect.FieldDescriptor, opts ParserOptions) (*Parser, error) {
	set := newParseSet(opts)
	field, err := set.field(fd)
	if err != nil {
		return nil, err
	}
	return &Parser{set: set, field: field}, nil
}

// AppendWire appends the JSON text as wire bytes to dst. Its errors are *SyntaxError; dst is returned
// as it was with one.
func (p *Parser) AppendWire(dst, text []byte) ([]byte, error) {
	return p.appendWire(dst, text, nil)
}

// AppendWirePresent is AppendWire and returns, besides, which fields the JSON mentions: an update
// mask. It stops at lists, maps, google.protobuf.Any and well-known types. A field that is null, or a
// message without members, is mentioned as a whole. Extensions cannot be named and are not mentioned.
func (p *Parser) AppendWirePresent(dst, text []byte) ([]byte, *Selection, error) {
	var present selNode
	out, err := p.appendWire(dst, text, &present)
	if err != nil {
		return dst, nil, err
	}
	return out, present.selection(), nil
}

func (p *Parser) appendWire(dst, text []byte, present *selNode) ([]byte, error) {
	s := parseStates.Get().(*parseState)
	out, err := s.run(p, dst, text, present)
	s.release()
	if err != nil {
		return dst, err
	}
	return out, nil
}

// parseState is one run of a parser over one text.
type parseState struct {
	set   *parseSet
	in    []byte // the JSON text
	pos   int    // the next byte to read
	out   []byte // the wire bytes
	depth int    // how many messages more may be nested here

	namePos int        // where the last member's name stands
	scratch []byte     // the last string that had escapes
	seen    []uint64   // per open message: which fields and oneofs are set
	keys    []parseKey // per open map: its keys
}

var parseStates = sync.Pool{New: func() any { return new(parseState) }}

// release returns the state to the pool. Buffers that a huge text left behind are not kept.
func (s *parseState) release() {
	const most = 64 << 10
	s.set, s.in, s.out = nil, nil, nil
	s.seen, s.keys = s.seen[:0], s.keys[:0]
	if cap(s.scratch) > most {
		s.scratch = nil
	}
	if cap(s.keys) > most/8 {
		s.keys = nil
	}
	parseStates.Put(s)
}

// run reads the whole text.
func (s *parseState) run(p *Parser, dst, text []byte, present *selNode) ([]byte, error) {
	s.set, s.in, s.pos, s.out, s.depth = p.set, text, 0, dst, parseMaxDepth
	s.skipSpace()
	if err := s.top(p, present); err != nil {
		return nil, err
	}
	if s.skipSpace(); s.pos < len(s.in) {
		return nil, s.errorf(s.pos, "the JSON text goes on after its value")
	}
	return s.out, nil
}

// top reads the one value of the text. Its result is typed: an error interface with a nil
// *SyntaxError in it would not be nil.
func (s *parseState) top(p *Parser, present *selNode) error {
	var err *SyntaxError
	if p.field != nil {
		err = s.fieldValue(p.field, present)
		err = err.within(p.field.name)
	} else {
		err = s.message(p.root, present, false)
	}
	if err != nil {
		return err
	}
	return nil
}

// SyntaxError is what is wrong with a JSON text, and where.
type SyntaxError struct {
	Line, Column int    // from 1; columns are characters
	Path         string // the field, in JSON names: `user.tags[2]`; "" at the top
	Message      string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("%s (line %d, column %d)", e.Message, e.Line, e.Column)
	}
	return fmt.Sprintf("%s: %s (line %d, column %d)", e.Path, e.Message, e.Line, e.Column)
}
