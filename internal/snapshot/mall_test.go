package snapshot_test

import (
	"io/fs"
	"testing"

	"facet/api"
	"facet/configs"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// mall returns the documents of the sample mall.
func mall(t testing.TB) []snapshot.Document {
	t.Helper()
	var documents []snapshot.Document
	for _, source := range []struct {
		files fs.FS
		glob  string
	}{{api.Mall, "*/v1/*.proto"}, {configs.Mall, "mall/*.yaml"}} {
		names, err := fs.Glob(source.files, source.glob)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %d files, %v", source.glob, len(names), err)
		}
		for _, name := range names {
			data, err := fs.ReadFile(source.files, name)
			if err != nil {
				t.Fatal(err)
			}
			documents = append(documents, snapshot.Document{Name: name, Data: data})
		}
	}
	return documents
}

func TestBuildMall(t *testing.T) {
	s, problems := snapshot.Build(t.Context(), mall(t), upstream.NewPool())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	method := s.Methods["mall.v1.MallService/GetHome"]
	if method == nil || len(method.Bindings) != 1 || method.Plan == nil {
		t.Fatalf("GetHome is %+v", method)
	}
}

func BenchmarkBuildMall(b *testing.B) {
	documents, pool := mall(b), upstream.NewPool()
	b.ReportAllocs()
	for b.Loop() {
		s, problems := snapshot.Build(b.Context(), documents, pool)
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
