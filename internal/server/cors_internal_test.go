package server

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"facet/internal/snapshot"
)

// A request without an origin costs nothing but the field of its reply: no snapshot is pinned, nothing is allocated.
func TestAdmitIsFree(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	c := cors{new(snapshot.Holder)}
	if n := testing.AllocsPerRun(100, func() {
		clear(w.Header())
		if !c.admit(w, r) {
			t.Error("refused")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkAdmit is what a request without an origin pays for CORS.
func BenchmarkAdmit(b *testing.B) {
	b.ReportAllocs()
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/", nil)
	c := cors{new(snapshot.Holder)}
	for b.Loop() {
		clear(w.Header())
		c.admit(w, r)
	}
}
