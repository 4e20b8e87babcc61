package canary

import (
	"fmt"
	"math"
	"time"
)

const (
	// certainty is how many standard deviations the candidate's failures must lie above what is allowed before they are
	// not taken for chance: 3 are one false alarm in about 700 windows at the bound itself.
	certainty = 3
	// slowWindows is how many windows in a row the candidate must be too slow: one percentile of a few hundred requests
	// says little.
	slowWindows = 2
)

// Judge compares what both sides have served since it last did, and returns why the candidate must go, or "". It does nothing until
// both have served enough. A trial is judged by one goroutine.
func (t *Trial) Judge() string {
	live, candidate := t.live.tally(), t.candidate.tally()
	liveNow, candidateNow := live.since(&t.judged[0]), candidate.since(&t.judged[1])
	enough := uint64(max(t.settings.MinRequests, 1))
	if candidateNow.Requests() < enough || liveNow.Requests() < enough && t.settings.BasisPoints < 10_000 {
		return ""
	}
	t.judged = [2]tally{*live, *candidate}
	if reason := t.tooManyFailures(liveNow, candidateNow); reason != "" {
		return reason
	}
	return t.tooSlow(liveNow, candidateNow)
}

// tooManyFailures compares the shares of failed requests.
func (t *Trial) tooManyFailures(live, candidate *tally) string {
	allowed := min(live.failureRate()+t.settings.MaxErrorIncrease, 1)
	expected := allowed * float64(candidate.Requests())
	if float64(candidate.Failed) <= expected+certainty*math.Sqrt(expected*(1-allowed)) {
		return ""
	}
	return fmt.Sprintf("%.2f %% of its requests failed, %.2f %% of the live snapshot's did; the bound is %.2f percentage points more",
		100*candidate.failureRate(), 100*live.failureRate(), 100*t.settings.MaxErrorIncrease)
}

// tooSlow compares 95th percentiles.
func (t *Trial) tooSlow(live, candidate *tally) string {
	own, other := candidate.percentile95(), live.percentile95()
	if other == 0 || float64(own) <= t.settings.MaxLatencyRatio*float64(other) {
		t.slow = 0
		return ""
	}
	if t.slow++; t.slow < slowWindows {
		return ""
	}
	return fmt.Sprintf("the 95th percentile of its latency is %v, the live snapshot's %v; the bound is %g times that",
		own.Round(time.Microsecond), other.Round(time.Microsecond), t.settings.MaxLatencyRatio)
}
