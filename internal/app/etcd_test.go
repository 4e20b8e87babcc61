package app_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
	"facet/internal/history"
	"facet/internal/snapshot"
	"facet/internal/source"
)

// cluster is an etcd, and the replicas that take their documents from it.
type cluster struct {
	client *clientv3.Client
	layout etcd.Layout
	store  *history.Store
}

func newCluster(t testing.TB) *cluster {
	t.Helper()
	layout, err := etcd.NewLayout("/facet", "hello")
	if err != nil {
		t.Fatal(err)
	}
	client := etcdtest.Start(t)
	return &cluster{client: client, layout: layout, store: history.New(client, layout)}
}

// hello are documents that serve a text.
func hello(text string) []snapshot.Document {
	return []snapshot.Document{
		{Name: "hello.proto", Data: []byte(helloProto)},
		{Name: "hello.yaml", Data: []byte(helloYAML(text))},
	}
}

// push makes documents the live ones.
func (c *cluster) push(t testing.TB, documents []snapshot.Document) {
	t.Helper()
	base, err := c.store.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.store.Push(t.Context(), base, documents, history.Record{Author: "tester"}); err != nil {
		t.Fatal(err)
	}
}

// replica is a gateway that runs until the test ends, or it is stopped.
type replica struct {
	say, admin string // URLs
	stop       func()
}

// startReplica runs a gateway on a source.
func startReplica(t testing.TB, options app.Options) *replica {
	t.Helper()
	if options.Bootstrap == nil {
		options.Bootstrap = conf.Default()
	}
	server := options.Bootstrap.GetServer()
	server.Http.Addr, server.Grpc.Addr, server.Admin.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	options.Logger = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	gateway, err := app.New(ctx, options)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- gateway.Run() }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gateway did not stop cleanly: %v", err)
		}
	})
	t.Cleanup(stop)
	address, _, admin := gateway.Addresses()
	return &replica{say: "http://" + address + "/say", admin: "http://" + admin, stop: stop}
}

func (c *cluster) replica(t testing.TB) *replica {
	t.Helper()
	return startReplica(t, app.Options{Source: source.NewEtcd(c.client, c.layout.Live()), History: c.store})
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for: %s", what)
		}
	}
}

func TestReplicasFollowEtcd(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'one'"))
	replicas := []*replica{c.replica(t), c.replica(t), c.replica(t)}
	for _, text := range []string{"one", "two", "three"} {
		c.push(t, hello("'"+text+"'"))
		for _, r := range replicas {
			eventually(t, text, func() bool { return get(t, r.say) == `{"text":"`+text+`"}` })
		}
	}
	// Three sets served, by three replicas each: three versions.
	eventually(t, "three versions", func() bool {
		versions, err := c.store.Versions(t.Context())
		return err == nil && len(versions) == 3
	})
	for _, r := range replicas {
		ready := await(t, r.admin+"/readyz", `-3"`)
		if !strings.Contains(ready, `"status": "ready"`) {
			t.Errorf("got %s", ready)
		}
		metrics := get(t, r.admin+"/metrics")
		for _, want := range []string{
			`facet_config_changes_total{result="activated"} 3`, "facet_config_age_seconds ", "facet_config_revision ",
			"facet_config_last_success_timestamp_seconds 1", "facet_config_last_refusal_timestamp_seconds 0", "facet_config_last_good 0",
		} {
			if !strings.Contains(metrics, want) {
				t.Errorf("the metrics do not hold %s", want)
			}
		}
	}
}

// A set that is wiped, or that is bad when a replica starts, is no reason to stop serving.
func TestReplicaServesTheLastGoodDocuments(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'one'"))
	bootstrap := conf.Default()
	bootstrap.StateDir = t.TempDir()
	options := app.Options{Bootstrap: bootstrap, Source: source.NewEtcd(c.client, c.layout.Live()), History: c.store}
	first := startReplica(t, options)
	eventually(t, "the first set to be archived", func() bool { return strings.Contains(get(t, first.admin+"/readyz"), `"version"`) })

	if _, err := c.client.Delete(t.Context(), c.layout.Live(), clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	await(t, first.admin+"/readyz", `"unreadable"`)
	if got := get(t, first.say); got != `{"text":"one"}` {
		t.Errorf("after a wipe: got %s", got)
	}
	first.stop()

	second := startReplica(t, options)
	ready := get(t, second.admin+"/readyz")
	if got := get(t, second.say); got != `{"text":"one"}` || !strings.Contains(ready, `"last_good"`) || !strings.Contains(ready, `"unreadable"`) {
		t.Errorf("started without documents: got %s, %s", got, ready)
	}
	if metrics := get(t, second.admin+"/metrics"); !strings.Contains(metrics, "facet_config_last_good 1") {
		t.Error("the metrics do not tell that the documents are from disk")
	}
	c.push(t, hello("nobody"))
	if ready := await(t, second.admin+"/readyz", "nobody"); strings.Contains(ready, `"unreadable"`) {
		t.Errorf("documents that were read, and refused, cannot be read: %s", ready)
	}
	if got := get(t, second.say); got != `{"text":"one"}` {
		t.Errorf("after a bad change: got %s", got)
	}
	second.stop()

	third := startReplica(t, options) // while what is in etcd is bad
	if got := get(t, third.say); got != `{"text":"one"}` {
		t.Errorf("started with bad documents: got %s", got)
	}
	c.push(t, hello("'two'"))
	eventually(t, "the good change", func() bool { return get(t, third.say) == `{"text":"two"}` })
	if ready := get(t, third.admin+"/readyz"); strings.Contains(ready, `"last_good"`) || strings.Contains(ready, `"refused"`) {
		t.Errorf("after a good change: %s", ready)
	}
}

// An etcd that was wiped has no versions either: what is pushed anew is archived anew, even if it never ceased to serve.
func TestSetIsArchivedAgainAfterAWipe(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'one'"))
	r := c.replica(t)
	await(t, r.admin+"/readyz", `"version"`)
	if _, err := c.client.Delete(t.Context(), c.layout.Live(), clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	await(t, r.admin+"/readyz", `"unreadable"`)
	for _, prefix := range []string{c.layout.Snapshots(), c.layout.Hash("")} {
		if _, err := c.client.Delete(t.Context(), prefix, clientv3.WithPrefix()); err != nil {
			t.Fatal(err)
		}
	}
	c.push(t, hello("'one'"))
	eventually(t, "the version", func() bool {
		versions, err := c.store.Versions(t.Context())
		return err == nil && len(versions) == 1
	})
}

func TestReplicaWithoutAnyDocumentsDoesNotStart(t *testing.T) {
	c := newCluster(t)
	bootstrap := conf.Default()
	bootstrap.StateDir = t.TempDir()
	_, err := app.New(t.Context(), app.Options{
		Bootstrap: bootstrap, Source: source.NewEtcd(c.client, c.layout.Live()), History: c.store, Logger: slog.New(slog.DiscardHandler),
	})
	if !errors.Is(err, etcd.ErrNoDocuments) || !strings.Contains(err.Error(), "/facet/hello/live/") {
		t.Errorf("got %v, want an error that names the prefix", err)
	}
}

// traffic asks until it is told to stop, and counts what it is answered.
type traffic struct {
	running  sync.WaitGroup
	stopped  atomic.Bool
	ok, fail atomic.Int64
	mu       sync.Mutex
	first    string // failure
}

func startTraffic(url string, clients int) *traffic {
	l := &traffic{}
	for range clients {
		l.running.Go(func() {
			for !l.stopped.Load() {
				l.ask(url)
			}
		})
	}
	return l
}

func (l *traffic) ask(url string) {
	reply, err := http.Get(url)
	if err == nil {
		err = reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			err = errors.New(reply.Status)
		}
	}
	if err == nil {
		l.ok.Add(1)
		return
	}
	l.fail.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.first == "" {
		l.first = err.Error()
	}
}

func (l *traffic) stop() {
	l.stopped.Store(true)
	l.running.Wait()
}

// changesUnderLoad is how many changes TestReloadsUnderLoad makes.
var changesUnderLoad = flag.Int("app.changes", 300, "how many changes are made under load")

// Changes come as fast as they are activated, while requests do: none fails, and none leaves anything behind.
func TestReloadsUnderLoad(t *testing.T) {
	changes := *changesUnderLoad
	c := newCluster(t)
	c.push(t, hello("'0'"))
	r := startReplica(t, app.Options{Source: source.NewEtcd(c.client, c.layout.Live())}) // no versions: 300 are not wanted
	requests := startTraffic(r.say, 4)
	change := func(i int) {
		want := fmt.Sprint(i)
		if _, err := c.client.Put(t.Context(), c.layout.Live()+"hello.yaml", helloYAML("'"+want+"'")); err != nil {
			t.Fatal(err)
		}
		eventually(t, want, func() bool { return get(t, r.say) == `{"text":"`+want+`"}` })
	}
	for i := range changes / 3 {
		change(i + 1)
	}
	before := settled()
	for i := changes / 3; i < changes; i++ {
		change(i + 1)
	}
	after := settled()
	requests.stop()
	t.Logf("%d changes, %d requests; before: %+v, after: %+v", changes, requests.ok.Load(), before, after)
	if requests.fail.Load() > 0 || requests.ok.Load() == 0 {
		t.Errorf("%d of %d requests failed, the first: %s", requests.fail.Load(), requests.ok.Load()+requests.fail.Load(), requests.first)
	}
	if after.goroutines > before.goroutines+10 {
		t.Errorf("%d goroutines after %d changes, %d after a third of them", after.goroutines, changes, before.goroutines)
	}
	if after.heap > before.heap+before.heap/4+2<<20 {
		t.Errorf("%d bytes of heap after %d changes, %d after a third of them", after.heap, changes, before.heap)
	}
}

type usage struct {
	heap       uint64
	goroutines int
}

// settled measures what is in use when garbage is gone.
func settled() usage {
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return usage{memory.HeapInuse, runtime.NumGoroutine()}
}

// The time from a push having returned until each of three replicas serves it.
//
//	go test ./internal/app -run '^$' -bench PushToServe
func BenchmarkPushToServe(b *testing.B) {
	c := newCluster(b)
	c.push(b, hello("'start'"))
	replicas := []*replica{c.replica(b), c.replica(b), c.replica(b)}
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		want := fmt.Sprint("text ", i)
		base, err := c.store.Live(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.store.Push(b.Context(), base, hello("'"+want+"'"), history.Record{}); err != nil {
			b.Fatal(err)
		}
		pushed := time.Now()
		for _, r := range replicas {
			for !strings.Contains(get(b, r.say), want) {
				runtime.Gosched()
			}
		}
		took = append(took, time.Since(pushed))
	}
	slices.Sort(took)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
}
