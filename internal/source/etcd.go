package source

import (
	"context"
	"sync/atomic"

	"github.com/go-kratos/kratos/v2/config"
	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
)

// Etcd is the documents below a prefix of etcd. It implements config.Source of Kratos and is safe for concurrent use.
type Etcd struct {
	client   *clientv3.Client
	prefix   string
	reported atomic.Pointer[etcd.Set] // returned last by Load or a watcher, nil before the first
}

// NewEtcd returns the documents whose keys begin with a prefix, such as `/facet/mall/live/`; what follows is a
// document's name.
func NewEtcd(client *clientv3.Client, prefix string) *Etcd {
	return &Etcd{client: client, prefix: prefix}
}

// Load returns all documents, in order of their names. It waits a few seconds for an etcd that does not answer. The
// error of a prefix without documents is etcd.ErrNoDocuments.
func (e *Etcd) Load() ([]*config.KeyValue, error) {
	return e.report(etcd.List(context.Background(), e.client, e.prefix))
}

// Watch returns a watcher that reports what differs from the documents that Load or a watcher returned last, whether
// it changed before the watch or after. See etcd.Watcher for when it returns errors.
func (e *Etcd) Watch() (config.Watcher, error) {
	var reported etcd.Set
	if set := e.reported.Load(); set != nil {
		reported = *set
	}
	return &etcdWatcher{source: e, watcher: etcd.NewWatcher(e.client, e.prefix, reported)}, nil
}

// Revision returns etcd's revision of the documents that Load or a watcher returned last, 0 before the first.
func (e *Etcd) Revision() int64 {
	if set := e.reported.Load(); set != nil {
		return set.Revision
	}
	return 0
}

// report notes what is returned.
func (e *Etcd) report(set etcd.Set, err error) ([]*config.KeyValue, error) {
	if err != nil {
		return nil, err
	}
	e.reported.Store(&set)
	return set.Values, nil
}

// etcdWatcher is a watch as Kratos wants it.
type etcdWatcher struct {
	source  *Etcd
	watcher *etcd.Watcher
}

// Next implements config.Watcher.
func (w *etcdWatcher) Next() ([]*config.KeyValue, error) {
	return w.source.report(w.watcher.Next())
}

// Stop implements config.Watcher.
func (w *etcdWatcher) Stop() error { return w.watcher.Stop() }
