package etcd

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	// The pauses between attempts to list, each twice the one before.
	pauseLeast = 50 * time.Millisecond
	pauseMost  = time.Second
	// checkEvery is how often what is known is held against etcd. The watch makes changes visible at once; the check
	// makes sure that nothing is missing for long, whatever became of the watch.
	checkEvery = 2 * time.Second
)

// Watcher follows what is below a prefix. Next is for one goroutine, Stop for any.
type Watcher struct {
	client *clientv3.Client
	prefix string
	ctx    context.Context // until Stop
	cancel context.CancelFunc
	check  *time.Ticker

	mu       sync.Mutex // held while Next runs, so that Stop can wait for it
	known    *mirror    // nil until listed, and again when it cannot be trusted
	stream   *stream    // brings known forward; nil with it
	attempts int        // to list, since the last was seen to be good
	news     news
}

// NewWatcher returns a watcher that reports what differs from a set returned by List. The zero Set stands for none.
func NewWatcher(client *clientv3.Client, prefix string, reported Set) *Watcher {
	w := &Watcher{client: client, prefix: prefix, check: time.NewTicker(checkEvery), news: news{reported: reported.Values}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	return w
}

// Next blocks until what is below the prefix differs from what was reported last, and returns all of it, at one
// revision. An error says why it cannot be known, once for as long as that is so, or is ErrNoDocuments; Next may then be
// called again. The set that follows an error is reported even if it is the one from before. After Stop Next
// returns context.Canceled.
func (w *Watcher) Next() (Set, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		if w.known == nil {
			err := w.list()
			if w.ctx.Err() != nil {
				return Set{}, w.ctx.Err()
			}
			if err != nil {
				if w.news.fails(err) {
					return Set{}, err
				}
				continue
			}
		}
		set := w.known.set()
		switch {
		case len(set.Values) == 0:
			if err := emptyError(w.prefix); w.news.fails(err) {
				return Set{}, err
			}
		case w.news.differs(set.Values):
			return set, nil
		}
		w.await()
		if err := w.ctx.Err(); err != nil {
			return Set{}, err
		}
	}
}

// Stop ends the watch and what Next is waiting for.
func (w *Watcher) Stop() error {
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.check.Stop()
	w.forget()
	return nil
}

// list begins to watch, after a pause unless it is the first time, and then reads everything. In this order all is of one
// history: if etcd was replaced by another in between, the stream of the first has ended.
func (w *Watcher) list() error {
	select {
	case <-time.After(pause(w.attempts)):
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
	w.attempts++
	if _, err := w.ask(listTimeout); err != nil { // this first, since it ends a connection that is dead, as a stream cannot
		return explain(w.client, w.prefix, err)
	}
	w.stream = openStream(w.ctx, w.client, w.prefix)
	err := w.stream.begun()
	if err != nil {
		err = explain(w.client, w.prefix, err)
	} else {
		w.known, err = list(w.ctx, w.client, w.prefix)
	}
	if err != nil {
		w.forget()
	}
	return err
}

// pause returns how long to wait before an attempt to list. It differs from replica to replica, which all lose etcd
// at the same time.
func pause(attempt int) time.Duration {
	if attempt == 0 {
		return 0
	}
	longest := pauseMost
	if doublings := attempt - 1; doublings < 8 {
		longest = min(longest, pauseLeast<<doublings)
	}
	return longest/2 + rand.N(longest/2)
}

// await blocks until something has happened that Next should look at.
func (w *Watcher) await() {
	select {
	case response, ok := <-w.stream.responses:
		if !ok {
			w.forget() // whatever the reason: listing tells whether it persists
			return
		}
		w.attempts = 1
		w.known.fold(response)
		w.catchUp()
	case <-w.check.C:
		w.verify()
	case <-w.ctx.Done():
	}
}

// catchUp folds what has arrived already, since only the last set matters.
func (w *Watcher) catchUp() {
	for range len(w.stream.responses) {
		if response, ok := <-w.stream.responses; ok {
			w.known.fold(response)
		}
	}
}

// verify holds what is known against etcd.
func (w *Watcher) verify() {
	answer, err := w.ask(checkTimeout)
	if err != nil || !w.known.agrees(answer) {
		w.forget()
		return
	}
	w.attempts = 1
}

// ask inquires of etcd how many keys there are and which was changed last, in few bytes.
func (w *Watcher) ask(timeout time.Duration) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(w.ctx, timeout)
	defer cancel()
	return w.client.Get(ctx, w.prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly(), clientv3.WithLimit(1),
		clientv3.WithSort(clientv3.SortByModRevision, clientv3.SortDescend))
}

// forget ends the watch, after which everything is listed again.
func (w *Watcher) forget() {
	if w.stream != nil {
		w.stream.close()
	}
	w.known, w.stream = nil, nil
}
