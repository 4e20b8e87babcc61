package etcd_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/authpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/embedded"
	"facet/internal/etcd/etcdtest"
	"facet/internal/history"
	"facet/internal/snapshot"
)

// password is that of every user.
const password = "s3cret"

// The commands that docs/etcd.md gives make users that may do what they need to, and no more.
func TestDocumentedRightsAreEnoughAndNoMore(t *testing.T) {
	t.Parallel()
	server := etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()})
	admin := etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Endpoint()}})
	for _, command := range documentedCommands(t) {
		if err := run(t.Context(), admin, command); err != nil {
			t.Fatalf("%s: %v", strings.Join(command, " "), err)
		}
	}
	replica := signIn(t, server, "mall-replica", password)
	operator := signIn(t, server, "mall-operator", password)
	layout, err := etcd.NewLayout("/facet", "mall")
	if err != nil {
		t.Fatal(err)
	}

	ctx := t.Context()
	documents := []snapshot.Document{{Name: "mall.yaml", Data: []byte("1")}}
	candidate := []snapshot.Document{{Name: "mall.yaml", Data: []byte("2")}}
	canary := history.Canary{BasisPoints: 500, By: "request", MaxErrorIncrease: 0.01, MaxLatencyRatio: 2, MinRequests: 1}
	operations, replicas := history.New(operator, layout), history.New(replica, layout)

	reports := watch(t, replica, etcd.Set{})
	fails(t, reports, "no documents")
	push(t, operations, documents)
	expect(t, reports, "mall.yaml=1")
	large := []snapshot.Document{{Name: "a.binpb", Data: make([]byte, 1<<20)}, {Name: "b.binpb", Data: make([]byte, 1<<20)}}
	for _, set := range [][]snapshot.Document{documents, large} {
		if _, _, err := replicas.Archive(ctx, set, 10); err != nil {
			t.Errorf("a replica cannot archive: %v", err)
		}
	}
	base, err := operations.Live(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := operations.Stage(ctx, base, candidate, canary); err != nil {
		t.Fatalf("an operator cannot stage: %v", err)
	}
	running, err := replicas.Canary(ctx)
	if err != nil {
		t.Fatalf("a replica cannot read the candidate: %v", err)
	}
	if err := replicas.Abort(ctx, running, "too slow", "replica"); err != nil {
		t.Errorf("a replica cannot abort: %v", err)
	}

	if _, err := replicas.Push(ctx, base, candidate, history.Record{}); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Errorf("a replica that pushes gets %v", err)
	}
	for _, key := range []string{layout.Live() + "mall.yaml", layout.Push(), "/facet/mall/other", "/facet/mall2/snapshots/v1/meta"} {
		nested := []clientv3.Op{clientv3.OpTxn(nil, []clientv3.Op{clientv3.OpPut(key, "evil")}, nil)}
		_, plain := replica.Put(ctx, key, "evil")
		_, _, inside := etcd.Commit(ctx, replica, nil, nested)
		if !errors.Is(plain, rpctypes.ErrPermissionDenied) || !errors.Is(inside, rpctypes.ErrPermissionDenied) {
			t.Errorf("a replica that puts %s gets %v, and nested %v", key, plain, inside)
		}
	}
	if _, err := operator.Put(ctx, "/facet/mall2/live/mall.yaml", "evil"); !errors.Is(err, rpctypes.ErrPermissionDenied) {
		t.Errorf("an operator who puts a document of another application gets %v", err)
	}
}

func push(t *testing.T, store *history.Store, documents []snapshot.Document) {
	t.Helper()
	base, err := store.Live(t.Context())
	if err == nil {
		_, err = store.Push(t.Context(), base, documents, history.Record{Author: "alice"})
	}
	if err != nil {
		t.Fatalf("an operator cannot push: %v", err)
	}
}

// signIn returns a client of a user.
func signIn(t *testing.T, server *embedded.Server, user, password string) *clientv3.Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{server.Endpoint()}, Username: user, PasswordFile: file})
}

// documentedCommands returns the etcdctl commands of docs/etcd.md, in words, without etcdctl.
func documentedCommands(t *testing.T) [][]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/etcd.md")
	if err != nil {
		t.Fatal(err)
	}
	var commands [][]string
	for line := range strings.Lines(string(text)) {
		if command, ok := strings.CutPrefix(line, "etcdctl "); ok {
			commands = append(commands, strings.Fields(command))
		}
	}
	if len(commands) < 10 {
		t.Fatalf("there are only %d commands", len(commands))
	}
	return commands
}

// run does what etcdctl would.
func run(ctx context.Context, client *clientv3.Client, words []string) error {
	prefix := slices.Contains(words, "--prefix=true")
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return strings.HasPrefix(word, "--") })
	var err error
	switch command, arguments := words[0]+" "+words[1], words[2:]; command {
	case "role add":
		_, err = client.RoleAdd(ctx, arguments[0])
	case "role grant-permission":
		kind, key, end := clientv3.PermissionType(authpb.Permission_Type_value[strings.ToUpper(arguments[1])]), arguments[2], ""
		if prefix {
			end = clientv3.GetPrefixRangeEnd(key)
		}
		_, err = client.RoleGrantPermission(ctx, arguments[0], key, end, kind)
	case "user add":
		_, err = client.UserAdd(ctx, arguments[0], password)
	case "user grant-role":
		_, err = client.UserGrantRole(ctx, arguments[0], arguments[1])
	case "auth enable":
		_, err = client.AuthEnable(ctx)
	default:
		err = errors.New("the test does not know this command")
	}
	return err
}
