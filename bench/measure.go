package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"facet/bench/internal/load"
	"facet/bench/internal/report"
)

// Connections of the load. An open loop has more of them, so that requests need not wait for one.
const (
	closedConnections = 8
	openConnections   = 32
)

// subject is a variant that is being measured.
type subject struct {
	variant
	gateway *gateway
	target  load.Target
	result  *report.Variant
}

// fail notes why a variant is not measured. Its rounds would be compared with those of others, so none of them counts.
func (r *runner) fail(s *subject, err error) {
	s.result.Failure, s.result.Rounds = r.withoutPaths(err), nil
	r.logf("  %s: %s", s.title(), s.result.Failure)
}

// measure runs one workload: every variant is started and warmed up, and then they take turns.
func (r *runner) measure(ctx context.Context, w workload) report.Workload {
	result := report.Workload{Name: w.name, Title: w.title, About: w.about, Rate: w.rate, Streams: r.settings.streams(w), Chart: w.chart}
	for _, v := range w.variants {
		result.Variants = append(result.Variants, report.Variant{Name: v.title(), Short: v.short})
	}
	subjects := make([]*subject, len(w.variants))
	for i, v := range w.variants {
		subjects[i] = &subject{variant: v, result: &result.Variants[i]}
	}
	behind, err := r.startServices(ctx, w.backend...)
	if err != nil {
		for _, s := range subjects {
			r.fail(s, err)
		}
		return result
	}
	defer func() {
		for _, s := range subjects {
			if s.gateway != nil {
				r.note(s.gateway.stop())
			}
		}
		r.note(behind.Stop())
	}()
	for _, s := range subjects {
		if err := r.prepare(ctx, w, s, behind, result.Variants[0].ReplyBytes); err != nil {
			r.fail(s, err)
		}
	}
	r.rounds(ctx, w, subjects)
	r.profileMissed(ctx, &result, subjects)
	return result
}

// prepare starts a variant and warms it up.
func (r *runner) prepare(ctx context.Context, w workload, s *subject, behind *services, size int) (err error) {
	if r.failures[s.peer] != "" {
		return errors.New("it could not be built")
	}
	if s.gateway, err = r.start(ctx, s.variant, behind, size); err != nil {
		return err
	}
	if s.target, err = r.target(s.variant, s.gateway); err != nil {
		return err
	}
	switch {
	case w.rate > 0:
		s.target.Connections = openConnections
	case w.streams > 0:
		s.target.Protocol, s.target.Connections = load.Lines, r.settings.streams(w)
	}
	reply, err := r.generator.Connect(s.target)
	if err != nil {
		return err
	}
	if err := checkReply(s.variant, reply); err != nil {
		return err
	}
	s.result.ReplyBytes = len(reply)
	if _, err := r.generator.Run(0, r.warmup(s.peer)); err != nil {
		return err
	}
	return s.gateway.process.ResetPeak()
}

// warmup returns how long a peer is warmed up: on Node the cost of a request falls by half over the first 12 s.
func (r *runner) warmup(name string) time.Duration {
	if name == "hive" {
		return 15 * r.settings.warmup
	}
	return r.settings.warmup
}

// duration returns how long a round of the variant takes, where one of the workload takes so long.
func (v variant) duration(round time.Duration) time.Duration {
	if v.short {
		return round / 2
	}
	return round
}

// rounds lets the variants take turns, each time another one first.
func (r *runner) rounds(ctx context.Context, w workload, subjects []*subject) {
	rounds, duration := r.settings.of(w)
	for round := range rounds {
		for i := range subjects {
			s := subjects[(i+round)%len(subjects)]
			if s.result.Failure != "" {
				continue
			}
			if err := ctx.Err(); err != nil {
				r.fail(s, err)
				continue
			}
			measured, err := r.round(ctx, w.rate, s.duration(duration), s)
			if err != nil {
				r.fail(s, fmt.Errorf("round %d: %w", round+1, err))
				continue
			}
			s.result.Rounds = append(s.result.Rounds, measured)
		}
	}
	for _, s := range subjects {
		if s.result.Failure != "" {
			continue
		}
		memory, err := s.gateway.process.Memory()
		if err != nil {
			r.fail(s, err)
			continue
		}
		s.result.Peak, s.result.Resident = memory.Peak, memory.Resident
	}
}

// round measures a variant once.
func (r *runner) round(ctx context.Context, rate int, duration time.Duration, s *subject) (report.Round, error) {
	if _, err := r.generator.Connect(s.target); err != nil {
		return report.Round{}, err
	}
	var made load.Result
	var used time.Duration
	run := func() error {
		before, err := s.gateway.process.CPU()
		if err != nil {
			return err
		}
		if made, err = r.generator.Run(rate, duration); err != nil {
			return err
		}
		after, err := s.gateway.process.CPU()
		used = after - before
		return err
	}
	var err error
	if s.reload {
		err = s.gateway.facet.reload(ctx, run)
	} else {
		err = run()
	}
	if err != nil {
		return report.Round{}, err
	}
	return roundOf(made, used)
}

// roundOf turns what was counted into figures of one request.
func roundOf(made load.Result, used time.Duration) (report.Round, error) {
	if made.Requests == 0 {
		return report.Round{}, errors.New("no request was answered")
	}
	round := report.Round{
		CPU:       microseconds(used) / float64(made.Requests),
		PerSecond: float64(made.Requests) / made.Elapsed.Seconds(),
	}
	if l := made.Latency; l != nil {
		round.P50, round.P90, round.P99, round.Late = microseconds(l.P50), microseconds(l.P90), microseconds(l.P99), microseconds(l.Late)
	}
	return round, nil
}

func microseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

// profileMissed records where the time of Facet goes, if a goal of the workload is missed.
func (r *runner) profileMissed(ctx context.Context, measured *report.Workload, subjects []*subject) {
	for i := range r.goals {
		goal := &r.goals[i]
		if goal.Workload != measured.Name {
			continue
		}
		goal.Ratio = measured.Ratio(goal.Metric, goal.Ours, goal.Theirs)
		if !goal.Missed() || !r.settings.profile {
			continue
		}
		for _, s := range subjects {
			if s.result.Name == goal.Ours && s.gateway.facet != nil {
				r.note(r.profile(ctx, goal, measured.Rate, s))
			}
		}
	}
}
