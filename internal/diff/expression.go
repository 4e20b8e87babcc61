package diff

import (
	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// isExpression tells whether a text of the documents' schema is CEL.
func isExpression(fd protoreflect.FieldDescriptor) bool {
	switch fd.FullName() {
	case "facet.gateway.v1.Call.when", "facet.gateway.v1.Call.for_each":
		return true
	}
	return false
}

// expressions compares CEL apart from spaces, comments, quotes and superfluous parentheses. Its zero value is ready.
type expressions struct{ env *cel.Env }

// same tells whether two texts are one expression.
func (x *expressions) same(before, after string) bool {
	was, wasOK := x.canonical(before)
	is, isOK := x.canonical(after)
	return wasOK && isOK && was == is
}

// canonical returns the one text of all that parse to the same expression.
func (x *expressions) canonical(text string) (string, bool) {
	if x.env == nil {
		env, err := cel.NewEnv(cel.EnableMacroCallTracking()) // so that `map` is written as it was
		if err != nil {
			return "", false // a change of spaces is then told as one
		}
		x.env = env
	}
	parsed, issues := x.env.Parse(text)
	if issues.Err() != nil {
		return "", false
	}
	canonical, err := cel.AstToString(parsed)
	return canonical, err == nil
}
