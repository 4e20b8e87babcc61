package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-kratos/kratos/v2/config"

	"facet/internal/problem"
	"facet/internal/snapshot"
)

// The pauses before refused documents are tried again, each twice the one before.
const (
	retryPauseLeast = time.Second
	retryPauseMost  = time.Minute
)

// change is what a source has delivered.
type change struct {
	documents []snapshot.Document
	number    int64  // revision of etcd, 0 for documents from elsewhere
	revision  string // as it is shown
	back      bool   // the source could not be read before
	err       error  // the source cannot be read
}

// Start watches the source until Stop. It implements transport.Server.
func (r *reloader) Start(context.Context) error {
	watcher, err := r.documents.Watch()
	if err != nil {
		return err
	}
	context.AfterFunc(r.running, func() {
		if err := watcher.Stop(); err != nil {
			r.logger.Warn("the watch of the documents did not stop cleanly", "error", err)
		}
	})
	for next := r.next(watcher); ; {
		select {
		case c := <-next:
			if r.running.Err() != nil {
				return nil //nolint:nilerr // the watch was told to end
			}
			err = r.take(r.running, c)
			next = r.next(watcher)
		case <-r.retry.C:
			err = r.takeAgain(r.running)
		case <-r.running.Done():
			<-next
			return nil
		}
		if r.running.Err() == nil { // a build that was cut short says nothing about the documents
			r.logRefusal(err)
		}
	}
}

// next waits for the next change. Nothing asks the source while a change is built: what comes meanwhile is one change.
func (r *reloader) next(watcher config.Watcher) <-chan change {
	next := make(chan change, 1)
	go func() {
		values, err := watcher.Next()
		next <- r.delivered(values, err)
	}()
	return next
}

// delivered describes what the source has just delivered.
func (r *reloader) delivered(values []*config.KeyValue, err error) change {
	if err != nil {
		return change{err: err}
	}
	c := change{documents: Documents(values)}
	c.number, c.revision = revisionOf(r.documents, values)
	return c
}

// take makes a change serve, if it can.
func (r *reloader) take(ctx context.Context, c change) error {
	if c.err != nil {
		r.readFailed(c.err)
		return c.err
	}
	c.back = r.readAgain()
	r.refused, r.pause = c, retryPauseLeast
	return r.retryLater(r.apply(ctx, c))
}

// takeAgain tries refused documents again.
func (r *reloader) takeAgain(ctx context.Context) error {
	r.pause = min(2*r.pause, retryPauseMost)
	return r.retryLater(r.apply(ctx, r.refused))
}

// retryLater has refused documents tried again if the problems that they were refused for may pass. Their source does
// not deliver them again.
func (r *reloader) retryLater(err error) error {
	problems := problem.List(nil)
	if errors.As(err, &problems) && slices.ContainsFunc(problems, func(p problem.Problem) bool { return p.Passing }) {
		r.retry.Reset(r.pause)
	} else {
		r.retry.Stop()
		r.refused = change{}
	}
	return err
}

// readFailed notes that the source cannot be read.
func (r *reloader) readFailed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[unreadable]++
	if r.status.Unreadable == "" {
		r.status.UnreadableSince = time.Now()
	}
	r.status.Unreadable = err.Error()
}

// readAgain notes that the source can be read, and tells whether it could not before.
func (r *reloader) readAgain() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Unreadable == "" {
		return false
	}
	r.status.Unreadable = ""
	r.logger.Info("the documents can be read again")
	return true
}
