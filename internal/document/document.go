// Package document reads YAML documents into protobuf messages, strictly, and remembers where each value stands.
//
// The YAML it reads is a plain one, of which JSON is a part: one document a file, no anchors, aliases, merge keys or
// tags, so that every value has exactly one place and means what it shows. Keys are the names of the .proto,
// durations are written as in Go (`800ms`), enum values in lower case without the prefix of their type.
package document

import (
	"google.golang.org/protobuf/proto"

	"facet/internal/problem"
)

// Decode reads YAML into a message. Whatever is not exactly right is a problem: unknown and duplicate keys, wrong
// types, numbers out of range. It finds all of them, unless the text is no YAML; fields that have none are set all
// the same. An empty document leaves the message as it is. The positions are never nil.
func Decode(name string, text []byte, into proto.Message) (*Positions, problem.List) {
	root, problems := parse(name, text)
	d := decoder{problems: problems}
	if root != nil && root.kind != nothing {
		d.message(root, into.ProtoReflect())
	}
	d.problems.Sort()
	return &Positions{document: name, root: root}, d.problems
}
