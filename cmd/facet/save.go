package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"facet/internal/history"
)

func newSave() *cobra.Command {
	var pin, unpin bool
	cmd := &cobra.Command{
		Use:   "save [VERSION]",
		Short: "Archive the live documents now, or pin a version",
		Long: `Save archives the live documents as a version, unless they are one already. The gateways do so whenever they have
activated documents; save does not wait for one. A version that is pinned is kept however old it gets.
Exit status: 0 done; 1 failed; 2 the command line is wrong.`,
		Example: `  facet save --pin
  facet save v20261122-1 --unpin`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 1:
				return usageError{errors.New("save takes one version at most")}
			case pin && unpin:
				return usageError{errors.New("--pin and --unpin exclude each other")}
			case len(args) == 1 && !pin && !unpin:
				return usageError{errors.New("a version is saved already: give --pin or --unpin")}
			}
			return nil
		},
	}
	addStoreFlags(cmd)
	cmd.Flags().BoolVar(&pin, "pin", false, "keep the version however old it gets")
	cmd.Flags().BoolVar(&unpin, "unpin", false, "no longer keep the version when it gets old")
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withStore(cmd, func(ctx context.Context, store *history.Store) error {
			result := saveResult{}
			var err error
			if len(args) == 0 {
				result, err = save(ctx, store)
			} else {
				result.Name = args[0]
			}
			if err == nil && (pin || unpin) {
				result.Version, err = store.Pin(ctx, result.Name, pin)
			}
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), result)
			}
			fmt.Fprintln(cmd.OutOrStdout(), result)
			return nil
		})
	}
	return cmd
}

// saveResult is the output of `facet save --json`. Its names are stable.
type saveResult struct {
	Created bool `json:"created"` // false: there was such a version
	history.Version
}

// String says in a line what became of the version.
func (r saveResult) String() string {
	text, pinned := "archived as "+r.Name, ""
	switch {
	case r.Pinned:
		pinned = ", pinned"
	case !r.Created:
		pinned = ", not pinned"
	}
	if !r.Created {
		text = r.Name + " is archived"
	}
	return fmt.Sprintf("%s%s: %s %s", text, pinned, documentCount(r.Documents), short(r.Hash))
}

// save archives the live documents.
func save(ctx context.Context, store *history.Store) (result saveResult, err error) {
	live, err := store.Live(ctx)
	if err != nil {
		return result, err
	}
	if len(live.Documents) == 0 {
		return result, errors.New("there are no live documents to save")
	}
	const keepAll = 0 // how many versions stay is up to the gateways
	result.Version, result.Created, err = store.Archive(ctx, live.Documents, keepAll)
	return result, err
}
