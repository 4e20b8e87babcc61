package pbwire

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// This file reads JSON (RFC 8259): white space, literals, numbers, strings, and what is skipped. The
// readers stand on the first byte of what they read, and after it when they return.

func (s *parseState) skipSpace() {
	for s.pos < len(s.in) {
		switch s.in[s.pos] {
		case ' ', '\n', '\r', '\t':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, or 0 at the end of the text; no JSON token begins with a 0 byte.
func (s *parseState) peek() byte {
	if s.pos < len(s.in) {
		return s.in[s.pos]
	}
	return 0
}

// literal reads true, false or null.
func (s *parseState) literal(word string) *SyntaxError {
	if !bytes.HasPrefix(s.in[s.pos:], []byte(word)) {
		return s.unexpected("a value")
	}
	s.pos += len(word)
	return nil
}

// number reads a number.
func (s *parseState) number() ([]byte, *SyntaxError) {
	n := parseNumberLen(s.in[s.pos:])
	if n == 0 {
		return nil, s.unexpected("a value")
	}
	number := s.in[s.pos : s.pos+n]
	s.pos += n
	return number, nil
}

// parseNumberLen is the length of the number that text begins with, or 0.
func parseNumberLen(text []byte) int {
	digits := func(i int) int {
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		return i
	}
	start := 0
	if len(text) > 0 && text[0] == '-' {
		start = 1
	}
	i := digits(start)
	if i == start {
		return 0
	}
	if text[start] == '0' {
		i = start + 1
	}
	if i < len(text) && text[i] == '.' {
		end := digits(i + 1)
		if end == i+1 {
			return 0
		}
		i = end
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		exponent := i + 1
		if exponent < len(text) && (text[exponent] == '+' || text[exponent] == '-') {
			exponent++
		}
		end := digits(exponent)
		if end == exponent {
			return 0
		}
		i = end
	}
	return i
}

// parsePlain tells which bytes stand for themselves in a string without further ado.
var parsePlain = func() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}()

// text reads a string and returns its content, which is valid until the next string is read.
func (s *parseState) text() ([]byte, *SyntaxError) {
	start := s.pos + 1
	in := s.in
	i := start
	for i < len(in) && parsePlain[in[i]] {
		i++
	}
	if i < len(in) && in[i] == '"' {
		s.pos = i + 1
		return in[start:i], nil
	}
	return s.textFrom(start, i)
}

// textFrom goes on with a string at i, where a character stands that needs a closer look.
func (s *parseState) textFrom(start, i int) ([]byte, *SyntaxError) {
	in := s.in
	s.scratch = s.scratch[:0]
	copied := start // up to here the content is in scratch
	for i < len(in) {
		switch c := in[i]; {
		case parsePlain[c]:
			i++
		case c == '"':
			s.pos = i + 1
			if copied == start {
				return in[start:i], nil
			}
			s.scratch = append(s.scratch, in[copied:i]...)
			return s.scratch, nil
		case c == '\\':
			s.scratch = append(s.scratch, in[copied:i]...)
			n, err := s.escape(i)
			if err != nil {
				return nil, err
			}
			i += n
			copied = i
		case c < ' ':
			return nil, s.errorf(i, "a control character in a string must be escaped, as \\u%04x", c)
		default:
			r, n := utf8.DecodeRune(in[i:])
			if r == utf8.RuneError && n == 1 {
				return nil, s.errorf(i, "the string is not valid UTF-8")
			}
			i += n
		}
	}
	return nil, s.errorf(start-1, "the string is not closed")
}

// escape appends the character that the escape at i stands for to scratch, and returns the length of
// the escape.
func (s *parseState) escape(i int) (int, *SyntaxError) {
	rest := s.in[i+1:]
	if len(rest) == 0 {
		return 0, s.errorf(i, "the string is not closed")
	}
	if rest[0] == 'u' {
		return s.escapeUnicode(i)
	}
	const letters, characters = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	at := bytes.IndexByte([]byte(letters), rest[0])
	if at < 0 {
		_, n := utf8.DecodeRune(rest)
		return 0, s.errorf(i, "%s is no escape", selShow(string(s.in[i:i+1+n])))
	}
	s.scratch = append(s.scratch, characters[at])
	return 2, nil
}

// escapeUnicode is escape for \u1234 and for pairs of surrogates.
func (s *parseState) escapeUnicode(i int) (int, *SyntaxError) {
	r, ok := parseHex(s.in[i:])
	if !ok {
		return 0, s.errorf(i, `"\u" needs four hexadecimal digits`)
	}
	n := 6
	if utf16.IsSurrogate(r) {
		low, ok := parseHex(s.in[i+6:])
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, s.errorf(i, "the escape %s is half of a surrogate pair", s.in[i:i+6])
		}
		n = 12
	}
	s.scratch = utf8.AppendRune(s.scratch, r)
	return n, nil
}

// parseHex reads \u1234.
func parseHex(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range text[2:6] {
		r <<= 4
		switch {
		case '0' <= c && c <= '9':
			r |= rune(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			r |= rune(c|0x20-'a') + 10
		default:
			return 0, false
		}
	}
	return r, true
}

// open reads the brace or bracket that a value begins with, and the white space after it.
func (s *parseState) open() {
	s.pos++
	s.skipSpace()
}

// member goes on to the next member of an object: it reads the comma before it, its name, which is
// valid until the next string is read, and the colon. It returns nil after the last member.
func (s *parseState) member(first bool) (name []byte, more bool, err *SyntaxError) {
	if more, err = s.another(first, '}'); !more {
		return nil, false, err
	}
	if s.peek() != '"' {
		return nil, false, s.unexpected("a name in double quotes")
	}
	s.namePos = s.pos
	if name, err = s.text(); err != nil {
		return nil, false, err
	}
	s.skipSpace()
	if s.peek() != ':' {
		return nil, false, s.unexpected(`":"`)
	}
	s.pos++
	s.skipSpace()
	return name, true, nil
}

// another goes on to the next member of an object or element of a list, up to the closing brace or
// bracket.
func (s *parseState) another(first bool, closing byte) (bool, *SyntaxError) {
	s.skipSpace()
	if s.peek() == closing {
		s.pos++
		return false, nil
	}
	if first {
		return true, nil
	}
	if s.peek() != ',' {
		return false, s.unexpected(`"," or "` + string(closing) + `"`)
	}
	s.pos++
	if s.skipSpace(); s.peek() == closing {
		return false, s.errorf(s.pos, `expected no "," before %q`, string(closing))
	}
	return true, nil
}

// skip reads a value whatever it is. Objects and lists in it may be nested as deeply as messages.
func (s *parseState) skip(depth int) *SyntaxError {
	var err *SyntaxError
	switch c := s.peek(); c {
	case '{', '[':
		if depth == 0 {
			return s.tooDeep()
		}
		return s.skipWithin(c, depth-1)
	case '"':
		_, err = s.text()
	case 't':
		err = s.literal("true")
	case 'f':
		err = s.literal("false")
	case 'n':
		err = s.literal("null")
	default:
		_, err = s.number()
	}
	return err
}

// skipWithin skips the members of an object or the elements of a list.
func (s *parseState) skipWithin(brace byte, depth int) *SyntaxError {
	s.open()
	for first := true; ; first = false {
		var more bool
		var err *SyntaxError
		if brace == '{' {
			_, more, err = s.member(first)
		} else {
			more, err = s.another(first, ']')
		}
		if err != nil || !more {
			return err
		}
		if err := s.skip(depth); err != nil {
			return err
		}
	}
}
