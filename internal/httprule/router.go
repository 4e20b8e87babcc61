package httprule

import (
	"fmt"
	"slices"
	"strings"
)

// Router finds the binding of a request. T is what the caller wants back. It is built, then only read. The zero
// Router is empty and ready to use.
//
// The most specific template wins, segment by segment from the left: a literal before `*` before `**`; and a
// template whose verb the path ends with before any without a verb. A template that lacks the request's HTTP
// method does not hide a less specific one that has it, as in Envoy: with `GET /users/{id}` and
// `POST /users/search`, `GET /users/search` gets the user "search". Of two bindings of one shape, one for the
// HTTP method itself comes before one for any.
//
// Nothing is implicit: no HEAD for GET, no trailing slash, no folding of case. `*` does not match an
// empty segment: `//` is no path to a user whose id is empty.
type Router[T any] struct {
	// trees holds a tree for each verb; "" is that of the templates without.
	trees map[string]*node[T]
}

// node is a place in the tree that some segments lead to.
type node[T any] struct {
	literals map[string]*node[T]
	any      *node[T]
	ends     []route[T] // of templates that end here
	rests    []route[T] // of templates that end with `**` here
}

// route is a binding and what it leads to.
type route[T any] struct {
	binding *Binding
	value   T
}

// Match is the outcome of a look-up; it holds the path's variables and may be reused.
type Match struct {
	Binding *Binding
	path    string // escaped, without the verb; "" for the root
}

// Add adds a binding. It fails if the router has one of the same shape and HTTP method.
func (r *Router[T]) Add(b *Binding, value T) error {
	if r.trees == nil {
		r.trees = map[string]*node[T]{}
	}
	tree := r.trees[b.path.verb]
	if tree == nil {
		tree = &node[T]{}
		r.trees[b.path.verb] = tree
	}
	routes := tree.insert(b.path.segments)
	for _, other := range *routes {
		if other.binding.httpMethod == b.httpMethod {
			return &Clash{Binding: b, Other: other.binding}
		}
	}
	*routes = append(*routes, route[T]{b, value})
	return nil
}

// Clash is the error of adding a binding that matches the same requests as another.
type Clash struct {
	Binding, Other *Binding
}

// Error implements error.
func (c *Clash) Error() string {
	return fmt.Sprintf("%s clashes with %s: both match the same requests; change the path of one", c.Binding, c.Other)
}

// insert returns the routes of the templates with these segments, growing the tree as needed.
func (n *node[T]) insert(segments []segment) *[]route[T] {
	for _, s := range segments {
		switch s.kind {
		case restSegments: // always the last
			return &n.rests
		case anySegment:
			if n.any == nil {
				n.any = &node[T]{}
			}
			n = n.any
		default:
			if n.literals == nil {
				n.literals = map[string]*node[T]{}
			}
			if n.literals[s.literal] == nil {
				n.literals[s.literal] = &node[T]{}
			}
			n = n.literals[s.literal]
		}
	}
	return &n.ends
}

// Find looks up an HTTP method and an escaped path (URL.EscapedPath). found tells whether the path and method
// match; if only the path does, allow lists the methods that it has, sorted.
//
// A malformed percent escape matches no literal. In a variable it is the error of [Binding.AppendRequest].
func (r *Router[T]) Find(httpMethod, path string, m *Match) (value T, found bool, allow []string) {
	if !strings.HasPrefix(path, "/") {
		return value, false, nil
	}
	s := search[T]{httpMethod: httpMethod}
	if s.run(r, path) {
		m.Binding, m.path = s.route.binding, s.path
		return s.route.value, true, nil
	}
	s.collect = true
	s.run(r, path)
	slices.Sort(s.allow)
	return value, false, slices.Compact(s.allow)
}

// search is a walk through a router's trees. It ends at the first route of the HTTP method, or, if it is to collect
// the HTTP methods of the path, it visits all.
type search[T any] struct {
	httpMethod string
	collect    bool

	route route[T]
	path  string
	allow []string
}

func (s *search[T]) run(r *Router[T], path string) bool {
	if i := strings.LastIndexByte(path, ':'); i > strings.LastIndexByte(path, '/') {
		verb, ok := unescape(path[i+1:], decodeAll)
		if tree := r.trees[verb]; ok && verb != "" && tree != nil && s.tree(tree, path[:i]) {
			return true
		}
	}
	tree := r.trees[""]
	return tree != nil && s.tree(tree, path)
}

func (s *search[T]) tree(root *node[T], path string) bool {
	if path == "/" {
		path = ""
	}
	s.path = path
	return s.walk(root, path)
}

// walk looks for the rest of the path, which is "" or begins with a slash, below a node. Each node is visited
// at most once, however many templates there are.
func (s *search[T]) walk(n *node[T], rest string) bool {
	if rest == "" {
		return s.visit(n.ends) || s.visit(n.rests)
	}
	segment, after := rest[1:], ""
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		segment, after = segment[:i], segment[i:]
	}
	if next := n.literal(segment); next != nil && s.walk(next, after) {
		return true
	}
	if n.any != nil && segment != "" && s.walk(n.any, after) {
		return true
	}
	return s.visit(n.rests)
}

// literal returns the node of a segment, nil if there is none.
func (n *node[T]) literal(segment string) *node[T] {
	if strings.IndexByte(segment, '%') < 0 {
		return n.literals[segment]
	}
	var buffer [64]byte
	decoded, ok := appendUnescaped(buffer[:0], segment, decodeAll)
	if !ok {
		return nil
	}
	return n.literals[string(decoded)]
}

// visit tells whether one of the routes is the result.
func (s *search[T]) visit(routes []route[T]) bool {
	found := false
	for i := range routes {
		switch method := routes[i].binding.httpMethod; {
		case s.collect:
			s.allow = append(s.allow, method)
		case method == s.httpMethod:
			s.route = routes[i]
			return true
		case method == anyMethod && !found:
			s.route, found = routes[i], true
		}
	}
	return found
}

// segments returns a variable's part of the path: of n segments from start, or all from start if n is negative.
func (m *Match) segments(start, n int) string {
	rest := m.path
	for range start {
		rest = skipSegment(rest)
	}
	end := rest
	for range n {
		end = skipSegment(end)
	}
	if n >= 0 {
		rest = rest[:len(rest)-len(end)]
	}
	return strings.TrimPrefix(rest, "/")
}

// skipSegment cuts the first segment off a path that is "" or begins with a slash.
func skipSegment(path string) string {
	if path == "" {
		return ""
	}
	if i := strings.IndexByte(path[1:], '/'); i >= 0 {
		return path[1+i:]
	}
	return ""
}
