package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	servicespeer "facet/bench/internal/peer"
	"facet/bench/internal/process"
	facetdocuments "facet/bench/peers/facet"
)

// facet is what only Facet has: an admin address, and documents that change while it serves.
type facet struct {
	admin     string // host:port
	documents string // the directory of what is generated
	// startup is how long it took until it was ready.
	startup time.Duration
}

// ownMethods is how many methods Facet's documents have before any are generated.
const ownMethods = 5

// startFacet starts the released binary on documents with so many methods, and waits until it is ready.
func (r *runner) startFacet(ctx context.Context, methods int, at servicespeer.Services) (*gateway, error) {
	directory, err := os.MkdirTemp(r.temp, "facet-")
	if err != nil {
		return nil, err
	}
	f := &facet{documents: filepath.Join(directory, "documents")}
	if err := r.writeDocuments(f.documents, methods, at); err != nil {
		return nil, err
	}
	var ports [3]string
	for i := range ports {
		if ports[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	f.admin = ports[2]
	bootstrap := filepath.Join(directory, "bootstrap.yaml")
	text := fmt.Sprintf("server:\n  http: {addr: %q}\n  grpc: {addr: %q}\n  admin: {addr: %q}\ndocuments: [documents]\n", ports[0], ports[1], ports[2])
	if err := os.WriteFile(bootstrap, []byte(text), 0o600); err != nil {
		return nil, err
	}
	began := time.Now()
	p, err := process.Start(r.root, r.programs["facet"], "serve", "--conf", bootstrap)
	if err != nil {
		return nil, err
	}
	if err := f.waitUntilReady(ctx, p); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	f.startup = time.Since(began)
	return &gateway{process: p, http: ports[0], grpc: ports[1], facet: f}, nil
}

// writeDocuments fills a new directory with documents that have so many methods.
func (r *runner) writeDocuments(directory string, methods int, at servicespeer.Services) error {
	if err := os.Mkdir(directory, 0o755); err != nil {
		return err
	}
	// Of the contracts only those that are needed: the services' are those of the sample mall.
	contracts := []string{filepath.Join(r.root, "api", "bench")}
	for _, service := range []string{"user", "order", "product", "notice"} {
		contracts = append(contracts, filepath.Join(r.root, "..", "api", service))
	}
	for _, contract := range contracts {
		if err := os.Symlink(contract, filepath.Join(directory, filepath.Base(contract))); err != nil {
			return err
		}
	}
	return errors.Join(facetdocuments.WriteDocuments(directory, at), writeGenerated(directory, methods-ownMethods))
}

// freeAddress returns an address of the loopback that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// waitUntilReady asks again and again whether it is.
func (f *facet) waitUntilReady(ctx context.Context, p *process.Process) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if _, err := f.get(ctx, "/readyz"); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("facet is not ready: %w", ctx.Err())
		case <-p.Ended():
			return p.Failure()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// get asks the admin address.
func (f *facet) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.admin+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	reply, err := new(http.Client).Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %.300s", path, reply.Status, body)
	}
	return body, err
}

// snapshot returns the hash of the documents that are served.
func (f *facet) snapshot(ctx context.Context) (string, error) {
	body, err := f.get(ctx, "/readyz")
	if err != nil {
		return "", err
	}
	var state struct {
		Snapshot struct {
			Hash string `json:"hash"`
		} `json:"snapshot"`
	}
	err = json.Unmarshal(body, &state)
	return state.Snapshot.Hash, err
}

var heapAlloc = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)

// heap returns the bytes of Go's heap that are in use after a garbage collection.
func (f *facet) heap(ctx context.Context) (int64, error) {
	body, err := f.get(ctx, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, err
	}
	found := heapAlloc.FindSubmatch(body)
	if found == nil {
		return 0, errors.New("the heap profile does not tell HeapAlloc")
	}
	return strconv.ParseInt(string(found[1]), 10, 64)
}

// reload changes the documents every second while a function runs, and wants the changes to be served.
func (f *facet) reload(ctx context.Context, during func() error) error {
	before, err := f.snapshot(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	changed := make(chan error, 1)
	go func() { changed <- f.change(ctx) }()
	err = during()
	after, snapshotErr := f.snapshot(ctx)
	if snapshotErr == nil && before == after {
		snapshotErr = errors.New("the documents have changed, but what is served has not")
	}
	cancel()
	return errors.Join(err, snapshotErr, <-changed)
}

// change writes a method's timeout anew, half a second from now and every second after, until the context ends.
func (f *facet) change(ctx context.Context) error {
	clock := time.NewTicker(500 * time.Millisecond)
	defer clock.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-clock.C:
			clock.Reset(time.Second)
			text := fmt.Sprintf(changingDocument, 1000+now.UnixMilli()%1000)
			if err := writeAtomically(filepath.Join(f.documents, "changing.yaml"), text); err != nil {
				return err
			}
		}
	}
}

// writeAtomically replaces a file, so that nobody reads half of it.
func writeAtomically(path, text string) error {
	hidden := filepath.Join(filepath.Dir(path), "."+filepath.Base(path))
	if err := os.WriteFile(hidden, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(hidden, path)
}
