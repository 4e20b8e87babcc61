package history

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"facet/internal/etcd"
	"facet/internal/snapshot"
)

// Conflict is a change that was refused because etcd is no longer what the change was based on. Nothing was written.
type Conflict struct {
	Push      *Record  `json:"push,omitempty"`      // what was pushed meanwhile
	Canary    *Canary  `json:"canary,omitempty"`    // the canary that runs
	Documents []string `json:"documents,omitempty"` // the live documents that differ from those at the base
}

// Error says who changed what, in one line.
func (c *Conflict) Error() string {
	switch {
	case c.Canary != nil:
		return fmt.Sprintf("a canary of %s is running, pushed by %s", c.Canary.Share(), c.Canary.Record)
	case c.Push != nil:
		return fmt.Sprintf("the live documents were changed meanwhile, pushed by %s", c.Push)
	case len(c.Documents) > 0:
		return "live documents were changed meanwhile, not by a push: " + strings.Join(c.Documents, ", ")
	default:
		return "what the change is based on was written meanwhile"
	}
}

// String says who, when and why: `lin at 2026-11-22T09:30:00Z: "more rooms"`.
func (r Record) String() string {
	text := fmt.Sprintf("%s at %s", orUnknown(r.Author), r.Time.UTC().Format(time.RFC3339))
	if r.Version != "" {
		text += ", back to " + r.Version
	}
	if r.Message != "" {
		text += fmt.Sprintf(": %q", r.Message)
	}
	return text
}

func orUnknown(author string) string {
	if author == "" {
		return "somebody unknown"
	}
	return author
}

// Push makes documents the live ones, in one transaction: the live documents that differ are written, those that are gone
// deleted, and the record is set. It is refused with a *Conflict if anything was written since the base was read. While a canary
// runs, a push is refused as well; a rollback aborts the canary: it is the way out of trouble, and must not wait.
// The hash of the record is filled in, and the time if there is none. It returns etcd's revision of the change.
func (s *Store) Push(ctx context.Context, base Set, documents []snapshot.Document, record Record) (revision int64, err error) {
	record, err = s.seal(record, documents)
	if err != nil {
		return 0, err
	}
	setRecord, err := putJSON(s.layout.Push(), record)
	if err != nil {
		return 0, err
	}
	conditions := s.liveSince(base.Revision)
	changes := append(replace(s.layout.Live(), base.Documents, documents), setRecord)
	if record.Version == "" {
		conditions = append(conditions, absent(s.layout.CanarySettings()))
	} else {
		sameCanary, end, err := s.endForRollback(ctx, record)
		if err != nil {
			return 0, err
		}
		conditions = append(conditions, exists(s.metaKey(record.Version)), sameCanary) // a version may have been deleted for its age
		changes = append(changes, end...)
	}
	revision, committed, err := s.commit(ctx, conditions, changes)
	if err != nil {
		return 0, fmt.Errorf("push: %w", err)
	}
	if !committed {
		return 0, s.conflict(ctx, base, record)
	}
	return revision, nil
}

// endForRollback aborts the canary that runs, if one does and no other has been staged until then.
func (s *Store) endForRollback(ctx context.Context, record Record) (sameCanary clientv3.Cmp, end []clientv3.Op, err error) {
	candidate, err := s.Canary(ctx)
	if err != nil || candidate == nil {
		return absent(s.layout.CanarySettings()), nil, err
	}
	ending := Ending{Outcome: Aborted, Reason: "rollback to " + record.Version, Author: record.Author, Time: record.Time}
	end, err = s.end(candidate, ending)
	return writtenBy(candidate.Revision, s.layout.CanarySettings()), end, err
}

// commit makes changes, of which some may want a key to exist, if conditions hold.
func (s *Store) commit(ctx context.Context, conditions []clientv3.Cmp, changes []clientv3.Op) (revision int64, committed bool, err error) {
	revision, committed, err = etcd.Commit(ctx, s.client, conditions, changes)
	switch refused := (rpctypes.EtcdError{}); {
	case err == nil:
		return revision, committed, nil
	case errors.Is(err, rpctypes.ErrKeyNotFound):
		return 0, false, nil
	case errors.Is(err, etcd.ErrTooLarge), errors.As(err, &refused) && refused.Code() != codes.Unavailable:
		return 0, false, err
	default: // the answer was lost, not necessarily the question
		return 0, false, fmt.Errorf("%w; it may have been done all the same", err)
	}
}

// seal checks and completes the record of documents.
func (s *Store) seal(record Record, documents []snapshot.Document) (Record, error) {
	if err := record.check(); err != nil {
		return record, err
	}
	record.Hash = snapshot.Hash(documents)
	if record.Time.IsZero() {
		record.Time = s.now()
	}
	record.Time = record.Time.UTC()
	return record, nil
}

// liveSince holds if no live document was written after a revision, and nothing pushed.
func (s *Store) liveSince(revision int64) []clientv3.Cmp {
	return []clientv3.Cmp{writtenBy(revision, s.layout.Push()), allWrittenBy(revision, s.layout.Live())}
}

// conflict finds out why a push was refused.
func (s *Store) conflict(ctx context.Context, base Set, record Record) error {
	canary, err := s.Canary(ctx)
	if err != nil {
		return err
	}
	if record.Version != "" {
		if _, err := s.version(ctx, record.Version); err != nil {
			return err
		}
	}
	conflict, err := s.changedSince(ctx, base)
	if err != nil {
		return err
	}
	if canary != nil {
		conflict.Canary = &canary.Canary
	}
	return conflict
}

// changedSince tells who changed what since the live documents were read.
func (s *Store) changedSince(ctx context.Context, base Set) (*Conflict, error) {
	live, err := s.Live(ctx)
	if err != nil {
		return nil, err
	}
	conflict := &Conflict{Documents: different(base.Documents, live.Documents)}
	last, at, err := s.lastPush(ctx)
	if at > base.Revision {
		conflict.Push = &last
	}
	return conflict, err
}

// lastPush returns the record of the last push, and etcd's revision of it; 0 if there was none.
func (s *Store) lastPush(ctx context.Context) (record Record, revision int64, err error) {
	found, _, err := s.read(ctx, clientv3.OpGet(s.layout.Push()))
	if err != nil {
		return record, 0, fmt.Errorf("read the record of the last push: %w", err)
	}
	ok, err := decode(found[0], &record)
	if ok {
		revision = found[0][0].GetModRevision()
	}
	return record, revision, err
}
