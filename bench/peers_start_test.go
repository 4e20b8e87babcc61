package main_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"facet/bench/internal/peer"
	"facet/bench/internal/process"
	"facet/bench/peers/facet"
)

// startTimeout is how long a process may take to listen.
const startTimeout = 20 * time.Second

// build builds the processes, and Facet as it is released, and returns the directory of the binaries.
func build(t *testing.T) string {
	t.Helper()
	bin := t.TempDir()
	for _, arguments := range [][]string{
		{"build", "-trimpath", "-tags", "grpcnotrace", "-o", bin + "/", "./backend", "./peers/..."},
		{"build", "-C", "..", "-trimpath", "-tags", "grpcnotrace", "-o", filepath.Join(bin, "facet"), "./cmd/facet"},
	} {
		if out, err := exec.CommandContext(t.Context(), "go", arguments...).CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(arguments, " "), err, out)
		}
	}
	return bin
}

// start runs a process until the test ends, and returns where it listens.
func start(t *testing.T, bin, name string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	address, err := run(t, bin, name, arguments...).Listening(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func run(t *testing.T, bin, name string, arguments ...string) *process.Process {
	t.Helper()
	p, err := process.Start(bin, filepath.Join(bin, name), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func startBackend(t *testing.T, bin string) (services peer.Services, jsonAddress string) {
	t.Helper()
	line := start(t, bin, "backend")
	for address, into := range map[string]*string{
		"user": &services.User, "order": &services.Order, "product": &services.Product, "notice": &services.Notice, "json": &jsonAddress,
	} {
		for field := range strings.FieldsSeq(line) {
			if value, ok := strings.CutPrefix(field, address+"="); ok {
				*into = value
			}
		}
		if *into == "" {
			t.Fatalf("the backend does not say where %s listens: %q", address, line)
		}
	}
	return services, jsonAddress
}

func serviceFlags(at peer.Services) []string {
	return []string{"-user", at.User, "-order", at.Order, "-product", at.Product, "-notice", at.Notice}
}

// startFacet runs Facet on free ports, and returns where it serves HTTP and gRPC.
func startFacet(t *testing.T, bin string, services peer.Services) (httpAddress, grpcAddress string) {
	t.Helper()
	dir := t.TempDir()
	if err := facet.WriteDocuments(dir, services); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	httpAddress, grpcAddress, admin := freeAddress(t), freeAddress(t), freeAddress(t)
	bootstrap := filepath.Join(t.TempDir(), "bootstrap.yaml") // not in a directory of documents
	text := fmt.Sprintf("server: {http: {addr: %q}, grpc: {addr: %q}, admin: {addr: %q}}\ndocuments: [%q, %q, %q]\n",
		httpAddress, grpcAddress, admin, dir, filepath.Join(here, "..", "api"), filepath.Join(here, "api"))
	if err := os.WriteFile(bootstrap, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	waitReady(t, run(t, bin, "facet", "serve", "-conf", bootstrap), "http://"+admin+"/readyz")
	return httpAddress, grpcAddress
}

// waitReady waits until a process answers that it is ready.
func waitReady(t *testing.T, p *process.Process, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	for poll := time.NewTicker(10 * time.Millisecond); ; {
		if status, _, err := fetch(ctx, url); err == nil && status == http.StatusOK {
			return
		}
		select {
		case <-p.Ended():
			t.Fatal(p.Failure())
		case <-ctx.Done():
			t.Fatalf("%s: %v", url, ctx.Err())
		case <-poll.C:
		}
	}
}

// get returns the body of a reply that is 200.
func get(t *testing.T, url string) []byte {
	t.Helper()
	status, body, err := fetch(t.Context(), url)
	if err != nil || status != http.StatusOK {
		t.Fatalf("%s: got %d, %v\n%s", url, status, err, body)
	}
	return body
}

func fetch(ctx context.Context, url string) (status int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	reply, err := new(http.Client).Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer reply.Body.Close()
	body, err = io.ReadAll(reply.Body)
	return reply.StatusCode, body, err
}

func dial(t *testing.T, address string) *grpc.ClientConn {
	t.Helper()
	conn, err := peer.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// freeAddress returns an address on which nothing listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
