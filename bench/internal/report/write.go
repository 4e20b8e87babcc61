package report

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
)

// Write writes the report into a directory: latest.json, latest.md and latest.svg.
func (r *Report) Write(directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	for name, render := range map[string]func(io.Writer) error{
		"latest.json": r.JSON, "latest.md": r.Markdown, "latest.svg": r.Chart,
	} {
		var text bytes.Buffer
		if err := render(&text); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, name), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// JSON writes the report on one line: every round is in it, for programs to read.
func (r *Report) JSON(out io.Writer) error { return json.NewEncoder(out).Encode(r) }
