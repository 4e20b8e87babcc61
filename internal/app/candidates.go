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

	live func() (hash string) // of the snapshot that serves beside the candidate

	silent   bool      // the store did not answer last time
	untold   *verdict  // that the store has not taken yet
	promoted time.Time // when the candidate was first seen to have been promoted, zero if it has not

	mu        sync.Mutex // guards the fields below
	trial     *canary.Trial
	candidate *history.Candidate
	revision  int64            // of the candidate that was seen last, 0 for none
	past      [2]canary.Served // of the trials that have ended: live, candidate
}

// verdict is why a candidate must go.
type verdict struct {
	candidate *history.Candidate
	reason    string
}

func newCandidates(store *history.Store, gw *gateway.Gateway, live func() (hash string), builder *snapshot.Builder, logger *slog.Logger) *candidates {
	running, stop := context.WithCancel(context.Background())
	return &candidates{history: store, gateway: gw, live: live, builder: builder, logger: logger, running: running, stop: stop}
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
		c.tell()
		return
	}
	if err == nil && revision == 0 {
		var awaited bool
		if awaited, err = c.awaitsPromotion(ctx); awaited {
			return
		}
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
	c.silent, c.untold, c.promoted = false, nil, time.Time{}
	c.end()
	if candidate != nil {
		c.begin(candidate)
	}
	c.mu.Lock()
	c.revision = revision
	c.mu.Unlock()
}

// awaitsPromotion tells whether the candidate has been promoted and does not serve as the live snapshot yet. Both are one
// change of etcd, but are noticed apart: who was given the new documents must not get the old ones once more. Documents that
// are not live after the time that a build may take have met with something else.
func (c *candidates) awaitsPromotion(ctx context.Context) (bool, error) {
	c.mu.Lock()
	trial := c.trial
	c.mu.Unlock()
	if trial == nil || trial.Hash() == c.live() {
		return false, nil
	}
	last, err := c.history.LastCanary(ctx)
	if err != nil || last == nil || last.Outcome != history.Promoted || last.Canary.Record.Hash != trial.Hash() {
		return false, err
	}
	if c.promoted.IsZero() {
		c.promoted = time.Now()
	}
	return time.Since(c.promoted) < buildTimeout, nil
}

// begin tries a candidate out. One that cannot be built here would not serve anywhere.
func (c *candidates) begin(candidate *history.Candidate) {
	ctx, cancel := context.WithTimeout(c.running, buildTimeout)
	defer cancel()
	snap, problems := c.builder.Build(ctx, candidate.Documents)
	if len(problems) > 0 && c.running.Err() != nil {
		return // it was the end of the process that cut the build short
	}
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

// abort ends a canary for every replica.
func (c *candidates) abort(candidate *history.Candidate, reason string) {
	c.untold = &verdict{candidate, reason}
	c.tell()
}

// tell has the store take the verdict, if there is one. What it does not take now is tried again with the next look.
func (c *candidates) tell() {
	if c.untold == nil {
		return
	}
	ctx, cancel := context.WithTimeout(c.running, candidateTimeout)
	defer cancel()
	host, err := os.Hostname()
	if err != nil {
		host = "a replica"
	}
	err = c.history.Abort(ctx, c.untold.candidate, c.untold.reason, fmt.Sprintf("facet on %s, automatically", host))
	if err == nil || errors.Is(err, history.ErrEnded) { // by another replica
		c.untold = nil
		return
	}
	if c.running.Err() == nil {
		c.logger.Error("the canary is not aborted in etcd yet: until then, or facet abort, other replicas go on with it", "error", err)
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
	if live == (canary.Served{}) && candidate == (canary.Served{}) {
		return nil
	}
	return []side{
		{"live", "ok", int64(live.OK)},
		{"live", "failed", int64(live.Failed)},
		{"candidate", "ok", int64(candidate.OK)},
		{"candidate", "failed", int64(candidate.Failed)},
	}
}
