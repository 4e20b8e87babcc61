// Package conf holds the settings of the process: where it listens, where its documents are and how it logs.
package conf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"facet/internal/document"
)

// FileName is the name of the bootstrap file in its directory.
const FileName = "bootstrap.yaml"

// searched are the directories where Find looks: that of a process started at the top of its tree, and of one started in
// cmd/facet.
var searched = []string{"configs", filepath.Join("..", "..", "configs")}

// Find returns the path to load the settings from: flag, if it is set, otherwise the first of the usual directories
// that holds a bootstrap file. The error lists what was tried.
func Find(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	tried := make([]string, len(searched))
	for i, directory := range searched {
		tried[i] = filepath.Join(directory, FileName)
		_, err := os.Stat(tried[i])
		if err == nil {
			return directory, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("there is no bootstrap file: tried %s; name one with --conf", strings.Join(tried, " and "))
}

// Load reads the settings from a bootstrap file, or from bootstrap.yaml in a directory, and fills in the defaults. Paths
// are returned relative to the working directory, not to the file. The error of a file with mistakes is a
// problem.List.
func Load(path string) (*Bootstrap, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		path = filepath.Join(path, FileName)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	settings := new(Bootstrap)
	positions, problems := document.Decode(path, text, settings)
	if len(problems) > 0 {
		return nil, problems
	}
	settings.fillDefaults()
	if problems := settings.check(positions); len(problems) > 0 {
		return nil, problems
	}
	settings.resolve(filepath.Dir(path))
	return settings, nil
}

// resolve makes paths that are relative to the directory of the bootstrap file relative to the working
// directory.
func (b *Bootstrap) resolve(dir string) {
	paths := []*string{&b.StateDir}
	for i := range b.Documents {
		paths = append(paths, &b.Documents[i])
	}
	if etcd := b.Etcd; etcd != nil {
		paths = append(paths, &etcd.PasswordFile)
		if tls := etcd.Tls; tls != nil {
			paths = append(paths, &tls.CaFile, &tls.CertFile, &tls.KeyFile)
		}
	}
	for _, path := range paths {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, filepath.FromSlash(*path))
		}
	}
}
