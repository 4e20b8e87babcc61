package app

import (
	"log/slog"
	"strings"
	"testing"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
	"facet/internal/gateway"
	"facet/internal/history"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// trialOf is a candidate that is tried out, step by step. What is live is set by hand.
type trialOf struct {
	*candidates
	store *history.Store
	proxy *etcdtest.Proxy // between the candidates and etcd
	live  string          // hash
}

func textDocuments(text string) []snapshot.Document {
	return []snapshot.Document{
		{Name: "text.proto", Data: []byte("syntax = \"proto3\";\npackage text.v1;\nservice Text { rpc Get(M) returns (M); }\nmessage M { string text = 1; }\n")},
		{Name: "text.yaml", Data: []byte("methods: {text.v1.Text/Get: {reply: {text: \"'" + text + "'\"}}}\n")},
	}
}

func newTrialOf(t *testing.T) *trialOf {
	t.Helper()
	layout, err := etcd.NewLayout("/facet", "text")
	if err != nil {
		t.Fatal(err)
	}
	client := etcdtest.Start(t)
	proxy := etcdtest.NewProxy(t, strings.TrimPrefix(client.Endpoints()[0], "http://"))
	behind := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{proxy.Addr()}})
	trial := &trialOf{store: history.New(client, layout), proxy: proxy}
	pool := upstream.NewPool()
	gw := gateway.New(&snapshot.Holder{})
	trial.candidates = newCandidates(history.New(behind, layout), gw, func() string { return trial.live }, snapshot.NewBuilder(pool), slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		trial.end()
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	trial.live = snapshot.Hash(textDocuments("old"))
	if _, err := trial.store.Push(t.Context(), history.Set{}, textDocuments("old"), history.Record{}); err != nil {
		t.Fatal(err)
	}
	base, err := trial.store.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings := history.Canary{BasisPoints: 5000, By: "request", MaxLatencyRatio: 10, MinRequests: 10}
	if err := trial.store.Stage(t.Context(), base, textDocuments("new"), settings); err != nil {
		t.Fatal(err)
	}
	trial.look()
	if trial.status() == nil {
		t.Fatal("the candidate does not serve")
	}
	return trial
}

// Who was given the new documents is not given the old ones between the end of the trial and the change of what is live.
func TestPromotedCandidateServesUntilItIsLive(t *testing.T) {
	t.Parallel()
	trial := newTrialOf(t)
	candidate, err := trial.store.Canary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trial.store.Promote(t.Context(), candidate, history.Record{}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		trial.look()
		if trial.status() == nil {
			t.Fatal("the candidate no longer serves before it is live")
		}
	}
	trial.live = snapshot.Hash(textDocuments("new"))
	trial.look()
	if trial.status() != nil {
		t.Error("the trial goes on although the candidate is live")
	}
}

// A candidate that is aborted elsewhere goes at once, whatever is live.
func TestAbortedCandidateGoes(t *testing.T) {
	t.Parallel()
	trial := newTrialOf(t)
	candidate, err := trial.store.Canary(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := trial.store.Abort(t.Context(), candidate, "", ""); err != nil {
		t.Fatal(err)
	}
	trial.look()
	if trial.status() != nil {
		t.Error("the trial goes on")
	}
}

// A verdict that etcd could not be told when it was found is told later.
func TestVerdictReachesEtcdWhenItIsBack(t *testing.T) {
	t.Parallel()
	trial := newTrialOf(t)
	for range 100 {
		trial.trial.Observe(false, false, 1)
		trial.trial.Observe(true, true, 1)
	}
	trial.proxy.Cut()
	trial.judge()
	if trial.status() != nil {
		t.Error("the candidate serves on until etcd is back")
	}
	if running, err := trial.store.Canary(t.Context()); err != nil || running == nil {
		t.Fatalf("etcd was told: %v, %v", running, err)
	}
	trial.proxy.Heal()
	for ending := (*history.Ending)(nil); ending == nil; {
		trial.look()
		var err error
		if ending, err = trial.store.LastCanary(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if trial.status() != nil {
		t.Error("the candidate serves again")
	}
}
