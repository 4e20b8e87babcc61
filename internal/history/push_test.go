package history_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"facet/internal/etcd"
	"facet/internal/history"
	"facet/internal/snapshot"
)

func TestPushChangesAddsAndDeletes(t *testing.T) {
	store, _, _ := open(t)
	wantLive(t, store, "")
	push(t, store, documents(map[string]string{"a.yaml": "1", "b/b.proto": "2", "c.yaml": "3"}), history.Record{Author: "lin"})
	wantLive(t, store, "a.yaml=1 b/b.proto=2 c.yaml=3")

	next := documents(map[string]string{"a.yaml": "1", "c.yaml": "4", "d.yaml": ""})
	revision := push(t, store, next, history.Record{Author: "wu", Message: "no b"})
	wantLive(t, store, "a.yaml=1 c.yaml=4 d.yaml=")
	set := live(t, store)
	if set.Revision != revision || set.Record.Author != "wu" || set.Record.Message != "no b" ||
		set.Record.Hash != snapshot.Hash(next) || set.Record.Time.IsZero() {
		t.Errorf("pushed at %d, got %+v", revision, set)
	}
}

// TestPushWritesOnlyWhatDiffers shows that documents that stay the same are not sent to every replica again.
func TestPushWritesOnlyWhatDiffers(t *testing.T) {
	store, client, layout := open(t)
	first := push(t, store, documents(map[string]string{"a.yaml": "1", "b.yaml": "2"}), history.Record{})
	push(t, store, documents(map[string]string{"a.yaml": "1", "b.yaml": "3"}), history.Record{})
	found, err := client.Get(within(t), layout.Live()+"a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got := found.Kvs[0].ModRevision; got != first {
		t.Errorf("a.yaml was written at %d, want only at %d", got, first)
	}
}

func TestPushIsRefusedIfItsBaseChanged(t *testing.T) {
	begin := map[string]string{"a.yaml": "1", "b.yaml": "2"}
	mine := documents(map[string]string{"a.yaml": "mine", "b.yaml": "2"})
	for _, test := range []struct {
		name      string
		meanwhile func(t *testing.T, store *history.Store, put func(key, value string), remove func(key string))
		want      string
		live      string
	}{
		{"by a push", func(t *testing.T, store *history.Store, _ func(string, string), _ func(string)) {
			push(t, store, documents(map[string]string{"b.yaml": "theirs"}), history.Record{Author: "wu", Message: "faster"})
		}, `changed meanwhile, pushed by wu at`, "b.yaml=theirs"},
		{"by a push to the same content", func(t *testing.T, store *history.Store, _ func(string, string), _ func(string)) {
			push(t, store, documents(begin), history.Record{Author: "wu"})
		}, `changed meanwhile, pushed by wu at`, "a.yaml=1 b.yaml=2"},
		{"by hand", func(_ *testing.T, _ *history.Store, put func(string, string), _ func(string)) {
			put("b.yaml", "hand")
		}, "not by a push: b.yaml", "a.yaml=1 b.yaml=hand"},
		{"by hand, a new document", func(_ *testing.T, _ *history.Store, put func(string, string), _ func(string)) {
			put("new.yaml", "")
		}, "not by a push: new.yaml", "a.yaml=1 b.yaml=2 new.yaml="},
		{"by hand, a document that the push keeps is deleted", func(_ *testing.T, _ *history.Store, _ func(string, string), remove func(string)) {
			remove("b.yaml")
		}, "not by a push: b.yaml", "a.yaml=1"},
		{"by a canary", func(t *testing.T, store *history.Store, _ func(string, string), _ func(string)) {
			stage(t, store, documents(map[string]string{"c.yaml": "3"}), history.Canary{Record: history.Record{Author: "wu"}})
		}, "a canary of 5% is running, pushed by wu at", "a.yaml=1 b.yaml=2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			store, client, layout := open(t)
			push(t, store, documents(begin), history.Record{Author: "lin"})
			base := live(t, store)
			test.meanwhile(t, store, func(name, value string) {
				if _, err := client.Put(within(t), layout.Live()+name, value); err != nil {
					t.Fatal(err)
				}
			}, func(name string) {
				if _, err := client.Delete(within(t), layout.Live()+name); err != nil {
					t.Fatal(err)
				}
			})
			_, err := store.Push(within(t), base, mine, history.Record{Author: "lin"})
			if got := wantConflict(t, err).Error(); !strings.Contains(got, test.want) {
				t.Errorf("got %q, want it to hold %q", got, test.want)
			}
			wantLive(t, store, test.live)
		})
	}
}

// TestRacingPushers shows that of two pushes that are based on the same documents exactly one is done.
func TestRacingPushers(t *testing.T) {
	store, _, _ := open(t)
	for round := range 100 {
		base := live(t, store)
		sets := [2][]snapshot.Document{}
		for i := range sets {
			of := fmt.Sprintf("round %d, pusher %d", round, i)
			sets[i] = documents(map[string]string{"a.yaml": of, "b.yaml": of, fmt.Sprintf("of-%d.yaml", i): of})
		}
		var errs [2]error
		var racing sync.WaitGroup
		for i := range sets {
			racing.Go(func() {
				_, errs[i] = store.Push(within(t), base, sets[i], history.Record{Author: fmt.Sprint(i)})
			})
		}
		racing.Wait()
		winner := 0
		if errs[0] != nil {
			winner = 1
		}
		if errs[winner] != nil {
			t.Fatalf("round %d: nobody won: %v", round, errs)
		}
		if got := wantConflict(t, errs[1-winner]); got.Push == nil || got.Push.Author != fmt.Sprint(winner) {
			t.Fatalf("round %d: the loser is told %v, want that %d won", round, got, winner)
		}
		if now := live(t, store); text(now.Documents) != text(sets[winner]) || now.Record.Hash != snapshot.Hash(sets[winner]) {
			t.Fatalf("round %d: %d won, live is %q of %+v", round, winner, text(now.Documents), now.Record)
		}
	}
}

// many is a set of n documents.
func many(n int, content string) []snapshot.Document {
	contents := map[string]string{}
	for i := range n {
		contents[fmt.Sprintf("d-%04d.yaml", i)] = fmt.Sprintf("%s %d", content, i)
	}
	return documents(contents)
}

func TestPushOfManyDocuments(t *testing.T) {
	store, client, layout := open(t)
	for _, n := range []int{120, 126, 127, 128, 129, 250, 1000} {
		before := live(t, store)
		after := push(t, store, many(n, "all"), history.Record{})
		if now := live(t, store); len(now.Documents) != n || now.Revision != after || before.Revision+1 != after {
			t.Fatalf("%d documents: live has %d at revision %d, and had revision %d", n, len(now.Documents), now.Revision, before.Revision)
		}
		change := many(n, "all")
		change[n/2].Data = []byte("changed")
		push(t, store, change, history.Record{})
		base := live(t, store)
		if text(base.Documents) != text(change) {
			t.Fatalf("%d documents: a change of one was not made", n)
		}

		if _, err := client.Delete(within(t), layout.Live()+"d-0001.yaml"); err != nil {
			t.Fatal(err)
		}
		change[0].Data = []byte("changed")
		_, err := store.Push(within(t), base, change, history.Record{})
		if got := wantConflict(t, err); len(got.Documents) != 1 || got.Documents[0] != "d-0001.yaml" {
			t.Errorf("%d documents: %v", n, got)
		}
		if got := text(live(t, store).Documents[:1]); got != "d-0000.yaml=all 0" {
			t.Errorf("%d documents: a push that was refused has written %s", n, got)
		}
		push(t, store, nil, history.Record{})
	}
}

func TestPushThatIsTooLargeChangesNothing(t *testing.T) {
	store, _, _ := open(t)
	push(t, store, documents(map[string]string{"a.yaml": "1"}), history.Record{})
	large := documents(map[string]string{"a.yaml": "2", "b.binpb": strings.Repeat("b", 900<<10), "c.binpb": strings.Repeat("c", 900<<10)})
	_, err := store.Push(within(t), live(t, store), large, history.Record{})
	if err == nil || !strings.Contains(err.Error(), etcd.ErrTooLarge.Error()) {
		t.Errorf("got %v, want %v", err, etcd.ErrTooLarge)
	}
	wantLive(t, store, "a.yaml=1")
}

// TestPushWhoseAnswerIsLost tells what etcd has refused from what nobody knows.
func TestPushWhoseAnswerIsLost(t *testing.T) {
	store, _, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	const unsure = "it may have been done all the same"
	if _, err := store.Push(ctx, history.Set{}, old, history.Record{}); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), unsure) {
		t.Errorf("got %v", err)
	}
	twice := append(slices.Clone(old), old[0])
	if _, err := store.Push(within(t), history.Set{}, twice, history.Record{}); err == nil || strings.Contains(err.Error(), unsure) {
		t.Errorf("got %v", err)
	}
}

func TestPushRefusesRecordsThatAreNoText(t *testing.T) {
	store, _, _ := open(t)
	for want, record := range map[string]history.Record{
		"the author has 201 characters; at most 200 are kept":    {Author: strings.Repeat("é", 201)},
		"the message has 1001 characters; at most 1000 are kept": {Message: strings.Repeat("信", 1001)},
		`the message "\x1b[2J" has characters`:                   {Message: "\x1b[2J"},
		`the author "\xff" has characters`:                       {Author: "\xff"},
	} {
		_, err := store.Push(within(t), history.Set{}, nil, record)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	push(t, store, nil, history.Record{Author: strings.Repeat("é", 200), Message: strings.Repeat("信\n", 500)})
}

func TestApplicationsAreApart(t *testing.T) {
	store, client, _ := open(t)
	push(t, store, documents(map[string]string{"a.yaml": "mall"}), history.Record{})
	layout, err := etcd.NewLayout("/facet", "mall2")
	if err != nil {
		t.Fatal(err)
	}
	other := history.New(client, layout)
	push(t, other, documents(map[string]string{"a.yaml": "other"}), history.Record{})
	wantLive(t, store, "a.yaml=mall")
	wantLive(t, other, "a.yaml=other")
}
