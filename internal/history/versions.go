package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/snapshot"
	"facet/internal/suggest"
)

// Version is a set of documents that is kept.
type Version struct {
	Name      string    `json:"name"` // `v20261122-1`: the day it was archived, UTC, and a number
	Hash      string    `json:"hash"` // of the documents: snapshot.Hash
	Author    string    `json:"author,omitempty"`
	Message   string    `json:"message,omitempty"`
	Time      time.Time `json:"time"`               // when it was archived
	Revision  int64     `json:"revision,omitempty"` // of etcd, at which it was pushed; 0 if it was not
	Pinned    bool      `json:"pinned"`             // it is kept however old it gets
	Documents int       `json:"documents"`
	Bytes     int       `json:"bytes"` // of all documents
}

func (s *Store) metaKey(version string) string { return s.layout.Version(version) + "meta" }
func (s *Store) documentsPrefix(version string) string {
	return s.layout.Version(version) + "documents/"
}

// getsAtOnce is how many keys are asked for in one transaction, of which etcd takes 128.
const getsAtOnce = 100

// Versions returns the versions, the newest first.
func (s *Store) Versions(ctx context.Context) ([]Version, error) {
	kept, err := s.kept(ctx)
	if err != nil {
		return nil, err
	}
	versions := make([]Version, len(kept))
	for i, k := range kept {
		versions[i] = k.Version
	}
	return versions, nil
}

// kept is a version, and when etcd says it came to be.
type kept struct {
	Version
	created, modified int64 // revisions of etcd
}

// kept returns the versions, the newest first. The keys of hashes lead to them, because a range over the versions
// themselves would return all their documents.
func (s *Store) kept(ctx context.Context) ([]kept, error) {
	hashes, _, err := s.read(ctx, clientv3.OpGet(s.layout.Hash(""), clientv3.WithPrefix()))
	if err != nil {
		return nil, fmt.Errorf("read the versions: %w", err)
	}
	var gets []clientv3.Op
	for _, kv := range hashes[0] {
		gets = append(gets, clientv3.OpGet(s.metaKey(string(kv.GetValue()))))
	}
	var all []kept
	for some := range slices.Chunk(gets, getsAtOnce) {
		found, _, err := s.read(ctx, some...)
		if err != nil {
			return nil, fmt.Errorf("read the versions: %w", err)
		}
		for _, meta := range found {
			k, ok, err := decodeMeta(meta)
			if err != nil {
				return nil, err
			}
			if ok { // otherwise it was deleted meanwhile
				all = append(all, k)
			}
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return cmp.Compare(b.created, a.created) })
	return all, nil
}

func decodeMeta(meta []*mvccpb.KeyValue) (k kept, ok bool, err error) {
	if ok, err = decode(meta, &k.Version); ok {
		k.created, k.modified = meta[0].GetCreateRevision(), meta[0].GetModRevision()
	}
	return k, ok, err
}

// version returns one version by its name, or an error that says which ones there are.
func (s *Store) version(ctx context.Context, name string) (kept, error) {
	found, _, err := s.read(ctx, clientv3.OpGet(s.metaKey(name)))
	if err != nil {
		return kept{}, fmt.Errorf("read version %s: %w", name, err)
	}
	k, ok, err := decodeMeta(found[0])
	if err == nil && !ok {
		err = s.unknown(ctx, name)
	}
	return k, err
}

// unknown is the error of a version that does not exist.
func (s *Store) unknown(ctx context.Context, name string) error {
	versions, err := s.Versions(ctx)
	if err != nil {
		return err
	}
	names := make([]string, len(versions))
	for i, v := range versions {
		names[i] = v.Name
	}
	return fmt.Errorf("there is no version %q%s", name, suggest.DidYouMean(name, names))
}

// Load returns the documents of a version. They are checked against its hash.
func (s *Store) Load(ctx context.Context, version string) (Set, error) {
	found, _, err := s.read(ctx,
		clientv3.OpGet(s.metaKey(version)),
		clientv3.OpGet(s.documentsPrefix(version), clientv3.WithPrefix()),
	)
	if err != nil {
		return Set{}, fmt.Errorf("read version %s: %w", version, err)
	}
	v, ok, err := decodeMeta(found[0])
	if err != nil {
		return Set{}, err
	}
	if !ok {
		return Set{}, s.unknown(ctx, version)
	}
	set := Set{
		Documents: documentsOf(s.documentsPrefix(version), found[1]),
		Revision:  v.Revision,
		Record:    Record{Hash: v.Hash, Author: v.Author, Message: v.Message, Time: v.Time},
	}
	if hash := snapshot.Hash(set.Documents); hash != v.Hash {
		return Set{}, fmt.Errorf("version %s is damaged: the hash of its documents is %s, not %s", version, hash, v.Hash)
	}
	return set, nil
}

// Pin keeps a version however old it gets, or no longer. It returns the version as it is then.
func (s *Store) Pin(ctx context.Context, version string, pinned bool) (Version, error) {
	for {
		v, err := s.version(ctx, version)
		if err != nil || v.Pinned == pinned {
			return v.Version, err
		}
		v.Pinned = pinned
		set, err := putJSON(s.metaKey(version), v.Version)
		if err != nil {
			return v.Version, err
		}
		unchanged := clientv3.Compare(clientv3.ModRevision(s.metaKey(version)), "=", v.modified)
		reply, err := s.client.Txn(ctx).If(unchanged).Then(set).Commit()
		if err != nil {
			return v.Version, fmt.Errorf("pin version %s: %w", version, err)
		}
		if reply.Succeeded {
			return v.Version, nil
		}
	}
}
