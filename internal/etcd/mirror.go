package etcd

import (
	"path"
	"slices"
	"strings"

	"github.com/go-kratos/kratos/v2/config"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Set is all values below a prefix at one revision of etcd, in order of their names: what follows the prefix in a key.
type Set struct {
	Revision int64
	Values   []*config.KeyValue
}

// mirror is what a prefix holds at a revision, brought forward by the events of a watch.
type mirror struct {
	prefix   string
	revision int64
	entries  map[string]entry // by name
}

// entry is one key.
type entry struct {
	value    []byte
	modified int64 // the revision of its last change
}

// newMirror returns what was listed: the values, and etcd's answer that they are from.
func newMirror(prefix string, values []*config.KeyValue, answer *clientv3.GetResponse) *mirror {
	m := &mirror{prefix: prefix, revision: answer.Header.Revision, entries: make(map[string]entry, len(values))}
	for i, value := range values {
		m.entries[strings.TrimPrefix(value.Key, prefix)] = entry{value: value.Value, modified: answer.Kvs[i].ModRevision}
	}
	return m
}

// fold applies the events of one response of a watch, except for those from before the mirror. Such a response holds all
// events of a revision or none, so the mirror is never between two revisions. The revision in its header is no help:
// it may be ahead of the events.
func (m *mirror) fold(response *etcdserverpb.WatchResponse) {
	listed := m.revision
	for _, event := range response.GetEvents() {
		key := event.GetKv()
		if key.GetModRevision() <= listed {
			continue
		}
		name := strings.TrimPrefix(string(key.GetKey()), m.prefix)
		if event.GetType() == mvccpb.Event_DELETE {
			delete(m.entries, name)
		} else {
			m.entries[name] = entry{value: key.GetValue(), modified: key.GetModRevision()}
		}
		m.revision = key.GetModRevision()
	}
}

// agrees tells whether the mirror can be what etcd holds, by etcd's answer to Watcher.ask. If it does not agree,
// either an event is on its way, or etcd was restored to an earlier revision, or the watch lost something.
func (m *mirror) agrees(answer *clientv3.GetResponse) bool {
	newest := int64(0)
	if len(answer.Kvs) > 0 {
		newest = answer.Kvs[0].ModRevision
	}
	return answer.Header.Revision >= m.revision && answer.Count == int64(len(m.entries)) && newest == m.newest()
}

// newest returns the revision of the last change of a key that is there, 0 if there is none.
func (m *mirror) newest() int64 {
	newest := int64(0)
	for _, entry := range m.entries {
		newest = max(newest, entry.modified)
	}
	return newest
}

// set returns what the mirror holds. It does not change when the mirror does.
func (m *mirror) set() Set {
	values := make([]*config.KeyValue, 0, len(m.entries))
	for name, entry := range m.entries {
		values = append(values, &config.KeyValue{Key: name, Value: entry.value, Format: strings.TrimPrefix(path.Ext(name), ".")})
	}
	slices.SortFunc(values, func(a, b *config.KeyValue) int { return strings.Compare(a.Key, b.Key) })
	return Set{Revision: m.revision, Values: values}
}
