package report

import (
	"bytes"
	"strings"
	"testing"
)

// ratios is a report whose Facet takes 1 and whose peers take so much.
func ratios(workload string, peers map[string]float64) *Report {
	w := Workload{Name: workload, Variants: []Variant{{Name: "facet", Rounds: []Round{{CPU: 1}}}}}
	for name, cpu := range peers {
		w.Variants = append(w.Variants, Variant{Name: name, Rounds: []Round{{CPU: cpu}}})
	}
	return &Report{Workloads: []Workload{w}}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	kept := ratios("full", map[string]float64{"floor": 0.8, "kratos": 4})
	for name, test := range map[string]struct {
		now   map[string]float64
		worse []string
	}{
		"the same":                   {map[string]float64{"floor": 0.8, "kratos": 4}, nil},
		"better":                     {map[string]float64{"floor": 1, "kratos": 8}, nil},
		"a little worse":             {map[string]float64{"floor": 0.8 / 1.14, "kratos": 4 / 1.14}, nil},
		"worse than one":             {map[string]float64{"floor": 0.8 / 1.16, "kratos": 4}, []string{"floor"}},
		"worse than both":            {map[string]float64{"floor": 0.5, "kratos": 2}, []string{"floor", "kratos"}},
		"one better, the other not ": {map[string]float64{"floor": 2, "kratos": 2}, []string{"kratos"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verdicts, err := Check(kept, ratios("full", test.now), "facet", []string{"floor", "kratos"})
			if err != nil {
				t.Fatal(err)
			}
			var worse []string
			for _, v := range verdicts {
				if v.Worse() {
					worse = append(worse, v.Theirs)
				}
			}
			if strings.Join(worse, ",") != strings.Join(test.worse, ",") || AnyWorse(verdicts) != (test.worse != nil) {
				t.Errorf("worse: %v, want %v", worse, test.worse)
			}
		})
	}
}

func TestCheckWantsBothSides(t *testing.T) {
	t.Parallel()
	both := map[string]float64{"floor": 1, "kratos": 4}
	one := map[string]float64{"floor": 1}
	for name, test := range map[string]struct {
		kept, now *Report
		err       string // part of it
	}{
		"a peer is not measured":     {ratios("full", both), ratios("full", one), "full: the ratio of facet to kratos could not be measured"},
		"a peer is not kept":         {ratios("full", one), ratios("full", both), "full: the kept results have no ratio of facet to kratos"},
		"another workload is kept":   {ratios("one", both), ratios("full", both), "full: the kept results have no ratio of facet to floor"},
		"nothing is kept whatsoever": {&Report{}, ratios("full", both), "the kept results have no ratio"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Check(test.kept, test.now, "facet", []string{"floor", "kratos"})
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

func TestBetterTakesTheBetterOfTwoRuns(t *testing.T) {
	t.Parallel()
	first := []Verdict{{"full", "floor", 1, 1.3}, {"full", "kratos", 1, 1.0}, {"selected", "floor", 1, 1.4}}
	second := []Verdict{{"full", "floor", 1, 1.1}, {"full", "kratos", 1, 1.2}, {"selected", "floor", 1, 1.5}}
	better := Better(first, second)
	var table bytes.Buffer
	if err := PrintVerdicts(&table, better); err != nil {
		t.Fatal(err)
	}
	if !AnyWorse(better) || AnyWorse(better[:2]) {
		t.Errorf("only the third is worse both times:\n%s", table.String())
	}
	golden(t, "verdicts.txt", table.Bytes())
}
