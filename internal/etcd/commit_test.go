package etcd_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
)

// puts returns n operations, each of so many bytes.
func puts(n, size int) []clientv3.Op {
	operations := make([]clientv3.Op, n)
	for i := range operations {
		operations[i] = clientv3.OpPut(fmt.Sprintf("%sdocument-%d.yaml", prefix, i), strings.Repeat("x", size))
	}
	return operations
}

// absent holds if nothing was ever pushed.
var absent = []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision("/facet/mall/push"), "=", 0)}

func get(t *testing.T, client *clientv3.Client) *clientv3.GetResponse {
	t.Helper()
	answer, err := client.Get(t.Context(), prefix, clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestCommitIsOneTransaction(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		commitMany(t, etcdtest.Start(t))
	})
	t.Run("process", func(t *testing.T) { // of another version, often
		t.Parallel()
		commitMany(t, etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{etcdtest.StartProcess(t).Addr}}))
	})
}

func commitMany(t *testing.T, client *clientv3.Client) {
	t.Helper()
	for _, n := range []int{0, 1, 127, 128, 129, 200, 1000, 63 * 64} {
		operations := puts(n, 10)
		for i := range operations {
			if i%2 == 0 { // an operation that is a transaction itself
				operations[i] = clientv3.OpTxn(absent, []clientv3.Op{operations[i]}, nil)
			}
		}
		revision, committed, err := etcd.Commit(t.Context(), client, absent, operations)
		if err != nil || !committed {
			t.Fatalf("%d operations: %t, %v", n, committed, err)
		}
		answer := get(t, client)
		if len(answer.Kvs) != n {
			t.Errorf("%d operations: %d keys", n, len(answer.Kvs))
		}
		for _, key := range answer.Kvs {
			if key.ModRevision != revision {
				t.Fatalf("%d operations: %s is of revision %d, not %d", n, key.Key, key.ModRevision, revision)
			}
		}
	}
}

func TestCommitDoesNothingUnlessConditionsHold(t *testing.T) {
	t.Parallel()
	client := etcdtest.Start(t)
	if _, err := client.Put(t.Context(), "/facet/mall/push", "by another"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 200} {
		_, committed, err := etcd.Commit(t.Context(), client, absent, puts(n, 10))
		if err != nil || committed {
			t.Errorf("%d operations: %t, %v", n, committed, err)
		}
	}
	if n := len(get(t, client).Kvs); n != 0 {
		t.Errorf("%d keys were written", n)
	}
}

func TestCommitRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	client := etcdtest.Start(t)
	for _, test := range []struct {
		n, size int
		want    string
	}{
		{63*64 + 1, 0, "it would change 4033 keys, 1 more than etcd can in one"},
		{2, 800_000, "it has 1600064 bytes; etcd takes 1572864"},                                          // more than etcd proposes
		{200, 20_000, "the largest of its 200 keys is /facet/mall/live/document-0.yaml with 20000 bytes"}, // more than it receives
		{1, 70 << 20, "or raise that flag on every member"},                                               // more than the client sends
	} {
		_, committed, err := etcd.Commit(t.Context(), client, nil, puts(test.n, test.size))
		if !errors.Is(err, etcd.ErrTooLarge) || committed || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%d of %d bytes:\ngot  %v\nwant %s", test.n, test.size, err, test.want)
		}
	}
	if n := len(get(t, client).Kvs); n != 0 {
		t.Errorf("%d keys were written", n)
	}
}

// Other errors are etcd's own.
func TestCommitPassesOnErrors(t *testing.T) {
	t.Parallel()
	client := etcdtest.Start(t)
	twice := append(puts(1, 1), puts(1, 2)...)
	if _, _, err := etcd.Commit(t.Context(), client, nil, twice); err == nil || errors.Is(err, etcd.ErrTooLarge) || !strings.Contains(err.Error(), "duplicate key") {
		t.Errorf("got %v", err)
	}
}
