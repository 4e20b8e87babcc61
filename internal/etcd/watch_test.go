package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
)

// patience is far more than anything takes on a machine that works.
const patience = 30 * time.Second

const prefix = "/facet/mall/live/"

// report is what Next returns.
type report struct {
	set etcd.Set
	err error
	at  time.Time
}

// watch reports what a watcher does, until the end of the test.
func watch(t *testing.T, client *clientv3.Client, reported etcd.Set) <-chan report {
	t.Helper()
	w := etcd.NewWatcher(client, prefix, reported)
	reports, ended := make(chan report, 1000), make(chan struct{})
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
		<-ended
	})
	go func() {
		defer close(ended)
		for {
			set, err := w.Next()
			if errors.Is(err, context.Canceled) {
				return
			}
			reports <- report{set, err, time.Now()}
		}
	}()
	return reports
}

func next(t *testing.T, reports <-chan report) report {
	t.Helper()
	select {
	case r := <-reports:
		return r
	case <-time.After(patience):
		t.Fatal("nothing is reported")
		return report{}
	}
}

// expect wants the next report to be a set.
func expect(t *testing.T, reports <-chan report, want ...string) etcd.Set {
	t.Helper()
	return wants(t, reports, fmt.Sprint(want), func(r report) bool { return r.err == nil && slices.Equal(content(r.set), want) }).set
}

// fails wants the next report to be an error.
func fails(t *testing.T, reports <-chan report, want string) {
	t.Helper()
	wants(t, reports, want, func(r report) bool { return r.err != nil && strings.Contains(r.err.Error(), want) })
}

// wants returns the next report, which is to be as it should. On a machine that is so busy that etcd seemed away, the
// report and the recovery are passed over.
func wants(t *testing.T, reports <-chan report, want string, is func(report) bool) report {
	t.Helper()
	for slow := false; ; {
		r := next(t, reports)
		if is(r) {
			return r
		}
		slow = slow || errors.Is(r.err, context.DeadlineExceeded)
		if !slow {
			t.Fatalf("got  %v, %v\nwant %s", content(r.set), r.err, want)
		}
		t.Logf("etcd is slow: %v, %v", content(r.set), r.err)
	}
}

// content returns a set as `name=value`.
func content(set etcd.Set) []string {
	var lines []string
	for _, value := range set.Values {
		lines = append(lines, value.Key+"="+string(value.Value))
	}
	return lines
}

// put writes documents, given as `name=value`, in one transaction.
func put(t *testing.T, client *clientv3.Client, documents ...string) {
	t.Helper()
	var operations []clientv3.Op
	for _, document := range documents {
		name, value, _ := strings.Cut(document, "=")
		operations = append(operations, clientv3.OpPut(prefix+name, value))
	}
	if _, err := client.Txn(t.Context()).Then(operations...).Commit(); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, client *clientv3.Client, name string) {
	t.Helper()
	if _, err := client.Delete(t.Context(), prefix+name); err != nil {
		t.Fatal(err)
	}
}

func TestWatchReportsChanges(t *testing.T) {
	client := etcdtest.Start(t)
	put(t, client, "mall.yaml=1")
	reports := watch(t, client, etcd.Set{})
	first := expect(t, reports, "mall.yaml=1")

	put(t, client, "mall.yaml=2", "mall/v1/mall.proto=3") // one transaction is one change
	second := expect(t, reports, "mall.yaml=2", "mall/v1/mall.proto=3")
	if second.Revision != first.Revision+1 {
		t.Errorf("the revisions are %d and %d", first.Revision, second.Revision)
	}
	if format := second.Values[1].Format; format != "proto" {
		t.Errorf("the format of a .proto is %q", format)
	}
	if got := content(first); !slices.Equal(got, []string{"mall.yaml=1"}) {
		t.Errorf("the first set has become %v", got)
	}

	remove(t, client, "mall.yaml")
	expect(t, reports, "mall/v1/mall.proto=3")

	put(t, client, "mall/v1/mall.proto=3") // nothing new
	if _, err := client.Put(t.Context(), "/facet/mall/live.yaml", "beside the prefix"); err != nil {
		t.Fatal(err)
	}
	put(t, client, "mall/v1/mall.proto=4")
	expect(t, reports, "mall/v1/mall.proto=4")
}

func TestWatchStartsFromWhatIsReported(t *testing.T) {
	client := etcdtest.Start(t)
	put(t, client, "mall.yaml=1")
	set, err := etcd.List(t.Context(), client, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if unchanged := watch(t, client, set); true {
		put(t, client, "mall.yaml=2")
		expect(t, unchanged, "mall.yaml=2")
	}
	changed := watch(t, client, set)
	expect(t, changed, "mall.yaml=2")
}

func TestAnEmptyPrefixIsAnError(t *testing.T) {
	client := etcdtest.Start(t)
	if _, err := etcd.List(t.Context(), client, prefix); !errors.Is(err, etcd.ErrNoDocuments) {
		t.Errorf("List returns %v", err)
	}
	reports := watch(t, client, etcd.Set{})
	fails(t, reports, "no documents under /facet/mall/live/ in etcd")
	put(t, client, "mall.yaml=1")
	expect(t, reports, "mall.yaml=1")
	remove(t, client, "mall.yaml")
	fails(t, reports, "no documents under")
	put(t, client, "mall.yaml=1") // the same as before the failure, but the failure is over
	expect(t, reports, "mall.yaml=1")
}

func TestStopEndsNextAndLeavesNothing(t *testing.T) {
	client := etcdtest.Start(t)
	put(t, client, "mall.yaml=1")
	if _, err := etcd.List(t.Context(), client, prefix); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	for range 3 {
		w := etcd.NewWatcher(client, prefix, etcd.Set{})
		if _, err := w.Next(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() {
			_, err := w.Next()
			ended <- err
		}()
		for range 2 {
			if err := w.Stop(); err != nil {
				t.Error(err)
			}
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Next returns %v after Stop", err)
		}
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("goroutines are left")
		}
	}
}
