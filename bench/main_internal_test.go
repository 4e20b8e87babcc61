package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"facet/bench/internal/load"
	"facet/bench/internal/report"
)

// TestMain makes the test binary the load generator when a runner of a test starts it.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == loadArgument {
		if err := load.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// testRunner returns a runner in this directory.
func testRunner(t *testing.T) *runner {
	t.Helper()
	root, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(root, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestRun measures a little with real processes: what counts is that all is measured, not what.
func TestRun(t *testing.T) {
	r := testRunner(t)
	r.settings = settings{rounds: 2, round: 50 * time.Millisecond, warmup: 10 * time.Millisecond, profile: true}
	r.goals = []report.Goal{
		{Title: "cannot be met", Workload: "closed", Ours: "facet", Theirs: "floor", Metric: report.CPU, AtMost: 0.001},
		{Title: "is met", Workload: "closed", Ours: "facet", Theirs: "floor", Metric: report.CPU, AtMost: 1000},
	}
	measured, err := r.run(t.Context(), []workload{
		{name: "closed", variants: []variant{
			{peer: "facet", path: selectedPath, users: 3},
			{peer: "floor", path: selectedPath, flags: []string{"-calls", "3", "-size", sizeFlag}},
			{name: "gRPC", peer: "facet", grpc: listOrders},
			{name: "no gateway", peer: "backend", grpc: listOrders},
			{name: "gRPC-Web", peer: "facet", web: listOrders},
			{name: "lost", peer: "facet", path: "/v1/nowhere"},
		}},
		{name: "streams", streams: 5, round: 300 * time.Millisecond, variants: []variant{
			{peer: "facet", path: roomPath},
		}},
		{name: "open", rate: 200, round: 1200 * time.Millisecond, backend: []string{"-latency", "1ms"}, variants: []variant{
			{name: "reloading", peer: "facet", path: generatedPath, methods: 10, reload: true},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range measured.Workloads {
		checkMeasured(t, &measured.Workloads[i])
	}
	if facet, floor := measured.Workload("closed").Variant("facet"), measured.Workload("closed").Variant("floor"); facet.ReplyBytes != floor.ReplyBytes {
		t.Errorf("Facet answers %d bytes and its floor %d", facet.ReplyBytes, floor.ReplyBytes)
	}
	if p50 := measured.Workload("open").Variants[0].Rounds[0].P50; p50 < 1000 {
		t.Errorf("p50 %v µs, with services that take a millisecond", p50)
	}
	missed := measured.Goals[0]
	if !missed.Missed() || !bytes.Contains(r.profiles[missed.Profile], []byte("flat%")) {
		t.Errorf("a goal that is missed has no profile: %+v", missed)
	}
	if met := measured.Goals[1]; met.Missed() || met.Profile != "" {
		t.Errorf("a goal that is met: %+v", met)
	}
}

// checkMeasured wants every variant measured, but for that called lost.
func checkMeasured(t *testing.T, w *report.Workload) {
	t.Helper()
	for _, v := range w.Variants {
		if v.Name == "lost" {
			if !strings.Contains(v.Failure, "status 404") || len(v.Rounds) > 0 {
				t.Errorf("%s, %s: failure %q and %d rounds, want status 404 and none", w.Name, v.Name, v.Failure, len(v.Rounds))
			}
			continue
		}
		if v.Failure != "" || len(v.Rounds) != 2 || v.Peak < v.Resident || v.Resident == 0 {
			t.Errorf("%s, %s: %+v", w.Name, v.Name, v)
		}
		for _, round := range v.Rounds {
			if round.CPU <= 0 || round.PerSecond <= 0 || (round.P99 > 0) != (w.Rate > 0) {
				t.Errorf("%s, %s: %+v", w.Name, v.Name, round)
			}
		}
	}
}

func TestAPeerThatIsMissingIsToldOf(t *testing.T) {
	t.Parallel()
	r := testRunner(t)
	description := r.build(t.Context(), peer{name: "nobody", kind: goPeer})
	if !strings.Contains(description.Failure, "go build") || strings.Contains(description.Failure, r.temp) {
		t.Errorf("failure %q, want one that tells of go build, and nothing of this machine", description.Failure)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	known := map[string]peer{}
	for _, p := range peers() {
		known[p.name] = p
	}
	all := map[string]workload{}
	for _, w := range workloads() {
		if _, twice := all[w.name]; twice {
			t.Errorf("%s is there twice", w.name)
		}
		all[w.name] = w
		var titles []string
		for _, v := range w.variants {
			titles = append(titles, v.title())
			checkVariant(t, w.name, v, known)
		}
		if len(slices.Compact(slices.Sorted(slices.Values(titles)))) != len(titles) {
			t.Errorf("%s has two variants of one name: %q", w.name, titles)
		}
	}
	has := func(workload, title string) bool {
		return slices.ContainsFunc(all[workload].variants, func(v variant) bool { return v.title() == title })
	}
	for _, g := range goals() {
		if !has(g.Workload, g.Ours) || !has(g.Workload, g.Theirs) {
			t.Errorf("goal %q: %s has not both %q and %q", g.Title, g.Workload, g.Ours, g.Theirs)
		}
	}
	for _, w := range checked.workloads {
		for _, p := range checked.peers {
			if !has(w, p) {
				t.Errorf("what is checked: %s has no %s", w, p)
			}
		}
	}
}

func checkVariant(t *testing.T, workload string, v variant, known map[string]peer) {
	t.Helper()
	p, ok := known[v.peer]
	ways := 0
	for _, way := range []string{v.path, v.query, v.grpc, v.web} {
		if way != "" {
			ways++
		}
	}
	switch {
	case !ok:
		t.Errorf("%s, %s: there is no such peer", workload, v.title())
	case ways != 1:
		t.Errorf("%s, %s: it is asked in %d ways, want one of path, query, grpc and web", workload, v.title(), ways)
	case (v.methods > 0 || v.reload) && p.kind != facetPeer:
		t.Errorf("%s, %s: only Facet can do this", workload, v.title())
	case v.query != "":
		if _, err := readQuery(filepath.Join("peers", v.peer, "queries", v.query), v.bytes); err != nil {
			t.Errorf("%s, %s: %v", workload, v.title(), err)
		}
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []workload{
		{name: "one", variants: []variant{{peer: "facet"}, {peer: "kratos"}}},
		{name: "two", long: true, variants: []variant{{peer: "facet"}}},
		{name: "three", variants: []variant{{peer: "lura"}}},
	}
	for name, test := range map[string]struct {
		options options
		want    string
	}{
		"all":            {options{}, "one[facet kratos] two[facet] three[lura]"},
		"quick":          {options{quick: true}, "one[facet kratos] three[lura]"},
		"quick, by name": {options{quick: true, workloads: regexp.MustCompile("^two$")}, "two[facet]"},
		"a peer":         {options{peers: regexp.MustCompile("kratos|lura")}, "one[kratos] three[lura]"},
		"both":           {options{workloads: regexp.MustCompile("^t"), peers: regexp.MustCompile("facet")}, "two[facet]"},
	} {
		var got []string
		for _, w := range choose(all, test.options) {
			var names []string
			for _, v := range w.variants {
				names = append(names, v.title())
			}
			got = append(got, fmt.Sprintf("%s%v", w.name, names))
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if len(all[0].variants) != 2 || all[0].variants[0].peer != "facet" {
		t.Error("what was not chosen is gone from the table")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for arguments, test := range map[string]struct {
		out string
		err string // part of it
	}{
		"":                    {resultsDirectory, ""},
		"-quick":              {"", ""},
		"-workloads x":        {"", ""},
		"-peers x":            {"", ""},
		"-quick -out here":    {"here", ""},
		"-check -quick":       {"", "takes no other flag"},
		"-check -workloads x": {"", "takes no other flag"},
		"-workloads (":        {"", "missing closing )"},
		"three-calls":         {"", `"three-calls" is not a flag`},
		"-workload three":     {"", "not defined: -workload"},
	} {
		var said bytes.Buffer
		o, err := parse(strings.Fields(arguments), &said)
		if test.err == "" && (err != nil || o.out != test.out) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%q: out %q and error %v, want %q and %q", arguments, o.out, err, test.out, test.err)
		}
	}
}

func TestCheckReply(t *testing.T) {
	t.Parallel()
	graphQL, web := variant{query: "one.json"}, variant{peer: "facet", web: listOrders}
	for reply, test := range map[string]struct {
		variant variant
		ok      bool
	}{
		`{"data":{"a":1}}`: {graphQL, true},
		`{"data":null,"errors":[{"message":"down"}]}`: {graphQL, false},
		`{}`:         {graphQL, false},
		`<html>`:     {graphQL, false},
		`{"user":0}`: {variant{path: "/"}, true},
		"xxx":        {variant{peer: "floor", web: listOrders}, true},
		"\x00\x00\x00\x00\x01m\x80\x00\x00\x00\x0fgrpc-status: 0\r\n":                  {web, true},
		"\x00\x00\x00\x00\x01m\x80\x00\x00\x00\x22Grpc-Message: \r\nGrpc-Status:0\r\n": {web, true},
		"\x00\x00\x00\x00\x01m\x80\x00\x00\x00\x10grpc-status: 13\r\n":                 {web, false},
		"\x00\x00\x00\x00\x01m\x80\x00\x00\x00\x0fgrpc-message: x\r\n":                 {web, false},
		"\x80\x00\x00\x00\x0fgrpc-status: 0\r\n":                                       {web, false},
		"\x00\x00\x00\x00\x01m":                                                        {web, false},
		"\x00\x00\x00\x00\x09m":                                                        {web, false},
		"":                                                                             {web, false},
	} {
		if err := checkReply(test.variant, []byte(reply)); (err == nil) != test.ok {
			t.Errorf("%s: %v", reply, err)
		}
	}
}
