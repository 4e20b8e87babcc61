package snapshot

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/plan"
)

// View is a method under one selection: the pruned plan and the projection of its reply.
type View struct {
	Selection  *pbwire.Selection
	Program    *plan.Program
	Projection *pbwire.Projection

	largest atomic.Int64 // reply so far, in bytes
}

// Room returns the size of the largest reply that was noted, in bytes. A buffer of that size seldom has to grow, which for
// a megabyte takes longer than rendering it.
func (v *View) Room() int { return int(v.largest.Load()) }

// Note notes the size of a reply.
func (v *View) Note(size int) {
	if int64(size) > v.largest.Load() {
		v.largest.Store(int64(size))
	}
}

// views keeps the compiled views of a method. A view is found by the text that the client sent, and shared by
// all texts of the same canonical selection. Both count towards the bound, so that a client that
// varies its text evicts, and cannot fill the memory.
type views struct {
	settings viewSettings
	once     sync.Once
	cache    *lru.Cache[viewKey, *View]
}

// viewSettings is what views depend on besides the method's descriptor and plan.
type viewSettings struct {
	options pbwire.Options
	limits  pbwire.SelectionLimits
	most    int // of them are kept
}

type viewKey struct {
	text string
	body protoreflect.FieldNumber // of response_body; 0 is the whole reply
}

// View returns the method under the selection of a client's text. binding is that of an HTTP
// request, nil otherwise. A text that is wrong yields a *pbwire.SelectionError.
func (m *Method) View(text string, binding *httprule.Binding) (*View, error) {
	m.views.once.Do(func() { m.views.cache, _ = lru.New[viewKey, *View](max(1, m.CachedViews)) })
	key := viewKey{text: text}
	var body protoreflect.FieldDescriptor
	if binding != nil {
		if body = binding.ResponseBody(); body != nil {
			key.body = body.Number()
		}
	}
	if view, ok := m.views.cache.Get(key); ok {
		return view, nil
	}
	selection, err := m.parseSelection(text, body)
	if err != nil {
		return nil, err
	}
	canonical := viewKey{text: selection.String(), body: key.body}
	view, ok := m.views.cache.Get(canonical)
	if !ok {
		if view, err = m.compileView(selection, body); err != nil {
			return nil, fmt.Errorf("%s: selection %s: %w", m.Name, canonical.text, err)
		}
		m.views.cache.Add(canonical, view)
	}
	key.text = strings.Clone(text) // it may be a small part of a large query
	m.views.cache.Add(key, view)
	return view, nil
}

// parseSelection reads a selection over the reply. With a response_body, what is not in that field is not
// selected, so that the calls behind it are not made.
func (m *Method) parseSelection(text string, body protoreflect.FieldDescriptor) (*pbwire.Selection, error) {
	selection, err := pbwire.ParseSelection(m.Descriptor.Output(), text, m.SelectionLimits)
	if err != nil || body == nil {
		return selection, err
	}
	sub, ok := selection.Field(body)
	if !ok {
		return pbwire.SelectNothing(), nil
	}
	return pbwire.SelectField(body, sub), nil
}

func (m *Method) compileView(selection *pbwire.Selection, body protoreflect.FieldDescriptor) (*View, error) {
	program, err := m.Plan.Prune(selection)
	if err != nil {
		return nil, err
	}
	var projection *pbwire.Projection
	if body != nil {
		projection, err = pbwire.CompileField(body, selection, m.Options)
	} else {
		projection, err = pbwire.Compile(m.Descriptor.Output(), selection, m.Options)
	}
	return &View{Selection: selection, Program: program, Projection: projection}, err
}
