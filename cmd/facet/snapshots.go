package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"facet/internal/history"
	"facet/internal/snapshot"
)

func newSnapshots() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "snapshots",
		Short: "List the versions, what is live, and how the canary goes",
		Long: `Snapshots lists the versions that are kept, the newest first, with a * before the live one. Below them it says what is
live, if that is not a version, which canary runs, and how the last one ended.`,
		Example: `  facet snapshots --etcd 127.0.0.1:2379 --app mall`,
		Args:    noArgs,
	}
	addStoreFlags(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print the list as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withStore(cmd, func(ctx context.Context, store *history.Store) error {
			o, err := survey(ctx, store)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), o)
			}
			return o.writeText(cmd.OutOrStdout())
		})
	}
	return cmd
}

// overview is the output of `facet snapshots --json`. Its names are stable.
type overview struct {
	Live       *liveSet          `json:"live,omitempty"` // left out if there are no live documents
	Versions   []history.Version `json:"versions"`       // the newest first
	Canary     *history.Canary   `json:"canary,omitempty"`
	LastCanary *history.Ending   `json:"last_canary,omitempty"`
}

// liveSet says what is live.
type liveSet struct {
	Hash     string         `json:"hash"`
	Version  string         `json:"version,omitempty"` // left out if these documents are none
	Record   history.Record `json:"record"`            // of the last push
	Edited   bool           `json:"edited"`            // since the last push, by other means
	Revision int64          `json:"revision"`          // of etcd, now
}

// survey reads what there is to say about an application.
func survey(ctx context.Context, store *history.Store) (*overview, error) {
	set, err := store.Live(ctx)
	if err != nil {
		return nil, err
	}
	o := &overview{}
	if o.Versions, err = store.Versions(ctx); err != nil {
		return nil, err
	}
	if len(set.Documents) > 0 {
		hash := snapshot.Hash(set.Documents)
		o.Live = &liveSet{Hash: hash, Record: set.Record, Edited: hash != set.Record.Hash, Revision: set.Revision}
	}
	for _, v := range o.Versions {
		if o.Live != nil && v.Hash == o.Live.Hash {
			o.Live.Version = v.Name
		}
	}
	canary, err := store.Canary(ctx)
	if err != nil {
		return nil, err
	}
	if canary != nil {
		o.Canary = &canary.Canary
	}
	o.LastCanary, err = store.LastCanary(ctx)
	return o, err
}

// writeText writes a table of versions, and a line for each of the rest.
func (o *overview) writeText(w io.Writer) error {
	if len(o.Versions) > 0 {
		if err := o.writeTable(w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, o.liveLine())
	if c := o.Canary; c != nil {
		fmt.Fprintf(w, "canary: %s serves %s of the traffic, split by %s, pushed by %s\n", short(c.Record.Hash), c.Share(), c.By, c.Record)
	}
	if e := o.LastCanary; e != nil {
		why := ""
		if e.Reason != "" {
			why = ": " + firstLine(e.Reason)
		}
		fmt.Fprintf(w, "last canary: %s %s at %s by %s%s\n", short(e.Canary.Record.Hash), e.Outcome, e.Time.Format(time.RFC3339), e.Author, why)
	}
	return nil
}

// writeTable writes a line for each version.
func (o *overview) writeTable(w io.Writer) error {
	text := new(strings.Builder)
	table := tabwriter.NewWriter(text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  VERSION\tARCHIVED\tDOCUMENTS\tHASH\tAUTHOR\tMESSAGE")
	for _, v := range o.Versions {
		mark, pinned := " ", ""
		if o.Live != nil && v.Name == o.Live.Version {
			mark = "*"
		}
		if v.Pinned {
			pinned = " (pinned)"
		}
		fmt.Fprintf(table, "%s %s%s\t%s\t%d\t%s\t%s\t%s\n", mark, v.Name, pinned, v.Time.Format(time.RFC3339), v.Documents, short(v.Hash), v.Author, firstLine(v.Message))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprintln(w, strings.TrimRight(line, " \n")) // a cell without text is padded
	}
	return nil
}

// liveLine says what is live.
func (o *overview) liveLine() string {
	switch {
	case o.Live == nil:
		return "live: no documents; \"facet push\" makes some live"
	case o.Live.Edited:
		return fmt.Sprintf("live: %s, changed since the last push by other means", o.Live.what())
	default:
		return fmt.Sprintf("live: %s, pushed by %s", o.Live.what(), o.Live.Record)
	}
}

// what names the version that is live, or the documents that are none.
func (l *liveSet) what() string {
	if l.Version == "" {
		return short(l.Hash) + ", not archived"
	}
	return l.Version
}

// firstLine is what a table has room for.
func firstLine(text string) string {
	line, _, more := strings.Cut(text, "\n")
	if more {
		line += " …"
	}
	return line
}
