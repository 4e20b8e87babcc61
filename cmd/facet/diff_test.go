package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/etcd/embedded"
	"facet/internal/etcd/etcdtest"
	"facet/internal/history"
	"facet/internal/snapshot"
)

const smallProto = `syntax = "proto3";
package small.v1;
service SmallService { rpc Get(GetRequest) returns (GetReply); }
message GetRequest {}
message GetReply { string text = 1; int32 number = 2; }
`

const smallYAML = "methods:\n  small.v1.SmallService/Get: {reply: {text: \"'one'\", number: 1}}\n"

// small returns the documents of one method, with a replacement in its plan.
func small(old, replacement string) []snapshot.Document {
	return []snapshot.Document{
		{Name: "small.yaml", Data: []byte(strings.ReplaceAll(smallYAML, old, replacement))},
		{Name: "small/v1/small.proto", Data: []byte(smallProto)},
	}
}

// writeDocuments writes documents into a new directory.
func writeDocuments(t *testing.T, documents []snapshot.Document) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range documents {
		path := filepath.Join(dir, filepath.FromSlash(d.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, d.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDiffOfDirectories(t *testing.T) {
	one, two := writeDocuments(t, small("", "")), writeDocuments(t, small("'one'", "'two'"))
	less, spaced := writeDocuments(t, small(", number: 1", "")), writeDocuments(t, small("{text", "{ # a remark\n    text"))
	const changed = "~ method small.v1.SmallService/Get\n    ~ reply.text  'one' -> 'two'\n1 change, none breaks clients\n"
	const breaking = "~ method small.v1.SmallService/Get\n    - reply.number  1\n      BREAKING: the field is no longer set\n1 change, 1 BREAKING for clients\n"
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"the same", []string{one, one, "--exit-code"}, 0, "no semantic change\n"},
		{"written otherwise", []string{one, spaced, "--exit-code"}, 0, "no semantic change\n"},
		{"changed", []string{one, two}, 0, changed},
		{"changed, with an exit code", []string{one, two, "--exit-code"}, exitDifferent, changed},
		{"breaking", []string{one, less, "--exit-code"}, exitBreaking, breaking},
		{"the same text", []string{one, one, "--text", "--exit-code"}, 0, ""},
		{"text", []string{one, two, "--text", "--exit-code"}, exitDifferent, "--- a/small.yaml\n+++ b/small.yaml\n@@ -1,2 +1,2 @@\n methods:\n" +
			"-  small.v1.SmallService/Get: {reply: {text: \"'one'\", number: 1}}\n+  small.v1.SmallService/Get: {reply: {text: \"'two'\", number: 1}}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := facet(t, append([]string{"diff"}, test.args...)...)
			if code != test.code || stdout != test.want {
				t.Errorf("exit %d, want %d; stderr %q, stdout:\n%s\nwant:\n%s", code, test.code, stderr, stdout, test.want)
			}
		})
	}
}

func TestDiffWithTheBootstrapFile(t *testing.T) {
	code, stdout, stderr := facet(t, "diff", "configs/mall,api", "--exit-code")
	if code != 0 || stdout != "no semantic change\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestDiffJSON(t *testing.T) {
	one, two := writeDocuments(t, small("", "")), writeDocuments(t, small(", number: 1", ""))
	code, stdout, stderr := facet(t, "diff", "--json", one, two)
	var got diffResult
	if err := json.Unmarshal([]byte(stdout), &got); err != nil {
		t.Fatal(err, stderr)
	}
	if code != 0 || got.Before != one || got.After != two || got.Breaking != 1 || len(got.Changes) != 1 || got.Changes[0].Path != "reply.number" {
		t.Errorf("exit %d, %+v", code, got)
	}
}

func TestDiffOfDocumentsWithProblems(t *testing.T) {
	one, broken := writeDocuments(t, small("", "")), writeBroken(t)
	t.Run("text", func(t *testing.T) {
		code, stdout, stderr := facet(t, "diff", one, broken)
		if code != exitFailed || stdout != "" || !strings.Contains(stderr, filepath.Join(broken, "broken.yaml")+":2:10: ") {
			t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
		}
	})
	t.Run("JSON", func(t *testing.T) {
		code, stdout, _ := facet(t, "diff", "--json", one, broken)
		var got checkResult
		if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != exitFailed || got.OK || len(got.Problems) == 0 {
			t.Errorf("exit %d, %v, %+v", code, err, got)
		}
	})
}

func TestMistakesInDiff(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"a", "b", "c"}, exitUsage, "diff compares two sets of documents; got 3 arguments"},
		{[]string{"--text", "--json"}, exitUsage, "--text and --json exclude each other"},
		{[]string{"livve"}, exitFailed, "livve is no directory, nor live, canary or a version"},
		{[]string{}, exitUsage, "which etcd?"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, _, stderr := facet(t, append([]string{"diff"}, test.args...)...)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit %d, stderr %q", code, stderr)
			}
		})
	}
}

func TestDiffWithEtcd(t *testing.T) {
	settings := &conf.Etcd{Endpoints: []string{etcdtest.StartServer(t, embedded.Options{Dir: t.TempDir()}).Endpoint()}}
	layout, err := etcd.NewLayout("/facet", "small")
	if err != nil {
		t.Fatal(err)
	}
	store := history.New(etcdtest.Connect(t, settings), layout)
	push := func(documents []snapshot.Document) string {
		t.Helper()
		base, err := store.Live(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Push(context.WithoutCancel(t.Context()), base, documents, history.Record{}); err != nil {
			t.Fatal(err)
		}
		version, _, err := store.Archive(t.Context(), documents, 10)
		if err != nil {
			t.Fatal(err)
		}
		return version.Name
	}
	first := push(small("", ""))
	second := push(small("'one'", "'two'"))
	third := writeDocuments(t, small("'one'", "'three'"))
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{first, second}, exitDifferent, "'one' -> 'two'"},
		{[]string{first, "live"}, exitDifferent, "'one' -> 'two'"},
		{[]string{second, "live"}, 0, "no semantic change"},
		{[]string{"live", third}, exitDifferent, "'two' -> 'three'"},
		{[]string{"v20200101-1", "live"}, exitFailed, `there is no version "v20200101-1"`},
		{[]string{"live", "canary"}, exitFailed, "no canary runs"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			args := append([]string{"diff", "--exit-code", "--etcd", settings.GetEndpoints()[0], "--app", "small"}, test.args...)
			code, stdout, stderr := facet(t, args...)
			if code != test.code || !strings.Contains(stdout+stderr, test.want) {
				t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		})
	}
}
