package gateway

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"facet/internal/canary"
)

// Try makes a candidate serve its share of the requests from now on, or none does if trial is nil.
func (g *Gateway) Try(trial *canary.Trial) { g.trial.Store(trial) }

// serveTrial answers a call on the side of the trial that it belongs to, and counts how it went.
func (g *Gateway) serveTrial(ctx context.Context, c *Call, trial *canary.Trial) error {
	start := time.Now()
	snap := trial.Draw(c.unit(trial.Settings().Header))
	byCandidate := snap != nil
	if !byCandidate {
		snap = g.snapshots.Pin()
	}
	err := g.serve(ctx, c, snap)
	switch code := codeOf(err); {
	case c.method != nil && c.streams():
		trial.ObserveStream(byCandidate, c.streamFailed(ctx, err))
	case code != codes.Canceled: // by the client, which says nothing about either side
		// Refused requests count as failed: a candidate that no longer knows a path fails its clients.
		trial.Observe(byCandidate, code != codes.OK, time.Since(start))
	}
	return err
}

// unit is what stays on one side of a trial: what the header says, or else the request itself. Where there may be more to a
// request than is known before its body is read, each is a unit of its own: all orders are posted to one path.
func (c *Call) unit(header string) string {
	if header != "" {
		if value := c.Header.Get(header); value != "" {
			return value
		}
	}
	if c.HTTPMethod != http.MethodGet && c.HTTPMethod != http.MethodHead {
		return strconv.FormatUint(rand.Uint64(), 36)
	}
	return c.HTTPMethod + " " + c.Path + "?" + c.Query
}
