package main

import (
	"strings"
	"testing"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/examples/mall/backend"
	"facet/internal/document"
)

func TestDocumentsDecode(t *testing.T) {
	source, err := newDocuments(backend.Addresses{User: "u:1", Order: "o:2", Product: "p:3", Notice: "n:4", Live: "l:5"})
	if err != nil {
		t.Fatal(err)
	}
	values, err := source.Load()
	if err != nil {
		t.Fatal(err)
	}
	targets, methods := map[string]string{}, 0
	for _, value := range values {
		if !strings.HasSuffix(value.Key, ".yaml") {
			continue
		}
		gateway := new(gatewayv1.Gateway)
		if _, problems := document.Decode(value.Key, value.Value, gateway); len(problems) > 0 {
			t.Error(problems)
		}
		methods += len(gateway.Methods)
		for name, upstream := range gateway.Upstreams {
			targets[name] = upstream.Target
		}
	}
	if methods != 8 {
		t.Errorf("the documents have %d methods, want 8", methods)
	}
	for name, want := range map[string]string{"user": "u:1", "order": "o:2", "product": "p:3", "notice": "n:4", "live": "l:5"} {
		if got := targets[name]; got != "static:///"+want {
			t.Errorf("upstream %s is at %q, want %s", name, got, want)
		}
	}
}
