package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/conf"
	"facet/internal/etcd/embedded"
	"facet/internal/etcd/etcdtest"
	"facet/internal/history"
)

// shop is an application in an etcd of its own, and the directory of its documents.
type shop struct {
	t        *testing.T
	endpoint string
	dir      string
	client   *clientv3.Client
}

const shopProto = `syntax = "proto3";
package shop.v1;
service Shop {
  rpc GetItem(GetItemRequest) returns (Item);
  rpc ListItems(GetItemRequest) returns (Item);
}
message GetItemRequest { string id = 1; }
message Item { string id = 1; string title = 2; }
`

// shopYAML are documents that serve one method with a time limit.
func shopYAML(timeout string) string {
	return "upstreams:\n  shop: {target: \"static:///127.0.0.1:1\", services: [shop.v1.Shop]}\n" +
		"methods:\n  shop.v1.Shop/GetItem: {timeout: " + timeout + "}\n"
}

func newShop(t *testing.T) *shop {
	t.Helper()
	if now := time.Now().UTC(); now.Add(time.Minute).Day() != now.Day() {
		time.Sleep(time.Minute) // versions are named for the day, which is about to end
	}
	t.Setenv("FACET_AUTHOR", "lin@example")
	server := etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()})
	s := &shop{t: t, endpoint: server.Addr(), dir: t.TempDir()}
	s.client = etcdtest.Connect(t, &conf.Etcd{Endpoints: []string{s.endpoint}})
	s.write("shop.proto", shopProto)
	s.write("shop.yaml", shopYAML("1s"))
	return s
}

func (s *shop) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a command on the shop.
func (s *shop) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs strings.Builder
	code = run(s.t.Context(), append(args, "--etcd", s.endpoint, "--app", "shop"), &out, &errs)
	return code, out.String(), errs.String()
}

// succeed runs a command that has to, and returns what it prints.
func (s *shop) succeed(args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.run(args...)
	if code != 0 || stderr != "" {
		s.t.Fatalf("%q: exit %d, stdout %q, stderr %q", args, code, stdout, stderr)
	}
	return stdout
}

// decode runs a command with --json that ends with a code, and reads its result.
func (s *shop) decode(result any, code int, args ...string) {
	s.t.Helper()
	got, stdout, stderr := s.run(append(args, "--json")...)
	if got != code || stderr != "" {
		s.t.Fatalf("%q: exit %d, stdout %q, stderr %q", args, got, stdout, stderr)
	}
	decoder := json.NewDecoder(strings.NewReader(stdout))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(result); err != nil {
		s.t.Fatalf("%q: %v in %s", args, err, stdout)
	}
}

func (s *shop) push(timeout string) {
	s.t.Helper()
	s.write("shop.yaml", shopYAML(timeout))
	s.succeed("push", s.dir)
}

// wantLive compares the timeout that is live.
func (s *shop) wantLive(timeout string) {
	s.t.Helper()
	found, err := s.client.Get(s.t.Context(), "/facet/shop/live/shop.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	if len(found.Kvs) != 1 || string(found.Kvs[0].Value) != shopYAML(timeout) {
		s.t.Errorf("live is %v, want the timeout %s", found.Kvs, timeout)
	}
}

func want(t *testing.T, text string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
			t.Errorf("got\n%s\nwant it to hold %s", text, pattern)
		}
	}
}

// today is the name of the n-th version of today.
func today(n int) string {
	return fmt.Sprintf("v%s-%d", time.Now().UTC().Format("20060102"), n)
}

func TestPush(t *testing.T) {
	s := newShop(t)
	want(t, s.succeed("push", s.dir), `^there are no live documents yet$`, `^pushed 2 documents [0-9a-f]{12} at revision 2$`)
	s.wantLive("1s")
	want(t, s.succeed("push", s.dir), `^nothing to change: these documents are live$`)

	s.write("shop.yaml", shopYAML("2s"))
	want(t, s.succeed("push", s.dir, "--dry-run"), `timeout .*1s -> 2s`, `^dry run: nothing was pushed$`)
	s.wantLive("1s")
	want(t, s.succeed("push", s.dir, "-m", "slow shelves"), `timeout .*1s -> 2s`, `^pushed 2 documents`)
	s.wantLive("2s")
	want(t, s.succeed("snapshots"), `^live: [0-9a-f]{12}, not archived, pushed by lin@example at \S+: "slow shelves"$`)
}

func TestPushRefused(t *testing.T) {
	s := newShop(t)
	s.push("1s")
	s.write("shop.yaml", strings.Replace(shopYAML("2s"), "timeout", "timeot", 1))
	code, stdout, stderr := s.run("push", s.dir)
	if code != exitFailed || stderr != "" {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
	want(t, stdout, regexp.QuoteMeta(filepath.Join(s.dir, "shop.yaml"))+`:4:\d+: .*did you mean "timeout"\?`)
	var result changeResult
	s.decode(&result, exitFailed, "push", s.dir)
	if result.Result != resultRefused || len(result.Problems) != 1 || result.Problems[0].Line != 4 {
		t.Errorf("got %+v", result)
	}
	s.wantLive("1s")
}

func TestPushJSON(t *testing.T) {
	s := newShop(t)
	push := func(args ...string) (result changeResult) {
		t.Helper()
		s.decode(&result, 0, append([]string{"push", s.dir}, args...)...)
		return result
	}
	if got := push(); got.Result != resultPushed || got.Changes != nil || got.Revision == 0 || len(got.Hash) != 64 {
		t.Errorf("the first push: %+v", got)
	}
	if got := push(); got.Result != resultUnchanged || got.Changes != nil {
		t.Errorf("the same again: %+v", got)
	}
	s.write("shop.yaml", shopYAML("2s"))
	if got := push("--dry-run"); got.Result != resultDryRun || len(*got.Changes) != 1 || got.Revision != 0 {
		t.Errorf("a dry run: %+v", got)
	}
	if got := push(); got.Result != resultPushed || len(*got.Changes) != 1 || (*got.Changes)[0].New != "2s" {
		t.Errorf("a change: %+v", got)
	}
	s.write("shop.yaml", "# slow\n"+shopYAML("2s"))
	if got := push(); got.Result != resultPushed || len(*got.Changes) != 0 {
		t.Errorf("a comment: %+v", got)
	}
}

// TestPushRepairs shows that live documents that do not build, because somebody has written them by hand, do not stand in the
// way.
func TestPushRepairs(t *testing.T) {
	s := newShop(t)
	s.push("1s")
	if _, err := s.client.Put(t.Context(), "/facet/shop/live/shop.yaml", "methods: nonsense"); err != nil {
		t.Fatal(err)
	}
	want(t, s.succeed("snapshots"), `^live: [0-9a-f]{12}, not archived, changed since the last push by other means$`)
	want(t, s.succeed("push", s.dir), `^what the change means cannot be told`, `^pushed `)
	s.wantLive("1s")
}

// TestPushConflict lets a push meet a canary: who reads the live documents later than that never meets a push.
func TestPushConflict(t *testing.T) {
	s := newShop(t)
	s.push("1s")
	s.write("shop.yaml", shopYAML("2s"))
	s.succeed("push", s.dir, "--canary", "0.5%", "-m", "try")
	s.write("shop.yaml", shopYAML("3s"))
	code, _, stderr := s.run("push", s.dir)
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	want(t, stderr, `^facet: a canary of 0\.5% is running, pushed by lin@example at \S+: "try"; run "facet promote" or "facet abort" first$`)
	var result changeResult
	s.decode(&result, exitFailed, "push", s.dir)
	if result.Result != resultConflict || result.Conflict.Canary.BasisPoints != 50 || !strings.Contains(result.Error, "lin@example") {
		t.Errorf("got %+v", result)
	}
	s.wantLive("1s")
}

// TestFail tells what to do about each way in which etcd does not take a change.
func TestFail(t *testing.T) {
	lin := history.Record{Author: "lin", Time: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC), Message: "rooms"}
	for _, test := range []struct {
		err        error
		text, json string
	}{
		{
			&history.Conflict{Push: &lin, Documents: []string{"a.yaml"}},
			`the live documents were changed meanwhile, pushed by lin at 2026-11-22T09:30:00Z: "rooms"; run "facet diff" to see what is live now, and then this again`,
			`"author": "lin"`,
		},
		{
			&history.Conflict{Documents: []string{"a.yaml", "b.yaml"}},
			`live documents were changed meanwhile, not by a push: a.yaml, b.yaml; run "facet diff"`,
			`"b.yaml"`,
		},
		{
			&history.Conflict{Canary: &history.Canary{BasisPoints: 1, Record: lin}},
			`a canary of 0.01% is running, pushed by lin at 2026-11-22T09:30:00Z: "rooms"; run "facet promote" or "facet abort" first`,
			`"basis_points": 1`,
		},
		{errors.New("etcd is full"), "etcd is full", ""},
	} {
		var out strings.Builder
		c := &change{out: &out}
		if err := c.fail(test.err); err == nil || !strings.HasPrefix(err.Error(), test.text) || out.String() != "" {
			t.Errorf("got %v and %q, want %s", err, out.String(), test.text)
		}
		c.asJSON = true
		if err := c.fail(test.err); errors.Is(err, errReported) != (test.json != "") || !strings.Contains(out.String(), test.json) {
			t.Errorf("got %v and %s, want %s", err, out.String(), test.json)
		}
	}
}

func TestRollback(t *testing.T) {
	s := newShop(t)
	for _, timeout := range []string{"1s", "2s"} {
		s.push(timeout)
		s.succeed("save")
	}
	want(t, s.succeed("rollback", today(1), "--dry-run"), `timeout .*2s -> 1s`, `^dry run: nothing was rolled back$`)
	want(t, s.succeed("rollback", today(1), "-m", "too slow"), `timeout .*2s -> 1s`, `^rolled back to `+today(1)+` at revision \d+$`)
	s.wantLive("1s")
	want(t, s.succeed("rollback", today(1)), `^nothing to change: `+today(1)+` is live$`)
	want(t, s.succeed("save"), `^`+today(1)+` is archived, not pinned`) // it creates no version
	want(t, s.succeed("snapshots"), `^\* `+today(1), `^  `+today(2), `^live: `+today(1)+`, pushed by lin@example at \S+, back to `+today(1)+`: "too slow"$`)

	var result changeResult
	s.decode(&result, 0, "rollback", today(2))
	if result.Result != resultRolledBack || result.Version != today(2) || len(*result.Changes) != 1 || result.Revision == 0 {
		t.Errorf("got %+v", result)
	}
	s.wantLive("2s")
	code, _, stderr := s.run("rollback", today(3))
	want(t, stderr, `there is no version "`+today(3)+`"; did you mean`)
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
}

// TestRollbackToWhatCannotBeBuiltHere shows that it is the gateways that decide about it.
func TestRollbackToWhatCannotBeBuiltHere(t *testing.T) {
	s := newShop(t)
	if _, err := s.client.Put(t.Context(), "/facet/shop/live/shop.yaml", "methods: {a.B/C: {}}"); err != nil {
		t.Fatal(err)
	}
	s.succeed("save")
	s.push("1s")
	want(t, s.succeed("rollback", today(1)), `^shop\.yaml:1:\d+: `, `^what the change means cannot be told`, `^rolled back to `+today(1))
}

func TestSnapshots(t *testing.T) {
	s := newShop(t)
	want(t, s.succeed("snapshots"), `^live: no documents; "facet push" makes some live\n$`)
	s.push("1s")
	s.succeed("save", "--pin")
	s.write("shop.yaml", shopYAML("2s"))
	s.succeed("push", s.dir, "--message", "slow shelves\nand slow tills", "--author", "wu")
	s.succeed("save")
	out := s.succeed("snapshots")
	want(t, out,
		`^  VERSION +ARCHIVED +DOCUMENTS +HASH +AUTHOR +MESSAGE$`,
		`^\* `+today(2)+` +\d{4}-\S+Z  2 +[0-9a-f]{12}  wu +slow shelves …$`,
		`^  `+today(1)+` \(pinned\) +\d{4}-\S+Z  2 +[0-9a-f]{12}  lin@example$`,
		`^live: `+today(2)+`, pushed by wu at`)

	var list overview
	s.decode(&list, 0, "snapshots")
	if len(list.Versions) != 2 || list.Versions[0].Name != today(2) || list.Versions[0].Message != "slow shelves\nand slow tills" ||
		!list.Versions[1].Pinned || list.Live.Version != today(2) || list.Live.Edited || list.Live.Record.Author != "wu" {
		t.Errorf("got %+v", list)
	}
	want(t, s.succeed("save", today(1), "--unpin"), `^`+today(1)+` is archived, not pinned: 2 documents`)
	s.decode(&list, 0, "snapshots")
	if list.Versions[1].Pinned {
		t.Error("the first version is still pinned")
	}
}

func TestSave(t *testing.T) {
	s := newShop(t)
	code, _, stderr := s.run("save")
	want(t, stderr, "there are no live documents to save")
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	s.push("1s")
	var result saveResult
	s.decode(&result, 0, "save", "--pin")
	if !result.Created || result.Name != today(1) || !result.Pinned || result.Documents != 2 || result.Author != "lin@example" {
		t.Errorf("got %+v", result)
	}
	result = saveResult{}
	s.decode(&result, 0, "save")
	if result.Created || result.Name != today(1) || !result.Pinned {
		t.Errorf("again: %+v", result)
	}
}

func TestCanary(t *testing.T) {
	s := newShop(t)
	s.push("1s")
	s.write("shop.yaml", shopYAML("2s"))
	stage := []string{"push", s.dir, "--canary", "5%", "--canary-by", "header:x-session-id", "--max-error-increase", "0.25%", "--max-latency-ratio", "2", "--min-requests", "10"}
	want(t, s.succeed(stage...), `timeout .*1s -> 2s`, `^candidate [0-9a-f]{12} serves 5% of the traffic; end it with "facet promote" or "facet abort"$`)
	s.wantLive("1s")
	want(t, s.succeed("snapshots"), `^canary: [0-9a-f]{12} serves 5% of the traffic, split by header:x-session-id, pushed by lin@example`)
	var list overview
	s.decode(&list, 0, "snapshots")
	if c := list.Canary; c == nil || c.BasisPoints != 500 || c.MaxErrorIncrease != 0.0025 || c.MaxLatencyRatio != 2 || c.MinRequests != 10 {
		t.Errorf("got %+v", c)
	}

	want(t, s.succeed("abort", "-m", "empty carts"), `^aborted the canary of [0-9a-f]{12}$`)
	want(t, s.succeed("snapshots"), `^last canary: [0-9a-f]{12} aborted at \S+ by lin@example: empty carts$`)
	for _, command := range []string{"promote", "abort"} {
		code, _, stderr := s.run(command)
		want(t, stderr, `^facet: no canary is running; "facet push --canary" starts one$`)
		if code != exitFailed {
			t.Errorf("%s: exit %d", command, code)
		}
	}
	s.wantLive("1s")

	var result changeResult
	s.decode(&result, 0, stage...)
	if result.Result != resultStaged || len(*result.Changes) != 1 {
		t.Errorf("staged: %+v", result)
	}
	s.decode(&result, 0, "promote")
	if result.Result != resultPromoted || result.Revision == 0 {
		t.Errorf("promoted: %+v", result)
	}
	s.wantLive("2s")
	want(t, s.succeed("snapshots"), `^last canary: [0-9a-f]{12} promoted at`)
}

func TestPull(t *testing.T) {
	s := newShop(t)
	s.push("1s")
	s.succeed("save")
	s.push("2s")
	into := filepath.Join(t.TempDir(), "new", "directory")
	want(t, s.succeed("pull", into), `^2 documents [0-9a-f]{12} written to `)
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(into, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if read("shop.yaml") != shopYAML("2s") || read("shop.proto") != shopProto {
		t.Errorf("got %s", read("shop.yaml"))
	}
	if err := os.WriteFile(filepath.Join(into, "mine.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := s.run("pull", today(1), into)
	want(t, stderr, `one file is there and not the same; nothing was written, --force overwrites: shop\.yaml$`)
	if code != exitFailed || read("shop.yaml") != shopYAML("2s") {
		t.Errorf("exit %d, %s", code, read("shop.yaml"))
	}
	want(t, s.succeed("pull", today(1), into, "--force"), `mine\.yaml$`, `^1 document [0-9a-f]{12} written to .*, 1 as it was$`)
	if read("shop.yaml") != shopYAML("1s") || read("mine.yaml") != "" {
		t.Errorf("got %s", read("shop.yaml"))
	}
	var result pulled
	s.decode(&result, 0, "pull", into, "--force")
	if !slices.Equal(result.Written, []string{"shop.yaml"}) || !slices.Equal(result.Same, []string{"shop.proto"}) || !slices.Equal(result.Left, []string{"mine.yaml"}) {
		t.Errorf("got %+v", result)
	}
}

// TestPullStaysInItsDirectory shows that neither a document's name nor a link leads out of it.
func TestPullStaysInItsDirectory(t *testing.T) {
	s := newShop(t)
	base := t.TempDir()
	into, outside := filepath.Join(base, "in"), filepath.Join(base, "out")
	for _, dir := range []string{into, outside} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(into, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../evil.yaml", "/evil.yaml", "a/../../evil.yaml", "link/evil.yaml", "a//evil.yaml", "."} {
		key := "/facet/shop/live/" + name
		if _, err := s.client.Put(t.Context(), key, "methods: {}"); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := s.run("pull", into, "--force"); code != exitFailed || stderr == "" {
			t.Errorf("%s: exit %d, stdout %q", name, code, stdout)
		}
		if _, err := s.client.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{base, outside} {
		if found, err := filepath.Glob(filepath.Join(dir, "*evil*")); err != nil || len(found) > 0 {
			t.Errorf("%v, %v", found, err)
		}
	}
}

// TestStoreOfTheBootstrapFile finds etcd as the gateway does.
func TestStoreOfTheBootstrapFile(t *testing.T) {
	s := newShop(t)
	file := filepath.Join(t.TempDir(), "bootstrap.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, "etcd: {endpoints: [%q], app: shop}\n", s.endpoint), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs strings.Builder
	if code := run(t.Context(), []string{"push", s.dir, "-conf", file}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	s.wantLive("1s")
	out.Reset()
	if code := run(t.Context(), []string{"snapshots", "-conf", file, "--app", "other"}, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	want(t, out.String(), "^live: no documents")
}

// TestEtcdWithUsers shows that users are who they say, or are told that they are not.
func TestEtcdWithUsers(t *testing.T) {
	s := newShop(t)
	for _, enable := range []func() error{
		func() error { _, err := s.client.UserAdd(t.Context(), "root", "secret"); return err },
		func() error { _, err := s.client.UserGrantRole(t.Context(), "root", "root"); return err },
		func() error { _, err := s.client.AuthEnable(t.Context()); return err },
	} {
		if err := enable(); err != nil {
			t.Fatal(err)
		}
	}
	s.write("right", "secret\n")
	s.write("wrong", "guess\n")
	as := func(user, file string) []string {
		return []string{"push", s.dir, "--user", user, "--password-file", filepath.Join(s.dir, file)}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{as("root", "wrong"), "authentication failed"},
		{as("nobody", "right"), "authentication failed"},
		{as("root", "missing"), "no such file"},
		{[]string{"push", s.dir}, "user name is empty"},
	} {
		code, stdout, stderr := s.run(test.args...)
		if code != exitFailed || !strings.Contains(stderr, test.want) {
			t.Errorf("%q: exit %d, stdout %q, stderr %q, want %q", test.args, code, stdout, stderr, test.want)
		}
	}
	want(t, s.succeed(as("root", "right")...), "^pushed 2 documents")
}

func TestEtcdThatIsNotThere(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // never accepts
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for endpoint, pattern := range map[string]string{
		"127.0.0.1:1":           `^facet: etcd at 127\.0\.0\.1:1 is not there: .*connection refused`,
		silent.Addr().String():  `^facet: etcd at 127\.0\.0\.1:\d+ (is not there|does not answer within)`,
		"https://127.0.0.1:1":   `^facet: etcd at https://127\.0\.0\.1:1 is not there`,
		"nowhere.invalid.:2379": `^facet: etcd at nowhere\.invalid\.:2379 (is not there|does not answer)`,
	} {
		for _, args := range [][]string{{"snapshots"}, {"rollback", "v20261122-1"}, {"save"}, {"pull", t.TempDir()}, {"promote"}, {"abort"}} {
			var out, errs strings.Builder
			code := run(t.Context(), append(args, "--etcd", endpoint, "--app", "shop"), &out, &errs)
			if code != exitFailed || out.String() != "" {
				t.Errorf("%s: exit %d, stdout %q", args, code, out.String())
			}
			want(t, errs.String(), pattern)
			if !strings.HasSuffix(endpoint, ":1") {
				break // they wait: one command shows it
			}
		}
	}
}

func TestMistakesInTheCommandsOfTheStore(t *testing.T) {
	dir := t.TempDir()
	etcd := []string{"--etcd", "127.0.0.1:1", "--app", "shop"}
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"push"}, "push takes the directories of the documents; got none"},
		{[]string{"push", dir, "--canary", "5.123%"}, "want a percentage with at most two decimals"},
		{[]string{"push", dir, "--canary", "0"}, "a canary takes 0.01% to 100% of the traffic, not 0%"},
		{[]string{"push", dir, "--canary", "101%"}, "not 101%"},
		{[]string{"push", dir, "--canary", "5%", "--canary-by", "user"}, `not by "user"`},
		{[]string{"push", dir, "--min-requests", "5"}, "--min-requests says how a canary is judged: give --canary, too"},
		{[]string{"rollback"}, "rollback takes one version, such as v20261122-1; got 0 arguments"},
		{[]string{"save", "v20261122-1"}, "give --pin or --unpin"},
		{[]string{"save", "--pin", "--unpin"}, "exclude each other"},
		{[]string{"save", "a", "b", "--pin"}, "save takes one version at most"},
		{[]string{"pull"}, "pull takes a version, if not the live one, and a directory; got 0 arguments"},
		{[]string{"promote", "v20261122-1"}, `promote takes no arguments; got "v20261122-1"`},
		{[]string{"snapshots", "--app", "a/b"}, `"a/b" is not the name of an application`},
		{[]string{"snapshots", "--user", "root"}, "--user root: give --password-file, too"},
		{[]string{"snapshots", "--password-file", "x"}, "--password-file x: give --user, too"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := facet(t, append(slices.Clone(etcd), test.args...)...)
			if code != exitUsage || !strings.Contains(stderr, test.want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d and %q", code, stdout, stderr, exitUsage, test.want)
			}
		})
	}
	t.Run("no etcd is named", func(t *testing.T) {
		if code, _, stderr := facet(t, "snapshots"); code != exitUsage || !strings.Contains(stderr, "which etcd? Give --etcd and --app") {
			t.Errorf("exit %d, stderr %q", code, stderr)
		}
	})
	t.Run("no application is named", func(t *testing.T) {
		if code, _, stderr := facet(t, "snapshots", "--etcd", "127.0.0.1:1"); code != exitUsage || !strings.Contains(stderr, "which application? Give --app") {
			t.Errorf("exit %d, stderr %q", code, stderr)
		}
	})
	t.Run("no documents", func(t *testing.T) {
		if code, _, stderr := facet(t, append([]string{"push", dir}, etcd...)...); code != exitFailed || !strings.Contains(stderr, "an empty set cannot serve") {
			t.Errorf("exit %d, stderr %q", code, stderr)
		}
	})
}
