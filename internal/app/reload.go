package app

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/go-kratos/kratos/v2/config"

	"facet/internal/admin"
	"facet/internal/problem"
	"facet/internal/snapshot"
	"facet/internal/source"
)

// buildTimeout bounds the building of a snapshot, server reflection included.
const buildTimeout = 30 * time.Second

// reloader makes every change of the documents a snapshot. It is a transport.Server of Kratos, so that it lives as
// long as the servers do.
type reloader struct {
	documents config.Source
	snapshots *snapshot.Holder
	builder   *snapshot.Builder
	keeper    *keeper
	logger    *slog.Logger

	running context.Context // until Stop, which may come before Start
	stop    context.CancelFunc

	// Documents whose problems may pass are tried again.
	refused change
	retry   *time.Timer
	pause   time.Duration // until it fires

	mu     sync.Mutex // guards the fields below
	status admin.Status
	counts map[string]int64 // of changes, by result
}

// Results of a change, as the metric of changes names them.
const (
	activated  = "activated"
	unchanged  = "unchanged"
	refused    = "refused"
	unreadable = "unreadable"
)

func newReloader(documents config.Source, snapshots *snapshot.Holder, builder *snapshot.Builder, keeper *keeper, logger *slog.Logger) *reloader {
	running, stop := context.WithCancel(context.Background())
	retry := time.NewTimer(0)
	retry.Stop()
	return &reloader{
		documents: documents, snapshots: snapshots, builder: builder, keeper: keeper, logger: logger,
		running: running, stop: stop, retry: retry, counts: map[string]int64{activated: 0, unchanged: 0, refused: 0, unreadable: 0},
	}
}

// load builds and publishes the documents as they are. If they cannot be read, or have problems, the last good ones
// that were kept on disk serve instead.
func (r *reloader) load(ctx context.Context) error {
	values, err := r.documents.Load()
	if err = r.take(ctx, r.delivered(values, err)); err == nil {
		return nil
	}
	last, lastErr := r.keeper.load()
	if lastErr != nil {
		return errors.Join(err, lastErr)
	}
	if last == nil {
		return err
	}
	r.logRefusal(err)
	return r.applyLastGood(ctx, last)
}

// apply builds a snapshot and publishes it. If the documents have problems the last good snapshot keeps
// serving.
func (r *reloader) apply(ctx context.Context, c change) error {
	snap, err := r.build(ctx, c.documents)
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if err != nil {
		r.counts[refused]++
		r.status.Refused, r.status.Problems = now, problemsOf(err)
		return err
	}
	fromDisk := !r.status.LastGood.IsZero()
	r.status.Accepted, r.status.Problems, r.status.LastGood = now, nil, time.Time{}
	known := r.status.Snapshot != nil && r.status.Snapshot.Hash == snap.Hash
	if known {
		r.counts[unchanged]++
		r.status.Revision = c.revision
		err = snap.Close()
	} else {
		r.counts[activated]++
		r.publish(snap, c.revision, now)
	}
	if !known || fromDisk || c.back { // an etcd that was away may have forgotten the version
		r.keeper.keep(kept{documents: c.documents, hash: snap.Hash, revision: c.number})
	}
	return err
}

// build makes a snapshot of documents, in bounded time.
func (r *reloader) build(ctx context.Context, documents []snapshot.Document) (*snapshot.Snapshot, error) {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	snap, problems := r.builder.Build(ctx, documents)
	return snap, problems.Err()
}

// publish makes a snapshot serve. It is called with the lock held.
func (r *reloader) publish(snap *snapshot.Snapshot, revision string, now time.Time) {
	r.snapshots.Publish(snap)
	r.status.Snapshot, r.status.Revision, r.status.Version, r.status.Activated = snap, revision, "", now
	r.logger.Info("snapshot activated", "hash", snap.Hash, "methods", len(snap.Methods), "revision", revision)
}

// applyLastGood publishes the documents that were kept on disk.
func (r *reloader) applyLastGood(ctx context.Context, last *kept) error {
	snap, err := r.build(ctx, last.documents)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.publish(snap, strconv.FormatInt(last.revision, 10), time.Now())
	r.status.LastGood = last.saved
	r.logger.Warn("the gateway serves the last good documents, from disk", "saved", last.saved, "hash", snap.Hash)
	return nil
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

// archived notes the version that a snapshot has been archived as.
func (r *reloader) archived(hash, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Snapshot != nil && r.status.Snapshot.Hash == hash {
		r.status.Version = version
	}
}

// hash is that of the snapshot that serves, "" before the first.
func (r *reloader) hash() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.status.Snapshot == nil {
		return ""
	}
	return r.status.Snapshot.Hash
}

// state returns how the reloads went.
func (r *reloader) state() (admin.Status, map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status, maps.Clone(r.counts)
}

// revisionOf identifies the documents that a source has delivered: by etcd's revision, or by their content, which has no
// number.
func revisionOf(documents config.Source, values []*config.KeyValue) (number int64, text string) {
	if numbered, ok := documents.(interface{ Revision() int64 }); ok {
		number = numbered.Revision()
		return number, strconv.FormatInt(number, 10)
	}
	return 0, source.Revision(values)
}

// problemsOf returns the problems that an error lists.
func problemsOf(err error) problem.List {
	problems := problem.List(nil)
	if !errors.As(err, &problems) {
		return problem.List{problem.At(problem.Position{}, "%v", err)}
	}
	return problems
}

// Documents are the documents of a source.
func Documents(values []*config.KeyValue) []snapshot.Document {
	documents := make([]snapshot.Document, len(values))
	for i, value := range values {
		documents[i] = snapshot.Document{Name: value.Key, Data: value.Value}
	}
	return documents
}
