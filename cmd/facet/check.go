package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"facet/internal/app"
	"facet/internal/problem"
	"facet/internal/snapshot"
	"facet/internal/source"
	"facet/internal/upstream"
)

func newCheck() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [DIR...]",
		Short: "Check documents and print every problem they have",
		Long: `Check builds a snapshot of the documents, as serve does, and prints every problem as
file:line:column: what is wrong. Without DIR it checks the documents that the bootstrap file names.
Exit status: 0 no problem, 1 problems, 2 the command line is wrong.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := cmd.Flags().GetBool("json")
			if err != nil {
				return err
			}
			directories, err := documentDirectories(cmd, args)
			if err != nil {
				return err
			}
			snap, closeAll, err := build(cmd.Context(), directories)
			defer closeAll()
			if asJSON {
				return reportJSON(cmd.OutOrStdout(), directories, snap, err)
			}
			if err != nil {
				return reportProblems(cmd.OutOrStdout(), directories, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "ok: %d methods, snapshot %s\n", len(snap.Methods), snap.Hash)
			return nil
		},
	}
	cmd.Flags().Bool("json", false, "print the result as JSON")
	return cmd
}

// documentDirectories are those of the command line, or of the bootstrap file.
func documentDirectories(cmd *cobra.Command, args []string) ([]string, error) {
	if len(args) > 0 {
		return args, nil
	}
	bootstrap, err := loadBootstrap(cmd)
	if err != nil {
		return nil, err
	}
	return bootstrap.GetDocuments(), nil
}

// build makes the snapshot of directories. The error of documents with problems is a problem.List.
func build(ctx context.Context, directories []string) (snap *snapshot.Snapshot, closeAll func(), err error) {
	documents, err := readDirectories(directories)
	if err != nil {
		return nil, func() {}, err
	}
	return buildDocuments(ctx, documents)
}

func readDirectories(directories []string) ([]snapshot.Document, error) {
	documents, err := source.NewDirectory(directories...)
	if err != nil {
		return nil, err
	}
	values, err := documents.Load()
	return app.Documents(values), err
}

// buildDocuments makes the snapshot of documents. Their problems are a problem.List.
func buildDocuments(ctx context.Context, documents []snapshot.Document) (snap *snapshot.Snapshot, closeAll func(), err error) {
	pool := upstream.NewPool()
	snap, problems := snapshot.Build(ctx, documents, pool)
	return snap, func() { _ = pool.Close() }, problems.Err() // nothing was sent on the pool's connections
}

// reportProblems prints problems with the paths of their files, as a terminal or an editor links them.
func reportProblems(w io.Writer, directories []string, err error) error {
	problems := problem.List(nil)
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range located(directories, problems) {
		fmt.Fprintln(w, p.Error())
	}
	return errReported
}

// located replaces the documents' names by paths from the working directory.
func located(directories []string, problems problem.List) problem.List {
	paths := make(problem.List, len(problems))
	for i, p := range problems {
		for _, directory := range directories {
			path := filepath.Join(directory, filepath.FromSlash(p.Document))
			if _, err := os.Stat(path); p.Document != "" && err == nil {
				p.Document = path
				break
			}
		}
		paths[i] = p
	}
	return paths
}

// checkResult is the output of `facet check --json`.
type checkResult struct {
	OK       bool          `json:"ok"`
	Hash     string        `json:"hash,omitempty"`
	Methods  int           `json:"methods"`
	Problems []jsonProblem `json:"problems"`
}

type jsonProblem struct {
	Document string `json:"document"`
	Line     int    `json:"line"`
	Column   int    `json:"column"`
	Message  string `json:"message"`
}

func reportJSON(w io.Writer, directories []string, snap *snapshot.Snapshot, err error) error {
	result := checkResult{OK: err == nil, Problems: []jsonProblem{}}
	problems := problem.List(nil)
	switch {
	case err == nil:
		result.Hash, result.Methods = snap.Hash, len(snap.Methods)
	case !errors.As(err, &problems):
		return err
	}
	result.Problems = append(result.Problems, jsonProblems(located(directories, problems))...)
	if encodeErr := printJSON(w, result); encodeErr != nil {
		return encodeErr
	}
	if err != nil {
		return errReported
	}
	return nil
}

func jsonProblems(problems problem.List) []jsonProblem {
	all := make([]jsonProblem, len(problems))
	for i, p := range problems {
		all[i] = jsonProblem{p.Document, p.Line, p.Column, p.Message}
	}
	return all
}

func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // so that people can read `->`
	return encoder.Encode(value)
}
