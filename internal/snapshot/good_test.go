package snapshot_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"facet/internal/snapshot"
)

// TestGoodDocuments builds each document of testdata/good along with the shared ones and holds what it serves against
// the file of the same name with .txt.
func TestGoodDocuments(t *testing.T) {
	t.Parallel()
	var cases []string
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/good/*.json"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		cases = append(cases, found...)
	}
	for _, path := range cases {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			s := build(t, with(t, filepath.Base(path), string(readFile(t, path))))
			want := string(readFile(t, strings.TrimSuffix(path, filepath.Ext(path))+".txt"))
			if got := described(t, s); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// described lists what a snapshot serves, and how.
func described(t *testing.T, s *snapshot.Snapshot) string {
	t.Helper()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s.Methods)) {
		m := s.Methods[name]
		fmt.Fprintf(&b, "== %s in %s\n", name, m.Timeout)
		for _, binding := range m.Bindings {
			fmt.Fprintf(&b, "%s %s\n", binding.HTTPMethod(), binding.Template())
		}
		view, err := m.View("", nil)
		if err != nil {
			t.Fatal(err)
		}
		explanation := view.Program.Explain()
		for _, call := range explanation.Calls {
			fmt.Fprintf(&b, "%s %s of %s, %s, after %q, pushes %s\n", call.Name, call.RPC, call.Upstream, call.Failure, call.After, call.Mask)
		}
		for _, slow := range explanation.Slow {
			fmt.Fprintf(&b, "slow at %s: %q\n", slow.Position, slow.Expression)
		}
	}
	return b.String()
}
