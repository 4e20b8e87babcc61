package problem_test

import (
	"errors"
	"testing"

	"facet/internal/problem"
)

func TestErrorNamesThePlaceAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	tests := map[string]problem.Position{
		"wrong":             {},
		"a.yaml: wrong":     {Document: "a.yaml"},
		"a.yaml:3: wrong":   {Document: "a.yaml", Line: 3},
		"a.yaml:3:7: wrong": {Document: "a.yaml", Line: 3, Column: 7},
	}
	for want, at := range tests {
		if got := problem.At(at, "%s", "wrong").Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	at := func(document string, line, column int, message string) problem.Problem {
		return problem.At(problem.Position{Document: document, Line: line, Column: column}, "%s", message)
	}
	l := problem.List{at("b", 1, 1, "z"), at("a", 2, 1, "y"), at("a", 1, 9, "second"), at("a", 1, 9, "third"), at("a", 1, 2, "first"), at("a", 0, 0, "whole")}
	l.Sort()
	const want = "a: whole\na:1:2: first\na:1:9: second\na:1:9: third\na:2:1: y\nb:1:1: z"
	if got := l.Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestErr(t *testing.T) {
	t.Parallel()
	if err := (problem.List{}).Err(); err != nil {
		t.Errorf("no problem is the error %v", err)
	}
	var l problem.List
	if err := (problem.List{problem.At(problem.Position{}, "wrong")}).Err(); !errors.As(err, &l) || len(l) != 1 {
		t.Errorf("got %v", err)
	}
}
