package httprule

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"facet/internal/suggest"
)

// The bounds of a query. They are far beyond what a person or a form sends, and keep what a request can cost in
// proportion to its size.
const (
	// maxParameters is how many parameters a query may have.
	maxParameters = 1000
	// maxDepth is how many names a parameter's path may have.
	maxDepth = 32
)

// parameters appends the fields of a query and remembers which are set, to refuse those that exclude
// each other.
type parameters struct {
	binding *Binding
	hasBody bool
	// steps holds the paths of the fields set so far, one after the other; ends tells where each ends.
	steps fieldPath
	ends  []int
}

var parametersPool = sync.Pool{New: func() any { return new(parameters) }}

// appendQuery appends the fields of a raw query to dst, and tells whether the update mask is one of them.
func (b *Binding) appendQuery(dst []byte, query string, hasBody bool) (_ []byte, masked bool, err error) {
	p := parametersPool.Get().(*parameters)
	p.binding, p.hasBody = b, hasBody
	dst, err = p.append(dst, query)
	masked = b.mask != nil && p.sets(b.mask)
	p.release()
	return dst, masked, err
}

// release returns the parameters to the pool, without what they refer to: a binding must not outlive its
// snapshot. Memory that a huge query left behind is not kept.
func (p *parameters) release() {
	if cap(p.steps) > maxParameters {
		return
	}
	clear(p.steps[:cap(p.steps)])
	*p = parameters{steps: p.steps[:0], ends: p.ends[:0]}
	parametersPool.Put(p)
}

// append appends the fields of a raw query to dst.
func (p *parameters) append(dst []byte, query string) ([]byte, error) {
	for n := 1; ; n++ {
		name, value, rest, ok := nextParameter(query)
		if !ok {
			return dst, nil
		}
		if n > maxParameters {
			return dst, &BadRequest{Message: fmt.Sprintf("query: more than %d parameters", maxParameters)}
		}
		query = rest
		name, nameOK := unescapeQuery(name)
		value, valueOK := unescapeQuery(value)
		if !nameOK || !valueOK {
			return dst, refuse(name, "malformed percent escape")
		}
		if name == "" {
			return dst, &BadRequest{Message: "query: a parameter has no name"}
		}
		if slices.Contains(p.binding.reserved, name) {
			continue
		}
		var err error
		if dst, err = p.appendParameter(dst, name, value); err != nil {
			return dst, err
		}
	}
}

// refuse makes the error of a parameter.
func refuse(name, format string, args ...any) *BadRequest {
	return &BadRequest{Field: name, Message: "query: " + name + ": " + fmt.Sprintf(format, args...)}
}

func (p *parameters) appendParameter(dst []byte, name, value string) ([]byte, error) {
	if body := p.binding.body; body != nil && len(body.field) == 0 {
		if p.binding.lenient {
			return dst, nil
		}
		return dst, refuse(name, "the body is the whole request, so there are no query parameters")
	}
	start := len(p.steps)
	known, err := p.resolve(name)
	if err != nil || !known {
		return dst, err
	}
	path := p.steps[start:]
	again, err := p.check(name, path)
	if err != nil {
		return dst, err
	}
	if again {
		p.steps = p.steps[:start]
	} else {
		p.ends = append(p.ends, len(p.steps))
	}
	dst, textErr := appendField(dst, path, value)
	if textErr != nil {
		return dst, refuse(name, "%v", textErr)
	}
	return dst, nil
}

// resolve adds the path that a parameter names to the steps. It tells whether there is such a field; if not, and
// the binding is not lenient, that is an error.
func (p *parameters) resolve(name string) (known bool, err error) {
	table, start := p.binding.request, len(p.steps)
	for depth, rest, more := 0, name, true; more; depth++ {
		var step string
		step, rest, more = strings.Cut(rest, ".")
		if depth == maxDepth {
			return false, refuse(name, "more than %d levels", maxDepth)
		}
		if table == nil {
			return false, refuse(name, "%s has no fields that a parameter can name", p.steps[start:].String())
		}
		f := table.names[step]
		if f == nil {
			p.steps = p.steps[:start]
			if p.binding.lenient {
				return false, nil
			}
			return false, p.unknown(table, name, step)
		}
		p.steps, table = append(p.steps, f), f.inner
	}
	if f := p.steps[len(p.steps)-1]; !f.text {
		return false, refuse(name, "%s %s", f.fd.Name(), f.noText())
	}
	return true, nil
}

func (p *parameters) unknown(table *fieldTable, name, step string) error {
	names := table.allNames()
	if table == p.binding.request {
		return refuse(name, "unknown parameter%s", suggest.DidYouMean(step, append(names, p.binding.reserved...)))
	}
	return refuse(name, "%s has no field %q%s", table.message.FullName(), step, suggest.DidYouMean(step, names))
}

// check refuses a field that the path, the body or an earlier parameter has set or excludes. It tells whether the
// field is a repeated one that an earlier parameter has begun.
func (p *parameters) check(name string, path fieldPath) (again bool, err error) {
	for i := range p.binding.variables {
		if how, at := relate(path, p.binding.variables[i].field); how == overlapping {
			return false, refuse(name, "the path sets this field")
		} else if how == exclusive {
			return false, refuse(name, "%s", exclusion(path, p.binding.variables[i].field, at))
		}
	}
	if body := p.binding.body; body != nil {
		if how, at := relate(path, body.field); how == overlapping {
			return false, refuse(name, "%s is the body of the request", body.field.String())
		} else if how == exclusive && p.hasBody {
			return false, refuse(name, "%s", exclusion(path, body.field, at))
		}
	}
	return p.checkEarlier(name, path)
}

func (p *parameters) checkEarlier(name string, path fieldPath) (again bool, err error) {
	start := 0
	for _, end := range p.ends {
		earlier := p.steps[start:end]
		switch how, at := relate(path, earlier); {
		case how == exclusive:
			return false, refuse(name, "%s", exclusion(path, earlier, at))
		case how == overlapping && !path.leaf().fd.IsList():
			return false, refuse(name, "given more than once")
		case how == overlapping:
			return true, nil
		}
		start = end
	}
	return false, nil
}

// sets tells whether the query has set a top-level field.
func (p *parameters) sets(f *field) bool {
	start := 0
	for _, end := range p.ends {
		if p.steps[start] == f {
			return true
		}
		start = end
	}
	return false
}
