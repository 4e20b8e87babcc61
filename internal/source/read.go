package source

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-kratos/kratos/v2/config"
)

// Bounds on what is read. They are far above what documents need: whoever meets one has named the wrong
// directory, or has a link that leads back up.
const (
	maxFileBytes   = 16 << 20
	maxTotalBytes  = 256 << 20
	maxDirectories = 4096
	maxDepth       = 32
)

// extensions are those of documents.
var extensions = []string{".yaml", ".yml", ".json", ".proto", ".binpb", ".pb", ".desc", ".protoset"}

// schemaSuffix is that of JSON Schemas, which stand beside documents for editors.
const schemaSuffix = ".schema.json"

var errNotDirectory = errors.New("not a directory")

// reader collects the documents of several roots.
type reader struct {
	// entering, unless nil, is called with each directory before it is listed.
	entering    func(root, path string) error
	documents   []*config.KeyValue
	from        map[string]string // where the document of a key was found
	directories int
	bytes       int
}

// readRoot reads the documents of one root.
func (r *reader) readRoot(in root) error {
	return r.readDirectory(in, ".", 0)
}

// readDirectory reads the documents of one directory and of those below it.
func (r *reader) readDirectory(in root, name string, depth int) error {
	r.directories++
	if depth > maxDepth || r.directories > maxDirectories {
		return fmt.Errorf("%s: more than %d levels or %d directories of documents; is there a link that leads back up?",
			in.locate(name), maxDepth, maxDirectories)
	}
	if r.entering != nil {
		if err := r.entering(in.name, name); err != nil {
			return err
		}
	}
	entries, err := fs.ReadDir(in.fsys, name)
	if err != nil {
		return in.explain(name, err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue // hidden; Kubernetes keeps the files that its links lead to in such directories
		}
		if err := r.readEntry(in, path.Join(name, entry.Name()), depth); err != nil {
			return err
		}
	}
	return nil
}

// readEntry reads one file or directory.
func (r *reader) readEntry(in root, name string, depth int) error {
	isDocument := slices.Contains(extensions, path.Ext(name)) && !strings.HasSuffix(name, schemaSuffix)
	info, err := fs.Stat(in.fsys, name) // follows links
	switch {
	case errors.Is(err, fs.ErrNotExist) && !isDocument:
		return nil // a link to nowhere: editors lock files with those
	case err != nil:
		return in.explain(name, err)
	case info.IsDir():
		return r.readDirectory(in, name, depth+1)
	case isDocument && info.Mode().IsRegular():
		return r.readFile(in, name)
	default:
		return nil
	}
}

// readFile reads one document.
func (r *reader) readFile(in root, name string) error {
	if other, ok := r.from[name]; ok {
		return fmt.Errorf("%s and %s have the same name, %s; rename one", other, in.locate(name), name)
	}
	data, err := readBounded(in.fsys, name)
	if err != nil {
		return in.explain(name, err)
	}
	if r.bytes += len(data); r.bytes > maxTotalBytes {
		return fmt.Errorf("%s: the documents are larger than %d bytes together", in.locate(name), maxTotalBytes)
	}
	r.from[name] = in.locate(name)
	r.documents = append(r.documents, &config.KeyValue{Key: name, Value: data, Format: strings.TrimPrefix(path.Ext(name), ".")})
	return nil
}

// readBounded reads a file that is not larger than a document may be.
func readBounded(fsys fs.FS, name string) (data []byte, err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	data, err = io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = fmt.Errorf("larger than %d bytes", maxFileBytes)
	}
	return data, err
}

// locate returns the path of a file of the root, for people.
func (r root) locate(name string) string {
	return filepath.Join(r.name, filepath.FromSlash(name))
}

// explain returns an error about a file that tells where it is: a file system knows only its own part of the path.
func (r root) explain(name string, err error) error {
	if pathError := (*fs.PathError)(nil); errors.As(err, &pathError) {
		err = pathError.Err
	}
	return fmt.Errorf("%s: %w", r.locate(name), err)
}
