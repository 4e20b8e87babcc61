package etcd_test

import (
	"fmt"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
)

// BenchmarkWatch is from the start of a change of one document among n, of 5 KB each, until the whole set is returned.
func BenchmarkWatch(b *testing.B) {
	for _, n := range []int{1, 200} {
		b.Run(fmt.Sprintf("documents=%d", n), func(b *testing.B) {
			client := etcdtest.Start(b)
			if _, _, err := etcd.Commit(b.Context(), client, nil, puts(n, 5000)); err != nil {
				b.Fatal(err)
			}
			watcher := etcd.NewWatcher(client, prefix, etcd.Set{})
			b.Cleanup(func() {
				if err := watcher.Stop(); err != nil {
					b.Error(err)
				}
			})
			if _, err := watcher.Next(); err != nil {
				b.Fatal(err)
			}
			value := strings.Repeat("x", 5000)
			change := 0
			for b.Loop() {
				change++
				if _, err := client.Put(b.Context(), prefix+"document-0.yaml", fmt.Sprint(change, value)); err != nil {
					b.Fatal(err)
				}
				if _, err := watcher.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCommit writes n documents of 5 KB in one transaction.
func BenchmarkCommit(b *testing.B) {
	client := etcdtest.Start(b)
	for _, n := range []int{1, 200} {
		b.Run(fmt.Sprintf("documents=%d", n), func(b *testing.B) {
			operations := puts(n, 5000)
			for b.Loop() {
				if _, _, err := etcd.Commit(b.Context(), client, []clientv3.Cmp{}, operations); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
