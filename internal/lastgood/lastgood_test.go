package lastgood_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"facet/internal/lastgood"
	"facet/internal/snapshot"
)

var sample = lastgood.Set{
	Documents: []snapshot.Document{
		{Name: "mall.yaml", Data: []byte("upstreams: {}\n")},
		{Name: "mall/v1/mall.binpb", Data: []byte{0, 0xff, '\n', 0x80}},
	},
	Hash:     "1f",
	Revision: 42,
}

func save(t *testing.T, dir string, set lastgood.Set) {
	t.Helper()
	if err := lastgood.Save(dir, set); err != nil {
		t.Fatal(err)
	}
}

func TestLoadReturnsWhatWasSaved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "made", "by-save")
	before := time.Now().Truncate(time.Second)
	for revision := range int64(3) {
		want := sample
		want.Revision = revision
		save(t, dir, want)
		got, err := lastgood.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got.Saved.Before(before) || got.Saved.After(time.Now()) {
			t.Errorf("it was saved at %v", got.Saved)
		}
		want.Saved = got.Saved
		if difference := cmp.Diff(want, got); difference != "" {
			t.Error(difference)
		}
	}
}

// The copy may hold what is not for every user's eyes, and nothing else is to pile up beside it.
func TestSaveLeavesOnePrivateFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, dir, sample)
	save(t, dir, sample)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %v, %v", entries, err)
	}
	info, err := entries[0].Info()
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
}

func TestLoadWithoutACopy(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), "absent")} {
		if _, err := lastgood.Load(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	}
}

// Whatever byte is wrong, and wherever the file ends too early, the copy is refused.
func TestLoadRefusesADamagedCopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, dir, sample)
	path := filepath.Join(dir, "last-good")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(content []byte, what string, at int) {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := lastgood.Load(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s at byte %d: got %v", what, at, err)
		}
	}
	for at := range whole {
		refuse(whole[:at], "the end", at)
		damaged := bytes.Clone(whole)
		damaged[at] ^= 1
		refuse(damaged, "a wrong bit", at)
	}
}

func TestSaveSaysWhereItCannot(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lastgood.Save(filepath.Join(file, "below"), sample); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
}
