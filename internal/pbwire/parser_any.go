package pbwire

import "google.golang.org/protobuf/encoding/protowire"

// anyMessage reads a google.protobuf.Any: an object whose member "@type" says which message its other
// members are.
func (s *parseState) anyMessage(*parseProgram) *SyntaxError {
	if s.peek() != '{' {
		return s.notA(`an object with "@type"; it stands for a google.protobuf.Any`)
	}
	start := s.pos
	url, empty, err := s.anyType()
	if err != nil {
		return err
	}
	typePos := s.pos
	s.pos = start
	if len(url) == 0 {
		if empty || s.set.lenient {
			return s.skip(s.depth)
		}
		return s.errorf(start, `"@type" is missing, which names the message that the google.protobuf.Any holds`)
	}
	inner, cause := s.set.anyProgram(url)
	if cause != nil {
		return s.errorf(typePos, "the message type %s is not known here", selShow(string(url)))
	}
	field := len(s.out)
	s.out = protowire.AppendTag(s.out, 2, protowire.BytesType)
	body := s.beginLength()
	if inner.special != nil || inner.md.FullName() == "google.protobuf.Empty" {
		err = s.anyValue(inner)
	} else {
		err = s.message(inner, nil, true)
	}
	if len(s.out) == body {
		s.out = s.out[:field]
		return err
	}
	s.endLength(body)
	return err
}

// anyType looks ahead for the type URL, appends it as a field, and returns it; it is empty if there is
// none, and empty tells whether there is no member at all. It stands on the URL then. Mostly it is the
// first member.
func (s *parseState) anyType() (url []byte, empty bool, err *SyntaxError) {
	s.open()
	for first := true; ; first = false {
		name, more, err := s.member(first)
		if err != nil || !more {
			return nil, first, err
		}
		if string(name) != "@type" {
			if err := s.skip(s.depth); err != nil {
				return nil, false, err
			}
			continue
		}
		start := s.pos
		if s.peek() != '"' {
			return nil, false, s.notA("the URL of a message type").within("@type")
		}
		url, err := s.text()
		if err != nil {
			return nil, false, err
		}
		s.pos = start
		if len(url) == 0 {
			return nil, false, s.notA("the URL of a message type").within("@type")
		}
		s.out = protowire.AppendTag(s.out, 1, protowire.BytesType)
		s.out = protowire.AppendBytes(s.out, url)
		return s.out[len(s.out)-len(url):], false, nil
	}
}

// anyValue reads a message that has a JSON form of its own: it is the member "value".
func (s *parseState) anyValue(inner *parseProgram) *SyntaxError {
	types, values := 0, 0
	start := s.pos
	s.open()
	for first := true; ; first = false {
		name, more, err := s.member(first)
		switch {
		case err != nil:
			return err
		case !more && values == 0 && inner.special != nil:
			return s.errorf(start, `"value" is missing, which holds the %s`, inner.md.FullName())
		case !more:
			return nil
		}
		switch string(name) {
		case "@type":
			if types++; types > 1 {
				return s.errorf(s.namePos, `"@type" is given twice`)
			}
			err = s.skip(s.depth)
		case "value":
			if values++; values > 1 {
				return s.errorf(s.namePos, `"value" is given twice`)
			}
			if inner.special != nil {
				err = inner.special(s, inner)
			} else {
				err = s.object(inner, nil, false)
			}
			err = err.within("value")
		default:
			if !s.set.lenient {
				return s.errorf(s.namePos, `unknown field %s beside "@type"; %s is in "value"`, selShow(string(name)), inner.md.FullName())
			}
			err = s.skip(s.depth)
		}
		if err != nil {
			return err
		}
	}
}
