package source_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-kratos/kratos/v2/config"

	"facet/internal/source"
)

// write writes files, by their path below a directory.
func write(t *testing.T, directory string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(directory, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

func newDirectory(t *testing.T, directories ...string) *source.Source {
	t.Helper()
	s, err := source.NewDirectory(directories...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// content returns documents as `key=value`.
func content(documents []*config.KeyValue) []string {
	var lines []string
	for _, d := range documents {
		lines = append(lines, d.Key+"="+string(d.Value))
	}
	return lines
}

func TestLoadFindsDocuments(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	write(t, first, map[string]string{
		"mall.yaml": "1", "b.yml": "2", "c.json": "3", "mall/v1/mall.proto": "4", "d.binpb": "5", "e.pb": "6", "f.desc": "7", "g.protoset": "8",
		"README.md": "no", "mall/v1/mall.pb.go": "no", ".hidden.yaml": "no", ".git/config.yaml": "no", "mall.yaml~": "no", "mall.schema.json": "no", "yaml": "no",
	})
	write(t, second, map[string]string{"a.yaml": "9"})
	link(t, "nowhere", filepath.Join(first, ".#mall.yaml"))
	link(t, "nowhere", filepath.Join(first, "lock"))
	documents, err := newDirectory(t, first, second).Load()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a.yaml=9", "b.yml=2", "c.json=3", "d.binpb=5", "e.pb=6", "f.desc=7", "g.protoset=8", "mall.yaml=1", "mall/v1/mall.proto=4"}
	if got := content(documents); !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if format := documents[8].Format; format != "proto" {
		t.Errorf("the format of a .proto is %q", format)
	}
}

// A ConfigMap is mounted as links to a hidden directory, through a hidden link that is swapped.
func TestLoadFollowsKubernetesLinks(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, map[string]string{"..2026_11_23/mall.yaml": "1", "..2026_11_23/v1/mall.proto": "2"})
	link(t, "..2026_11_23", filepath.Join(directory, "..data"))
	link(t, filepath.Join("..data", "mall.yaml"), filepath.Join(directory, "mall.yaml"))
	link(t, filepath.Join("..data", "v1"), filepath.Join(directory, "v1"))
	documents, err := newDirectory(t, directory).Load()
	if want := []string{"mall.yaml=1", "v1/mall.proto=2"}; err != nil || !slices.Equal(content(documents), want) {
		t.Errorf("got %v, %v; want %v", content(documents), err, want)
	}
}

func TestLoadFromFileSystems(t *testing.T) {
	s := source.NewFS(
		fstest.MapFS{"mall.yaml": {Data: []byte("1")}, "mall.go": {Data: []byte("no")}},
		fstest.MapFS{"v1/mall.proto": {Data: []byte("2")}},
	)
	documents, err := s.Load()
	if want := []string{"mall.yaml=1", "v1/mall.proto=2"}; err != nil || !slices.Equal(content(documents), want) {
		t.Errorf("got %v, %v; want %v", content(documents), err, want)
	}
}

func TestLoadExplainsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(first, second string)
		want    func(first, second string) string
	}{
		{"same name", func(first, second string) {
			write(t, first, map[string]string{"v1/mall.yaml": "1"})
			write(t, second, map[string]string{"v1/mall.yaml": "1"})
		}, func(first, second string) string {
			return filepath.Join(first, "v1", "mall.yaml") + " and " + filepath.Join(second, "v1", "mall.yaml") + " have the same name, v1/mall.yaml; rename one"
		}},
		{"too large", func(first, _ string) {
			write(t, first, map[string]string{"mall.yaml": ""})
			if err := os.Truncate(filepath.Join(first, "mall.yaml"), 16<<20+1); err != nil {
				t.Fatal(err)
			}
		}, func(first, _ string) string {
			return filepath.Join(first, "mall.yaml") + ": larger than 16777216 bytes"
		}},
		{"link that leads back up", func(first, _ string) {
			link(t, ".", filepath.Join(first, "again"))
			link(t, ".", filepath.Join(first, "once-more"))
		}, func(string, string) string { return "is there a link that leads back up?" }},
		{"document that leads nowhere", func(first, _ string) {
			link(t, "nowhere.yaml", filepath.Join(first, "mall.yaml"))
		}, func(first, _ string) string {
			return filepath.Join(first, "mall.yaml") + ": no such file or directory"
		}},
		{"directory that has gone", func(first, _ string) {
			if err := os.Remove(first); err != nil {
				t.Fatal(err)
			}
		}, func(first, _ string) string { return first + ": no such file or directory" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			first, second := t.TempDir(), t.TempDir()
			s := newDirectory(t, first, second)
			test.prepare(first, second)
			_, err := s.Load()
			if want := test.want(first, second); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestNewDirectoryWantsDirectories(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, map[string]string{"mall.yaml": "1"})
	for _, name := range []string{"absent", "mall.yaml"} {
		path := filepath.Join(directory, name)
		if _, err := source.NewDirectory(directory, path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRevisionTellsContentsApart(t *testing.T) {
	document := func(key, value string) *config.KeyValue { return &config.KeyValue{Key: key, Value: []byte(value)} }
	sets := [][]*config.KeyValue{
		nil,
		{document("a", "b")},
		{document("ab", "")},
		{document("", "ab")},
		{document("a", "b"), document("c", "d")},
		{document("a", "bc"), document("", "d")},
	}
	seen := map[string]int{}
	for i, set := range sets {
		revision := source.Revision(set)
		if other, ok := seen[revision]; ok {
			t.Errorf("sets %d and %d have one revision", i, other)
		}
		seen[revision] = i
	}
	if source.Revision(sets[4]) != source.Revision([]*config.KeyValue{document("a", "b"), document("c", "d")}) {
		t.Error("equal sets have two revisions")
	}
}
