package history_test

import (
	"cmp"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"facet/internal/history"
	"facet/internal/snapshot"
)

// stage starts a canary; what its settings leave out is usual.
func stage(t testing.TB, store *history.Store, set []snapshot.Document, canary history.Canary) {
	t.Helper()
	if err := store.Stage(within(t), live(t, store), set, usual(canary)); err != nil {
		t.Fatal(err)
	}
}

func usual(c history.Canary) history.Canary {
	c.BasisPoints = cmp.Or(c.BasisPoints, 500)
	c.By = cmp.Or(c.By, "request")
	c.MaxLatencyRatio = cmp.Or(c.MaxLatencyRatio, 1.5)
	c.MinRequests = cmp.Or(c.MinRequests, 100)
	return c
}

// running returns the canary that runs.
func running(t testing.TB, store *history.Store) *history.Candidate {
	t.Helper()
	candidate, err := store.Canary(within(t))
	if err != nil {
		t.Fatal(err)
	}
	revision, err := store.CanaryRevision(within(t))
	if err != nil || (revision != 0) != (candidate != nil) {
		t.Fatalf("the revision of canary %v is %d, %v", candidate, revision, err)
	}
	return candidate
}

var (
	old       = documents(map[string]string{"a.yaml": "1", "b.yaml": "2"})
	candidate = documents(map[string]string{"a.yaml": "1", "b.yaml": "new", "c.yaml": "3"})
)

func TestPromote(t *testing.T) {
	store, _, _ := open(t)
	push(t, store, old, history.Record{})
	stage(t, store, candidate, history.Canary{By: "header:X-Session-Id", Record: history.Record{Author: "lin", Message: "rooms"}})
	wantLive(t, store, text(old))
	canary := running(t, store)
	if text(canary.Documents) != text(candidate) || canary.Record.Author != "lin" || canary.Header() != "x-session-id" || canary.Share() != "5%" {
		t.Errorf("the canary is %+v", canary)
	}

	if _, err := store.Promote(within(t), canary, history.Record{Author: "wu"}); err != nil {
		t.Fatal(err)
	}
	wantLive(t, store, text(candidate))
	if r := live(t, store).Record; r.Author != "wu" || r.Message != "rooms" || r.Hash != canary.Record.Hash {
		t.Errorf("the record is %+v", r)
	}
	if still := running(t, store); still != nil {
		t.Errorf("still runs: %+v", still)
	}
	wantEnding(t, store, history.Promoted, "")
	push(t, store, old, history.Record{})
}

func TestAbort(t *testing.T) {
	store, _, _ := open(t)
	push(t, store, old, history.Record{})
	stage(t, store, candidate, history.Canary{})
	long := strings.Repeat("slow ", 1000)
	if err := store.Abort(within(t), running(t, store), long, "replica"); err != nil {
		t.Fatal(err)
	}
	wantLive(t, store, text(old))
	wantEnding(t, store, history.Aborted, "slow slow")
	stage(t, store, candidate, history.Canary{}) // there is room for another
}

func wantEnding(t *testing.T, store *history.Store, outcome, reason string) {
	t.Helper()
	ending, err := store.LastCanary(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if ending == nil || ending.Outcome != outcome || !strings.HasPrefix(ending.Reason, reason) || ending.Canary.Record.Hash != snapshot.Hash(candidate) {
		t.Errorf("the canary ended as %+v, want %s", ending, outcome)
	}
}

// TestOnlyTheCanaryThatWasSeenEnds shows that a late decision does not meet the next canary.
func TestOnlyTheCanaryThatWasSeenEnds(t *testing.T) {
	store, client, layout := open(t)
	push(t, store, old, history.Record{})
	stage(t, store, candidate, history.Canary{})
	first := running(t, store)
	if err := store.Abort(within(t), first, "", ""); err != nil {
		t.Fatal(err)
	}
	ended := func() {
		t.Helper()
		if err := store.Abort(within(t), first, "", ""); !errors.Is(err, history.ErrEnded) {
			t.Errorf("abort: %v", err)
		}
		if _, err := store.Promote(within(t), first, history.Record{}); !errors.Is(err, history.ErrEnded) {
			t.Errorf("promote: %v", err)
		}
	}
	ended()
	stage(t, store, candidate, history.Canary{BasisPoints: 10})
	ended()
	if running(t, store) == nil {
		t.Error("the second canary has ended")
	}
	wantLive(t, store, text(old))

	if _, err := client.Put(within(t), layout.CanaryDocuments()+"a.yaml", "by hand"); err != nil {
		t.Fatal(err)
	}
	second := running(t, store)
	if _, err := store.Promote(within(t), second, history.Record{}); err == nil || !strings.Contains(err.Error(), "not those that were pushed") {
		t.Errorf("promoted documents that nobody has pushed: %v", err)
	}
	if _, err := client.Put(within(t), layout.CanaryDocuments()+"a.yaml", "by hand again"); err != nil {
		t.Fatal(err)
	}
	if err := store.Abort(within(t), second, "", ""); err != nil {
		t.Errorf("documents that nobody has pushed keep a canary running: %v", err)
	}
}

// TestPromoteOnlyWhatWasRead shows that a candidate that somebody edits is not promoted half read.
func TestPromoteOnlyWhatWasRead(t *testing.T) {
	store, client, layout := open(t)
	push(t, store, old, history.Record{})
	stage(t, store, candidate, history.Canary{})
	canary := running(t, store)
	if _, err := client.Put(within(t), layout.CanaryDocuments()+"b.yaml", "by hand"); err != nil {
		t.Fatal(err)
	}
	_, err := store.Promote(within(t), canary, history.Record{})
	wantConflict(t, err)
	wantLive(t, store, text(old))
}

// TestRacingEnds shows that a canary ends once, whoever ends it.
func TestRacingEnds(t *testing.T) {
	store, _, _ := open(t)
	push(t, store, old, history.Record{})
	for range 20 {
		stage(t, store, candidate, history.Canary{})
		canary := running(t, store)
		var errs [4]error
		var racing sync.WaitGroup
		for i := range errs {
			racing.Go(func() {
				if i == 0 {
					_, errs[i] = store.Promote(within(t), canary, history.Record{})
				} else {
					errs[i] = store.Abort(within(t), canary, "", "")
				}
			})
		}
		racing.Wait()
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !errors.Is(err, history.ErrEnded) {
				t.Error(err)
			}
		}
		want := text(old)
		if errs[0] == nil {
			want = text(candidate)
		}
		if done != 1 {
			t.Errorf("%d ended it: %v", done, errs)
		}
		wantLive(t, store, want)
		push(t, store, old, history.Record{})
	}
}

func TestStageIsRefused(t *testing.T) {
	store, client, layout := open(t)
	push(t, store, old, history.Record{})
	base := live(t, store)
	push(t, store, old, history.Record{Author: "wu"})
	err := store.Stage(within(t), base, candidate, usual(history.Canary{}))
	if got := wantConflict(t, err); got.Push == nil || got.Push.Author != "wu" {
		t.Errorf("got %v", got)
	}

	if _, err := client.Put(within(t), layout.CanaryDocuments()+"left.yaml", "behind"); err != nil {
		t.Fatal(err)
	}
	stage(t, store, candidate, history.Canary{Record: history.Record{Author: "lin"}})
	if got := running(t, store); text(got.Documents) != text(candidate) {
		t.Errorf("the candidate is %q", text(got.Documents))
	}
	err = store.Stage(within(t), live(t, store), candidate, usual(history.Canary{}))
	if got := wantConflict(t, err); got.Canary == nil || got.Canary.Record.Author != "lin" {
		t.Errorf("got %v", got)
	}
}

func TestStageRefusesSettings(t *testing.T) {
	store, _, _ := open(t)
	for want, change := range map[string]func(*history.Canary){
		"not 0%":                    func(c *history.Canary) { c.BasisPoints = 0 },
		"not 100.01%":               func(c *history.Canary) { c.BasisPoints = 10_001 },
		`not by "user"`:             func(c *history.Canary) { c.By = "user" },
		`not by "header:"`:          func(c *history.Canary) { c.By = "header:" },
		`"x y" is not the name`:     func(c *history.Canary) { c.By = "header:x y" },
		"not -1%":                   func(c *history.Canary) { c.MaxErrorIncrease = -0.01 },
		"higher, not NaN%":          func(c *history.Canary) { c.MaxErrorIncrease = math.NaN() },
		"or more, not 0.5":          func(c *history.Canary) { c.MaxLatencyRatio = 0.5 },
		"or more, not +Inf":         func(c *history.Canary) { c.MaxLatencyRatio = math.Inf(1) },
		"after 1 request or more, ": func(c *history.Canary) { c.MinRequests = -1 },
	} {
		canary := usual(history.Canary{})
		change(&canary)
		if err := store.Stage(within(t), history.Set{}, candidate, canary); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if running(t, store) != nil {
		t.Error("a canary runs")
	}
}

// TestRollbackEndsCanary shows that the way out of trouble does not lead by the canary.
func TestRollbackEndsCanary(t *testing.T) {
	store, _, _ := open(t)
	push(t, store, old, history.Record{})
	version, _, err := store.Archive(within(t), old, 0)
	if err != nil {
		t.Fatal(err)
	}
	bad := documents(map[string]string{"a.yaml": "bad"})
	push(t, store, bad, history.Record{})
	stage(t, store, candidate, history.Canary{})
	if _, err := store.Push(within(t), live(t, store), old, history.Record{Author: "wu", Version: version.Name}); err != nil {
		t.Fatal(err)
	}
	wantLive(t, store, text(old))
	if canary := running(t, store); canary != nil {
		t.Errorf("the canary of %s runs on", canary.Record.Hash)
	}
	ending, err := store.LastCanary(within(t))
	if err != nil || ending.Outcome != history.Aborted || ending.Reason != "rollback to "+version.Name || ending.Author != "wu" {
		t.Errorf("got %+v, %v", ending, err)
	}
}
