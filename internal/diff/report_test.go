package diff_test

import (
	"encoding/json"
	"slices"
	"testing"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/diff"
	"facet/internal/snapshot"
)

// TestSnapshotsBackwards makes sure that what is added in one direction is removed in the other.
func TestSnapshotsBackwards(t *testing.T) {
	t.Parallel()
	before := build(t, documents(t))
	after := build(t, documents(t, "shop", "string note = 9;", "string note = 9; string more = 11;", "yaml", "timeout: 80ms, ", ""))
	forth, back := diff.Snapshots(before, after).Changes, diff.Snapshots(after, before).Changes
	if len(forth) != 2 || len(back) != 2 {
		t.Fatalf("forth %+v, back %+v", forth, back)
	}
	for i := range forth {
		reverse := diff.Change{Kind: opposite[back[i].Kind], Subject: back[i].Subject, Path: back[i].Path, Old: back[i].New, New: back[i].Old}
		if forth[i] != reverse {
			t.Errorf("forth %+v, back %+v", forth[i], back[i])
		}
	}
}

var opposite = map[diff.Kind]diff.Kind{diff.Added: diff.Removed, diff.Removed: diff.Added, diff.Changed: diff.Changed}

// TestStreams compares methods that are not served yet.
func TestStreams(t *testing.T) {
	t.Parallel()
	serving := func(edits ...string) *snapshot.Snapshot {
		s := build(t, documents(t, edits...))
		method, err := s.Schema.Method("shop.v1.ShopService/Other")
		if err != nil {
			t.Fatal(err)
		}
		return &snapshot.Snapshot{Schema: s.Schema, Methods: map[string]*snapshot.Method{
			"shop.v1.ShopService/Other": {Name: "shop.v1.ShopService/Other", Descriptor: method},
		}}
	}
	const rpc = "rpc Other(GetRequest) returns (SearchReply)"
	for _, test := range []struct{ rpc, streams string }{
		{"rpc Other(GetRequest) returns (stream SearchReply)", "replies"},
		{"rpc Other(stream GetRequest) returns (SearchReply)", "requests"},
		{"rpc Other(stream GetRequest) returns (stream SearchReply)", "both"},
	} {
		want := "~ method shop.v1.ShopService/Other\n    ~ streams  none -> " + test.streams +
			"\n      BREAKING: clients expect the other number of messages\n1 change, 1 BREAKING for clients\n"
		if got := report(t, serving(), serving("shop", rpc, test.rpc)); got != want {
			t.Errorf("got:\n%s\nwant:\n%s", got, want)
		}
	}
}

// TestEveryPartIsCompared fails when documents get a part that Snapshots does not know of.
func TestEveryPartIsCompared(t *testing.T) {
	t.Parallel()
	fields := (*gatewayv1.Gateway)(nil).ProtoReflect().Descriptor().Fields()
	compared := []string{"upstreams", "methods", "json", "limits", "cors"}
	for i := range fields.Len() {
		if name := string(fields.Get(i).Name()); !slices.Contains(compared, name) {
			t.Errorf("%s of a document is new: compare it in Snapshots, and list it here", name)
		}
	}
}

// TestWholeReplyBecomesAMapping loses the fields that came along.
func TestWholeReplyBecomesAMapping(t *testing.T) {
	t.Parallel()
	const binding = "    http: [{get: \"/v1/stock/{id}\"}]\n"
	const calls = binding + "    calls: {sum: {rpc: stock.v1.StockService/Sum}}\n"
	before := build(t, documents(t, "yaml", binding, calls+"    reply: sum\n"))
	after := build(t, documents(t, "yaml", binding, calls+"    reply: {count: sum.count, title: sum.title}\n"))
	want := "~ method stock.v1.StockService/Count\n    - reply.unused\n      BREAKING: the field is no longer set\n" +
		"    ~ reply         sum -> {count: sum.count, title: sum.title}\n2 changes, 1 BREAKING for clients\n"
	if got := report(t, before, after); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestReportJSON(t *testing.T) {
	t.Parallel()
	r := diff.Snapshots(build(t, documents(t)), build(t, documents(t, "shop", "int32 size = 2;", "", "yaml", "80ms", "90ms")))
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"changes":[` +
		`{"kind":"changed","subject":"method shop.v1.ShopService/Get","path":"calls.stock.timeout","old":"80ms","new":"90ms","breaking":false},` +
		`{"kind":"removed","subject":"message shop.v1.SearchRequest","path":"size","old":"int32 size = 2","breaking":true,` +
		`"why":"HTTP requests that set it get 400 and gRPC requests are read without it (requests of shop.v1.ShopService/Search)"}]}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
