package snapshot

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"
)

// probe is an upstream that knows how often it was closed.
type probe struct{ closed atomic.Int32 }

func (p *probe) Close() error {
	p.closed.Add(1)
	return nil
}

// probed returns a snapshot with one upstream.
func probed() (*Snapshot, *probe) {
	p := new(probe)
	return &Snapshot{open: []io.Closer{p}}, p
}

func TestPinBeforePublish(t *testing.T) {
	t.Parallel()
	if s := new(Holder).Pin(); s != nil {
		t.Errorf("an empty holder has %v", s)
	}
}

func TestRetiredSnapshotClosesAfterItsLastUser(t *testing.T) {
	t.Parallel()
	var h Holder
	old, upstream := probed()
	h.Publish(old)
	first, second := h.Pin(), h.Pin()
	if first != old || second != old {
		t.Fatal("pinned another snapshot than the one published")
	}
	first.Unpin()
	next, _ := probed()
	h.Publish(next)
	if h.Pin() != next {
		t.Error("pinned a retired snapshot")
	}
	if n := upstream.closed.Load(); n != 0 {
		t.Fatalf("closed %d times while it was pinned", n)
	}
	second.Unpin()
	if n := upstream.closed.Load(); n != 1 {
		t.Errorf("closed %d times after the last user", n)
	}
}

func TestPublishNothing(t *testing.T) {
	t.Parallel()
	var h Holder
	s, upstream := probed()
	h.Publish(s)
	h.Publish(nil)
	if upstream.closed.Load() != 1 || h.Pin() != nil {
		t.Errorf("closed %d times, then pinned %v", upstream.closed.Load(), h.Pin())
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	s, upstream := probed()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := upstream.closed.Load(); n != 1 {
		t.Errorf("closed %d times", n)
	}
}

// TestHolderUnderLoad lets readers pin and publishers publish as fast as they can: nobody ever holds a closed
// snapshot, and each is closed once.
func TestHolderUnderLoad(t *testing.T) {
	t.Parallel()
	const readers, publishers, perPublisher = 4, 2, 500
	var h Holder
	first, upstream := probed()
	h.Publish(first)
	upstreams := []*probe{upstream}
	var mu sync.Mutex // guards upstreams
	var publishing, reading sync.WaitGroup
	done := make(chan struct{})
	for range readers {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := h.Pin()
				if s.open[0].(*probe).closed.Load() != 0 {
					t.Error("a pinned snapshot is closed")
				}
				s.Unpin()
			}
		})
	}
	for range publishers {
		publishing.Go(func() {
			for range perPublisher {
				s, upstream := probed()
				mu.Lock()
				upstreams = append(upstreams, upstream)
				mu.Unlock()
				h.Publish(s)
			}
		})
	}
	publishing.Wait()
	close(done)
	reading.Wait()
	h.Publish(nil)
	if len(upstreams) != 1+publishers*perPublisher {
		t.Fatalf("%d snapshots", len(upstreams))
	}
	for i, upstream := range upstreams {
		if n := upstream.closed.Load(); n != 1 {
			t.Errorf("snapshot %d was closed %d times", i, n)
		}
	}
}

func TestPinDoesNotAllocate(t *testing.T) {
	var h Holder
	s, _ := probed()
	h.Publish(s)
	if n := testing.AllocsPerRun(100, func() { h.Pin().Unpin() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkPin(b *testing.B) {
	var h Holder
	s, _ := probed()
	h.Publish(s)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			h.Pin().Unpin()
		}
	})
}
