package snapshot

import (
	"sync"
	"sync/atomic"
)

// Holder publishes snapshots: readers pin the current one, and a retired one is closed when its last reader
// is done. The zero Holder holds none. It is safe for concurrent use.
type Holder struct {
	current atomic.Pointer[Snapshot]

	mu      sync.Mutex
	changed chan struct{} // nil while nobody waits
}

// Pin returns the current snapshot, which stays open until its Unpin; nil before the first is published.
func (h *Holder) Pin() *Snapshot {
	for {
		s := h.current.Load()
		if s == nil || s.pin() {
			return s
		}
		// It was retired and closed since it was loaded, so there is another one.
	}
}

// Publish makes a snapshot current, or none if it is nil. The holder owns it from now on: it is published once, and closed
// when it is retired and no longer pinned.
func (h *Holder) Publish(s *Snapshot) {
	if s != nil {
		s.pins.n.Store(1) // the holder's own
	}
	retired := h.current.Swap(s)
	h.tell()
	if retired != nil {
		retired.Unpin()
	}
}

// Changed returns a channel that is closed when another snapshot is published.
func (h *Holder) Changed() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// tell wakes those who wait for a change.
func (h *Holder) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// pin counts a user, unless the last one has gone already: what is closed does not open again.
func (s *Snapshot) pin() bool { return s.pins.join() }

// Unpin ends a use that began with Pin.
func (s *Snapshot) Unpin() {
	if s.pins.leave() {
		_ = s.Close() // a connection that does not close cleanly is gone all the same
	}
}

// users counts who uses something that its last user closes. It is safe for concurrent use.
type users struct{ n atomic.Int64 }

// join counts one more user and tells whether it may be used: not if the last one has left already.
func (u *users) join() bool {
	for {
		n := u.n.Load()
		if n == 0 {
			return false
		}
		if u.n.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// leave tells whether it was the last user who left.
func (u *users) leave() bool { return u.n.Add(-1) == 0 }
