package app_test

import (
	"fmt"
	"strings"
	"testing"

	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/etcd/etcdtest"
	"facet/internal/history"
	"facet/internal/lastgood"
	"facet/internal/source"
)

// blockedReplica is a replica whose versions are to go to an etcd that does not answer until the proxy heals.
func blockedReplica(t *testing.T, c *cluster) (r *replica, proxy *etcdtest.Proxy, stateDir string) {
	t.Helper()
	proxy = etcdtest.NewProxy(t, strings.TrimPrefix(c.client.Endpoints()[0], "http://"))
	behind := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{proxy.Addr()}})
	bootstrap := conf.Default()
	bootstrap.StateDir = t.TempDir()
	proxy.Cut()
	r = startReplica(t, app.Options{
		Bootstrap: bootstrap, Source: source.NewEtcd(c.client, c.layout.Live()), History: history.New(behind, c.layout),
	})
	return r, proxy, bootstrap.StateDir
}

// Every set is archived, however long etcd takes no versions, and none waits for that to be on disk.
func TestSetsAreKeptWhenEtcdIsBack(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'0'"))
	r, proxy, stateDir := blockedReplica(t, c)
	const sets = 3
	for i := 1; i < sets; i++ {
		documents := hello(fmt.Sprintf("'%d'", i))
		c.push(t, documents)
		await(t, r.say, fmt.Sprint(i))
		eventually(t, "the set to be on disk", func() bool {
			set, err := lastgood.Load(stateDir)
			return err == nil && string(set.Documents[1].Data) == string(documents[1].Data)
		})
	}
	if versions, err := c.store.Versions(t.Context()); err != nil || len(versions) != 0 {
		t.Fatalf("got %v, %v before etcd took versions", versions, err)
	}
	proxy.Heal()
	eventually(t, "all versions", func() bool {
		versions, err := c.store.Versions(t.Context())
		return err == nil && len(versions) == sets
	})
}

// What serves when the gateway stops is on disk when it has stopped.
func TestStopSaves(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'0'"))
	for i := range 10 {
		bootstrap := conf.Default()
		bootstrap.StateDir = t.TempDir()
		r := startReplica(t, app.Options{Bootstrap: bootstrap, Source: source.NewEtcd(c.client, c.layout.Live())})
		last := fmt.Sprintf("'%d'", i)
		c.push(t, hello(last))
		await(t, r.say, strings.Trim(last, "'"))
		r.stop()
		set, err := lastgood.Load(bootstrap.StateDir)
		if err != nil || string(set.Documents[1].Data) != helloYAML(last) {
			t.Fatalf("stopped while it served %s: %v, %v", last, set.Documents, err)
		}
	}
}
