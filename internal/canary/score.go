package canary

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// A duration falls into one of 8 intervals for each power of two of nanoseconds, so a percentile is at most an
// eighth too high.
const (
	intervalBits = 3
	intervals    = 64 << intervalBits
)

// score is what one side has served. Each of its numbers only grows, as that of a metric must: a number that was the
// difference of two could not, because they are not read at the same moment.
type score struct {
	ok, failed atomic.Uint64
	latency    [intervals]atomic.Uint64
}

func (s *score) add(failed bool, took time.Duration) {
	s.count(failed)
	s.latency[interval(took)].Add(1)
}

func (s *score) count(failed bool) {
	if failed {
		s.failed.Add(1)
	} else {
		s.ok.Add(1)
	}
}

func (s *score) served() Served { return Served{OK: s.ok.Load(), Failed: s.failed.Load()} }

// interval returns the index of the interval that holds a duration.
func interval(d time.Duration) int {
	n := uint64(max(d, 1))
	exponent := bits.Len64(n) - 1
	if exponent < intervalBits {
		return int(n)
	}
	return exponent<<intervalBits | int(n>>(exponent-intervalBits))&(1<<intervalBits-1)
}

// upper returns the end of an interval.
func upper(i int) time.Duration {
	exponent := i >> intervalBits
	if exponent < intervalBits {
		return time.Duration(i + 1)
	}
	leading := 1<<intervalBits | i&(1<<intervalBits-1)
	return time.Duration(leading+1) << (exponent - intervalBits)
}

// tally is a score at one moment.
type tally struct {
	Served
	latency [intervals]uint64
}

func (s *score) tally() *tally {
	t := &tally{Served: s.served()}
	for i := range s.latency {
		t.latency[i] = s.latency[i].Load()
	}
	return t
}

// since returns what was added after an earlier tally.
func (t *tally) since(earlier *tally) *tally {
	added := *t
	added.OK -= earlier.OK
	added.Failed -= earlier.Failed
	for i := range added.latency {
		added.latency[i] -= earlier.latency[i]
	}
	return &added
}

// failureRate is the share of requests that failed, 0 to 1.
func (t *tally) failureRate() float64 {
	if t.Requests() == 0 {
		return 0
	}
	return float64(t.Failed) / float64(t.Requests())
}

// percentile95 is the latency that 95 % of the requests did not exceed.
func (t *tally) percentile95() time.Duration {
	total := uint64(0)
	for _, n := range &t.latency {
		total += n
	}
	seen := uint64(0)
	for i, n := range &t.latency {
		if seen += n; seen*20 >= total*19 && n > 0 {
			return upper(i)
		}
	}
	return 0
}
