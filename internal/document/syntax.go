package document

import (
	"errors"
	"io"
	"regexp"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"facet/internal/problem"
)

// libraryPrefix is what the YAML library puts before its messages.
var libraryPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

// hints say what to do about the syntax errors that people make most.
var hints = map[string]string{
	"mapping values are not allowed in this context":         `a value that contains ": " must be quoted`,
	"found character that cannot start any token":            "a value that starts with @, ` or % must be quoted",
	"did not find expected key":                              "is the line indented as its neighbors are, and a quoted value complete?",
	"did not find expected '-' indicator":                    "is the line indented as its neighbors are?",
	"did not find expected ',' or ']'":                       `the list is not closed with "]", or a comma is missing`,
	"did not find expected ',' or '}'":                       `the mapping is not closed with "}", or a comma is missing`,
	"found unexpected end of stream":                         "the quoted text is not closed",
	"could not find expected ':'":                            `a key needs a colon and a space: "key: value"`,
	"found unknown escape character":                         `in double quotes a backslash is written \\; single quotes take it as it is`,
	"found invalid Unicode character escape code":            `write the character itself, or \U and eight digits`,
	"did not find expected node content":                     "a value is missing",
	"did not find expected <document start>":                 "is the line indented as its neighbors are?",
	"block sequence entries are not allowed in this context": `a list starts on a line of its own`,
}

// syntax makes the problem of a text that is no YAML. The line that the library reports is that of the surrounding
// collection, or none; the line at fault is the one with which the error appears first.
func (p *parser) syntax(err error) problem.Problem {
	message := libraryMessage(err)
	line := 1 + sort.Search(len(p.lines)-1, func(i int) bool {
		err := syntaxError(strings.Join(p.lines[:i+1], "\n") + "\n")
		return err != nil && libraryMessage(err) == message
	})
	content := strings.TrimLeft(p.lines[line-1], " ")
	at := problem.Position{Document: p.name, Line: line, Column: len(p.lines[line-1]) - len(content) + 1}
	if strings.HasPrefix(content, "\t") {
		return problem.At(at, "a tab cannot indent in YAML; use spaces")
	}
	if hint, ok := hints[message]; ok {
		return problem.At(at, "no YAML: %s; %s", message, hint)
	}
	return problem.At(at, "no YAML: %s", message)
}

// syntaxError returns what is wrong with all documents of a text, nil if they are YAML.
func syntaxError(text string) error {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var ignored yaml.Node
		err := decoder.Decode(&ignored)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// libraryMessage is what the library says is wrong, without where.
func libraryMessage(err error) string {
	return libraryPrefix.ReplaceAllString(err.Error(), "")
}
