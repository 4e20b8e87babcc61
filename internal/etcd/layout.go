package etcd

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Layout names the keys of one application. Documents and all that belongs to them are below one prefix, so that
// the rights of a user of etcd are few.
type Layout struct {
	root string // with a slash at its end
}

// appName is what an application may be called: its name is one element of a key, and is typed in commands.
var appName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// NewLayout returns the keys of an application below a prefix such as `/facet`.
func NewLayout(prefix, app string) (Layout, error) {
	if !appName.MatchString(app) {
		return Layout{}, fmt.Errorf("%q is not the name of an application; want letters, digits, dots, hyphens and underscores, as in mall", app)
	}
	if !strings.HasPrefix(prefix, "/") || prefix == "/" || path.Clean(prefix) != prefix {
		return Layout{}, fmt.Errorf("%q is not a prefix of keys; want one that begins with a slash and does not end with one, as in /facet", prefix)
	}
	return Layout{root: prefix + "/" + app + "/"}, nil
}

// Live is the prefix of the documents that serve; a document's name follows.
func (l Layout) Live() string { return l.root + "live/" }

// Push is the key of what was pushed last: by whom, when and why. Its revision guards pushes.
func (l Layout) Push() string { return l.root + "push" }

// CanaryDocuments is the prefix of the documents of the candidate; a document's name follows.
func (l Layout) CanaryDocuments() string { return l.root + "canary/documents/" }

// CanarySettings is the key of whom the candidate serves, and within which bounds.
func (l Layout) CanarySettings() string { return l.root + "canary/settings" }

// CanaryResult is the key of how the last candidate ended.
func (l Layout) CanaryResult() string { return l.root + "canary-result" }

// Snapshots is the prefix of all versions.
func (l Layout) Snapshots() string { return l.root + "snapshots/" }

// Version is the prefix of one version.
func (l Layout) Version(name string) string { return l.root + "snapshots/" + name + "/" }

// Hash is the key of the version whose documents have a hash.
func (l Layout) Hash(hash string) string { return l.root + "hashes/" + hash }
