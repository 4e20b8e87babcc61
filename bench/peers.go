package main

import (
	"context"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"facet/bench/internal/report"
)

// Kinds of peers.
const (
	goPeer      = iota // a main package of this module
	npmPeer            // a directory with a package.json and a run.sh
	facetPeer          // the released binary
	backendPeer        // the services themselves
)

// peer is a gateway that takes part.
type peer struct {
	name, about string
	kind        int
	module      string // of Go, whose version is told
}

// peers returns everybody who takes part.
func peers() []peer {
	const grpcGo = "google.golang.org/grpc"
	return []peer{
		{"facet", "Facet's released binary, configured by documents.", facetPeer, grpcGo},
		{"floor", "The least that is possible on the same libraries: the same HTTP server, raw calls of grpc-go, a constant reply.", goPeer, grpcGo},
		{"handtuned", "The same endpoint, tuned by hand, without a framework.", goPeer, grpcGo},
		{"kratos", "A BFF written by hand on Kratos: generated code, fmutils, Kratos' codec.", goPeer, "github.com/go-kratos/kratos/v2"},
		{"grpcgateway", "grpc-gateway: generated code for one call.", goPeer, "github.com/grpc-ecosystem/grpc-gateway/v2"},
		{"vanguard", "vanguard-go: one call, without generated code.", goPeer, "connectrpc.com/vanguard"},
		{"improbable", "improbable's gRPC-Web wrapper around grpc-go, which passes wire bytes on.", goPeer, "github.com/improbable-eng/grpc-web"},
		{"lura", "KrakenD's engine, over services that speak JSON.", goPeer, "github.com/luraproject/lura/v2"},
		{"tailcall", "Tailcall: GraphQL over the same gRPC services.", npmPeer, ""},
		{"hive", "Hive Gateway: GraphQL over the same gRPC services.", npmPeer, ""},
		{"backend", "The services that all of them ask.", backendPeer, grpcGo},
	}
}

// buildTimeout bounds the building of one peer. Compilers and registries can be slow.
const buildTimeout = 10 * time.Minute

// build makes a peer ready to be started, and describes it.
func (r *runner) build(ctx context.Context, p peer) report.Peer {
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	description := report.Peer{Name: p.name, About: p.about}
	var err error
	switch p.kind {
	case npmPeer:
		description.Versions, err = r.buildNPM(ctx, p)
	case facetPeer:
		description.Versions, err = r.buildFacet(ctx, p)
	default:
		description.Versions, err = r.buildGo(ctx, p)
	}
	if err != nil {
		description.Failure = r.withoutPaths(err)
	}
	return description
}

func (r *runner) buildGo(ctx context.Context, p peer) (versions []string, err error) {
	folder := "./peers/" + p.name
	if p.kind == backendPeer {
		folder = "./backend"
	}
	r.programs[p.name] = filepath.Join(r.temp, "bin", p.name)
	if err := r.command(ctx, r.root, "go", "build", "-trimpath", "-tags", "grpcnotrace", "-o", r.programs[p.name], folder); err != nil {
		return nil, err
	}
	return goVersions(r.programs[p.name], p.module)
}

// buildFacet builds Facet as it is released.
func (r *runner) buildFacet(ctx context.Context, p peer) (versions []string, err error) {
	project := filepath.Dir(r.root)
	if err := r.command(ctx, project, "make", "--silent", "build"); err != nil {
		return nil, err
	}
	r.programs[p.name] = filepath.Join(project, "bin", "facet")
	out, err := exec.CommandContext(ctx, r.programs[p.name], "--version").Output()
	if err != nil {
		return nil, err
	}
	versions, err = goVersions(r.programs[p.name], p.module)
	return append([]string{strings.TrimSpace(string(out))}, versions...), err
}

// goVersions returns the versions of a module, and of Go, in a binary.
func goVersions(program, module string) ([]string, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return []string{module + " " + dependency.Version, info.GoVersion}, nil
		}
	}
	return nil, fmt.Errorf("%s is not part of %s", module, filepath.Base(program))
}

// buildNPM installs what a peer needs, unless that has been done.
func (r *runner) buildNPM(ctx context.Context, p peer) (versions []string, err error) {
	directory := filepath.Join(r.root, "peers", p.name)
	r.programs[p.name] = filepath.Join(directory, "run.sh")
	if !isNewer(filepath.Join(directory, "node_modules", ".package-lock.json"), filepath.Join(directory, "package-lock.json")) {
		if err := r.command(ctx, directory, "npm", "ci", "--no-audit", "--no-fund"); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(filepath.Join(directory, "package.json"))
	if err != nil {
		return nil, err
	}
	var manifest struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := json.Unmarshal(data, &manifest); err != nil {
		return nil, fmt.Errorf("package.json: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(manifest.Dependencies)) {
		versions = append(versions, name+" "+manifest.Dependencies[name])
	}
	return versions, nil
}

// isNewer reports whether a file is there and not older than another one.
func isNewer(path, than string) bool {
	file, err := os.Stat(path)
	other, otherErr := os.Stat(than)
	return err == nil && otherErr == nil && !file.ModTime().Before(other.ModTime())
}

// command runs a program; if it fails, the error has the end of what it said.
func (r *runner) command(ctx context.Context, directory, name string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = directory
	out, err := cmd.CombinedOutput()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(string(out))
	const most = 1000
	return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(arguments[:min(len(arguments), 2)], " "), err, said[max(len(said)-most, 0):])
}

// withoutPaths returns the text of an error, without where this run happens to take place.
func (r *runner) withoutPaths(err error) string {
	home, homeErr := os.UserHomeDir()
	if homeErr != nil {
		home = r.temp
	}
	return strings.NewReplacer(r.temp, "TEMP", filepath.Dir(r.root), ".", home, "~").Replace(err.Error())
}
