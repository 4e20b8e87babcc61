package canary

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/internal/snapshot"
)

func newTrial(settings Settings) *Trial {
	return NewTrial(&snapshot.Snapshot{Hash: "candidate"}, settings, time.Time{})
}

func TestShareIsExactAndStable(t *testing.T) {
	t.Parallel()
	const units = 200_000
	for _, points := range []int{0, 1, 500, 5000, 10_000} {
		trial := newTrial(Settings{BasisPoints: points})
		drawn := 0
		for i := range units {
			if s := trial.Draw(fmt.Sprint("user-", i)); s != nil {
				s.Unpin()
				drawn++
			}
		}
		want := float64(units) * float64(points) / 10_000
		if deviation := math.Abs(float64(drawn) - want); deviation > 4*math.Sqrt(want)+0.5 {
			t.Errorf("%d basis points: %d of %d units, want about %.0f", points, drawn, units, want)
		}
	}
}

// A unit that has the candidate at a small share keeps it at a larger one.
func TestRampKeepsWhoIsIn(t *testing.T) {
	t.Parallel()
	small, large := newTrial(Settings{BasisPoints: 500}), newTrial(Settings{BasisPoints: 1000})
	for i := range 100_000 {
		unit := fmt.Sprint(i)
		if small.Draw(unit) != nil && large.Draw(unit) == nil {
			t.Fatalf("unit %s fell out when the share grew", unit)
		}
	}
}

func TestNothingIsDrawnAfterTheEnd(t *testing.T) {
	t.Parallel()
	trial := newTrial(Settings{BasisPoints: 10_000})
	pinned := trial.Draw("a")
	trial.End()
	if trial.Draw("a") != nil {
		t.Error("the candidate serves after its trial")
	}
	pinned.Unpin()
}

// window is what the sides served between two judgements.
type window struct {
	live, candidate             int // requests
	liveFailed, candidateFailed int
	liveLatency, latency        time.Duration
}

func (w window) play(t *Trial) {
	for i := range w.live {
		t.Observe(false, i < w.liveFailed, w.liveLatency)
	}
	for i := range w.candidate {
		t.Observe(true, i < w.candidateFailed, w.latency)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, test := range []struct {
		name    string
		points  int
		windows []window
		want    string // of the last window, "" for none; no earlier one gives a verdict
	}{
		{"as good", 500, []window{{2000, 100, 20, 1, ms, ms}}, ""},
		{"too few requests", 500, []window{{2000, 99, 0, 99, ms, ms}}, ""},
		{"too few are added up", 500, []window{{2000, 60, 0, 60, ms, ms}, {2000, 60, 0, 60, ms, ms}}, "100.00 % of its requests failed, 0.00 %"},
		{"live too quiet to compare", 500, []window{{50, 200, 0, 200, ms, ms}}, ""},
		{"all traffic, nothing to compare", 10_000, []window{{0, 200, 0, 20, ms, ms}}, "10.00 % of its requests failed"},
		{"failures within chance", 500, []window{{2000, 100, 0, 3, ms, ms}}, ""},
		{"failures beyond chance", 500, []window{{2000, 100, 0, 5, ms, ms}}, "5.00 % of its requests failed"},
		{"both fail", 500, []window{{2000, 100, 1000, 52, ms, ms}}, ""},
		{"all fail on both sides", 500, []window{{2000, 100, 2000, 100, ms, ms}}, ""},
		{"recovers", 500, []window{{2000, 100, 0, 2, ms, ms}, {2000, 100, 0, 0, ms, ms}}, ""},
		{"goes bad later", 500, []window{{100_000, 5000, 0, 0, ms, ms}, {2000, 100, 0, 20, ms, ms}}, "20.00 % of its requests failed"},
		{"slow once", 500, []window{{2000, 100, 0, 0, ms, 3 * ms}}, ""},
		{"slow twice", 500, []window{{2000, 100, 0, 0, ms, 3 * ms}, {2000, 100, 0, 0, ms, 3 * ms}}, "the 95th percentile of its latency is"},
		{"slow, then not, then slow", 500, []window{{2000, 100, 0, 0, ms, 3 * ms}, {2000, 100, 0, 0, ms, ms}, {2000, 100, 0, 0, ms, 3 * ms}}, ""},
		{"a little slower", 500, []window{{2000, 100, 0, 0, ms, 13 * ms / 10}, {2000, 100, 0, 0, ms, 13 * ms / 10}}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			trial := newTrial(Settings{BasisPoints: test.points, MaxErrorIncrease: 0.01, MaxLatencyRatio: 1.5, MinRequests: 100})
			for i, w := range test.windows {
				w.play(trial)
				got, last := trial.Judge(), i == len(test.windows)-1
				if !last && got != "" {
					t.Fatalf("window %d: %s", i, got)
				}
				if last && (test.want == "" && got != "" || !strings.Contains(got, test.want)) {
					t.Errorf("got %q, want %q", got, test.want)
				}
			}
		})
	}
}

// A candidate that is as good as the live snapshot is hardly ever judged too bad, whatever share of requests fails.
func TestJudgeSeldomErrs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	alarms := 0
	for range 1000 {
		trial := newTrial(Settings{BasisPoints: 500, MaxErrorIncrease: 0.01, MaxLatencyRatio: 2, MinRequests: 200})
		rate := random.Float64() * 0.2
		for range 4000 {
			trial.Observe(false, random.Float64() < rate, time.Millisecond)
		}
		for range 200 {
			trial.Observe(true, random.Float64() < rate, time.Millisecond)
		}
		if trial.Judge() != "" {
			alarms++
		}
	}
	if alarms > 5 {
		t.Errorf("%d of 1000 candidates that were as good were judged too bad", alarms)
	}
}

func TestIntervals(t *testing.T) {
	t.Parallel()
	for d := time.Duration(1); d > 0 && d < time.Hour; d += d/5 + 1 {
		i := interval(d)
		if upper(i) <= d {
			t.Fatalf("%d ns is in interval %d, which ends at %d", d, i, upper(i))
		}
		if d >= 8 && float64(upper(i)) > float64(d)*1.13+1 {
			t.Fatalf("%d ns is in interval %d, which ends as late as %d", d, i, upper(i))
		}
	}
	if interval(-1) != interval(1) || interval(math.MaxInt64) >= intervals {
		t.Error("durations out of range have no interval")
	}
}

func TestTrialUnderLoad(t *testing.T) {
	t.Parallel()
	trial := newTrial(Settings{BasisPoints: 5000, MaxErrorIncrease: 0.5, MaxLatencyRatio: 1000, MinRequests: 1})
	var running sync.WaitGroup
	for worker := range 4 {
		running.Go(func() {
			for i := range 5000 {
				s := trial.Draw(fmt.Sprint(worker, i))
				trial.Observe(s != nil, false, time.Microsecond)
				if s != nil {
					s.Unpin()
				}
			}
		})
	}
	for range 100 {
		_ = trial.Judge()
	}
	running.Wait()
	trial.End()
	if live, candidate := trial.Served(); live.Requests()+candidate.Requests() != 20_000 {
		t.Errorf("%d and %d requests were counted, want 20000 together", live.Requests(), candidate.Requests())
	}
}
