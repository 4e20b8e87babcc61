package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"facet/internal/history"
)

// percent is a flag such as 5% or 0.25%, in hundredths of a percent.
type percent int

var _ pflag.Value = new(percent)

var percentText = regexp.MustCompile(`^(\d{1,3})(?:\.(\d{1,2}))?%?$`)

// Set implements pflag.Value.
func (p *percent) Set(text string) error {
	match := percentText.FindStringSubmatch(text)
	if match == nil {
		return errors.New("want a percentage with at most two decimals, such as 5% or 0.25%")
	}
	hundredths, err := strconv.Atoi(match[1] + (match[2] + "00")[:2])
	*p = percent(hundredths)
	return err
}

// String implements pflag.Value.
func (p *percent) String() string { return history.Canary{BasisPoints: int(*p)}.Share() }

// Type implements pflag.Value.
func (p *percent) Type() string { return "percent" }

// canaryFlags are those that say how a push is tried out first.
type canaryFlags struct {
	flags            *pflag.FlagSet
	share            percent
	by               string
	maxErrorIncrease percent
	maxLatencyRatio  float64
	minRequests      int
}

// detailsOfCanary are the flags that need --canary.
var detailsOfCanary = []string{"canary-by", "max-error-increase", "max-latency-ratio", "min-requests"}

func (f *canaryFlags) add(cmd *cobra.Command) {
	f.flags = cmd.Flags()
	f.maxErrorIncrease = 100
	f.flags.Var(&f.share, "canary", "try the documents out on this share of the traffic first")
	f.flags.StringVar(&f.by, "canary-by", "request", "what the traffic is split by: request, or header:NAME to keep a user on one side")
	f.flags.Var(&f.maxErrorIncrease, "max-error-increase", "abort the canary if its error rate is higher by more percentage points")
	f.flags.Float64Var(&f.maxLatencyRatio, "max-latency-ratio", 1.5, "abort the canary if the 95th percentile of its latency is more than this many times the live one")
	f.flags.IntVar(&f.minRequests, "min-requests", 100, "how many requests each side serves before the canary is judged")
}

// check finds flags that would have no effect.
func (f *canaryFlags) check() error {
	for _, name := range detailsOfCanary {
		if f.flags.Changed(name) && !f.flags.Changed("canary") {
			return usageError{fmt.Errorf("--%s says how a canary is judged: give --canary, too", name)}
		}
	}
	if canary := f.settings(); canary != nil {
		if err := canary.Check(); err != nil {
			return usageError{err}
		}
	}
	return nil
}

// settings are nil without --canary.
func (f *canaryFlags) settings() *history.Canary {
	if !f.flags.Changed("canary") {
		return nil
	}
	return &history.Canary{
		BasisPoints: int(f.share), By: f.by,
		MaxErrorIncrease: float64(f.maxErrorIncrease) / 10_000, MaxLatencyRatio: f.maxLatencyRatio, MinRequests: f.minRequests,
	}
}

func newPromote() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "promote",
		Short:   "Make the documents of the canary the live ones",
		Long:    "Promote makes the documents of the canary that runs the live ones, and ends it, in one transaction of etcd.\nExit status: 0 promoted; 1 failed, or no canary runs; 2 the command line is wrong.",
		Example: `  facet promote --etcd 127.0.0.1:2379 --app mall`,
		Args:    noArgs,
	}
	addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withCanary(cmd, func(ctx context.Context, store *history.Store, canary *history.Candidate, c *change) error {
			record, err := newRecord(cmd)
			if err != nil {
				return err
			}
			if c.result.Revision, err = store.Promote(ctx, canary, record); err != nil {
				return c.fail(err)
			}
			return c.done(resultPromoted, "promoted %s %s at revision %d", documentCount(len(c.documents)), short(c.result.Hash), c.result.Revision)
		})
	}
	return cmd
}

func newAbort() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "abort",
		Short:   "End the canary; the live documents stay",
		Long:    "Abort ends the canary that runs; the live documents serve all of the traffic again.\nExit status: 0 aborted; 1 failed, or no canary runs; 2 the command line is wrong.",
		Example: `  facet abort --etcd 127.0.0.1:2379 --app mall --message 'empty carts'`,
		Args:    noArgs,
	}
	addChangeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withCanary(cmd, func(ctx context.Context, store *history.Store, canary *history.Candidate, c *change) error {
			record, err := newRecord(cmd)
			if err != nil {
				return err
			}
			if err := store.Abort(ctx, canary, record.Message, record.Author); err != nil {
				return err
			}
			return c.done(resultAborted, "aborted the canary of %s", short(c.result.Hash))
		})
	}
	return cmd
}

// withCanary does something with the canary that runs.
func withCanary(cmd *cobra.Command, do func(ctx context.Context, store *history.Store, canary *history.Candidate, c *change) error) error {
	return withStore(cmd, func(ctx context.Context, store *history.Store) error {
		canary, err := store.Canary(ctx)
		if err != nil {
			return err
		}
		if canary == nil {
			return errors.New("no canary is running; \"facet push --canary\" starts one")
		}
		c, err := newChange(cmd, canary.Documents)
		if err != nil {
			return err
		}
		return do(ctx, store, canary, c)
	})
}
