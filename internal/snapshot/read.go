package snapshot

import (
	"bytes"
	"sync"

	"google.golang.org/protobuf/types/known/durationpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/document"
	"facet/internal/problem"
)

// reading is what a document of settings says. It does not depend on other documents, so that the next snapshot uses it
// again if the document stays the same.
type reading struct {
	document  Document
	gateway   *gatewayv1.Gateway // not to be changed: snapshots share it
	positions *positions

	problems   problem.List // of decoding it
	outOfRange problem.List // settings of it
}

// read decodes a document and checks what can be checked of it alone.
func read(d Document) *reading {
	r := &reading{document: d, gateway: new(gatewayv1.Gateway), positions: &positions{document: d}}
	r.positions.known, r.problems = document.Decode(d.Name, d.Data, r.gateway)
	r.outOfRange = r.check()
	for _, m := range r.gateway.GetMethods() {
		if m.GetTimeout() == nil {
			m.Timeout = durationpb.New(defaultTimeout)
		}
	}
	return r
}

// of tells whether the reading is that of a document.
func (r *reading) of(d Document) bool {
	return r != nil && r.document.Name == d.Name && bytes.Equal(r.document.Data, d.Data)
}

// positions tells where the values of a document stand. Only problems need to know, and it takes several times the memory of
// the document; so a document that is kept forgets it, and is read again if need be.
type positions struct {
	document Document
	mu       sync.Mutex
	known    *document.Positions // nil: forgotten
}

// get returns the positions of the document's values.
func (p *positions) get() *document.Positions {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known, _ = document.Decode(p.document.Name, p.document.Data, new(gatewayv1.Gateway)) // its problems were reported then
	}
	return p.known
}

func (p *positions) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = nil
}
