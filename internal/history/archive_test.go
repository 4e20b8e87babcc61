package history_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/history"
	"facet/internal/snapshot"
)

func archive(t testing.TB, store *history.Store, set []snapshot.Document, retain int) (history.Version, bool) {
	t.Helper()
	v, created, err := store.Archive(within(t), set, retain)
	if err != nil {
		t.Fatal(err)
	}
	return v, created
}

// content is a set that differs from that of any other number.
func content(n int) []snapshot.Document {
	return documents(map[string]string{"a.yaml": fmt.Sprint(n), "b/b.proto": "syntax"})
}

func TestArchive(t *testing.T) {
	store, _, _ := open(t)
	revision := push(t, store, content(1), history.Record{Author: "lin", Message: "first"})
	v, created := archive(t, store, content(1), 10)
	if !created || v.Name != version(1) || v.Author != "lin" || v.Message != "first" || v.Revision != revision || v.Documents != 2 || v.Bytes != 7 {
		t.Errorf("created %v: %+v", created, v)
	}
	set, err := store.Load(within(t), v.Name)
	if err != nil || text(set.Documents) != text(content(1)) || set.Record.Hash != v.Hash || set.Record.Author != "lin" {
		t.Errorf("loaded %+v, %v", set, err)
	}

	again, created := archive(t, store, content(1), 10)
	if created || again != v {
		t.Errorf("created %v again: %+v", created, again)
	}
	other, _ := archive(t, store, content(2), 10) // not what was pushed
	if other.Name != version(2) || other.Author != "" || other.Revision != 0 {
		t.Errorf("the second version is %+v", other)
	}
	if got := names(t, store); !slices.Equal(got, []string{version(2), version(1)}) {
		t.Errorf("versions %v", got)
	}
}

// TestRollbackCreatesNoVersion shows that known content keeps its version.
func TestRollbackCreatesNoVersion(t *testing.T) {
	store, _, _ := open(t)
	for n := range 3 {
		push(t, store, content(n), history.Record{})
		archive(t, store, content(n), 10)
	}
	back, err := store.Load(within(t), version(1))
	if err != nil {
		t.Fatal(err)
	}
	push(t, store, back.Documents, history.Record{Version: version(1)})
	if v, created := archive(t, store, back.Documents, 10); created || v.Name != version(1) {
		t.Errorf("created %v: %+v", created, v)
	}
	if got := names(t, store); len(got) != 3 {
		t.Errorf("versions %v", got)
	}
	_, err = store.Push(within(t), live(t, store), content(1), history.Record{Version: version(9)})
	if err == nil || !strings.Contains(err.Error(), "there is no version") {
		t.Errorf("rolled back to a version that is gone: %v", err)
	}
}

// TestRacingArchivers shows that replicas that activate the same documents make one version of them, and that those with
// different ones do not mix.
func TestRacingArchivers(t *testing.T) {
	store, _, _ := open(t)
	const contents, replicas = 5, 20
	var mu sync.Mutex
	made := map[string]int{} // how often, by content
	var racing sync.WaitGroup
	for i := range replicas * contents {
		racing.Go(func() {
			set := content(i % contents)
			v, created, err := store.Archive(within(t), set, 100)
			if err != nil {
				t.Error(err)
			}
			if v.Hash != snapshot.Hash(set) {
				t.Errorf("archived as %+v, whose documents are others", v)
			}
			mu.Lock()
			defer mu.Unlock()
			if created {
				made[v.Hash]++
			}
		})
	}
	racing.Wait()
	for n := range contents {
		if got := made[snapshot.Hash(content(n))]; got != 1 {
			t.Errorf("content %d was created %d times", n, got)
		}
	}
	got := names(t, store)
	if len(got) != contents {
		t.Errorf("versions %v", got)
	}
	for _, name := range got {
		if _, err := store.Load(within(t), name); err != nil {
			t.Error(err)
		}
	}
}

func TestRetention(t *testing.T) {
	store, client, layout := open(t)
	activate := func(n, retain int) {
		push(t, store, content(n), history.Record{})
		archive(t, store, content(n), retain)
	}
	for n := range 5 {
		activate(n, 0)
	}
	if got := names(t, store); len(got) != 5 {
		t.Fatalf("versions %v, want all 5", got)
	}
	if _, err := store.Pin(within(t), version(1), true); err != nil {
		t.Fatal(err)
	}
	activate(5, 3)
	want := []string{version(6), version(5), version(4), version(1)}
	if got := names(t, store); !slices.Equal(got, want) {
		t.Errorf("versions %v, want the newest 3 and the pinned one", got)
	}

	back, err := store.Load(within(t), version(4))
	if err != nil {
		t.Fatal(err)
	}
	push(t, store, back.Documents, history.Record{Version: version(4)})
	archive(t, store, content(6), 1) // by a replica that is not yet where the others are
	want = []string{version(7), version(4), version(1)}
	if got := names(t, store); !slices.Equal(got, want) {
		t.Errorf("versions %v, want the newest, the live and the pinned one", got)
	}

	if _, err := store.Pin(within(t), version(1), false); err != nil {
		t.Fatal(err)
	}
	activate(7, 1)
	if got := names(t, store); !slices.Equal(got, []string{version(8)}) {
		t.Errorf("versions %v, want the newest", got)
	}
	for _, prefix := range []string{layout.Snapshots(), layout.Hash("")} {
		found, err := client.Get(within(t), prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
		if err != nil {
			t.Fatal(err)
		}
		for _, kv := range found.Kvs {
			if key := string(kv.Key); !strings.Contains(key, version(8)) && !strings.HasSuffix(key, snapshot.Hash(content(7))) {
				t.Errorf("key %s was left behind", key)
			}
		}
	}
}

func TestPinOfAnUnknownVersion(t *testing.T) {
	store, _, _ := open(t)
	archive(t, store, content(1), 0)
	_, err := store.Pin(within(t), version(1)+"1", true)
	if want := fmt.Sprintf("there is no version %q; did you mean %q?", version(1)+"1", version(1)); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := store.Load(within(t), "v1"); err == nil || !strings.Contains(err.Error(), `there is no version "v1"`) {
		t.Errorf("got %v", err)
	}
}

// TestVersionDeletedByHand shows that what is left of it does not hinder anybody.
func TestVersionDeletedByHand(t *testing.T) {
	store, client, layout := open(t)
	v, _ := archive(t, store, content(1), 0)
	if _, err := client.Delete(within(t), layout.Version(v.Name), clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	if got := names(t, store); len(got) != 0 {
		t.Errorf("versions %v", got)
	}
	if again, created := archive(t, store, content(1), 0); !created || again.Hash != v.Hash {
		t.Errorf("created %v: %+v", created, again)
	}
}

func TestDamagedVersion(t *testing.T) {
	store, client, layout := open(t)
	v, _ := archive(t, store, content(1), 0)
	if _, err := client.Put(within(t), layout.Version(v.Name)+"documents/a.yaml", "by hand"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Load(within(t), v.Name); err == nil || !strings.Contains(err.Error(), "is damaged") {
		t.Errorf("got %v", err)
	}
}

// large is a set that takes several transactions.
func large(n int) []snapshot.Document {
	contents := map[string]string{"z.yaml": fmt.Sprint(n)}
	for i := range 4 {
		contents[fmt.Sprintf("%d.binpb", i)] = strings.Repeat(fmt.Sprint(i), 700<<10)
	}
	for i := range 150 {
		contents[fmt.Sprintf("small-%d.yaml", i)] = "methods: {}"
	}
	return documents(contents)
}

func TestArchiveOfALargeSet(t *testing.T) {
	store, client, layout := open(t)
	var racing sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range 4 {
		racing.Go(func() {
			_, created, err := store.Archive(within(t), large(1), 10)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if created {
				made++
			}
		})
	}
	racing.Wait()
	got := names(t, store)
	if made != 1 || len(got) != 1 {
		t.Fatalf("created %d times: versions %v", made, got)
	}
	set, err := store.Load(within(t), got[0])
	if err != nil || text(set.Documents) != text(large(1)) {
		t.Errorf("loaded %d documents, %v", len(set.Documents), err)
	}
	wantNothingElse(t, client, layout.Snapshots(), layout.Version(got[0]))
	found, err := client.Get(within(t), layout.Version(got[0]), clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range found.Kvs {
		if kv.Lease != 0 {
			t.Errorf("%s goes with lease %x", kv.Key, kv.Lease)
		}
	}
}

// TestArchiveThatIsBrokenOff shows that the parts of a version that is never completed do not stay.
func TestArchiveThatIsBrokenOff(t *testing.T) {
	store, client, layout := open(t)
	ctx, breakOff := context.WithCancel(within(t))
	written := client.Watch(ctx, layout.Snapshots(), clientv3.WithPrefix())
	var racing sync.WaitGroup
	racing.Go(func() {
		<-written // the first part
		breakOff()
	})
	if _, created, err := store.Archive(ctx, large(1), 10); created || err == nil {
		t.Fatalf("created %v, %v: it was not broken off", created, err)
	}
	racing.Wait()
	wantNothingElse(t, client, layout.Snapshots(), "none")
	if got := names(t, store); len(got) != 0 {
		t.Errorf("versions %v", got)
	}
	if v, created := archive(t, store, large(1), 10); !created || v.Name != version(1) {
		t.Errorf("created %v: %+v", created, v)
	}
}

// wantNothingElse reports keys below a prefix that are not below another.
func wantNothingElse(t *testing.T, client *clientv3.Client, prefix, but string) {
	t.Helper()
	found, err := client.Get(within(t), prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	for _, kv := range found.Kvs {
		if !strings.HasPrefix(string(kv.Key), but) {
			t.Errorf("key %s was left behind", kv.Key)
		}
	}
}
