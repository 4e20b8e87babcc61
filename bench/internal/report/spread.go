package report

import (
	"math"
	"slices"
)

// Spread sums up the values of rounds.
type Spread struct {
	P10    float64 `json:"p10"`
	Median float64 `json:"median"`
	P90    float64 `json:"p90"`
}

// SpreadOf returns the spread of at least one value. Between two values it is interpolated.
func SpreadOf(values []float64) Spread {
	sorted := slices.Sorted(slices.Values(values))
	return Spread{P10: quantile(sorted, 0.1), Median: quantile(sorted, 0.5), P90: quantile(sorted, 0.9)}
}

// quantile returns the value below which a part q of the sorted values lies.
func quantile(sorted []float64, q float64) float64 {
	position := q * float64(len(sorted)-1)
	below, part := math.Modf(position)
	i := int(below)
	if part == 0 {
		return sorted[i]
	}
	return sorted[i] + part*(sorted[i+1]-sorted[i])
}

// Metric is one of the values of a round.
type Metric string

// The metrics that are compared. Less is better.
const (
	CPU Metric = "cpu"
	P99 Metric = "p99"
)

// of returns the value of a round.
func (m Metric) of(r Round) float64 {
	if m == P99 {
		return r.P99
	}
	return r.CPU
}

// Spread sums up a value of all rounds of the variant.
func (v *Variant) Spread(value func(Round) float64) Spread {
	values := make([]float64, len(v.Rounds))
	for i, round := range v.Rounds {
		values[i] = value(round)
	}
	return SpreadOf(values)
}

// Ratio compares two variants round by round: what the load of a machine's other users does to both at once
// cancels out. It is nil if one of them was not measured.
func (w *Workload) Ratio(metric Metric, ours, theirs string) *Spread {
	if w == nil {
		return nil
	}
	a, b := w.Variant(ours), w.Variant(theirs)
	if a == nil || b == nil || len(a.Rounds) == 0 || len(a.Rounds) != len(b.Rounds) {
		return nil
	}
	ratios := make([]float64, len(a.Rounds))
	for i := range ratios {
		ratios[i] = metric.of(a.Rounds[i]) / metric.of(b.Rounds[i])
	}
	spread := SpreadOf(ratios)
	return &spread
}
