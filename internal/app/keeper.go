package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"facet/internal/conf"
	"facet/internal/history"
	"facet/internal/lastgood"
	"facet/internal/snapshot"
)

const (
	// archiveBacklog is how many activated sets may wait to be archived. Changes come slower than that, unless etcd takes no
	// writes of this process.
	archiveBacklog = 64
	// archiveTimeout bounds one attempt to archive.
	archiveTimeout = 5 * time.Second
	// keptVersions is how many versions are kept besides pinned ones.
	keptVersions = 100
	// The pauses between attempts to archive, each twice the one before.
	archivePauseLeast = 200 * time.Millisecond
	archivePauseMost  = 10 * time.Second
)

// keeper keeps what was activated: the last set on disk, and every set as a version in etcd. It does so
// beside the reloads, which it never holds up, and neither waits for the other: the disk may be wanted most when etcd is
// away. It is a transport.Server of Kratos.
type keeper struct {
	stateDir string         // "" keeps nothing on disk
	history  *history.Store // nil keeps no versions
	retain   int            // how many versions
	logger   *slog.Logger
	archived func(hash, version string) // is told of every version

	toSave    chan kept // the last set, until it is saved
	toArchive chan kept
	running   context.Context // until Stop, which may come before Start
	stop      context.CancelFunc
}

func newKeeper(settings *conf.Bootstrap, store *history.Store, logger *slog.Logger) *keeper {
	running, stop := context.WithCancel(context.Background())
	return &keeper{
		stateDir: stateDir(settings), history: store, retain: keptVersions, logger: logger,
		toSave: make(chan kept, 1), toArchive: make(chan kept, archiveBacklog), running: running, stop: stop,
	}
}

// kept is a set of documents that was activated.
type kept struct {
	documents []snapshot.Document
	hash      string
	revision  int64     // of etcd, 0 for documents from elsewhere
	saved     time.Time // on disk
}

// stateDir is where the copy is: one for each application, so that none ever starts from another's.
func stateDir(settings *conf.Bootstrap) string {
	if settings.GetStateDir() == "" {
		return ""
	}
	return filepath.Join(settings.GetStateDir(), settings.GetEtcd().GetApp())
}

// keep has a set kept, soon. It is for one goroutine at a time.
func (k *keeper) keep(set kept) {
	if k.stateDir != "" {
		enqueue(k.toSave, set)
	}
	if k.history == nil {
		return
	}
	if dropped, ok := enqueue(k.toArchive, set); ok {
		k.logger.Error("an activated set is not archived as a version: too many wait for etcd to take them", "hash", dropped.hash)
	}
}

// enqueue adds a set to a queue, which only the caller adds to. A queue that is full loses the set that waits longest: the
// later one is more likely to be wanted.
func enqueue(queue chan kept, set kept) (dropped kept, ok bool) {
	for {
		select {
		case queue <- set:
			return dropped, ok
		default:
		}
		select {
		case dropped = <-queue:
			ok = true
		default: // it was taken meanwhile
		}
	}
}

// load returns the set on disk, nil if there is none.
func (k *keeper) load() (*kept, error) {
	if k.stateDir == "" {
		return nil, nil
	}
	set, err := lastgood.Load(k.stateDir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &kept{documents: set.Documents, hash: set.Hash, revision: set.Revision, saved: set.Saved}, nil
}

// Start keeps sets until Stop. It implements transport.Server.
func (k *keeper) Start(context.Context) error {
	var working sync.WaitGroup
	working.Go(func() { k.each(k.toSave, k.save) })
	working.Go(func() { k.each(k.toArchive, k.archive) })
	working.Wait()
	select {
	case set := <-k.toSave: // activated just before Stop; what is not archived will be when it is activated again
		k.save(set)
	default:
	}
	return nil
}

// each does something with every set of a queue until Stop.
func (k *keeper) each(queue <-chan kept, do func(kept)) {
	for {
		select {
		case set := <-queue:
			do(set)
		case <-k.running.Done():
			return
		}
	}
}

// Stop implements transport.Server.
func (k *keeper) Stop(context.Context) error {
	k.stop()
	return nil
}

// save writes a set to disk.
func (k *keeper) save(set kept) {
	err := lastgood.Save(k.stateDir, lastgood.Set{Documents: set.documents, Hash: set.hash, Revision: set.revision, Saved: time.Now()})
	if err != nil {
		k.logger.Error("the last good documents are not saved: without etcd a restart would find older ones, or none", "error", err)
	}
}

// archive makes a set a version, unless another replica has. It tries until etcd lets it: that may be away for longer
// than anything else waits.
func (k *keeper) archive(set kept) {
	for pause := archivePauseLeast; ; pause = min(2*pause, archivePauseMost) {
		version, created, err := k.archiveOnce(set)
		if created {
			k.logger.Info("version archived", "version", version.Name, "hash", version.Hash)
		}
		if created || err == nil {
			k.archived(set.hash, version.Name)
		}
		switch {
		case err == nil || k.running.Err() != nil:
			return
		case created:
			k.logger.Error("old versions are not deleted", "error", err) // they are along with the next one
			return
		case pause == archivePauseLeast: // once: it may go on for long
			k.logger.Error("the activated documents are not archived as a version yet; this goes on trying", "hash", set.hash, "error", err)
		}
		select {
		case <-time.After(pause):
		case <-k.running.Done():
			return
		}
	}
}

func (k *keeper) archiveOnce(set kept) (history.Version, bool, error) {
	ctx, cancel := context.WithTimeout(k.running, archiveTimeout)
	defer cancel()
	return k.history.Archive(ctx, set.documents, k.retain)
}
