package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"facet/internal/suggest"
)

func newExplain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain METHOD",
		Short: "Print the plan of a method as it runs for a selection",
		Example: `  facet explain mall.v1.MallService/GetHome
  facet explain mall.v1.MallService/GetHome --select 'user(id,name),orders.product.title'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("explain takes one method, such as mall.v1.MallService/GetHome; got %d arguments", len(args))}
			}
			return nil
		},
	}
	selection := cmd.Flags().String("select", "", "the selection, as a client sends it")
	directories := cmd.Flags().StringSlice("dir", nil, "directories of documents (default: those of the bootstrap file)")
	asJSON := cmd.Flags().Bool("json", false, "print the plan as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		dirs, err := documentDirectories(cmd, *directories)
		if err != nil {
			return err
		}
		snap, closeAll, err := build(cmd.Context(), dirs)
		defer closeAll()
		if err != nil {
			return reportProblems(cmd.ErrOrStderr(), dirs, err)
		}
		method, ok := snap.Methods[args[0]]
		if !ok {
			return fmt.Errorf("method %q is not served%s", args[0], suggest.DidYouMean(args[0], slices.Sorted(maps.Keys(snap.Methods))))
		}
		view, err := method.View(*selection, nil)
		if err != nil {
			return fmt.Errorf("--select: %w", err)
		}
		explanation := view.Program.Explain()
		if *asJSON {
			encoder := json.NewEncoder(cmd.OutOrStdout())
			encoder.SetIndent("", "  ")
			return encoder.Encode(explanation)
		}
		return explanation.WriteText(cmd.OutOrStdout())
	}
	return cmd
}
