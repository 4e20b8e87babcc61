// Package selection reads the selections of the benchmark's requests, for the peers that are written by hand.
package selection

import (
	"errors"
	"strings"
)

// errUnbalanced says what is wrong with a selection: the one mistake in the grammar that can be made.
var errUnbalanced = errors.New("select: the parentheses are not balanced")

// Paths returns the paths of a selection: `user(id,name),orders.id` is user.id, user.name and orders.id.
func Paths(text string) ([]string, error) {
	var paths []string
	prefixes := []string{""} // of the parentheses that are open
	for text != "" {
		end := strings.IndexAny(text, ",()")
		if end < 0 {
			end = len(text)
		}
		path := prefixes[len(prefixes)-1] + text[:end]
		switch {
		case strings.HasPrefix(text[end:], "("):
			prefixes = append(prefixes, path+".")
		case end > 0:
			paths = append(paths, path)
		}
		if strings.HasPrefix(text[end:], ")") {
			prefixes = prefixes[:len(prefixes)-1]
		}
		if len(prefixes) == 0 {
			return nil, errUnbalanced
		}
		text = text[min(end+1, len(text)):]
	}
	if len(prefixes) > 1 {
		return nil, errUnbalanced
	}
	return paths, nil
}
