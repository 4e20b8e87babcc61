// Package lastgood keeps a copy of the documents that serve on disk, for a process that starts while their source is
// away.
package lastgood

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"facet/internal/snapshot"
)

// fileName is the copy's in its directory. Its first line is title, with the SHA-256 of what follows it; that is the
// set as JSON.
const (
	fileName = "last-good"
	title    = "facet last good documents 1 "
)

// Set is documents that were good.
type Set struct {
	Documents []snapshot.Document `json:"documents"`
	Hash      string              `json:"hash"`     // of the documents
	Revision  int64               `json:"revision"` // of their source, 0 if it has none
	Saved     time.Time           `json:"saved"`    // set by Save
}

// Save writes the copy in a directory, which is made if it is not there, in place of the one before. Whenever the
// machine stops, either of the two is there, whole. Only the user of the process may read it.
func Save(dir string, set Set) error {
	set.Saved = time.Now().UTC().Truncate(time.Second)
	body, err := json.Marshal(set)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return replace(dir, append([]byte(title+checksum(body)+"\n"), body...))
}

// replace puts a file in place of the copy, which on disk is done by one rename.
func replace(dir string, content []byte) error {
	file, err := os.CreateTemp(dir, "."+fileName+"-*") // of mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) //nolint:errcheck // it is gone, unless something below failed
	_, writeErr := file.Write(content)
	if err := errors.Join(writeErr, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, fileName)); err != nil {
		return err
	}
	return syncDirectory(dir)
}

// syncDirectory makes the rename of a file in it survive a crash of the machine.
func syncDirectory(dir string) error {
	directory, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// Load returns the copy in a directory. The error of a directory without one is fs.ErrNotExist. A copy that is not
// whole is an error.
func Load(dir string) (Set, error) {
	path := filepath.Join(dir, fileName)
	content, err := os.ReadFile(path)
	if err != nil {
		return Set{}, err
	}
	head, body, _ := bytes.Cut(content, []byte("\n"))
	sum, ok := bytes.CutPrefix(head, []byte(title))
	if !ok {
		return Set{}, fmt.Errorf("%s: it does not begin with %q, so this version of Facet did not write it", path, title)
	}
	if string(sum) != checksum(body) {
		return Set{}, fmt.Errorf("%s: it is damaged: its checksum is not that of its content", path)
	}
	var set Set
	if err := json.Unmarshal(body, &set); err != nil {
		return Set{}, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}

func checksum(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
