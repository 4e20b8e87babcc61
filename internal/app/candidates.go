package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"facet/internal/admin"
	"facet/internal/canary"
	"facet/internal/gateway"
	"facet/internal/history"
	"facet/internal/snapshot"
)

const (
	// candidatePause is how often the store is asked for a candidate, and a trial judged.
	candidatePause = time.Second
	// candidateTimeout bounds one question.
	candidateTimeout = 3 * time.Second
)

// candidates tries out the candidate of the store, as long as there is one. It is a transport.Server of Kratos.
type candidates struct {
	history *history.Store // nil: there are never any
	gateway *gateway.Gateway
	builder *snapshot.Builder
	logger  *slog.Logger

	running context.Context // until Stop, which may come before Start
	stop    context.CancelFunc

	silent bool // the store did not answer last time

	mu        sync.Mutex // guards the fields below
	trial     *canary.Trial
	candidate *history.Candidate
	revision  int64            // of the candidate that was seen last, 0 for none
	past      [2]canary.Served // of the trials that have ended: live, candidate
}

func newCandidates(store *history.Store, gw *gateway.Gateway, builder *snapshot.Builder, logger *slog.Logger) *candidates {
	running, stop := context.WithCancel(context.Background())
	return &candidates{history: store, gateway: gw, builder: builder, logger: logger, running: running, stop: stop}
}

// Start looks for candidates until Stop. It implements transport.Server.
func (c *candidates) Start(context.Context) error {
	if c.history == nil {
		<-c.running.Done()
		return nil
	}
	for tick := time.NewTicker(candidatePause); ; {
		c.look()
		c.judge()
		select {
		case <-tick.C:
		case <-c.running.Done():
			tick.Stop()
			c.end()
			return nil
		}
	}
}

// Stop implements transport.Server.
func (c *candidates) Stop(context.Context) error {
	c.stop()
	return nil
}

// look follows the store. While the store does not answer, a trial goes on.
func (c *candidates) look() {
	ctx, cancel := context.WithTimeout(c.running, candidateTimeout)
	defer cancel()
	revision, err := c.history.CanaryRevision(ctx)
	if err == nil && revision == c.revision {
		c.silent = false
		return
	}
	var candidate *history.Candidate
	if err == nil && revision != 0 {
		candidate, err = c.history.Canary(ctx)
	}
	if err != nil {
		if !c.silent && c.running.Err() == nil {
			c.logger.Warn("etcd does not tell whether there is a candidate", "error", err)
		}
		c.silent = true
		return
	}
	c.silent = false
	c.end()
	if candidate != nil {
		c.begin(candidate)
	}
	c.mu.Lock()
	c.revision = revision
	c.mu.Unlock()
}

// begin tries a candidate out. One that cannot be built here would not serve anywhere.
func (c *candidates) begin(candidate *history.Candidate) {
	ctx, cancel := context.WithTimeout(c.running, buildTimeout)
	defer cancel()
	snap, problems := c.builder.Build(ctx, candidate.Documents)
	if len(problems) > 0 {
		for _, p := range problems {
			c.logger.Error("candidate refused", "at", p.Position.String(), "problem", p.Message)
		}
		c.abort(candidate, "it has problems: "+problems[0].Error())
		return
	}
	trial := canary.NewTrial(snap, canary.Settings{
		BasisPoints: candidate.BasisPoints, Header: candidate.Header(),
		MaxErrorIncrease: candidate.MaxErrorIncrease, MaxLatencyRatio: candidate.MaxLatencyRatio, MinRequests: candidate.MinRequests,
	}, time.Now())
	c.mu.Lock()
	c.trial, c.candidate = trial, candidate
	c.mu.Unlock()
	c.gateway.Try(trial)
	c.logger.Info("candidate serves", "hash", trial.Hash(), "share", candidate.Share(), "author", candidate.Record.Author)
}

// end ends the trial that goes on, if any.
func (c *candidates) end() {
	c.gateway.Try(nil)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trial == nil {
		return
	}
	live, candidate := c.trial.Served()
	c.past = [2]canary.Served{c.past[0].Add(live), c.past[1].Add(candidate)}
	c.trial.End()
	c.logger.Info("candidate no longer serves", "hash", c.trial.Hash())
	c.trial, c.candidate = nil, nil
}

// judge aborts a canary that does worse than its bounds allow.
func (c *candidates) judge() {
	c.mu.Lock()
	trial, candidate := c.trial, c.candidate
	c.mu.Unlock()
	if trial == nil {
		return
	}
	reason := trial.Judge()
	if reason == "" {
		return
	}
	c.logger.Error("canary aborted", "hash", trial.Hash(), "reason", reason)
	c.end() // at once; etcd tells the other replicas
	c.abort(candidate, reason)
}

// abort ends a canary for every replica. Another one may have done so already.
func (c *candidates) abort(candidate *history.Candidate, reason string) {
	ctx, cancel := context.WithTimeout(c.running, candidateTimeout)
	defer cancel()
	host, err := os.Hostname()
	if err != nil {
		host = "a replica"
	}
	err = c.history.Abort(ctx, candidate, reason, fmt.Sprintf("facet on %s, automatically", host))
	if err != nil && !errors.Is(err, history.ErrEnded) {
		c.logger.Error("the canary is not aborted in etcd: other replicas go on with it until facet abort", "error", err)
	}
}

// status is how the trial goes, nil if there is none.
func (c *candidates) status() *admin.Canary {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trial == nil {
		return nil
	}
	live, candidate := c.trial.Served()
	return &admin.Canary{
		Hash: c.trial.Hash(), Share: c.candidate.Share(), Since: c.trial.Started(), Live: live, Candidate: candidate,
	}
}

// side is how many requests one side of all trials has served with one result.
type side struct {
	name, result string
	n            int64
}

// served returns what both sides have served since the process began.
func (c *candidates) served() []side {
	c.mu.Lock()
	defer c.mu.Unlock()
	live, candidate := c.past[0], c.past[1]
	if c.trial != nil {
		l, o := c.trial.Served()
		live, candidate = live.Add(l), candidate.Add(o)
	}
	if live.Requests+candidate.Requests == 0 {
		return nil
	}
	return []side{
		{"live", "ok", int64(live.Requests - live.Failed)}, {"live", "failed", int64(live.Failed)},
		{"candidate", "ok", int64(candidate.Requests - candidate.Failed)}, {"candidate", "failed", int64(candidate.Failed)},
	}
}
