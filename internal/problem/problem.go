// Package problem describes what is wrong with a document, where, and what would be right.
package problem

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Position is a place in a document. Line and Column count from 1, Column in bytes; zero means
// that it is not known.
type Position struct {
	Document     string
	Line, Column int
}

// String returns the position as document:line:column, as far as it is known.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.Document
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.Document, p.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", p.Document, p.Line, p.Column)
	}
}

// Compare orders positions: by document, then from its start to its end.
func (p Position) Compare(other Position) int {
	return cmp.Or(cmp.Compare(p.Document, other.Document), cmp.Compare(p.Line, other.Line), cmp.Compare(p.Column, other.Column))
}

// Problem is one mistake in a document.
type Problem struct {
	Position
	// Message says what is wrong and what would be right, in one line.
	Message string
	// Passing is that of a problem that is not in the documents, and may be gone when they are looked at again.
	Passing bool
}

// Error implements error.
func (p Problem) Error() string {
	if at := p.Position.String(); at != "" {
		return at + ": " + p.Message
	}
	return p.Message
}

// At makes a Problem from a format.
func At(at Position, format string, args ...any) Problem {
	return Problem{Position: at, Message: fmt.Sprintf(format, args...)}
}

// List is every problem found in a set of documents.
type List []Problem

// Err returns the list as an error, nil if it is empty.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Sort orders the list by position.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Problem) int { return a.Compare(b.Position) })
}

// Error implements error, with one problem a line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, p := range l {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
