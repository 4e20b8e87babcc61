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
	var paths, prefixes []string
	prefix := ""
	for text != "" {
		end := strings.IndexAny(text, ",()")
		if end < 0 {
			end = len(text)
		}
		name := text[:end]
		switch {
		case end == len(text) || text[end] != '(':
			if name != "" {
				paths = append(paths, prefix+name)
			}
		default:
			prefixes = append(prefixes, prefix)
			prefix += name + "."
		}
		if end == len(text) {
			break
		}
		if text[end] == ')' {
			if len(prefixes) == 0 {
				return nil, errUnbalanced
			}
			prefix, prefixes = prefixes[len(prefixes)-1], prefixes[:len(prefixes)-1]
		}
		text = text[end+1:]
	}
	if len(prefixes) > 0 {
		return nil, errUnbalanced
	}
	return paths, nil
}
