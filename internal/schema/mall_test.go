package schema_test

import (
	"io/fs"
	"testing"

	"facet/api"
	"facet/internal/schema"
)

// mallFiles returns the .proto documents of the sample mall.
func mallFiles(t testing.TB) []schema.File {
	t.Helper()
	paths, err := fs.Glob(api.Mall, "*/v1/*.proto")
	if err != nil {
		t.Fatal(err)
	}
	var files []schema.File
	for _, path := range paths {
		data, err := fs.ReadFile(api.Mall, path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, schema.File{Name: path, Data: data})
	}
	return files
}

func BenchmarkBuildMall(b *testing.B) {
	files := mallFiles(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, problems := schema.Build(b.Context(), files); len(problems) > 0 {
			b.Fatal(problems)
		}
	}
}
