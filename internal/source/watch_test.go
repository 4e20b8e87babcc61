package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-kratos/kratos/v2/config"

	"facet/internal/source"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// change is what Next returned.
type change struct {
	documents []*config.KeyValue
	err       error
}

// watch loads a source, watches it, and returns its changes until the test ends.
func watch(t *testing.T, s *source.Source) <-chan change {
	t.Helper()
	if _, err := s.Load(); err != nil {
		t.Fatal(err)
	}
	return watchOnly(t, s)
}

func watchOnly(t *testing.T, s config.Source) <-chan change {
	t.Helper()
	w, err := s.Watch()
	if err != nil {
		t.Fatal(err)
	}
	changes, ended := make(chan change), make(chan struct{})
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("Next does not return after Stop")
		}
	})
	go func() {
		defer close(ended)
		for {
			documents, err := w.Next()
			if errors.Is(err, context.Canceled) {
				return
			}
			select {
			case changes <- change{documents, err}:
			case <-t.Context().Done():
				return
			}
		}
	}()
	return changes
}

func next(t *testing.T, changes <-chan change) change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(patience):
		t.Fatal("the change is not reported")
		return change{}
	}
}

// expect waits until the documents are as they should be: a change of several files may be seen in parts.
func expect(t *testing.T, changes <-chan change, want ...string) {
	t.Helper()
	for {
		c := next(t, changes)
		if c.err == nil && slices.Equal(content(c.documents), want) {
			return
		}
		t.Logf("on the way: %v, %v", content(c.documents), c.err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestWatchReportsEveryKindOfChange(t *testing.T) {
	directory := t.TempDir()
	in := func(name string) string { return filepath.Join(directory, filepath.FromSlash(name)) }
	write(t, directory, map[string]string{"mall.yaml": "1"})
	changes := watch(t, newDirectory(t, directory))

	write(t, directory, map[string]string{"mall.yaml": "2"})
	expect(t, changes, "mall.yaml=2")

	write(t, directory, map[string]string{".mall.yaml.swp": "3"}) // an editor writes beside and renames over
	rename(t, in(".mall.yaml.swp"), in("mall.yaml"))
	expect(t, changes, "mall.yaml=3")

	write(t, directory, map[string]string{"v1/deep/mall.proto": "4"})
	expect(t, changes, "mall.yaml=3", "v1/deep/mall.proto=4")

	write(t, directory, map[string]string{"v1/deep/mall.proto": "5"})
	expect(t, changes, "mall.yaml=3", "v1/deep/mall.proto=5")

	rename(t, in("v1"), in("v2"))
	expect(t, changes, "mall.yaml=3", "v2/deep/mall.proto=5")

	if err := os.Remove(in("mall.yaml")); err != nil {
		t.Fatal(err)
	}
	expect(t, changes, "v2/deep/mall.proto=5")
}

func TestWatchSeesKubernetesSwaps(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, map[string]string{"..1/mall.yaml": "1"})
	link(t, "..1", filepath.Join(directory, "..data"))
	link(t, filepath.Join("..data", "mall.yaml"), filepath.Join(directory, "mall.yaml"))
	changes := watch(t, newDirectory(t, directory))
	for version := 2; version <= 4; version++ {
		name, value := "..data_tmp", string(rune('0'+version))
		write(t, directory, map[string]string{".." + value + "/mall.yaml": value})
		link(t, ".."+value, filepath.Join(directory, name))
		rename(t, filepath.Join(directory, name), filepath.Join(directory, "..data"))
		expect(t, changes, "mall.yaml="+value)
	}
}

// A deployment swaps the link that the directory is.
func TestWatchSeesTheDirectoryReplaced(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, map[string]string{"1/mall.yaml": "1", "2/mall.yaml": "2"})
	current := filepath.Join(parent, "current")
	link(t, "1", current)
	changes := watch(t, newDirectory(t, current))
	link(t, "2", current+".new")
	rename(t, current+".new", current)
	expect(t, changes, "mall.yaml=2")
	write(t, parent, map[string]string{"2/mall.yaml": "3"})
	expect(t, changes, "mall.yaml=3")
}

func TestWatchReportsOnlyContent(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, map[string]string{"mall.yaml": "1"})
	changes := watch(t, newDirectory(t, directory))
	write(t, directory, map[string]string{"mall.yaml.new": "1", "README.md": "not a document"})
	rename(t, filepath.Join(directory, "mall.yaml.new"), filepath.Join(directory, "mall.yaml"))
	now := time.Now()
	if err := os.Chtimes(filepath.Join(directory, "mall.yaml"), now, now); err != nil {
		t.Fatal(err)
	}
	select {
	case c := <-changes:
		t.Errorf("reported: %v, %v", content(c.documents), c.err)
	case <-time.After(500 * time.Millisecond):
	}
	write(t, directory, map[string]string{"mall.yaml.new": "2"})
	rename(t, filepath.Join(directory, "mall.yaml.new"), filepath.Join(directory, "mall.yaml"))
	if c := next(t, changes); !slices.Equal(content(c.documents), []string{"mall.yaml=2"}) {
		t.Errorf("got %v, %v", content(c.documents), c.err)
	}
}

func TestWatchFindsWhatChangedSinceLoad(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, map[string]string{"mall.yaml": "1"})
	s := newDirectory(t, directory)
	if _, err := s.Load(); err != nil {
		t.Fatal(err)
	}
	write(t, directory, map[string]string{"mall.yaml": "2"})
	expect(t, watchOnly(t, s), "mall.yaml=2")
}

func TestWatchReportsAFailureOnceAndRecovers(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	write(t, first, map[string]string{"mall.yaml": "1"})
	changes := watch(t, newDirectory(t, first, second))
	write(t, second, map[string]string{"mall.yaml": "2"})
	if c := next(t, changes); c.err == nil || !strings.Contains(c.err.Error(), "have the same name") {
		t.Fatalf("got %v, %v", content(c.documents), c.err)
	}
	rename(t, filepath.Join(second, "mall.yaml"), filepath.Join(second, "other.yaml"))
	if c := next(t, changes); c.err != nil || !slices.Equal(content(c.documents), []string{"mall.yaml=1", "other.yaml=2"}) {
		t.Errorf("got %v, %v", content(c.documents), c.err)
	}
}

func TestStopEndsNextAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, s := range []*source.Source{newDirectory(t, t.TempDir()), source.NewFS(fstest.MapFS{})} {
		if _, err := s.Load(); err != nil {
			t.Fatal(err)
		}
		w, err := s.Watch()
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := w.Next()
			ended <- err
		}()
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Next returns %v after Stop", err)
		}
		if err := w.Stop(); err != nil {
			t.Errorf("Stop, again: %v", err)
		}
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("goroutines are left")
		}
	}
}
