// Package source finds documents: in directories, and in file systems built into the program.
package source

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/go-kratos/kratos/v2/config"
)

// Source is a set of directories that hold documents. It implements config.Source of Kratos and is safe for
// concurrent use.
type Source struct {
	roots []root
	// watched are the directories to watch for changes; those of a file system built into the program do not
	// change.
	watched []string

	mu     sync.Mutex
	loaded string // revision of the last successful Load
}

// root is one directory of documents.
type root struct {
	name string // for people
	fsys fs.FS
}

// NewDirectory returns the documents of directories. A directory that is not there is an error.
func NewDirectory(directories ...string) (*Source, error) {
	s := &Source{watched: directories}
	for _, directory := range directories {
		info, err := os.Stat(directory)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, &fs.PathError{Op: "open", Path: directory, Err: errNotDirectory}
		}
		s.roots = append(s.roots, root{name: directory, fsys: os.DirFS(directory)})
	}
	return s, nil
}

// NewFS returns the documents of file systems, which are taken never to change.
func NewFS(systems ...fs.FS) *Source {
	s := &Source{}
	for _, fsys := range systems {
		s.roots = append(s.roots, root{fsys: fsys})
	}
	return s
}

// Load returns all documents, in order of their keys: the path of a file relative to its directory, with slashes.
// Documents are the files that end in .yaml, .yml, .json, .proto, .binpb, .pb, .desc or .protoset. Hidden files and
// directories are left out, and so are JSON Schemas (.schema.json); links are followed. Two files with one key are an error.
func (s *Source) Load() ([]*config.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	documents, err := s.read(nil)
	if err == nil {
		s.loaded = Revision(documents)
	}
	return documents, err
}

// read reads all documents. entering is called with each directory before it is listed.
func (s *Source) read(entering func(root, path string) error) ([]*config.KeyValue, error) {
	r := reader{entering: entering, from: make(map[string]string)}
	for _, root := range s.roots {
		if err := r.readRoot(root); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.documents, func(a, b *config.KeyValue) int { return strings.Compare(a.Key, b.Key) })
	return r.documents, nil
}

// Revision identifies documents, sorted by key, by their content: the first 128 bits of a SHA-256, in
// hexadecimal.
func Revision(documents []*config.KeyValue) string {
	hash := sha256.New()
	var length [8]byte
	write := func(part []byte) { // with its length, so that no two sets look alike
		hash.Write(binary.BigEndian.AppendUint64(length[:0], uint64(len(part))))
		hash.Write(part)
	}
	for _, document := range documents {
		write([]byte(document.Key))
		write(document.Value)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
