package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"facet/internal/conf"
	"facet/internal/history"
	"facet/internal/lastgood"
	"facet/internal/snapshot"
)

const (
	// keepBacklog is how many activated sets may wait to be kept. Changes come slower than that, unless etcd takes no
	// writes: then it is not worth waiting for.
	keepBacklog = 64
	// archiveTimeout bounds one attempt to archive, archiveAttempts how many there are.
	archiveTimeout  = 5 * time.Second
	archiveAttempts = 5
	// keptVersions is how many versions are kept besides pinned ones.
	keptVersions = 100
	// archivePause is the pause after the first failed attempt; it doubles.
	archivePause = 200 * time.Millisecond
)

// keeper keeps what was activated: the last set on disk, and every set as a version in etcd. It does so
// beside the reloads, which it never holds up. It is a transport.Server of Kratos.
type keeper struct {
	stateDir string         // "" keeps nothing on disk
	history  *history.Store // nil keeps no versions
	retain   int            // how many versions
	logger   *slog.Logger
	archived func(hash, version string) // is told of every version

	queue   chan kept
	running context.Context // until Stop, which may come before Start
	stop    context.CancelFunc
}

func newKeeper(settings *conf.Bootstrap, store *history.Store, logger *slog.Logger) *keeper {
	running, stop := context.WithCancel(context.Background())
	return &keeper{
		stateDir: settings.GetStateDir(), history: store, retain: keptVersions, logger: logger,
		queue: make(chan kept, keepBacklog), running: running, stop: stop,
	}
}

// kept is a set of documents that was activated.
type kept struct {
	documents []snapshot.Document
	hash      string
	revision  int64     // of etcd, 0 for documents from elsewhere
	saved     time.Time // on disk
}

// keep has a set kept, soon.
func (k *keeper) keep(set kept) {
	if k.stateDir == "" && k.history == nil {
		return
	}
	select {
	case k.queue <- set:
	default:
		k.logger.Error("an activated set is neither saved nor archived: too many wait for etcd or the disk", "hash", set.hash)
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
	for {
		select {
		case set := <-k.queue:
			k.save(set)
			k.archive(set)
		case <-k.running.Done():
			return nil
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
	if k.stateDir == "" {
		return
	}
	err := lastgood.Save(k.stateDir, lastgood.Set{Documents: set.documents, Hash: set.hash, Revision: set.revision, Saved: time.Now()})
	if err != nil {
		k.logger.Error("the last good documents are not saved: without etcd a restart would find older ones, or none", "error", err)
	}
}

// archive makes a set a version, unless another replica has.
func (k *keeper) archive(set kept) {
	if k.history == nil {
		return
	}
	pause := archivePause
	for attempt := 1; ; attempt++ {
		version, created, err := k.archiveOnce(set)
		if err == nil {
			if created {
				k.logger.Info("version archived", "version", version.Name, "hash", version.Hash)
			}
			k.archived(set.hash, version.Name)
			return
		}
		if k.running.Err() != nil {
			return
		}
		if attempt == archiveAttempts {
			k.logger.Error("the activated documents are not archived as a version; facet save does it by hand", "hash", set.hash, "error", err)
			return
		}
		select {
		case <-time.After(pause):
			pause *= 2
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
