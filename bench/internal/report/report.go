// Package report holds what a run of the benchmark has measured, and shows it: as JSON, as Markdown, and as a chart.
package report

import (
	"encoding/json"
	"os"
	"time"
)

// Report is one run.
type Report struct {
	Date        string      `json:"date"` // 2026-11-23
	Environment Environment `json:"environment"`
	Settings    Settings    `json:"settings"`
	Peers       []Peer      `json:"peers"`
	Workloads   []Workload  `json:"workloads"`
	Figures     []Figure    `json:"figures"`
	Goals       []Goal      `json:"goals"`
	// NotMeasured says what is left out, and why: a sentence each.
	NotMeasured []string `json:"not_measured"`
}

// Environment is where it was measured.
type Environment struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	Node   string `json:"node,omitempty"`
	// Load is how many threads wanted a core, on average, in the minute before the run.
	Load float64 `json:"load"`
}

// Settings are how it was measured.
type Settings struct {
	Rounds      int           `json:"rounds"`
	Round       time.Duration `json:"round_ns"`
	Connections int           `json:"connections"`
	Elapsed     time.Duration `json:"elapsed_ns"` // of the whole run
}

// Peer is a gateway that takes part.
type Peer struct {
	Name string `json:"name"`
	// About says in a sentence what it stands for.
	About    string   `json:"about"`
	Versions []string `json:"versions,omitempty"`
	// Failure says why it could not take part; empty if it did.
	Failure string `json:"failure,omitempty"`
}

// Workload is one comparison. Its variants have been measured in the same rounds, the first of them is what the others are
// compared with.
type Workload struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	About string `json:"about"`
	// Rate is that of an open loop, in requests per second; 0 is a closed loop.
	Rate int `json:"rate,omitempty"`
	// Streams is how many streams were open at once, and then figures are those of a message; 0 if there were requests.
	Streams  int       `json:"streams,omitempty"`
	Chart    bool      `json:"chart,omitempty"` // whether it is part of the chart
	Variants []Variant `json:"variants"`
}

// Variant is one gateway in a workload, or one way to ask it.
type Variant struct {
	Name       string `json:"name"`
	ReplyBytes int    `json:"reply_bytes"`
	// Peak and Resident are the memory of the gateway's processes after the last round, in bytes: the most that there was in
	// the workload, and what there is.
	Peak     int64 `json:"peak_bytes"`
	Resident int64 `json:"resident_bytes"`
	// Short says that its rounds were half as long as those of others.
	Short bool `json:"short,omitempty"`
	// Rounds are in the order in which they were measured.
	Rounds []Round `json:"rounds,omitempty"`
	// Failure says why it was not measured; empty if it was.
	Failure string `json:"failure,omitempty"`
}

// Round is what was measured in one round.
type Round struct {
	// CPU is the processor time of the gateway for each request, or message, in microseconds.
	CPU       float64 `json:"cpu_us"`
	PerSecond float64 `json:"per_second"`
	// P50, P90, P99 and Late are latencies in microseconds, and zero in a closed loop. Late is the 99th percentile of how late the
	// load generator was.
	P50  float64 `json:"p50_us,omitempty"`
	P90  float64 `json:"p90_us,omitempty"`
	P99  float64 `json:"p99_us,omitempty"`
	Late float64 `json:"late_us,omitempty"`
}

// Figure is a single measured value.
type Figure struct {
	Title string  `json:"title"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"` // bytes, ms
	// How says what was measured.
	How string `json:"how"`
}

// Goal is a ratio that must not be exceeded: of one variant to another one in the same round.
type Goal struct {
	Title    string  `json:"title"`
	Workload string  `json:"workload"`
	Ours     string  `json:"ours"`   // name of a variant
	Theirs   string  `json:"theirs"` // name of a variant
	Metric   Metric  `json:"metric"`
	AtMost   float64 `json:"at_most"`
	// Ratio is that of the rounds; absent if the goal was not measured.
	Ratio *Spread `json:"ratio,omitempty"`
	// Profile is the name of a file beside the report that shows where the time goes. A goal that is missed has one.
	Profile string `json:"profile,omitempty"`
}

// Missed reports whether the goal was measured and not met: the median decides.
func (g Goal) Missed() bool { return g.Ratio != nil && g.Ratio.Median > g.AtMost }

// Workload returns the workload of a name, or nil.
func (r *Report) Workload(name string) *Workload {
	for i := range r.Workloads {
		if r.Workloads[i].Name == name {
			return &r.Workloads[i]
		}
	}
	return nil
}

// Variant returns the variant of a name, or nil.
func (w *Workload) Variant(name string) *Variant {
	for i := range w.Variants {
		if w.Variants[i].Name == name {
			return &w.Variants[i]
		}
	}
	return nil
}

// Read reads a report from a file of JSON.
func Read(path string) (*Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	return r, json.Unmarshal(data, r)
}
