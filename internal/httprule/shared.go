package httprule

import (
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// Shared is what the bindings of one schema have in common, which is more than what each has of its own: the tables of
// the fields of messages, and the parsers of bodies. The zero Shared is empty and ready to use. It is safe for
// concurrent use.
type Shared struct {
	mu      sync.Mutex
	tables  map[protoreflect.FullName]*fieldTable
	parsers map[parserKey]*pbwire.Parser
}

// parserKey is what a parser depends on: a message or a field, and whether unknown names are skipped.
type parserKey struct {
	name    protoreflect.FullName
	lenient bool
}

// table returns the fields of a message type.
func (s *Shared) table(md protoreflect.MessageDescriptor) *fieldTable {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables == nil {
		s.tables = map[protoreflect.FullName]*fieldTable{}
	}
	return newFieldTable(md, s.tables)
}

// messageParser returns the parser of a body that is a message.
func (s *Shared) messageParser(md protoreflect.MessageDescriptor, opts pbwire.ParserOptions) (*pbwire.Parser, error) {
	return s.parser(parserKey{md.FullName(), opts.Lenient}, func() (*pbwire.Parser, error) { return pbwire.CompileParser(md, opts) })
}

// fieldParser returns the parser of a body that is one field.
func (s *Shared) fieldParser(fd protoreflect.FieldDescriptor, opts pbwire.ParserOptions) (*pbwire.Parser, error) {
	return s.parser(parserKey{fd.FullName(), opts.Lenient}, func() (*pbwire.Parser, error) { return pbwire.CompileFieldParser(fd, opts) })
}

func (s *Shared) parser(key parserKey, compile func() (*pbwire.Parser, error)) (*pbwire.Parser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.parsers[key]; ok {
		return p, nil
	}
	p, err := compile()
	if err != nil {
		return nil, err
	}
	if s.parsers == nil {
		s.parsers = map[parserKey]*pbwire.Parser{}
	}
	s.parsers[key] = p
	return p, nil
}
