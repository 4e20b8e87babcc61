package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/conf"
	"facet/internal/suggest"
)

// schemas are the JSON Schemas by what they describe.
var schemas = map[string]string{
	"documents": gatewayv1.Schema,
	"bootstrap": conf.Schema,
}

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [documents|bootstrap]",
		Short: "Print the JSON Schema of documents, for editors",
		Long: `Schema prints the JSON Schema (draft 2020-12) of YAML documents, or of the bootstrap file. With it an editor completes
keys and underlines mistakes; docs/editor.md says how. "facet check" finds more: it knows the contracts.`,
		Example: "  facet schema > facet.schema.json",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("schema prints one schema; got %d arguments", len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "documents"
			if len(args) > 0 {
				name = args[0]
			}
			schema, ok := schemas[name]
			if !ok {
				return usageError{fmt.Errorf("there is no schema of %q; want documents or bootstrap%s", name, suggest.DidYouMean(name, slices.Sorted(maps.Keys(schemas))))}
			}
			_, err := io.WriteString(cmd.OutOrStdout(), schema)
			return err
		},
	}
}
