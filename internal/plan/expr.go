package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	exprpb "google.golang.org/genproto/googleapis/api/expr/v1alpha1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/problem"
	"facet/internal/suggest"
)

// site is where an expression stands.
type site struct {
	method string // `mall.v1.MallService/GetHome`
	field  string // `reply.unread`, `calls.orders.when`
	at     problem.Position
}

// fail is the status of an expression that could not be evaluated: a mistake of the plan, not of the client.
func (s *site) fail(err error) error {
	if _, ok := status.FromError(err); ok {
		return err
	}
	return status.Errorf(codes.Internal, "method %s: %s (%s): %v", s.method, s.field, s.at, err)
}

// within returns the position of a character of an expression that begins at s.at. line counts from 1, column
// from 0 and in characters.
func (s *site) within(text string, line, column int) problem.Position {
	at := s.at
	if at.Line == 0 || line < 1 {
		return at
	}
	lines := strings.Split(text, "\n")
	if line > len(lines) {
		return at
	}
	at.Line += line - 1
	at.Column += byteOffset(lines[line-1], column)
	return at
}

// byteOffset is how many bytes the first n characters of a line take.
func byteOffset(line string, n int) int {
	offset := 0
	for ; n > 0 && offset < len(line); n-- {
		_, size := utf8.DecodeRuneInString(line[offset:])
		offset += size
	}
	return offset
}

// expression is a CEL expression that has passed the type check.
type expression struct {
	text string
	ast  *ast.AST
	typ  *cel.Type
	site *site
}

// check parses and type-checks an expression. ok is false if it had problems, which are recorded.
func (c *compiler) check(env *cel.Env, text string, at *site) (*expression, bool) {
	if strings.TrimSpace(text) == "" {
		c.problem(at, "the expression is empty; an empty text is written \"''\"")
		return nil, false
	}
	c.plan.texts = append(c.plan.texts, text)
	parsed, issues := c.spec.Types.parse(env, text)
	if issues.Err() != nil {
		first := issues.Errors()[0] // the others follow from it
		c.problemAt(at.within(text, first.Location.Line(), first.Location.Column()), at, syntaxMessage(first.Message))
		return nil, false
	}
	checked, issues := env.Check(parsed)
	if issues.Err() != nil {
		c.typeProblems(env, text, at, issues.Errors())
		return nil, false
	}
	return &expression{text: text, ast: checked.NativeRep(), typ: checked.OutputType(), site: at}, true
}

// parse parses an expression with the faster of cel-go's parsers. The environment has the other one, which knows better what is
// wrong with a text.
func (t *Types) parse(env *cel.Env, text string) (*cel.Ast, *cel.Issues) {
	source := common.NewTextSource(text)
	parsed, problems := t.parser.Parse(source)
	if len(problems.GetErrors()) > 0 {
		return env.ParseSource(source)
	}
	expr, err := ast.ExprToProto(parsed.Expr())
	if err != nil {
		return env.ParseSource(source)
	}
	info, err := ast.SourceInfoToProto(parsed.SourceInfo())
	if err != nil {
		return env.ParseSource(source)
	}
	return cel.ParsedExprToAstWithSource(&exprpb.ParsedExpr{Expr: expr, SourceInfo: info}, source), nil
}

func (c *compiler) problemAt(pos problem.Position, at *site, message string) {
	if at.field != "" {
		message = at.field + ": " + message
	}
	c.problems = append(c.problems, problem.Problem{Position: pos, Message: message})
}

func (c *compiler) problem(at *site, format string, args ...any) {
	c.problemAt(at.at, at, fmt.Sprintf(format, args...))
}

// syntaxMessage shortens what the parser says.
func syntaxMessage(message string) string {
	message = strings.TrimPrefix(message, "Syntax error: ")
	if i := strings.Index(message, " expecting {"); i >= 0 {
		message = message[:i] // a list of every token of the language
	}
	return "not a CEL expression: " + message
}

// The type checker reports what it sees in these words. Where they are not recognized, they are passed on.
var (
	undeclared     = regexp.MustCompile(`^undeclared reference to '([^']*)'`)
	undefinedField = regexp.MustCompile(`^undefined field '([^']*)'`)
	noOverload     = regexp.MustCompile(`^found no matching overload for '([^']*)' applied to '(.*)'`)
)

// typeProblems records what the type checker found, one problem for each mistake.
func (c *compiler) typeProblems(env *cel.Env, text string, at *site, errs []*common.Error) {
	fields := c.missingFields(env, text)
	for i, err := range errs {
		message, column := err.Message, err.Location.Column()
		if m := undeclared.FindStringSubmatch(message); m != nil {
			next := characterAt(text, err.Location.Line(), column)
			if next == '(' || next == '{' { // where the checker says that a function or a message stands
				column -= utf8.RuneCountInString(m[1])
			}
			message = c.unknownName(env, m[1], next)
		} else if m := undefinedField.FindStringSubmatch(message); m != nil {
			message = c.unknownField(m[1], &fields)
		} else if m := noOverload.FindStringSubmatch(message); m != nil {
			if i > 0 {
				continue // of an operand that has failed already
			}
			message = operatorName(m[1]) + " does not take " + m[2]
		}
		c.problemAt(at.within(text, err.Location.Line(), column), at, message)
	}
}

// characterAt returns the byte of a text at a line, from 1, and a column, from 0 in characters; 0 if there is none.
func characterAt(text string, line, column int) byte {
	lines := strings.Split(text, "\n")
	if line < 1 || line > len(lines) {
		return 0
	}
	if offset := byteOffset(lines[line-1], column); offset < len(lines[line-1]) {
		return lines[line-1][offset]
	}
	return 0
}

// unknownName says that a name is none, and which was probably meant. next is the character behind it, which tells
// what it should name.
func (c *compiler) unknownName(env *cel.Env, name string, next byte) string {
	var known []string
	switch next {
	case '(':
		for function := range env.Functions() {
			if isIdentifier(function) {
				known = append(known, function)
			}
		}
		slices.Sort(known)
		return `there is no function "` + name + `"` + suggest.DidYouMean(name, known)
	case '{':
		return `there is no message "` + name + `"` + suggest.DidYouMean(name, c.messageNames(name))
	}
	for _, v := range env.Variables() {
		known = append(known, v.Name())
	}
	slices.Sort(known)
	first, _, _ := strings.Cut(name, ".")
	if slices.Contains(known, first) {
		first = name
	}
	return `unknown name "` + first + `"` + suggest.DidYouMean(first, known)
}

// messageNames returns the messages that a name may mean: those of the method's package, and, if it has dots, all.
func (c *compiler) messageNames(name string) []string {
	var names []string
	own := c.spec.Method.ParentFile().Package()
	c.spec.Types.files.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		for i := range file.Messages().Len() {
			if md := file.Messages().Get(i); strings.Contains(name, ".") {
				names = append(names, string(md.FullName()))
			} else if file.Package() == own {
				names = append(names, string(md.Name()))
			}
		}
		return true
	})
	slices.Sort(names)
	return names
}

// unknownField says that a field is none of its message. fields is what the type checker looked for in vain,
// in its order.
func (c *compiler) unknownField(name string, fields *[]missingField) string {
	for i, f := range *fields {
		if f.field != name {
			continue
		}
		*fields = slices.Delete(*fields, i, i+1)
		return c.noField(f.message, name)
	}
	return `unknown field "` + name + `"`
}

func (c *compiler) noField(message, name string) string {
	out := `message ` + message + ` has no field "` + name + `"`
	if md, ok := c.spec.Types.message(message); ok {
		out += suggest.DidYouMean(name, fieldNames(md))
	}
	return out
}

type missingField struct{ message, field string }

// missingFields checks an expression again to learn of which messages the checker's undefined fields are,
// which its errors do not say.
func (c *compiler) missingFields(env *cel.Env, text string) []missingField {
	listener := &fieldListener{provider: &provider{Registry: c.spec.Types.registry, types: c.spec.Types}}
	env, err := env.Extend(cel.CustomTypeProvider(listener))
	if err != nil {
		return nil // the problems are reported without it
	}
	env.Compile(text)
	return listener.missing
}

type fieldListener struct {
	*provider
	missing []missingField
}

func (l *fieldListener) FindStructFieldType(message, field string) (*types.FieldType, bool) {
	typ, ok := l.provider.FindStructFieldType(message, field)
	if !ok {
		l.missing = append(l.missing, missingField{message, field})
	}
	return typ, ok
}

// operatorName is how a function of CEL is written in an expression.
func operatorName(function string) string {
	switch function {
	case "_?_:_":
		return "?:"
	case "_[_]":
		return "[]"
	case "@in":
		return "in"
	}
	if trimmed := strings.Trim(function, "_"); trimmed != "" && !isIdentifier(trimmed) {
		return trimmed
	}
	return function
}

// isIdentifier tells whether expressions can refer to a name.
func isIdentifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return name != ""
}

// reserved are the words of CEL, which cannot name anything.
var reserved = []string{
	"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
	"namespace", "null", "package", "return", "true", "var", "void", "while",
}
