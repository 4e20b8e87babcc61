package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write what is rendered into testdata")

// example is a report with everything that a report can have.
func example() *Report {
	rounds := func(cpu ...float64) (rounds []Round) {
		for _, c := range cpu {
			rounds = append(rounds, Round{CPU: c, PerSecond: 1e6 / c})
		}
		return rounds
	}
	timed := func(cpu, p99 float64) []Round {
		return []Round{{CPU: cpu, PerSecond: 600, P50: p99 / 4, P90: p99 / 2, P99: p99, Late: 80}}
	}
	return &Report{
		Date:        "2026-11-23",
		Environment: Environment{CPU: "Example CPU", Cores: 4, Kernel: "6.1.0", Go: "go1.26.8", Node: "v20.1.0", Load: 2.25},
		Settings:    Settings{Rounds: 3, Round: 500 * time.Millisecond, Connections: 8, Elapsed: 83 * time.Second},
		Peers: []Peer{
			{Name: "facet", About: "Facet.", Versions: []string{"v1", "go1.26.8"}},
			{Name: "hive", About: "Another one.", Failure: "npm ci: exit status 1\nno network"},
		},
		Workloads: []Workload{
			{
				Name: "one-call", Title: "One call", About: "One & the same.", Chart: true,
				Variants: []Variant{
					{Name: "facet", ReplyBytes: 900, Peak: 32 << 20, Rounds: rounds(100, 110, 90)},
					{Name: "kratos", ReplyBytes: 7000, Peak: 5 << 20, Rounds: rounds(300, 280, 320)},
					{Name: "slow <1>", ReplyBytes: 2 << 20, Peak: 1 << 30, Short: true, Rounds: rounds(4000, 4400, 3600)},
					{Name: "hive", Failure: "it could not be built"},
				},
			},
			{
				Name: "latency", Title: "Latency", About: "At a rate.", Rate: 600,
				Variants: []Variant{{Name: "facet", Rounds: timed(400, 2000)}, {Name: "kratos", Rounds: timed(800, 12000)}, {Name: "hive", Failure: "it could not be built"}},
			},
			{
				Name: "fan-out", Title: "Fan-out", About: "To all.", Streams: 500,
				Variants: []Variant{{Name: "facet", ReplyBytes: 300, Peak: 32 << 20, Rounds: rounds(20, 22, 18)}},
			},
		},
		Figures: []Figure{{"facet: an idle connection", 20000, "bytes", "resident"}, {"facet: start", 1234, "ms", "until ready"}},
		Goals: []Goal{
			{Title: "CPU, Facet / Kratos", AtMost: 1 / 3.0, Ratio: &Spread{0.28, 0.334, 0.4}, Profile: "profile-one-call.txt"},
			{Title: "p99, Facet / Kratos", AtMost: 0.5, Ratio: &Spread{0.1, 0.2, 0.3}},
			{Title: "CPU, Facet / Hive", AtMost: 0.1},
		},
		NotMeasured: []string{"TLS: nobody uses it."},
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run the test with -rewrite and look at what changes. Got:\n%s", path, got)
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	if err := example().Markdown(&page); err != nil {
		t.Fatal(err)
	}
	golden(t, "example.md", page.Bytes())
}

func TestMarkdownWhenAllIsWell(t *testing.T) {
	t.Parallel()
	r := example()
	r.Goals, r.Peers, r.Figures, r.Environment.Load = r.Goals[1:], r.Peers[:1], nil, 0.5
	for i := range r.Workloads {
		w := &r.Workloads[i]
		w.Variants = w.Variants[:min(len(w.Variants), 2)]
	}
	var page bytes.Buffer
	if err := r.Markdown(&page); err != nil {
		t.Fatal(err)
	}
	golden(t, "well.md", page.Bytes())
}

func TestChart(t *testing.T) {
	t.Parallel()
	var chart bytes.Buffer
	if err := example().Chart(&chart); err != nil {
		t.Fatal(err)
	}
	golden(t, "example.svg", chart.Bytes())
	decoder := xml.NewDecoder(&chart)
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "results")
	written := example()
	if err := written.Write(directory); err != nil {
		t.Fatal(err)
	}
	read, err := Read(filepath.Join(directory, "latest.json"))
	if err != nil {
		t.Fatal(err)
	}
	var before, after bytes.Buffer
	if err := errors.Join(written.Markdown(&before), read.Markdown(&after)); err != nil {
		t.Fatal(err)
	}
	if before.String() != after.String() {
		t.Errorf("what is read is not what was written:\n%s", after.String())
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		values []float64
		want   Spread
	}{
		{[]float64{7}, Spread{7, 7, 7}},
		{[]float64{3, 1}, Spread{1.2, 2, 2.8}},
		{[]float64{5, 1, 3}, Spread{1.4, 3, 4.6}},
		{[]float64{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, Spread{2, 6, 10}},
	} {
		got := SpreadOf(test.values)
		for _, difference := range []float64{got.P10 - test.want.P10, got.Median - test.want.Median, got.P90 - test.want.P90} {
			if math.Abs(difference) > 1e-9 {
				t.Errorf("spread of %v is %v, want %v", test.values, got, test.want)
			}
		}
	}
}

// A neighbor of the machine who doubles both times in one round leaves the ratio as it is: that is why rounds are
// compared, and not medians.
func TestRatioIsOfTheSameRound(t *testing.T) {
	t.Parallel()
	w := &Workload{Variants: []Variant{
		{Name: "a", Rounds: []Round{{CPU: 10, P99: 1}, {CPU: 20, P99: 2}, {CPU: 100, P99: 3}}},
		{Name: "b", Rounds: []Round{{CPU: 20, P99: 1}, {CPU: 40, P99: 1}, {CPU: 200, P99: 1}}},
		{Name: "c", Failure: "gone"},
	}}
	if got := w.Ratio(CPU, "a", "b"); got == nil || *got != (Spread{0.5, 0.5, 0.5}) {
		t.Errorf("ratio of CPU %v, want 0.5", got)
	}
	if got := w.Ratio(P99, "a", "b"); got == nil || got.Median != 2 {
		t.Errorf("ratio of p99 %v, want 2", got)
	}
	for _, theirs := range []string{"c", "d"} {
		if got := w.Ratio(CPU, "a", theirs); got != nil {
			t.Errorf("ratio to %s is %v, but it was not measured", theirs, got)
		}
	}
	if got := (*Workload)(nil).Ratio(CPU, "a", "b"); got != nil {
		t.Errorf("ratio of no workload is %v", got)
	}
}
