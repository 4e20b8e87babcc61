package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/go-kratos/kratos/v2/config"

	"facet/internal/admin"
	"facet/internal/problem"
	"facet/internal/snapshot"
	"facet/internal/source"
	"facet/internal/upstream"
)

// buildTimeout bounds the building of a snapshot, server reflection included.
const buildTimeout = 30 * time.Second

// reloader makes every change of the documents a snapshot. It is a transport.Server of Kratos, so that it lives as
// long as the servers do.
type reloader struct {
	documents config.Source
	snapshots *snapshot.Holder
	pool      *upstream.Pool
	logger    *slog.Logger

	running context.Context // until Stop, which may come before Start
	stop    context.CancelFunc

	mu     sync.Mutex // guards the field below
	status admin.Status
}

func newReloader(documents config.Source, snapshots *snapshot.Holder, pool *upstream.Pool, logger *slog.Logger) *reloader {
	running, stop := context.WithCancel(context.Background())
	return &reloader{documents: documents, snapshots: snapshots, pool: pool, logger: logger, running: running, stop: stop}
}

// load builds and publishes the documents as they are.
func (r *reloader) load(ctx context.Context) error {
	documents, err := r.documents.Load()
	if err != nil {
		return err
	}
	return r.apply(ctx, documents)
}

// apply builds a snapshot and publishes it. If the documents have problems the last good snapshot keeps
// serving.
func (r *reloader) apply(ctx context.Context, documents []*config.KeyValue) error {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	snap, problems := snapshot.Build(ctx, Documents(documents), r.pool)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(problems) > 0 {
		r.status.Refused = time.Now()
		r.status.Problems = problems
		return problems
	}
	if r.status.Snapshot != nil && r.status.Snapshot.Hash == snap.Hash {
		r.status.Problems = nil
		return snap.Close()
	}
	r.snapshots.Publish(snap)
	r.status.Snapshot, r.status.Revision = snap, source.Revision(documents)
	r.status.Activated, r.status.Problems = time.Now(), nil
	r.logger.Info("snapshot activated", "hash", snap.Hash, "methods", len(snap.Methods))
	return nil
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
	for {
		documents, err := watcher.Next()
		if r.running.Err() != nil {
			return nil //nolint:nilerr // the watch was told to end
		}
		if err == nil {
			err = r.apply(r.running, documents)
		}
		r.logRefusal(err)
	}
}

// logRefusal logs every problem of a change that is refused.
func (r *reloader) logRefusal(err error) {
	if err == nil {
		return
	}
	problems := problem.List(nil)
	if !errors.As(err, &problems) {
		r.logger.Error("the documents cannot be read; the last good snapshot keeps serving", "error", err)
		return
	}
	for _, p := range problems {
		r.logger.Error("change refused; the last good snapshot keeps serving", "at", p.Position.String(), "problem", p.Message)
	}
}

// Stop implements transport.Server.
func (r *reloader) Stop(context.Context) error {
	r.stop()
	return nil
}

// drain makes the gateway not ready: it is about to stop.
func (r *reloader) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Draining = true
}

// Status implements admin.State.
func (r *reloader) Status() admin.Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// Documents are the documents of a source.
func Documents(values []*config.KeyValue) []snapshot.Document {
	documents := make([]snapshot.Document, len(values))
	for i, value := range values {
		documents[i] = snapshot.Document{Name: value.Key, Data: value.Value}
	}
	return documents
}
