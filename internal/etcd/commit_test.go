package etcd_test

import (
	"context"
	"testing"
	"time"

	"facet/internal/etcd/etcdtest"
)

func TestCommit(t *testing.T) {
	start := time.Now()
	client := etcdtest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	t.Log(time.Since(start))
	if _, err := client.Put(ctx, "a", "b"); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(start))
}
