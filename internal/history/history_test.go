package history_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
	"facet/internal/history"
	"facet/internal/snapshot"
)

// today is when tests take place: in Shanghai it is tomorrow already.
var today = time.Date(2026, 11, 23, 7, 30, 0, 0, time.FixedZone("Shanghai", 8*60*60))

// open returns the history of an application in an empty etcd.
func open(t testing.TB) (*history.Store, *clientv3.Client, etcd.Layout) {
	t.Helper()
	layout, err := etcd.NewLayout("/facet", "mall")
	if err != nil {
		t.Fatal(err)
	}
	client := etcdtest.Start(t)
	store := history.New(client, layout)
	store.SetNow(func() time.Time { return today })
	return store, client, layout
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// documents makes a set of names and contents, sorted.
func documents(contents map[string]string) []snapshot.Document {
	var set []snapshot.Document
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		set = append(set, snapshot.Document{Name: name, Data: []byte(contents[name])})
	}
	return set
}

// text shows a set as `a=1 b=2`.
func text(set []snapshot.Document) string {
	var parts []string
	for _, d := range set {
		parts = append(parts, d.Name+"="+string(d.Data))
	}
	return strings.Join(parts, " ")
}

func live(t testing.TB, store *history.Store) history.Set {
	t.Helper()
	set, err := store.Live(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// push makes documents the live ones, based on what is live.
func push(t testing.TB, store *history.Store, set []snapshot.Document, record history.Record) int64 {
	t.Helper()
	revision, err := store.Push(within(t), live(t, store), set, record)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func names(t testing.TB, store *history.Store) []string {
	t.Helper()
	versions, err := store.Versions(within(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, v := range versions {
		names = append(names, v.Name)
	}
	return names
}

// version is the name of the n-th version of today.
func version(n int) string { return fmt.Sprintf("v20261122-%d", n) }

func wantLive(t testing.TB, store *history.Store, want string) {
	t.Helper()
	if got := text(live(t, store).Documents); got != want {
		t.Errorf("live is %q, want %q", got, want)
	}
}

// wantConflict returns the conflict that an error is.
func wantConflict(t testing.TB, err error) *history.Conflict {
	t.Helper()
	conflict := (*history.Conflict)(nil)
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	return conflict
}
