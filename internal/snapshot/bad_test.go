package snapshot_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// TestBadDocuments builds each document of testdata/bad along with the ones that are right. Each has one mistake, which
// its first line explains; its second line is the only problem that the build must have:
//
//	# want: line:column: message
//
// A bad .proto is built along with a document that serves zoo.v1.ZooService/GetAnimal, if it declares that.
func TestBadDocuments(t *testing.T) {
	t.Parallel()
	shared := sharedDocuments(t)
	cases, err := filepath.Glob("testdata/bad/*.bad.*")
	if err != nil || len(cases) == 0 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			text := readFile(t, path)
			name := caseName(path)
			documents := append(shared[:len(shared):len(shared)], snapshot.Document{Name: name, Data: text})
			if filepath.Ext(path) == ".proto" && strings.Contains(string(text), "service ZooService") {
				documents = append(documents, snapshot.Document{Name: "zoo.yaml", Data: []byte("methods: {zoo.v1.ZooService/GetAnimal: {reply: {}}}")})
			}
			_, problems := snapshot.Build(t.Context(), documents, upstream.NewPool())
			if got, want := problems.Error(), name+":"+wanted(string(text)); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// caseName is the name under which a case is built. It sorts behind those of the documents that are right, so that what
// is defined in both is a mistake of the case.
func caseName(path string) string {
	if filepath.Ext(path) == ".proto" {
		return "zoo/v1/zoo.proto"
	}
	return "gateway.yaml"
}

// wanted returns the problem that the second line of a case states.
func wanted(text string) string {
	lines := strings.SplitN(text, "\n", 3)
	_, want, _ := strings.Cut(lines[1], " want: ")
	return want
}

// sharedDocuments returns what all cases are built along with.
func sharedDocuments(t *testing.T) []snapshot.Document {
	t.Helper()
	documents := []snapshot.Document{{Name: "base.yaml", Data: readFile(t, "testdata/bad/base.yaml")}}
	schema := os.DirFS("testdata/bad/schema")
	err := fs.WalkDir(schema, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(schema, path)
		documents = append(documents, snapshot.Document{Name: path, Data: data})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return documents
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestSharedDocuments makes sure that the mistakes of the cases are theirs.
func TestSharedDocuments(t *testing.T) {
	t.Parallel()
	s, problems := snapshot.Build(t.Context(), sharedDocuments(t), upstream.NewPool())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
