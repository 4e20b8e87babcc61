// Package facet holds the documents with which Facet itself takes part in the benchmark: its released binary, and nothing
// else of ours.
package facet

import (
	_ "embed"
	"os"
	"path/filepath"
	"text/template"

	"facet/bench/internal/peer"
)

//go:embed bench.yaml.tmpl
var text string

// WriteDocuments writes bench.yaml into a directory. The contracts that it names are found in two other ones,
// api and bench/api of this repository.
func WriteDocuments(dir string, at peer.Services) error {
	documents, err := template.New("bench.yaml").Option("missingkey=error").Parse(text)
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "bench.yaml"))
	if err != nil {
		return err
	}
	if err := documents.Execute(file, at); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
