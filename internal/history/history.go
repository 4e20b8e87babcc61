// Package history keeps in etcd what serves, who made it so, and what served before.
//
// The live documents change only as a whole: a push compares what the change was based on and writes what differs in one
// transaction (push.go). Every set that served is archived once as a version (archive.go), whichever replica is first.
// A candidate is kept beside the live documents until it is promoted or aborted (canary.go).
package history

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
	"facet/internal/snapshot"
)

// Record says who made a set of documents the live one, when and why.
type Record struct {
	Hash    string    `json:"hash"` // of the documents: snapshot.Hash
	Author  string    `json:"author,omitempty"`
	Message string    `json:"message,omitempty"`
	Time    time.Time `json:"time"`
	Version string    `json:"version,omitempty"` // that was rolled back to
}

// The longest texts of a record, in characters.
const (
	maxAuthor  = 200
	maxMessage = 1000
)

// Set is all documents as they were at one revision of etcd.
type Set struct {
	Documents []snapshot.Document // in order of their names
	Revision  int64               // of etcd, when they were read: a push that is based on them compares it
	Record    Record              // the last push; zero if there was none
}

// Store is the history of one application. It is safe for concurrent use.
type Store struct {
	client *clientv3.Client
	layout etcd.Layout
	now    func() time.Time
}

// New returns the history of the application that the layout names. The client stays the caller's.
func New(client *clientv3.Client, layout etcd.Layout) *Store {
	return &Store{client: client, layout: layout, now: time.Now}
}

// Live returns the live documents, and the record of the last push. Without any documents the set is empty.
func (s *Store) Live(ctx context.Context) (Set, error) {
	found, revision, err := s.read(ctx,
		clientv3.OpGet(s.layout.Live(), clientv3.WithPrefix()),
		clientv3.OpGet(s.layout.Push()),
	)
	if err != nil {
		return Set{}, fmt.Errorf("read the live documents: %w", err)
	}
	set := Set{Documents: documentsOf(s.layout.Live(), found[0]), Revision: revision}
	_, err = decode(found[1], &set.Record)
	return set, err
}

// check refuses what would not fit into a line of a table.
func (r Record) check() error {
	for _, text := range []struct {
		name, value string
		limit       int
	}{{"author", r.Author, maxAuthor}, {"message", r.Message, maxMessage}} {
		if n := utf8.RuneCountInString(text.value); n > text.limit {
			return fmt.Errorf("the %s has %d characters; at most %d are kept", text.name, n, text.limit)
		}
		if !utf8.ValidString(text.value) || strings.ContainsFunc(text.value, isControl) {
			return fmt.Errorf("the %s %q has characters that are not text", text.name, text.value)
		}
	}
	return nil
}

// isControl reports control characters, but for those that separate the lines of a message.
func isControl(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
