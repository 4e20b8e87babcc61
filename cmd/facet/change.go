package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"facet/internal/diff"
	"facet/internal/history"
	"facet/internal/problem"
	"facet/internal/snapshot"
)

// What became of a change, as --json says it.
const (
	resultPushed     = "pushed"
	resultRolledBack = "rolled_back"
	resultStaged     = "staged" // as a canary
	resultPromoted   = history.Promoted
	resultAborted    = history.Aborted
	resultDryRun     = "dry_run"
	resultUnchanged  = "unchanged"
	resultRefused    = "refused"
	resultConflict   = "conflict"
)

// changeResult is the output of the commands that change what serves, with --json. Its names are stable.
type changeResult struct {
	Result   string            `json:"result"`
	Hash     string            `json:"hash,omitempty"`     // of the documents
	Version  string            `json:"version,omitempty"`  // that was rolled back to
	Revision int64             `json:"revision,omitempty"` // of etcd, once it is done
	Changes  *[]diff.Change    `json:"changes,omitempty"`  // left out if there was nothing to compare with
	Problems []jsonProblem     `json:"problems,omitempty"`
	Conflict *history.Conflict `json:"conflict,omitempty"`
	Error    string            `json:"error,omitempty"`
}

// change is a change of what serves, on its way from the documents to etcd.
type change struct {
	out       io.Writer
	asJSON    bool
	base      history.Set
	documents []snapshot.Document
	result    changeResult
}

func newChange(cmd *cobra.Command, documents []snapshot.Document) (*change, error) {
	asJSON, err := cmd.Flags().GetBool("json")
	c := &change{out: cmd.OutOrStdout(), asJSON: asJSON, documents: documents}
	c.result.Hash = snapshot.Hash(documents)
	return c, err
}

// addChangeFlags adds the flags of the commands that change what serves.
func addChangeFlags(cmd *cobra.Command) {
	addStoreFlags(cmd)
	cmd.Flags().String("author", "", "who you are, for the record (default: $FACET_AUTHOR, or user@host)")
	cmd.Flags().StringP("message", "m", "", "why, for the record")
	cmd.Flags().Bool("json", false, "print the result as JSON")
}

// newRecord is the record of a change by whoever runs the command.
func newRecord(cmd *cobra.Command) (history.Record, error) {
	author, err := cmd.Flags().GetString("author")
	if err != nil {
		return history.Record{}, err
	}
	message, err := cmd.Flags().GetString("message")
	return history.Record{Author: cmp.Or(author, os.Getenv("FACET_AUTHOR"), account()), Message: message}, err
}

// account is who runs the command, as the system knows it: user@host.
func account() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return name + "@" + host
}

// printf tells people, unless the output is JSON.
func (c *change) printf(format string, args ...any) {
	if !c.asJSON {
		fmt.Fprintf(c.out, format, args...)
	}
}

// compare reads the live documents and shows what the change means. It reports whether there is any. after is nil if the
// documents of the change do not build.
func (c *change) compare(ctx context.Context, store *history.Store, after *snapshot.Snapshot) (differs bool, err error) {
	if c.base, err = store.Live(ctx); err != nil {
		return false, err
	}
	if snapshot.Hash(c.base.Documents) == c.result.Hash {
		return false, nil
	}
	if len(c.base.Documents) == 0 {
		c.printf("there are no live documents yet\n")
		return true, nil
	}
	before, closeAll, err := buildDocuments(ctx, c.base.Documents)
	defer closeAll()
	if err != nil || after == nil {
		c.printf("what the change means cannot be told, because one side of it has problems\n")
		return true, nil // that may be what the change repairs
	}
	report := diff.Snapshots(before, after)
	c.result.Changes = &report.Changes
	if c.asJSON {
		return true, nil
	}
	return true, report.WriteText(c.out)
}

// done ends the command with a result.
func (c *change) done(result, format string, args ...any) error {
	c.result.Result = result
	if c.asJSON {
		return printJSON(c.out, c.result)
	}
	c.printf(format+"\n", args...)
	return nil
}

// refuse ends the command because the documents have problems.
func (c *change) refuse(directories []string, err error) error {
	problems := problem.List(nil)
	if !c.asJSON || !errors.As(err, &problems) {
		return reportProblems(c.out, directories, err)
	}
	c.result.Result, c.result.Problems = resultRefused, jsonProblems(located(directories, problems))
	return errors.Join(printJSON(c.out, c.result), errReported)
}

// fail ends the command because etcd did not take the change. A conflict is a result; everything else is an error.
func (c *change) fail(err error) error {
	conflict := (*history.Conflict)(nil)
	switch {
	case !errors.As(err, &conflict):
		return err
	case !c.asJSON && conflict.Canary != nil:
		return fmt.Errorf("%w; run \"facet promote\" or \"facet abort\" first", err)
	case !c.asJSON:
		return fmt.Errorf("%w; run \"facet diff\" to see what is live now, and then this again", err)
	}
	c.result.Result, c.result.Conflict, c.result.Error = resultConflict, conflict, err.Error()
	return errors.Join(printJSON(c.out, c.result), errReported)
}

// short is how people see a hash.
func short(hash string) string { return hash[:min(len(hash), 12)] }

// documentCount is "1 document", "2 documents".
func documentCount(n int) string {
	if n == 1 {
		return "1 document"
	}
	return fmt.Sprintf("%d documents", n)
}
