package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"facet/internal/history"
	"facet/internal/problem"
	"facet/internal/snapshot"
)

func newRollback() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rollback VERSION",
		Short: "Make the documents of a version the live ones again",
		Long: `Rollback shows what the change means, and makes the documents of a version the live ones, as push does. A version
that has problems by now is no obstacle, because it may be only this machine that cannot build it: they are shown, and the
gateways decide. A canary that runs is aborted. "facet snapshots" lists the versions.
Exit status: 0 rolled back, or nothing to change; 1 failed; 2 the command line is wrong.`,
		Example: `  facet rollback v20261122-1 --message 'orders time out'`,
		Args:    oneVersion,
	}
	addChangeFlags(cmd)
	dryRun := cmd.Flags().Bool("dry-run", false, "show what the change means, and stop there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		record, err := newRecord(cmd)
		if err != nil {
			return err
		}
		record.Version = args[0]
		return withStore(cmd, func(ctx context.Context, store *history.Store) error {
			set, err := store.Load(ctx, record.Version)
			if err != nil {
				return err
			}
			c, err := newChange(cmd, set.Documents)
			if err != nil {
				return err
			}
			snap, closeAll, err := buildDocuments(ctx, set.Documents)
			defer closeAll()
			c.warn(err)
			return c.rollback(ctx, store, snap, record, *dryRun)
		})
	}
	return cmd
}

// oneVersion wants the name of a version as the only argument.
func oneVersion(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError{fmt.Errorf("%s takes one version, such as v20261122-1; got %d arguments", cmd.Name(), len(args))}
	}
	return nil
}

// warn shows the problems that are no obstacle.
func (c *change) warn(err error) {
	problems := problem.List(nil)
	if !errors.As(err, &problems) {
		return
	}
	c.result.Problems = jsonProblems(problems)
	for _, p := range problems {
		c.printf("%s\n", p.Error())
	}
}

// rollback makes the change. snap is nil if the documents have problems.
func (c *change) rollback(ctx context.Context, store *history.Store, snap *snapshot.Snapshot, record history.Record, dryRun bool) error {
	c.result.Version = record.Version
	differs, err := c.compare(ctx, store, snap)
	switch {
	case err != nil:
		return err
	case !differs:
		return c.done(resultUnchanged, "nothing to change: %s is live", record.Version)
	case dryRun:
		return c.done(resultDryRun, "dry run: nothing was rolled back")
	}
	if c.result.Revision, err = store.Push(ctx, c.base, c.documents, record); err != nil {
		return c.fail(err)
	}
	return c.done(resultRolledBack, "rolled back to %s at revision %d", record.Version, c.result.Revision)
}
