package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"facet/internal/diff"
	"facet/internal/history"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

func newDiff() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff [A] [B]",
		Short: "Tell what changes from A to B, and which changes break clients",
		Long: `Diff compares what documents mean: methods, calls, fields and settings. What is only written otherwise is no change.
A and B are each one of
  live               the documents that serve
  canary             the candidate that is tried out
  v20261122-1        a version, as "facet snapshots" lists them
  DIR[,DIR...]       directories; ./live is one that is called live
A is live and B the directories of the bootstrap file unless they are given. Without live, canary and versions no etcd is
needed.
Exit status: 0 done, 1 failed, 2 the command line is wrong; with --exit-code 3 if there are changes, 4 if one breaks
clients.`,
		Example: `  facet diff
  facet diff v20261122-1 live
  facet diff --text live configs/mall,api`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 2 {
				return usageError{fmt.Errorf("diff compares two sets of documents; got %d arguments", len(args))}
			}
			return nil
		},
	}
	addStoreFlags(cmd)
	options := comparison{}
	cmd.Flags().BoolVar(&options.asText, "text", false, "print how the texts differ, as a unified diff")
	cmd.Flags().BoolVar(&options.asJSON, "json", false, "print the changes as JSON")
	cmd.Flags().BoolVar(&options.exitCode, "exit-code", false, "exit with 3 if there are changes, with 4 if one breaks clients")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if options.asText && options.asJSON {
			return usageError{errors.New("--text and --json exclude each other")}
		}
		return options.run(cmd, args)
	}
	return cmd
}

// Exit codes of `facet diff --exit-code`.
const (
	exitDifferent = 3
	exitBreaking  = 4
)

// comparison is one run of the command.
type comparison struct{ asText, asJSON, exitCode bool }

func (c comparison) run(cmd *cobra.Command, args []string) error {
	before, after, err := sides(cmd, args)
	if err != nil {
		return err
	}
	if c.asText {
		text := diff.Text(before.documents, after.documents)
		if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
			return err
		}
		return c.result(text != "", false)
	}
	return c.compare(cmd, before, after)
}

// compare prints what the difference means.
func (c comparison) compare(cmd *cobra.Command, before, after *side) error {
	pool := upstream.NewPool()
	defer func() { _ = pool.Close() }() // nothing was sent on its connections
	old, problems := snapshot.Build(cmd.Context(), before.documents, pool)
	if len(problems) > 0 {
		return c.refused(cmd, before, problems)
	}
	defer func() { _ = old.Close() }()
	current, problems := snapshot.Build(cmd.Context(), after.documents, pool)
	if len(problems) > 0 {
		return c.refused(cmd, after, problems)
	}
	defer func() { _ = current.Close() }()
	report := diff.Snapshots(old, current)
	if err := c.print(cmd.OutOrStdout(), before, after, report); err != nil {
		return err
	}
	return c.result(len(report.Changes) > 0, report.Breaking() > 0)
}

// result ends the command with the exit code of what was found, if that is asked for.
func (c comparison) result(different, breaking bool) error {
	switch {
	case c.exitCode && breaking:
		return exitError(exitBreaking)
	case c.exitCode && different:
		return exitError(exitDifferent)
	}
	return nil
}

// diffResult is the output of `facet diff --json`.
type diffResult struct {
	Before   string        `json:"before"`
	After    string        `json:"after"`
	Breaking int           `json:"breaking"` // how many of the changes are
	Changes  []diff.Change `json:"changes"`
}

func (c comparison) print(w io.Writer, before, after *side, report *diff.Report) error {
	if !c.asJSON {
		return report.WriteText(w)
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // so that `->` can be read
	return encoder.Encode(diffResult{before.name, after.name, report.Breaking(), report.Changes})
}

// refused reports documents that make no snapshot.
func (c comparison) refused(cmd *cobra.Command, s *side, err error) error {
	if c.asJSON {
		return reportJSON(cmd.OutOrStdout(), s.directories, nil, err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "facet: %s cannot be compared, because its documents have problems:\n", s.name)
	return reportProblems(cmd.ErrOrStderr(), s.directories, err)
}

// side is one of the two sets of documents.
type side struct {
	name        string
	directories []string // none if they are in etcd
	documents   []snapshot.Document
}

// stored tells the names of what is in etcd from directories.
var stored = regexp.MustCompile(`^(live|canary|v\d{8}-\d+)$`)

// sides reads the documents of both sides.
func sides(cmd *cobra.Command, args []string) (before, after *side, err error) {
	before, after = &side{name: "live"}, &side{}
	if len(args) > 0 {
		before.name = args[0]
	}
	if len(args) > 1 {
		after.name = args[1]
	} else {
		bootstrap, err := loadBootstrap(cmd)
		if err != nil {
			return nil, nil, err
		}
		if len(bootstrap.GetDocuments()) == 0 {
			return nil, nil, usageError{fmt.Errorf("compare %s with what? The bootstrap file names no directories", before.name)}
		}
		after.directories = bootstrap.GetDocuments()
		after.name = strings.Join(after.directories, ",")
	}
	return before, after, read(cmd, before, after)
}

// read reads documents from directories, and from etcd if one of the sides is there.
func read(cmd *cobra.Command, sides ...*side) error {
	var inStore []*side
	for _, s := range sides {
		if len(s.directories) == 0 && stored.MatchString(s.name) {
			inStore = append(inStore, s)
			continue
		}
		if len(s.directories) == 0 {
			s.directories = strings.Split(s.name, ",")
		}
		var err error
		if s.documents, err = readDirectories(s.directories); err != nil {
			return fmt.Errorf("%s is no directory, nor live, canary or a version such as v20261122-1: %w", s.name, err)
		}
	}
	if len(inStore) == 0 {
		return nil
	}
	return withStore(cmd, func(ctx context.Context, store *history.Store) error {
		for _, s := range inStore {
			if err := s.load(ctx, store); err != nil {
				return err
			}
		}
		return nil
	})
}

// load reads the documents of a name from etcd.
func (s *side) load(ctx context.Context, store *history.Store) error {
	switch s.name {
	case "live":
		set, err := store.Live(ctx)
		s.documents = set.Documents
		return err
	case "canary":
		candidate, err := store.Canary(ctx)
		if err == nil && candidate == nil {
			err = errors.New("no canary runs")
		}
		if err != nil {
			return err
		}
		s.documents = candidate.Documents
		return nil
	default:
		set, err := store.Load(ctx, s.name)
		s.documents = set.Documents
		return err
	}
}
