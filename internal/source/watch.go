package source

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-kratos/kratos/v2/config"
)

const (
	// settle is how long the directories must be quiet before they are read: a change is often several
	// files.
	settle = 100 * time.Millisecond
	// settleMost is the longest that a change waits for quiet.
	settleMost = time.Second
)

// Watch returns a watcher that reports what differs from the last Load.
func (s *Source) Watch() (config.Watcher, error) {
	w := &watcher{source: s}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	s.mu.Lock()
	w.revision = s.loaded
	s.mu.Unlock()
	return w, nil
}

// watcher reports changes of the documents. Next is for one goroutine, Stop for any.
type watcher struct {
	source *Source
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex // held while Next runs, so that Stop can wait for it
	started  bool
	events   *fsnotify.Watcher
	revision string // of the documents reported last
	failure  string // the error of the last read, "" if it succeeded
}

// Next blocks until the documents differ in content from those reported last, and returns all of them. An error says
// why they cannot be read, once for as long as that is so; Next may then be called again. After Stop it returns
// context.Canceled.
func (w *watcher) Next() ([]*config.KeyValue, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.started { // what has changed between Load and Watch is found without an event
			w.awaitChange()
		}
		w.started = true
		if err := w.ctx.Err(); err != nil {
			return nil, err
		}
		documents, err := w.reread()
		if err != nil {
			if err.Error() == w.failure {
				continue
			}
			w.failure = err.Error()
			return nil, err
		}
		w.failure = ""
		if revision := Revision(documents); revision != w.revision {
			w.revision = revision
			return documents, nil
		}
	}
}

// Stop ends the watch and what Next is waiting for.
func (w *watcher) Stop() error {
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closeEvents()
}

// reread reads the documents and watches, from before each directory is listed, for what will have changed since.
// The watch is set up anew each time, because a directory may have been replaced by another of the same
// name.
func (w *watcher) reread() ([]*config.KeyValue, error) {
	if err := w.closeEvents(); err != nil {
		return nil, err
	}
	w.events = nil
	events, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w.events = events
	for _, directory := range w.source.watched {
		// The parent tells when the directory itself is replaced. One that cannot be watched is no loss otherwise.
		_ = events.Add(filepath.Dir(filepath.Clean(directory)))
	}
	return w.source.read(func(root, path string) error {
		if root == "" {
			return nil // built into the program
		}
		return events.Add(filepath.Join(root, filepath.FromSlash(path)))
	})
}

func (w *watcher) closeEvents() error {
	if w.events == nil {
		return nil
	}
	return w.events.Close()
}

// awaitChange blocks until something has happened in the directories and they have been quiet for a while, or until the
// watcher is stopped. After a failure it does not count on events, since not everything may be watched.
func (w *watcher) awaitChange() {
	var (
		events          <-chan fsnotify.Event
		lost            <-chan error
		quiet, deadline <-chan time.Time
	)
	if w.events != nil {
		events, lost = w.events.Events, w.events.Errors
	}
	if w.failure != "" {
		deadline = time.After(settleMost)
	}
	for {
		select {
		case event := <-events:
			if !w.concerns(event) {
				continue
			}
		case <-lost: //nolint:errcheck // whichever events were lost, all is read again
		case <-quiet:
			return
		case <-deadline:
			return
		case <-w.ctx.Done():
			return
		}
		quiet = time.After(settle)
		if deadline == nil {
			deadline = time.After(settleMost)
		}
	}
}

// concerns tells whether an event may have changed a document.
func (w *watcher) concerns(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod {
		return false
	}
	for _, directory := range w.source.watched {
		if relative, err := filepath.Rel(directory, event.Name); err == nil && filepath.IsLocal(relative) {
			return true
		}
	}
	return false
}
