// Package etcdtest gives tests an etcd.
package etcdtest

import (
	"context"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/types/known/durationpb"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/embedded"
)

// startTimeout bounds the start of a server, in vain on a machine that works.
const startTimeout = 30 * time.Second

// Start runs an empty etcd for as long as the test runs, and returns a client of it.
func Start(t testing.TB) *clientv3.Client {
	t.Helper()
	return Connect(t, &conf.Etcd{Endpoints: []string{StartServer(t, embedded.Options{Dir: t.TempDir()}).Endpoint()}})
}

// StartServer runs an etcd, which is stopped at the end of the test unless it is before.
func StartServer(t testing.TB, options embedded.Options) *embedded.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	options.NoFsync = true
	server, err := embedded.Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// Connect returns a client that is closed at the end of the test.
func Connect(t testing.TB, settings *conf.Etcd) *clientv3.Client {
	t.Helper()
	if settings.GetDialTimeout() == nil {
		settings.DialTimeout = durationpb.New(2 * time.Second)
	}
	client, err := etcd.Connect(context.WithoutCancel(t.Context()), settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}
