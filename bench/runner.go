package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"facet/bench/internal/load"
	"facet/bench/internal/report"
)

// settings say how much is measured.
type settings struct {
	rounds int
	round  time.Duration
	warmup time.Duration
	// quick overrules what workloads say for themselves.
	quick bool
	// profile says whether to record where the time goes when a goal is missed.
	profile bool
}

var (
	fullSettings  = settings{rounds: 9, round: 500 * time.Millisecond, warmup: time.Second, profile: true}
	quickSettings = settings{rounds: 3, round: 250 * time.Millisecond, warmup: 250 * time.Millisecond, quick: true}
	checkSettings = settings{rounds: 9, round: 500 * time.Millisecond, warmup: time.Second}
)

// of returns how many rounds a workload has, and how long they are.
func (s settings) of(w workload) (rounds int, round time.Duration) {
	rounds, round = s.rounds, s.round
	if s.quick && w.reloads() {
		return rounds, 2 * time.Second // two reloads
	}
	if s.quick && w.streams > 0 {
		return rounds, time.Second // ten messages on each
	}
	if s.quick {
		return rounds, round
	}
	if w.rounds > 0 {
		rounds = w.rounds
	}
	return rounds, max(round, w.round)
}

// streams returns how many streams of a workload are open at once.
func (s settings) streams(w workload) int {
	if s.quick {
		return w.streams / 5
	}
	return w.streams
}

// reloads reports whether documents change in the workload.
func (w workload) reloads() bool {
	return slices.ContainsFunc(w.variants, func(v variant) bool { return v.reload })
}

// runner runs the benchmark.
type runner struct {
	root      string // the directory bench
	temp      string
	log       io.Writer
	settings  settings
	generator *load.Generator
	programs  map[string]string // by name of the peer
	failures  map[string]string // why a peer could not be built, by its name
	goals     []report.Goal
	profiles  map[string][]byte // by name of the file
}

func newRunner(root string, log io.Writer) (*runner, error) {
	temp, err := os.MkdirTemp("", "facet-bench-")
	if err != nil {
		return nil, err
	}
	r := &runner{
		root: root, temp: temp, log: log, settings: fullSettings, goals: goals(),
		programs: map[string]string{}, failures: map[string]string{}, profiles: map[string][]byte{},
	}
	program, err := os.Executable()
	if err == nil {
		r.generator, err = load.Start(program, loadArgument)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(temp))
	}
	return r, nil
}

func (r *runner) close() error {
	return errors.Join(r.generator.Stop(), os.RemoveAll(r.temp))
}

func (r *runner) logf(format string, arguments ...any) {
	fmt.Fprintf(r.log, format+"\n", arguments...)
}

// note tells of an error that does not change what was measured.
func (r *runner) note(err error) {
	if err != nil {
		r.logf("  %v", err)
	}
}

// compare measures what the options name, and reports it.
func (r *runner) compare(ctx context.Context, o options, stdout io.Writer) error {
	if o.quick {
		r.settings = quickSettings
	}
	chosen := choose(workloads(), o)
	if len(chosen) == 0 {
		return errors.New("no workload matches")
	}
	result, err := r.run(ctx, chosen)
	if err != nil {
		return err
	}
	if o.workloads == nil && o.peers == nil {
		if result.Figures, err = r.figures(ctx); err != nil {
			r.note(err)
			result.NotMeasured = append(result.NotMeasured, "Memory and time to start: "+r.withoutPaths(err))
		}
	}
	for _, goal := range result.Goals {
		if goal.Missed() {
			r.logf("missed: %s: at most %.3f, is %.3f", goal.Title, goal.AtMost, goal.Ratio.Median)
		}
	}
	if o.out == "" {
		return result.Markdown(stdout)
	}
	if err := errors.Join(result.Write(o.out), r.writeProfiles(o.out)); err != nil {
		return err
	}
	r.logf("wrote %s", filepath.Join(o.out, "latest.md"))
	return nil
}

// run builds the peers that take part in some workloads and measures these.
func (r *runner) run(ctx context.Context, chosen []workload) (*report.Report, error) {
	began := time.Now()
	result := &report.Report{Date: began.Format(time.DateOnly), Environment: environment(ctx), NotMeasured: notMeasured()}
	for _, p := range peers() {
		if p.kind != backendPeer && !takesPart(p.name, chosen) {
			continue
		}
		r.logf("building %s", p.name)
		description := r.build(ctx, p)
		r.failures[p.name] = description.Failure
		if description.Failure != "" {
			r.logf("  %s", description.Failure)
		}
		result.Peers = append(result.Peers, description)
	}
	began = time.Now() // building is not measuring
	for _, w := range chosen {
		r.logf("measuring %s", w.name)
		result.Workloads = append(result.Workloads, r.measure(ctx, w))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	result.Goals = r.goals
	result.Settings = report.Settings{
		Rounds: r.settings.rounds, Round: r.settings.round, Connections: closedConnections, Elapsed: time.Since(began),
	}
	return result, nil
}

// takesPart reports whether a peer is asked in one of the workloads.
func takesPart(name string, chosen []workload) bool {
	return slices.ContainsFunc(chosen, func(w workload) bool {
		return slices.ContainsFunc(w.variants, func(v variant) bool { return v.peer == name })
	})
}

// choose returns the workloads and the variants whose names match.
func choose(all []workload, o options) []workload {
	matches := func(expression *regexp.Regexp, name string) bool {
		return expression == nil || expression.MatchString(name)
	}
	var chosen []workload
	for _, w := range all {
		if !matches(o.workloads, w.name) || o.quick && w.long && o.workloads == nil {
			continue
		}
		w.variants = slices.DeleteFunc(slices.Clone(w.variants), func(v variant) bool { return !matches(o.peers, v.peer) })
		if len(w.variants) > 0 {
			chosen = append(chosen, w)
		}
	}
	return chosen
}

// errWorse is the verdict of a check that fails.
var errWorse = errors.New("facet has become worse than the kept results; if that is meant, run \"make bench\" and keep its results")

// check measures only what is compared with the kept results. Before it fails it measures twice.
func (r *runner) check(ctx context.Context, stdout io.Writer) error {
	kept, err := report.Read(filepath.Join(r.root, resultsDirectory, "latest.json"))
	if err != nil {
		return fmt.Errorf("there are no kept results to compare with; run \"make bench\" first: %w", err)
	}
	r.settings = checkSettings
	chosen := slices.DeleteFunc(workloads(), func(w workload) bool { return !slices.Contains(checked.workloads, w.name) })
	for i := range chosen {
		chosen[i].variants = slices.DeleteFunc(chosen[i].variants, func(v variant) bool {
			return v.peer != "facet" && !slices.Contains(checked.peers, v.peer)
		})
	}
	verdicts, err := r.judge(ctx, kept, chosen)
	if err != nil {
		return err
	}
	if report.AnyWorse(verdicts) {
		r.logf("worse than the kept results; measuring once more")
		again, err := r.judge(ctx, kept, chosen)
		if err != nil {
			return err
		}
		verdicts = report.Better(verdicts, again)
	}
	if err := report.PrintVerdicts(stdout, verdicts); err != nil {
		return err
	}
	if report.AnyWorse(verdicts) {
		return errWorse
	}
	return nil
}

// judge measures and compares with the kept results.
func (r *runner) judge(ctx context.Context, kept *report.Report, chosen []workload) ([]report.Verdict, error) {
	now, err := r.run(ctx, chosen)
	if err != nil {
		return nil, err
	}
	return report.Check(kept, now, "facet", checked.peers)
}
