package history

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
	"facet/internal/snapshot"
)

// Archive keeps documents as a version, unless they are one already; whichever of several callers is first creates it.
// The new version names the author and the message of the last push if these are the documents that it pushed. Afterwards
// old versions are deleted: all but the newest `retain`, those that are pinned, and what is live. No version is deleted if
// retain is 0, or if none was created. If only the deletion fails the version is returned with the error.
func (s *Store) Archive(ctx context.Context, documents []snapshot.Document, retain int) (v Version, created bool, err error) {
	v, created, err = s.archive(ctx, documents)
	if err != nil {
		return v, false, fmt.Errorf("archive the documents: %w", err)
	}
	if created && retain > 0 {
		if err := s.prune(ctx, v.Hash, retain); err != nil {
			return v, true, fmt.Errorf("delete old versions: %w", err)
		}
	}
	return v, created, nil
}

// archive ends, because whenever an attempt fails another caller has created a version.
func (s *Store) archive(ctx context.Context, documents []snapshot.Document) (v Version, created bool, err error) {
	hash := snapshot.Hash(documents)
	for !created {
		known, hashModified, err := s.byHash(ctx, hash)
		if err != nil || known.Name != "" {
			return known, false, err
		}
		if v, err = s.newVersion(ctx, hash, documents); err != nil {
			return v, false, err
		}
		if created, err = s.create(ctx, v, hashModified, documents); err != nil {
			return v, false, err
		}
	}
	return v, true, nil
}

// byHash finds the version that has a content; its name is empty if there is none. The key of the hash may be there
// although the version is not, if somebody deleted it by hand: the key's revision tells whether it changes.
func (s *Store) byHash(ctx context.Context, hash string) (v Version, modified int64, err error) {
	found, _, err := s.read(ctx, clientv3.OpGet(s.layout.Hash(hash)))
	if err != nil || len(found[0]) == 0 {
		return v, 0, err
	}
	modified = found[0][0].GetModRevision()
	found, _, err = s.read(ctx, clientv3.OpGet(s.metaKey(string(found[0][0].GetValue()))))
	if err != nil {
		return v, 0, err
	}
	_, err = decode(found[0], &v)
	return v, modified, err
}

// newVersion describes documents as the next version of the day.
func (s *Store) newVersion(ctx context.Context, hash string, documents []snapshot.Document) (Version, error) {
	now := s.now().UTC()
	v := Version{Hash: hash, Time: now, Documents: len(documents)}
	for _, d := range documents {
		v.Bytes += len(d.Data)
	}
	record, pushedAt, err := s.lastPush(ctx)
	if err != nil {
		return v, err
	}
	if record.Hash == hash {
		v.Author, v.Message, v.Revision = record.Author, record.Message, pushedAt
	}
	day := "v" + now.Format("20060102") + "-"
	number, err := s.lastNumber(ctx, day)
	v.Name = day + strconv.Itoa(number+1)
	return v, err
}

// lastNumber returns the highest number that a version of a day has, or is about to have.
func (s *Store) lastNumber(ctx context.Context, day string) (int, error) {
	prefix := s.layout.Snapshots() + day
	found, _, err := s.read(ctx, clientv3.OpGet(prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly()))
	if err != nil {
		return 0, err
	}
	last := 0
	for _, kv := range found[0] {
		number, _, _ := strings.Cut(strings.TrimPrefix(string(kv.GetKey()), prefix), "/")
		if n, err := strconv.Atoi(number); err == nil { // otherwise it is none of ours
			last = max(last, n)
		}
	}
	return last, nil
}

// create writes a version, unless its name or its content was taken meanwhile.
func (s *Store) create(ctx context.Context, v Version, hashModified int64, documents []snapshot.Document) (bool, error) {
	meta, err := putJSON(s.metaKey(v.Name), v)
	if err != nil {
		return false, err
	}
	newContent := clientv3.Compare(clientv3.ModRevision(s.layout.Hash(v.Hash)), "=", hashModified)
	complete := []clientv3.Op{meta, clientv3.OpPut(s.layout.Hash(v.Hash), v.Name)}
	_, created, err := etcd.Commit(ctx, s.client,
		[]clientv3.Cmp{newContent, noneBelow(s.layout.Version(v.Name))},
		append(replace(s.documentsPrefix(v.Name), nil, documents), complete...))
	if errors.Is(err, etcd.ErrTooLarge) {
		return s.createInParts(ctx, v, newContent, complete, documents)
	}
	return created, err
}

const (
	// partBytes bounds the documents of one transaction, unless a single one is larger. etcd takes requests of 1.5 MiB.
	partBytes = 512 << 10
	// partOps bounds the operations of one transaction; etcd takes 128.
	partOps = 100
	// partsLive is how long the parts of a version that is never completed stay.
	partsLive = time.Minute
)

// createInParts writes a version that is too large for one transaction: first its documents, under a lease, so that etcd
// itself sweeps what this process does not complete; then, in one transaction, what makes them a version that stays.
func (s *Store) createInParts(ctx context.Context, v Version, newContent clientv3.Cmp, complete []clientv3.Op, documents []snapshot.Document) (bool, error) {
	lease, err := s.client.Grant(ctx, int64(partsLive.Seconds()))
	if err != nil {
		return false, err
	}
	defer s.revoke(ctx, lease.ID)
	prefix := s.documentsPrefix(v.Name)
	nameIsFree := []clientv3.Cmp{noneBelow(s.layout.Version(v.Name))}
	claimed := int64(0) // the revision at which the first part took the name
	for _, part := range parts(documents) {
		var puts []clientv3.Op
		for _, d := range part {
			puts = append(puts, clientv3.OpPut(prefix+d.Name, string(d.Data), clientv3.WithLease(lease.ID)))
		}
		revision, written, err := etcd.Commit(ctx, s.client, nameIsFree, puts)
		if err != nil || !written {
			return false, err
		}
		if claimed == 0 {
			claimed, nameIsFree = revision, nil
		}
	}
	for _, d := range documents { // a document that is written without a lease stays
		complete = append(complete, clientv3.OpPut(prefix+d.Name, "", clientv3.WithIgnoreValue()))
	}
	stillClaimed := clientv3.Compare(clientv3.CreateRevision(prefix+documents[0].Name), "=", claimed)
	_, created, err := etcd.Commit(ctx, s.client, []clientv3.Cmp{newContent, stillClaimed}, complete)
	return created, err
}

// revoke deletes what is still under a lease. If it fails, the lease's end does it.
func (s *Store) revoke(ctx context.Context, lease clientv3.LeaseID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = s.client.Revoke(ctx, lease)
}

// parts cuts documents into those of several transactions.
func parts(documents []snapshot.Document) [][]snapshot.Document {
	var all [][]snapshot.Document
	begin, bytes := 0, 0
	for i, d := range documents {
		if i > begin && (bytes+len(d.Data) > partBytes || i-begin == partOps) {
			all = append(all, documents[begin:i])
			begin, bytes = i, 0
		}
		bytes += len(d.Data)
	}
	return append(all, documents[begin:])
}

// prune deletes versions, but for the newest ones, those that are pinned and what is live.
func (s *Store) prune(ctx context.Context, live string, retain int) error {
	pushed, pushedAt, err := s.lastPush(ctx)
	if err != nil {
		return err
	}
	versions, err := s.kept(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.Pinned {
			continue
		}
		if retain--; retain >= 0 || v.Hash == live || v.Hash == pushed.Hash {
			continue
		}
		if err := s.delete(ctx, v, pushedAt); err != nil {
			return err
		}
	}
	return nil
}

// delete deletes a version, unless it was pinned or something was pushed meanwhile: that may have been a rollback to it.
func (s *Store) delete(ctx context.Context, v kept, pushedAt int64) error {
	hash := s.layout.Hash(v.Hash)
	itsHash := clientv3.Compare(clientv3.Value(hash), "=", v.Name)
	_, err := s.client.Txn(ctx).If(
		clientv3.Compare(clientv3.ModRevision(s.metaKey(v.Name)), "=", v.modified),
		clientv3.Compare(clientv3.ModRevision(s.layout.Push()), "=", pushedAt),
	).Then(
		clientv3.OpDelete(s.layout.Version(v.Name), clientv3.WithPrefix()),
		clientv3.OpTxn([]clientv3.Cmp{itsHash}, []clientv3.Op{clientv3.OpDelete(hash)}, nil),
	).Commit()
	return err
}
