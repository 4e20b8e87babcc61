package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/embedded"
	"facet/internal/etcd/etcdtest"
)

// behindProxy starts an etcd, and returns the network to it, a client that is behind that, and one that is not.
func behindProxy(t *testing.T) (proxy *etcdtest.Proxy, behind, direct *clientv3.Client) {
	t.Helper()
	server := etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()})
	direct = etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Endpoint()}})
	proxy = etcdtest.NewProxy(t, server.Addr())
	return proxy, etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{proxy.Addr()}}), direct
}

func TestWatchSurvivesTheNetwork(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(*etcdtest.Proxy){
		"connections closed": (*etcdtest.Proxy).Cut,
		"bytes lost":         (*etcdtest.Proxy).Drop,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy, behind, direct := behindProxy(t)
			put(t, direct, "mall.yaml=1")
			reports := watch(t, behind, etcd.Set{})
			expect(t, reports, "mall.yaml=1")

			breakIt(proxy)
			put(t, direct, "mall.yaml=2")
			put(t, direct, "mall.yaml=3")
			fails(t, reports, "etcd at "+proxy.Addr())
			healed := time.Now()
			proxy.Heal()
			expect(t, reports, "mall.yaml=3")
			t.Logf("in sync after %v", time.Since(healed))
			put(t, direct, "mall.yaml=4")
			expect(t, reports, "mall.yaml=4")
		})
	}
}

func TestWatchSurvivesCompaction(t *testing.T) {
	t.Parallel()
	proxy, behind, direct := behindProxy(t)
	put(t, direct, "mall.yaml=1", "gone.yaml=1")
	reports := watch(t, behind, etcd.Set{})
	expect(t, reports, "gone.yaml=1", "mall.yaml=1")

	proxy.Cut()
	remove(t, direct, "gone.yaml")
	put(t, direct, "mall.yaml=2")
	if _, err := direct.Compact(t.Context(), get(t, direct).Header.Revision); err != nil {
		t.Fatal(err)
	}
	proxy.Heal()
	eventually(t, reports, "mall.yaml=2") // if the cut was noticed, an error comes first
	put(t, direct, "mall.yaml=3")
	expect(t, reports, "mall.yaml=3")
}

// An etcd that was restored from a backup has another history, which may be shorter, as long or longer than the one that
// was seen, and may have changed the same keys at the same revisions.
func TestWatchFollowsAnotherHistory(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string]int{"shorter": 1, "as long": 3, "longer": 5} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			other := etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()})
			restored := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{other.Endpoint()}})
			for range changes {
				put(t, restored, "mall.yaml=new", "user.yaml=new")
			}
			proxy, behind, direct := behindProxy(t)
			for range 3 {
				put(t, direct, "mall.yaml=old", "user.yaml=old")
			}
			reports := watch(t, behind, etcd.Set{})
			expect(t, reports, "mall.yaml=old", "user.yaml=old")

			proxy.Redirect(other.Addr())
			proxy.Cut()
			proxy.Heal()
			expect(t, reports, "mall.yaml=new", "user.yaml=new")
			put(t, restored, "mall.yaml=newer")
			expect(t, reports, "mall.yaml=newer", "user.yaml=new")
		})
	}
}

func TestWatchSurvivesWhatHappensToEtcd(t *testing.T) {
	t.Parallel()
	process := etcdtest.StartProcess(t)
	client := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{process.Addr}})
	put(t, client, "mall.yaml=1")
	reports := watch(t, etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{process.Addr}}), etcd.Set{})
	expect(t, reports, "mall.yaml=1")

	process.Kill(t)
	fails(t, reports, "etcd at "+process.Addr)
	backup := process.Backup(t)
	process.Start(t)
	back := time.Now()
	expect(t, reports, "mall.yaml=1")
	t.Logf("killed: in sync after %v", time.Since(back))

	process.Pause(t)
	fails(t, reports, "etcd at "+process.Addr)
	process.Resume(t)
	back = time.Now()
	expect(t, reports, "mall.yaml=1")
	t.Logf("paused: in sync after %v", time.Since(back))

	put(t, client, "mall.yaml=2")
	expect(t, reports, "mall.yaml=2")
	put(t, client, "mall.yaml=3")
	expect(t, reports, "mall.yaml=3")

	process.Kill(t)
	process.Wipe(t)
	process.Start(t)
	until(t, reports, func(r report) bool { return errors.Is(r.err, etcd.ErrNoDocuments) })
	process.Kill(t)
	process.Restore(t, backup)
	process.Start(t)
	back = time.Now()
	eventually(t, reports, "mall.yaml=1")
	t.Logf("restored: in sync after %v", time.Since(back))
	put(t, client, "mall.yaml=4")
	expect(t, reports, "mall.yaml=4")
}

// Members without a leader answer nothing, and their watches are silent, until a majority is back.
func TestWatchSurvivesTheLossOfTheLeader(t *testing.T) {
	t.Parallel()
	members := etcdtest.StartCluster(t, 3)
	var endpoints []string
	for _, member := range members {
		endpoints = append(endpoints, member.Addr)
	}
	client := etcdtest.Connect(t, &conf.Etcd{Endpoints: endpoints})
	put(t, client, "mall.yaml=1")
	reports := watch(t, etcdtest.Connect(t, &conf.Etcd{Endpoints: endpoints[:1]}), etcd.Set{})
	expect(t, reports, "mall.yaml=1")

	members[1].Kill(t)
	members[2].Kill(t)
	fails(t, reports, "etcd at "+endpoints[0])
	members[1].Start(t)
	back := time.Now()
	expect(t, reports, "mall.yaml=1")
	t.Logf("a majority is back: in sync after %v", time.Since(back))
	put(t, client, "mall.yaml=2")
	expect(t, reports, "mall.yaml=2")
}

// A member that is gone is no outage as long as the others are there.
func TestWatchMovesToAnotherMember(t *testing.T) {
	t.Parallel()
	members := etcdtest.StartCluster(t, 3)
	var endpoints []string
	for _, member := range members {
		endpoints = append(endpoints, member.Addr)
	}
	client := etcdtest.Connect(t, &conf.Etcd{Endpoints: endpoints})
	put(t, client, "mall.yaml=1")
	reports := watch(t, etcdtest.Connect(t, &conf.Etcd{Endpoints: endpoints}), etcd.Set{})
	expect(t, reports, "mall.yaml=1")
	for i, member := range members {
		change := fmt.Sprintf("mall.yaml=%d", i+2)
		member.Kill(t)
		insist(t, client, change)
		eventually(t, reports, change)
		member.Start(t)
	}
}

// insist puts a document as often as it takes while members elect a leader.
func insist(t *testing.T, client *clientv3.Client, document string) {
	t.Helper()
	name, value, _ := strings.Cut(document, "=")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		_, err := client.Put(ctx, prefix+name, value)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// The watch makes changes visible soon; that they are seen does not depend on it.
func TestChangesAreSeenThroughAMuteWatch(t *testing.T) {
	t.Parallel()
	server := etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()})
	direct := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Endpoint()}})
	put(t, direct, "mall.yaml=1")
	client, err := clientv3.New(clientv3.Config{
		Endpoints: []string{server.Endpoint()}, Logger: zap.NewNop(), DialOptions: []grpc.DialOption{grpc.WithChainStreamInterceptor(mute)},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	reports := watch(t, client, etcd.Set{})
	expect(t, reports, "mall.yaml=1")
	for _, change := range []string{"mall.yaml=2", "mall.yaml=3"} {
		put(t, direct, change)
		expect(t, reports, change)
	}
	remove(t, direct, "mall.yaml")
	fails(t, reports, "no documents")
}

// mute lets the first response of a stream through, and no other.
func mute(ctx context.Context, description *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, description, conn, method, options...)
	return &muteStream{ClientStream: stream}, err
}

type muteStream struct {
	grpc.ClientStream
	spoken bool
}

func (s *muteStream) RecvMsg(message any) error {
	if s.spoken {
		<-s.Context().Done()
		return s.Context().Err()
	}
	s.spoken = true
	return s.ClientStream.RecvMsg(message)
}

// eventually waits for a set; what comes before it may be anything.
func eventually(t *testing.T, reports <-chan report, want ...string) {
	t.Helper()
	until(t, reports, func(r report) bool { return r.err == nil && slices.Equal(content(r.set), want) })
}

func until(t *testing.T, reports <-chan report, is func(report) bool) {
	t.Helper()
	for {
		r := next(t, reports)
		if is(r) {
			return
		}
		t.Logf("on the way: %v, %v", content(r.set), r.err)
	}
}
