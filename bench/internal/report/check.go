package report

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
)

// tolerance is how much worse than the kept one a ratio may be.
const tolerance = 1.15

// Verdict compares a ratio with the kept one.
type Verdict struct {
	Workload, Theirs string
	Kept, Now        float64
}

// Worse reports whether the ratio is worse than chance explains.
func (v Verdict) Worse() bool { return v.Now > v.Kept*tolerance }

// Check compares the ratios of processor time, of Facet to each of its peers, in all workloads of a run with the kept
// ones. What was measured only in one of both is an error: it would go unnoticed for ever.
func Check(kept, now *Report, ours string, theirs []string) ([]Verdict, error) {
	var verdicts []Verdict
	var errs []error
	for i := range now.Workloads {
		workload := &now.Workloads[i]
		for _, peer := range theirs {
			before, after := kept.Workload(workload.Name).Ratio(CPU, ours, peer), workload.Ratio(CPU, ours, peer)
			switch {
			case before == nil:
				errs = append(errs, fmt.Errorf("%s: the kept results have no ratio of %s to %s; make them anew", workload.Name, ours, peer))
			case after == nil:
				errs = append(errs, fmt.Errorf("%s: the ratio of %s to %s could not be measured", workload.Name, ours, peer))
			default:
				verdicts = append(verdicts, Verdict{workload.Name, peer, before.Median, after.Median})
			}
		}
	}
	return verdicts, errors.Join(errs...)
}

// AnyWorse reports whether one of the ratios is.
func AnyWorse(verdicts []Verdict) bool {
	for _, v := range verdicts {
		if v.Worse() {
			return true
		}
	}
	return false
}

// Better returns of two runs of the same check the better ratios: noise makes a ratio worse more often than better.
func Better(first, second []Verdict) []Verdict {
	better := make([]Verdict, len(first))
	for i, v := range first {
		better[i] = v
		better[i].Now = min(v.Now, second[i].Now)
	}
	return better
}

// PrintVerdicts writes them as a table.
func PrintVerdicts(out io.Writer, verdicts []Verdict) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "workload\tCPU, Facet / \tkept\tnow\tchange\t")
	for _, v := range verdicts {
		word := "ok"
		if v.Worse() {
			word = fmt.Sprintf("WORSE by more than %.0f %%", (tolerance-1)*100)
		}
		fmt.Fprintf(table, "%s\t%s\t%.3f\t%.3f\t%+.0f %%\t%s\n", v.Workload, v.Theirs, v.Kept, v.Now, (v.Now/v.Kept-1)*100, word)
	}
	return table.Flush()
}
