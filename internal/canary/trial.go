// Package canary tries a candidate snapshot out on a share of the traffic, and judges how it fares beside the live
// one.
package canary

import (
	"hash/fnv"
	"time"

	"facet/internal/snapshot"
)

// Settings say how a candidate is tried out.
type Settings struct {
	// BasisPoints is the share of the traffic that the candidate serves, in hundredths of a percent: 0 to 10,000.
	BasisPoints int
	// Header names the request header that is the unit of the split, so that one user stays on one side. A request without it
	// is a unit of its own, and so is every request if Header is "".
	Header string
	// MaxErrorIncrease is how much higher the candidate's share of failed requests may be: 0.01 is one percentage
	// point.
	MaxErrorIncrease float64
	// MaxLatencyRatio is how many times the live snapshot's 95th percentile of latency the candidate's may be.
	MaxLatencyRatio float64
	// MinRequests is how many requests each side must have served before it is judged.
	MinRequests int
}

// Trial is one candidate being tried out. It is safe for concurrent use, but for Judge.
type Trial struct {
	settings   Settings
	salt       string
	candidates snapshot.Holder
	started    time.Time

	live, candidate score
	judged          [2]tally // what was known at the end of the last window: live, candidate
	slow            int      // windows in a row in which the candidate was too slow
}

// NewTrial begins a trial of a candidate, which it owns from now on. Buckets are drawn anew for every content of a candidate, so
// that not always the same users are the first ones.
func NewTrial(candidate *snapshot.Snapshot, settings Settings, now time.Time) *Trial {
	t := &Trial{settings: settings, salt: candidate.Hash, started: now}
	t.candidates.Publish(candidate)
	return t
}

// Settings returns those of the trial.
func (t *Trial) Settings() Settings { return t.settings }

// Started returns when this process began the trial.
func (t *Trial) Started() time.Time { return t.started }

// Hash is that of the candidate.
func (t *Trial) Hash() string { return t.salt }

// End ends the trial. Requests that the candidate is serving finish on it.
func (t *Trial) End() { t.candidates.Publish(nil) }

// Draw returns the candidate, pinned, if it is to serve a unit, and nil if the live snapshot is.
func (t *Trial) Draw(unit string) *snapshot.Snapshot {
	if bucket(t.salt, unit) >= t.settings.BasisPoints {
		return nil
	}
	return t.candidates.Pin()
}

// bucket spreads units evenly over 10,000 buckets, the same in every process.
func bucket(salt, unit string) int {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(salt)) // a hash never fails
	_, _ = hash.Write([]byte{0})
	_, _ = hash.Write([]byte(unit))
	return int(mix(hash.Sum64()) % 10_000)
}

// mix makes every bit of FNV's sum depend on every bit of the input: for short inputs its low bits alone are far from
// even. It is the finalizer of MurmurHash3.
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Observe counts a request that one of the sides has served.
func (t *Trial) Observe(byCandidate, failed bool, took time.Duration) {
	t.side(byCandidate).add(failed, took)
}

// ObserveStream counts a stream that has ended. How long it lasted says nothing about its side.
func (t *Trial) ObserveStream(byCandidate, failed bool) { t.side(byCandidate).count(failed) }

func (t *Trial) side(candidate bool) *score {
	if candidate {
		return &t.candidate
	}
	return &t.live
}

// Served returns what each side has served since the trial began.
func (t *Trial) Served() (live, candidate Served) {
	return t.live.served(), t.candidate.served()
}

// Served counts requests by how they went.
type Served struct{ OK, Failed uint64 }

// Requests returns how many there were.
func (s Served) Requests() uint64 { return s.OK + s.Failed }

// Add returns the sum of two counts.
func (s Served) Add(other Served) Served { return Served{s.OK + other.OK, s.Failed + other.Failed} }
