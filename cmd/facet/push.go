package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"facet/internal/history"
	"facet/internal/snapshot"
)

func newPush() *cobra.Command {
	var canary canaryFlags
	cmd := &cobra.Command{
		Use:   "push DIR...",
		Short: "Make the documents of directories the live ones",
		Long: `Push checks the documents, shows what the change means, and makes them the live ones in one transaction of
etcd: all of them or none, and only if nobody else has changed the live ones meanwhile. With --canary they are tried out on a
share of the traffic beside the live ones, until "facet promote" or "facet abort".
Exit status: 0 pushed, or nothing to change; 1 refused, or failed; 2 the command line is wrong.`,
		Example: `  facet push configs/mall --etcd 127.0.0.1:2379 --app mall --message 'shorter timeouts'
  facet push configs/mall --canary 5% --canary-by header:x-session-id`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{errors.New("push takes the directories of the documents; got none")}
			}
			return canary.check()
		},
	}
	addChangeFlags(cmd)
	dryRun := cmd.Flags().Bool("dry-run", false, "check and show what the change means, and stop there")
	canary.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, directories []string) error {
		documents, err := readDirectories(directories)
		if err != nil {
			return err
		}
		if len(documents) == 0 {
			return fmt.Errorf("there are no documents in %q: an empty set cannot serve", directories)
		}
		c, err := newChange(cmd, documents)
		if err != nil {
			return err
		}
		snap, closeAll, err := buildDocuments(cmd.Context(), documents)
		defer closeAll()
		if err != nil {
			return c.refuse(directories, err)
		}
		record, err := newRecord(cmd)
		if err != nil {
			return err
		}
		return withStore(cmd, func(ctx context.Context, store *history.Store) error {
			return c.push(ctx, store, snap, record, canary.settings(), *dryRun)
		})
	}
	return cmd
}

// push makes the change, or stages it if there are settings of a canary.
func (c *change) push(ctx context.Context, store *history.Store, snap *snapshot.Snapshot, record history.Record, canary *history.Canary, dryRun bool) error {
	differs, err := c.compare(ctx, store, snap)
	switch {
	case err != nil:
		return err
	case !differs:
		return c.done(resultUnchanged, "nothing to change: these documents are live")
	case dryRun:
		return c.done(resultDryRun, "dry run: nothing was pushed")
	case canary != nil:
		canary.Record = record
		if err := store.Stage(ctx, c.base, c.documents, *canary); err != nil {
			return c.fail(err)
		}
		return c.done(resultStaged, "candidate %s serves %s of the traffic; end it with \"facet promote\" or \"facet abort\"", short(c.result.Hash), canary.Share())
	}
	if c.result.Revision, err = store.Push(ctx, c.base, c.documents, record); err != nil {
		return c.fail(err)
	}
	return c.done(resultPushed, "pushed %s %s at revision %d", documentCount(len(c.documents)), short(c.result.Hash), c.result.Revision)
}
