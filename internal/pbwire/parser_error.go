package pbwire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// errorf is an error at an offset of the text.
func (s *parseState) errorf(pos int, format string, args ...any) *SyntaxError {
	before := s.in[:pos]
	line := bytes.LastIndexByte(before, '\n') + 1
	return &SyntaxError{
		Line:    1 + bytes.Count(before, []byte("\n")),
		Column:  1 + utf8.RuneCount(before[line:]),
		Message: fmt.Sprintf(format, args...),
	}
}

// unexpected is the error that the text does not go on as it must.
func (s *parseState) unexpected(want string) *SyntaxError {
	if s.pos == len(s.in) {
		return s.errorf(s.pos, "the JSON text ends where %s is expected", want)
	}
	return s.errorf(s.pos, "expected %s, not %s", want, s.show())
}

// notA is the error that the value that stands here is not what it must be.
func (s *parseState) notA(want string) *SyntaxError {
	start := *s // to read the value, so that it is shown whole
	if c := s.peek(); c == '{' || c == '[' {
		return s.errorf(s.pos, "%s is not %s", map[byte]string{'{': "an object", '[': "a list"}[c], want)
	}
	if err := start.skip(0); err != nil {
		return s.unexpected("a value")
	}
	return s.errorf(s.pos, "%s is not %s", parseShort(s.in[s.pos:start.pos]), want)
}

func (s *parseState) tooDeep() *SyntaxError {
	return s.errorf(s.pos, "messages are nested more than %d deep", parseMaxDepth)
}

// show is the next few characters of the text, quoted.
func (s *parseState) show() string {
	rest := s.in[s.pos:]
	if _, n := utf8.DecodeRune(rest); n > 0 && strings.IndexByte(`{}[],:"`, rest[0]) >= 0 {
		return selShow(string(rest[:n]))
	}
	if end := bytes.IndexAny(rest, " \t\r\n{}[],:\""); end > 0 {
		rest = rest[:end]
	}
	return selShow(strings.ToValidUTF8(string(rest), "\uFFFD"))
}

// parseShort is a JSON scalar, cut to a length that a person reads.
func parseShort(token []byte) string {
	const most = 60
	if len(token) <= most {
		return string(token)
	}
	end := most
	for !utf8.RuneStart(token[end]) {
		end--
	}
	return string(token[:end]) + "..."
}

// parseUnknownValue says that an enum has no value of this name, and which it has.
func parseUnknownValue(ed protoreflect.EnumDescriptor, name string) string {
	const few = 8
	names := make([]string, ed.Values().Len())
	for i := range names {
		names[i] = string(ed.Values().Get(i).Name())
	}
	hint := selSuggest(name, names)
	if hint == "" && len(names) <= few {
		hint = "; it has " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("unknown value %s of enum %s%s", selShow(name), ed.FullName(), hint)
}

// within puts the name of a field before the path. The path is put together while an error travels
// up, so that it costs nothing without one.
func (e *SyntaxError) within(name string) *SyntaxError {
	if e == nil {
		return nil
	}
	return e.prefix(name)
}

// withinIndex puts the index of a list's element before the path.
func (e *SyntaxError) withinIndex(i int) *SyntaxError {
	return e.prefix("[" + strconv.Itoa(i) + "]")
}

// withinKey puts the key of a map, whose name stands at an offset of the text, before the path.
func (e *SyntaxError) withinKey(text []byte, namePos int) *SyntaxError {
	s := parseState{in: text, pos: namePos}
	key, _ := s.text() // it was read before: there is no error
	return e.prefix(string(selAppendName(nil, string(key))))
}

func (e *SyntaxError) prefix(step string) *SyntaxError {
	if e.Path != "" && e.Path[0] != '[' {
		step += "."
	}
	e.Path = step + e.Path
	return e
}
