package history

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/snapshot"
)

// read asks for several ranges of keys as they are at one revision.
func (s *Store) read(ctx context.Context, gets ...clientv3.Op) (found [][]*mvccpb.KeyValue, revision int64, err error) {
	reply, err := s.client.Txn(ctx).Then(gets...).Commit()
	if err != nil {
		return nil, 0, err
	}
	for _, response := range reply.Responses {
		found = append(found, response.GetResponseRange().GetKvs())
	}
	return found, reply.Header.GetRevision(), nil
}

// documentsOf returns the documents below a prefix, in order of their names, as etcd sorts them.
func documentsOf(prefix string, found []*mvccpb.KeyValue) []snapshot.Document {
	documents := make([]snapshot.Document, len(found))
	for i, kv := range found {
		documents[i] = snapshot.Document{Name: strings.TrimPrefix(string(kv.GetKey()), prefix), Data: kv.GetValue()}
	}
	return documents
}

// decode reads the JSON of the one key that was asked for. If there is none the value stays as it is.
func decode(found []*mvccpb.KeyValue, value any) (ok bool, err error) {
	if len(found) == 0 {
		return false, nil
	}
	if err := json.Unmarshal(found[0].GetValue(), value); err != nil {
		return false, fmt.Errorf("key %s of etcd: %w", found[0].GetKey(), err)
	}
	return true, nil
}

// putJSON writes a value as JSON.
func putJSON(key string, value any) (clientv3.Op, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return clientv3.Op{}, fmt.Errorf("key %s of etcd: %w", key, err)
	}
	return clientv3.OpPut(key, string(text)), nil
}

// replace turns the documents below a prefix into others. It makes its transaction fail if one of those that stay the same is
// gone.
func replace(prefix string, old, documents []snapshot.Document) []clientv3.Op {
	gone := contentsOf(old)
	var ops []clientv3.Op
	for _, d := range documents {
		if content, ok := gone[d.Name]; ok && content == string(d.Data) {
			ops = append(ops, mustExist(prefix+d.Name))
		} else {
			ops = append(ops, clientv3.OpPut(prefix+d.Name, string(d.Data)))
		}
		delete(gone, d.Name)
	}
	for name := range gone {
		ops = append(ops, clientv3.OpDelete(prefix+name))
	}
	return ops
}

// different returns the names of documents that are not the same in two sets, sorted.
func different(a, b []snapshot.Document) []string {
	rest := contentsOf(a)
	var names []string
	for _, d := range b {
		if content, ok := rest[d.Name]; !ok || content != string(d.Data) {
			names = append(names, d.Name)
		}
		delete(rest, d.Name)
	}
	names = slices.AppendSeq(names, maps.Keys(rest))
	slices.Sort(names)
	return names
}

// contentsOf returns the contents of documents by their names.
func contentsOf(documents []snapshot.Document) map[string]string {
	contents := make(map[string]string, len(documents))
	for _, d := range documents {
		contents[d.Name] = string(d.Data)
	}
	return contents
}

// mustExist makes its transaction fail, before it changes anything, with rpctypes.ErrKeyNotFound if a key does not exist. A
// comparison would do, but etcd takes no more than 128 of them; operations can be nested.
func mustExist(key string) clientv3.Op {
	return clientv3.OpTxn([]clientv3.Cmp{absent(key)}, []clientv3.Op{clientv3.OpPut(key, "", clientv3.WithIgnoreValue())}, nil)
}

func absent(key string) clientv3.Cmp { return clientv3.Compare(clientv3.CreateRevision(key), "=", 0) }

func exists(key string) clientv3.Cmp { return clientv3.Compare(clientv3.CreateRevision(key), ">", 0) }

// writtenBy holds if a key was last written at a revision or before, or does not exist.
func writtenBy(revision int64, key string) clientv3.Cmp {
	return clientv3.Compare(clientv3.ModRevision(key), "<", revision+1)
}

// Below prefixes: every key is absent, or was last written at a revision or before.
func noneBelow(prefix string) clientv3.Cmp             { return absent(prefix).WithPrefix() }
func allWrittenBy(r int64, prefix string) clientv3.Cmp { return writtenBy(r, prefix).WithPrefix() }
