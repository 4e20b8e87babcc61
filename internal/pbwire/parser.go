package pbwire

import (
	"errors"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// ParserOptions are the settings of a parser.
type ParserOptions struct {
	// Lenient skips unknown keys instead of refusing them.
	Lenient bool
	// Types resolves google.protobuf.Any and extensions; nil knows none.
	Types *protoregistry.Types
}

// Parser turns JSON into the wire bytes of one message type. It is safe for concurrent use.
type Parser struct{}

// CompileParser makes the parser of a message type.
func CompileParser(md protoreflect.MessageDescriptor, opts ParserOptions) (*Parser, error) {
	return nil, errors.New("pbwire: not implemented")
}

// CompileFieldParser makes a parser whose JSON is the bare value of one field (`body: "field"` of
// google.api.http) and whose output is the message with that field set.
func CompileFieldParser(fd protoreflect.FieldDescriptor, opts ParserOptions) (*Parser, error) {
	return nil, errors.New("pbwire: not implemented")
}

// AppendWire appends the JSON text as wire bytes to dst. Its errors are *SyntaxError.
func (p *Parser) AppendWire(dst, text []byte) ([]byte, error) {
	return dst, errors.New("pbwire: not implemented")
}

// AppendWirePresent is AppendWire and returns, besides, which fields the JSON mentions: an update
// mask. It stops at lists, maps, google.protobuf.Any and well-known types.
func (p *Parser) AppendWirePresent(dst, text []byte) ([]byte, *Selection, error) {
	return dst, nil, errors.New("pbwire: not implemented")
}

// SyntaxError is what is wrong with a JSON text, and where.
type SyntaxError struct {
	Line, Column int    // from 1
	Path         string // the field, in JSON names: `user.tags[2]`; "" at the top
	Message      string
}

// Error implements error.
func (e *SyntaxError) Error() string { return e.Message }

// AppendText appends a singular field, or one element of a repeated one, whose value is given as in a
// URL: a scalar, an enum by name or number, or a well-known type in its JSON string form.
func AppendText(dst []byte, fd protoreflect.FieldDescriptor, text string) ([]byte, error) {
	return dst, errors.New("pbwire: not implemented")
}
