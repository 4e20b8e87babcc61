// Package internal_test holds what is true of all packages together.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "facet/"

// allowed lists, for each package of the binary, the packages of ours that it imports, and why. An import
// that is not listed is a decision to be made; one that is listed and gone is to be struck out.
var allowed = map[string]map[string]string{
	"cmd/facet": {
		"api/facet/gateway/v1": "the JSON Schema of documents is printed",
		"internal/app":         "it wires the parts",
		"internal/conf":        "serve starts from the bootstrap file",
		"internal/etcd":        "documents are in etcd",
		"internal/history":     "push, rollback and the other commands change what serves",
		"internal/diff":        "what a change means is told before it is made",
		"internal/problem":     "problems are printed with the paths of their files",
		"internal/snapshot":    "check and explain build a snapshot without serving it",
		"internal/source":      "documents come from directories",
		"internal/suggest":     "an unknown method has a likely name",
		"internal/upstream":    "a snapshot is built over a pool of upstreams",
	},
	"internal/app": {
		"internal/admin":     "one of the servers",
		"internal/canary":    "a candidate is tried out",
		"internal/conf":      "addresses and bounds of the servers",
		"internal/gateway":   "what the servers serve",
		"internal/history":   "what serves is archived, and candidates come from there",
		"internal/lastgood":  "what serves is kept on disk",
		"internal/problem":   "the problems of a refused change are logged one by one",
		"internal/server":    "the protocols",
		"internal/snapshot":  "a change of the documents becomes a snapshot",
		"internal/source":    "the revision of the documents",
		"internal/telemetry": "its state is visible as metrics",
		"internal/upstream":  "connections outlive snapshots",
	},
	"internal/admin": {
		"internal/canary":   "how a candidate does",
		"internal/problem":  "why the last change was refused",
		"internal/snapshot": "which methods and upstreams are served",
	},
	"internal/server": {
		"api/facet/gateway/v1": "which origins may call is configured",
		"internal/gateway":     "each request becomes one gateway.Call",
		"internal/httprule":    "a preflight asks whether a path is bound",
		"internal/snapshot":    "health, reflection and CORS are of the live snapshot",
	},
	"internal/gateway": {
		"api/facet/gateway/v1": "limits are those of the documents",
		"internal/canary":      "a candidate serves its share of the requests",
		"internal/httprule":    "requests of HTTP are matched and bound",
		"internal/pbwire":      "replies are projected",
		"internal/plan":        "programs are run",
		"internal/snapshot":    "a request is pinned to a snapshot",
	},
	"internal/canary": {
		"internal/snapshot": "a candidate is a snapshot",
	},
	"internal/snapshot": {
		"api/facet/gateway/v1": "the documents' schema",
		"internal/document":    "documents are decoded strictly",
		"internal/httprule":    "bindings are compiled",
		"internal/pbwire":      "selections and projections are compiled",
		"internal/plan":        "plans are compiled",
		"internal/problem":     "every problem is collected",
		"internal/schema":      "descriptors are linked",
		"internal/upstream":    "upstreams are opened",
	},
	"internal/plan": {
		"api/facet/gateway/v1": "a plan is compiled from its configuration",
		"internal/pbwire":      "masks are selections, replies wire bytes",
		"internal/problem":     "mistakes in expressions have positions",
		"internal/suggest":     "unknown names have likely ones",
	},
	"internal/httprule": {
		"internal/pbwire":  "bodies and parameters become wire bytes",
		"internal/suggest": "unknown parameters and fields have likely names",
	},
	"internal/upstream": {
		"api/facet/gateway/v1": "an upstream is opened from its configuration",
		"internal/suggest":     "unknown schemes have likely ones",
	},
	"internal/schema": {
		"internal/problem": "mistakes in protos have positions",
		"internal/suggest": "unknown names have likely ones",
	},
	"internal/source": {
		"internal/etcd": "documents below a prefix of etcd",
	},
	"internal/history": {
		"internal/etcd":     "keys, and transactions of any size",
		"internal/snapshot": "documents, and what identifies a set of them",
		"internal/suggest":  "unknown versions have likely names",
	},
	"internal/diff": {
		"api/facet/gateway/v1": "settings are compared",
		"internal/document":    "names of enum values as documents have them",
		"internal/httprule":    "bindings are compared",
		"internal/pbwire":      "options of replies are compared",
		"internal/schema":      "contracts are compared",
		"internal/snapshot":    "snapshots are compared",
	},
	"internal/lastgood": {
		"internal/snapshot": "documents, and what identifies a set of them",
	},
	"internal/etcd": {
		"internal/conf": "where etcd is",
	},
	"internal/telemetry": {}, // leaf
	"internal/conf": {
		"internal/document": "the bootstrap file is decoded as strictly as documents are",
		"internal/problem":  "mistakes have positions",
		"internal/suggest":  "unknown names have likely ones",
	},
	"internal/document": {
		"internal/problem": "mistakes have positions",
		"internal/suggest": "unknown keys have likely ones",
	},
	"internal/pbwire": {
		"internal/suggest": "unknown fields have likely names",
	},
	"internal/problem":     {}, // leaf
	"internal/suggest":     {}, // leaf
	"api/facet/gateway/v1": {}, // generated
}

// TestImportDirections holds the packages of the binary against the table.
func TestImportDirections(t *testing.T) {
	t.Parallel()
	actual := imports(t)
	for pkg, imported := range actual {
		reasons, ok := allowed[pkg]
		if !ok {
			t.Errorf("package %s is new: list it, and what it may import", pkg)
			continue
		}
		for _, other := range imported {
			if _, ok := reasons[other]; !ok {
				t.Errorf("%s imports %s, which is not listed: turn the import round, or list it with a reason", pkg, other)
			}
		}
		for other := range reasons {
			if !slices.Contains(imported, other) {
				t.Errorf("%s no longer imports %s: strike it out", pkg, other)
			}
		}
	}
	for pkg := range allowed {
		if _, ok := actual[pkg]; !ok {
			t.Errorf("package %s is no longer part of the binary: strike it out", pkg)
		}
	}
}

// imports returns the packages of ours that the binary is made of, each with those of ours that it imports,
// by their paths within the module.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports", module+"cmd/facet")
	out, err := list.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v: %s", list, failed.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(pkg.ImportPath, module)
		if !ok {
			continue
		}
		found[name] = nil
		for _, path := range pkg.Imports {
			if imported, ok := strings.CutPrefix(path, module); ok {
				found[name] = append(found[name], imported)
			}
		}
	}
}
