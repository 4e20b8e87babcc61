package schema

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bufbuild/protocompile/ast"
	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/problem"
	"facet/internal/suggest"
)

// collector turns the errors of the compiler into problems, all of them; warnings are none. It implements
// reporter.Reporter, whose callers serialize.
type collector struct {
	sources  sources
	trees    map[string]*ast.FileNode // to suggest types from
	problems problem.List
}

func newCollector(all sources) *collector { return &collector{sources: all} }

// Error takes an error and lets the compiler go on.
func (c *collector) Error(err reporter.ErrorWithPos) error {
	p := problem.At(c.sources.position(err.GetPosition()), "%s", strings.ReplaceAll(err.Unwrap().Error(), "$end", "end of file"))
	if name := unknownType.FindStringSubmatch(p.Message); name != nil {
		p.Message += suggest.DidYouMean(name[1], c.typeNames())
	}
	c.add(turn(p))
	return nil
}

// add keeps one problem a place: after a syntax error the parser may stumble over the same token again.
func (c *collector) add(p problem.Problem) {
	same := slices.IndexFunc(c.problems, func(other problem.Problem) bool { return other.Position == p.Position })
	switch {
	case same < 0 || p.Line == 0 && c.problems[same].Message != p.Message:
		c.problems = append(c.problems, p)
	case strings.HasPrefix(p.Message, unexpected) && !strings.HasPrefix(c.problems[same].Message, unexpected):
		c.problems[same] = p
	}
}

// unexpected begins the syntax errors that say most.
const unexpected = "syntax error: unexpected"

// definedTwice finds the other place in the compiler's message about a name that is declared twice.
var definedTwice = regexp.MustCompile(`^(.* already defined at )([^:]+):(\d+):(\d+)$`)

// turn makes a problem with two places stand at the later one. The compiler links files concurrently and reports the one
// that it happens to see last.
func turn(p problem.Problem) problem.Problem {
	match := definedTwice.FindStringSubmatch(p.Message)
	if match == nil {
		return p
	}
	other := problem.Position{Document: match[2]}
	other.Line, _ = strconv.Atoi(match[3]) // digits, as matched
	other.Column, _ = strconv.Atoi(match[4])
	if places := (problem.List{{Position: p.Position}, {Position: other}}); p.Line > 0 {
		places.Sort()
		return problem.At(places[1].Position, "%s%s", match[1], places[0].Position)
	}
	return p
}

// Warning implements reporter.Reporter.
func (c *collector) Warning(reporter.ErrorWithPos) {}

// list returns what was collected while compiling ended with err. An error that was not reported is a problem too.
func (c *collector) list(err error, s *source) problem.List {
	if len(c.problems) > 0 || err == nil {
		return c.problems
	}
	if positioned, ok := errors.AsType[reporter.ErrorWithPos](err); ok {
		_ = c.Error(positioned) // collects, and never asks to stop
		return c.problems
	}
	var at problem.Position
	if s != nil {
		at = s.at
	}
	return problem.List{problem.At(at, "cannot compile the .proto files: %v", err)}
}

// unknownType finds the name in the compiler's message about a type that there is none of.
var unknownType = regexp.MustCompile(`unknown (?:request |response |extendee )?type ([\w.]+)$`)

// typeNames returns the names of all messages and enums, in full and without their packages.
func (c *collector) typeNames() []string {
	var names []string
	var add func(prefix string, messages []*descriptorpb.DescriptorProto, enums []*descriptorpb.EnumDescriptorProto)
	add = func(prefix string, messages []*descriptorpb.DescriptorProto, enums []*descriptorpb.EnumDescriptorProto) {
		for _, message := range messages {
			names = append(names, message.GetName(), prefix+message.GetName())
			add(prefix+message.GetName()+".", message.GetNestedType(), message.GetEnumType())
		}
		for _, enum := range enums {
			names = append(names, enum.GetName(), prefix+enum.GetName())
		}
	}
	for path, s := range c.sources {
		file := s.descriptor
		if tree := c.trees[path]; tree != nil {
			if result, err := parser.ResultFromAST(tree, false, reporter.NewHandler(nil)); err == nil {
				file = result.FileDescriptorProto()
			}
		}
		add(file.GetPackage()+".", file.GetMessageType(), file.GetEnumType())
	}
	slices.Sort(names)
	return names
}
