package source_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/go-kratos/kratos/v2/config"
	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
	"facet/internal/etcd/etcdtest"
	"facet/internal/source"
)

const prefix = "/facet/mall/live/"

var (
	_ config.Source = (*source.Etcd)(nil)
	_ config.Source = (*source.Source)(nil)
)

func put(t *testing.T, client *clientv3.Client, name, value string) int64 {
	t.Helper()
	answer, err := client.Put(t.Context(), prefix+name, value)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Header.GetRevision()
}

func TestEtcdLoadsAndWatches(t *testing.T) {
	client := etcdtest.Start(t)
	documents := source.NewEtcd(client, prefix)
	if _, err := documents.Load(); !errors.Is(err, etcd.ErrNoDocuments) || documents.Revision() != 0 {
		t.Fatalf("got %v at revision %d", err, documents.Revision())
	}

	put(t, client, "mall/v1/mall.proto", "1")
	loaded := put(t, client, "mall.yaml", "2")
	values, err := documents.Load()
	if want := []string{"mall.yaml=2", "mall/v1/mall.proto=1"}; err != nil || !slices.Equal(content(values), want) {
		t.Fatalf("got %v, %v", content(values), err)
	}
	if values[1].Format != "proto" || documents.Revision() != loaded {
		t.Errorf("the format is %q, the revision %d", values[1].Format, documents.Revision())
	}

	between := put(t, client, "mall.yaml", "3") // after Load and before Watch
	changes := watchOnly(t, documents)
	if c := next(t, changes); c.err != nil || !slices.Equal(content(c.documents), []string{"mall.yaml=3", "mall/v1/mall.proto=1"}) {
		t.Errorf("got %v, %v", content(c.documents), c.err)
	}
	if got := documents.Revision(); got != between {
		t.Errorf("the revision is %d, not %d", got, between)
	}
	put(t, client, "user.yaml", "4")
	expect(t, changes, "mall.yaml=3", "mall/v1/mall.proto=1", "user.yaml=4")
}
