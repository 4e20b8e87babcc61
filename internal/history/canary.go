package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/snapshot"
)

// Canary says how a candidate is tried out beside the live documents.
type Canary struct {
	// BasisPoints is the share of the traffic that the candidate serves, in hundredths of a percent: 1 to 10,000.
	BasisPoints int `json:"basis_points"`
	// By is what the traffic is split by: `request`, or `header:` and the name of a request header.
	By string `json:"by"`
	// MaxErrorIncrease is how much higher the share of failed requests may be than that of the live documents; 0.01 is one
	// percentage point.
	MaxErrorIncrease float64 `json:"max_error_increase"`
	// MaxLatencyRatio is how many times the latency of the live documents that of the candidate may be, at least 1.
	MaxLatencyRatio float64 `json:"max_latency_ratio"`
	// MinRequests is how many requests each side serves before the candidate is judged.
	MinRequests int    `json:"min_requests"`
	Record      Record `json:"record"` // of the candidate
}

// Candidate is a canary that runs.
type Candidate struct {
	Canary
	Documents []snapshot.Document
	Revision  int64 // of etcd, when it was read: promoting and aborting it compare it
}

// Ending says how a canary ended.
type Ending struct {
	Outcome string    `json:"outcome"` // Promoted or Aborted
	Reason  string    `json:"reason,omitempty"`
	Author  string    `json:"author,omitempty"`
	Time    time.Time `json:"time"`
	Canary  Canary    `json:"canary"`
}

// The outcomes of a canary.
const (
	Promoted = "promoted"
	Aborted  = "aborted"
)

// ErrEnded means that a canary that was to be promoted or aborted is no longer the one that runs.
var ErrEnded = errors.New("the canary has ended meanwhile")

// headerPrefix is how Canary.By names a header.
const headerPrefix = "header:"

// Share is the share of the traffic in percent: `5%`.
func (c Canary) Share() string {
	return strconv.FormatFloat(float64(c.BasisPoints)/100, 'f', -1, 64) + "%"
}

// Header is the name of the header that the traffic is split by, in lower case, and "" if it is split by request.
func (c Canary) Header() string {
	header, ok := strings.CutPrefix(c.By, headerPrefix)
	if !ok {
		return ""
	}
	return strings.ToLower(header)
}

// Check refuses settings that no gateway could follow.
func (c Canary) Check() error {
	header, isHeader := strings.CutPrefix(c.By, headerPrefix)
	switch {
	case c.BasisPoints < 1 || c.BasisPoints > 10_000:
		return fmt.Errorf("a canary takes 0.01%% to 100%% of the traffic, not %s", c.Share())
	case c.By != "request" && (!isHeader || header == ""):
		return fmt.Errorf("a canary is split by `request` or by `header:NAME`, not by %q", c.By)
	case isHeader && strings.ContainsFunc(header, notInHeader):
		return fmt.Errorf("%q is not the name of a header", header)
	case !(c.MaxErrorIncrease >= 0 && c.MaxErrorIncrease <= 1):
		return fmt.Errorf("the error rate of a canary may be 0%% to 100%% higher, not %g%%", 100*c.MaxErrorIncrease)
	case !(c.MaxLatencyRatio >= 1) || math.IsInf(c.MaxLatencyRatio, 1):
		return fmt.Errorf("the latency of a canary may be 1 time the live one or more, not %g", c.MaxLatencyRatio)
	case c.MinRequests < 1:
		return fmt.Errorf("a canary is judged after 1 request or more, not %d", c.MinRequests)
	}
	return nil
}

// notInHeader reports what cannot be in the name of a header.
func notInHeader(r rune) bool {
	return !strings.ContainsRune("-_.0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
}

// Stage makes documents the candidate, in one transaction. It is refused with a *Conflict as a push is.
func (s *Store) Stage(ctx context.Context, base Set, documents []snapshot.Document, canary Canary) error {
	if err := canary.Check(); err != nil {
		return err
	}
	var err error
	if canary.Record, err = s.seal(canary.Record, documents); err != nil {
		return err
	}
	settings, err := putJSON(s.layout.CanarySettings(), canary)
	if err != nil {
		return err
	}
	// What a canary may have left behind must not become part of this one.
	running := exists(s.layout.CanarySettings())
	if _, err := s.client.Txn(ctx).If(running).Else(clientv3.OpDelete(s.layout.CanaryDocuments(), clientv3.WithPrefix())).Commit(); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	conditions := append(s.liveSince(base.Revision), absent(s.layout.CanarySettings()), noneBelow(s.layout.CanaryDocuments()))
	_, committed, err := s.commit(ctx, conditions, append(replace(s.layout.CanaryDocuments(), nil, documents), settings))
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if !committed {
		return s.conflict(ctx, base, canary.Record)
	}
	return nil
}

// Canary returns the canary that runs, nil if there is none.
func (s *Store) Canary(ctx context.Context) (*Candidate, error) {
	found, revision, err := s.read(ctx,
		clientv3.OpGet(s.layout.CanarySettings()),
		clientv3.OpGet(s.layout.CanaryDocuments(), clientv3.WithPrefix()),
	)
	if err != nil {
		return nil, fmt.Errorf("read the canary: %w", err)
	}
	candidate := &Candidate{Documents: documentsOf(s.layout.CanaryDocuments(), found[1]), Revision: revision}
	if ok, err := decode(found[0], &candidate.Canary); !ok {
		return nil, err
	}
	return candidate, nil
}

// CanaryRevision tells the canary that runs from any other, for less than it takes to read it: it is the revision of etcd at
// which it was staged, 0 if none runs.
func (s *Store) CanaryRevision(ctx context.Context) (int64, error) {
	found, err := s.client.Get(ctx, s.layout.CanarySettings(), clientv3.WithKeysOnly())
	if err != nil {
		return 0, fmt.Errorf("look for a canary: %w", err)
	}
	if len(found.Kvs) == 0 {
		return 0, nil
	}
	return found.Kvs[0].ModRevision, nil
}

// LastCanary returns how the last canary ended, nil if there was none.
func (s *Store) LastCanary(ctx context.Context) (*Ending, error) {
	found, _, err := s.read(ctx, clientv3.OpGet(s.layout.CanaryResult()))
	if err != nil {
		return nil, fmt.Errorf("read how the last canary ended: %w", err)
	}
	ending := new(Ending)
	if ok, err := decode(found[0], ending); !ok {
		return nil, err
	}
	return ending, nil
}

// Promote makes a candidate's documents the live ones and ends its canary, in one transaction. Without a message the
// record gets the candidate's. It fails with ErrEnded if the candidate no longer is the one that runs, and with a *Conflict if
// the live documents are written at this moment.
func (s *Store) Promote(ctx context.Context, candidate *Candidate, record Record) (revision int64, err error) {
	if snapshot.Hash(candidate.Documents) != candidate.Record.Hash {
		return 0, errors.New("the documents of the canary are not those that were pushed; abort it and push again")
	}
	if record.Message == "" {
		record.Message = candidate.Record.Message
	}
	record, err = s.seal(record, candidate.Documents)
	if err != nil {
		return 0, err
	}
	setRecord, err := putJSON(s.layout.Push(), record)
	if err != nil {
		return 0, err
	}
	base, err := s.Live(ctx)
	if err != nil {
		return 0, err
	}
	end, err := s.end(candidate, Ending{Outcome: Promoted, Author: record.Author, Time: record.Time})
	if err != nil {
		return 0, err
	}
	conditions := append(s.liveSince(base.Revision), s.runs(candidate)...)
	conditions = append(conditions, allWrittenBy(candidate.Revision, s.layout.CanaryDocuments()))
	changes := append(replace(s.layout.Live(), base.Documents, candidate.Documents), append(end, setRecord)...)
	revision, committed, err := s.commit(ctx, conditions, changes)
	if err != nil {
		return 0, fmt.Errorf("promote: %w", err)
	}
	if !committed {
		return 0, s.notPromoted(ctx, base, candidate)
	}
	return revision, nil
}

// notPromoted finds out why a canary was not promoted.
func (s *Store) notPromoted(ctx context.Context, base Set, candidate *Candidate) error {
	staged, err := s.CanaryRevision(ctx)
	if err != nil {
		return err
	}
	if staged == 0 || staged > candidate.Revision {
		return ErrEnded
	}
	conflict, err := s.changedSince(ctx, base)
	if err != nil {
		return err
	}
	return conflict
}

// Abort ends a canary without effect on the live documents. It fails with ErrEnded if the candidate no longer is the one
// that runs. Nothing else refuses it: a reason or an author that is too long is cut.
func (s *Store) Abort(ctx context.Context, candidate *Candidate, reason, author string) error {
	ending := Ending{Outcome: Aborted, Reason: clip(reason, maxMessage), Author: clip(author, maxAuthor), Time: s.now().UTC()}
	end, err := s.end(candidate, ending)
	if err != nil {
		return err
	}
	reply, err := s.client.Txn(ctx).If(s.runs(candidate)...).Then(end...).Commit()
	if err != nil {
		return fmt.Errorf("abort the canary: %w", err)
	}
	if !reply.Succeeded {
		return ErrEnded
	}
	return nil
}

// clip cuts a text to a number of characters.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// runs holds if a candidate is the one that runs.
func (s *Store) runs(candidate *Candidate) []clientv3.Cmp {
	return []clientv3.Cmp{exists(s.layout.CanarySettings()), writtenBy(candidate.Revision, s.layout.CanarySettings())}
}

// end deletes a canary and notes how it ended.
func (s *Store) end(candidate *Candidate, ending Ending) ([]clientv3.Op, error) {
	ending.Canary = candidate.Canary
	note, err := putJSON(s.layout.CanaryResult(), ending)
	return []clientv3.Op{
		clientv3.OpDelete(s.layout.CanarySettings()),
		clientv3.OpDelete(s.layout.CanaryDocuments(), clientv3.WithPrefix()),
		note,
	}, err
}
