package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"facet/internal/history"
	"facet/internal/snapshot"
)

func newPull() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pull [VERSION] DIR",
		Short: "Write the live documents, or those of a version, to a directory",
		Long: `Pull writes documents as files. Files that are there and differ are an error, and nothing is written, unless --force is
given. It deletes nothing: documents in the directory that are not in what was pulled are named.
Exit status: 0 done; 1 failed; 2 the command line is wrong.`,
		Example: `  facet pull configs/mall
  facet pull v20261122-1 before/ --etcd 127.0.0.1:2379 --app mall`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return usageError{fmt.Errorf("pull takes a version, if not the live one, and a directory; got %d arguments", len(args))}
			}
			return nil
		},
	}
	addStoreFlags(cmd)
	force := cmd.Flags().Bool("force", false, "overwrite files that differ")
	asJSON := cmd.Flags().Bool("json", false, "print the result as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		directory := args[len(args)-1]
		var set history.Set
		err := withStore(cmd, func(ctx context.Context, store *history.Store) (err error) {
			if len(args) == 2 {
				set, err = store.Load(ctx, args[0])
			} else {
				set, err = store.Live(ctx)
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(set.Documents) == 0 {
			return errors.New("there are no live documents to pull")
		}
		p, err := pull(directory, set.Documents, *force)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), p)
		}
		for _, name := range p.Left {
			fmt.Fprintf(cmd.OutOrStdout(), "left alone, though it is not in what was pulled: %s\n", filepath.Join(directory, filepath.FromSlash(name)))
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s %s written to %s, %d as it was\n", documentCount(len(p.Written)), short(p.Hash), directory, len(p.Same))
		return nil
	}
	return cmd
}

// pulled is the output of `facet pull --json`. Its names are stable; the lists hold names of documents.
type pulled struct {
	Hash    string   `json:"hash"`
	Written []string `json:"written"`
	Same    []string `json:"same"` // were there already
	Left    []string `json:"left"` // are documents in the directory, and not in the set
}

// pull writes documents to a directory, which need not exist. A root keeps what is written below it, whatever the documents
// are called and wherever links lead.
func pull(directory string, documents []snapshot.Document, force bool) (*pulled, error) {
	if err := os.MkdirAll(directory, 0o755); err != nil { //nolint:gosec // documents are no secret
		return nil, err
	}
	root, err := os.OpenRoot(directory)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // nothing is buffered
	p, err := planPull(root, directory, documents, force)
	if err != nil {
		return nil, err
	}
	for _, d := range documents {
		if !slices.Contains(p.Written, d.Name) {
			continue
		}
		if err := write(root, d); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// planPull finds out what is to be written, and what must not be.
func planPull(root *os.Root, directory string, documents []snapshot.Document, force bool) (*pulled, error) {
	p := &pulled{Hash: snapshot.Hash(documents), Written: []string{}, Same: []string{}, Left: []string{}}
	var differ []string
	for _, d := range documents {
		if !fs.ValidPath(d.Name) {
			return nil, fmt.Errorf("document %q cannot be a file below %s", d.Name, directory)
		}
		there, err := root.ReadFile(filepath.FromSlash(d.Name))
		switch {
		case err == nil && bytes.Equal(there, d.Data):
			p.Same = append(p.Same, d.Name)
			continue
		case err == nil:
			differ = append(differ, d.Name)
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		p.Written = append(p.Written, d.Name)
	}
	if len(differ) > 0 && !force {
		return nil, fmt.Errorf("%s: %s there and not the same; nothing was written, --force overwrites: %s",
			directory, are(len(differ)), strings.Join(differ, ", "))
	}
	var err error
	p.Left, err = others(directory, documents)
	return p, err
}

func are(n int) string {
	if n == 1 {
		return "one file is"
	}
	return fmt.Sprintf("%d files are", n)
}

// others returns the documents of a directory that are not in a set.
func others(directory string, documents []snapshot.Document) ([]string, error) {
	there, err := readDirectories([]string{directory})
	if err != nil {
		return nil, err
	}
	left := []string{}
	for _, d := range there {
		if !slices.ContainsFunc(documents, func(o snapshot.Document) bool { return o.Name == d.Name }) {
			left = append(left, d.Name)
		}
	}
	return left, nil
}

// write writes a document to a new file and then gives it its name, so that a gateway that watches the directory does not see
// half of it.
func write(root *os.Root, d snapshot.Document) error {
	name := filepath.FromSlash(d.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	unfinished := filepath.Join(filepath.Dir(name), ".facet-"+path.Base(d.Name))
	if err := root.WriteFile(unfinished, d.Data, 0o644); err != nil {
		return err
	}
	return root.Rename(unfinished, name)
}
