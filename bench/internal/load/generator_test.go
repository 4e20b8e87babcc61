package load_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"facet/bench/internal/load"
)

// TestMain makes the test binary a load generator when its first argument says so.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "load" {
		if err := load.Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func start(t *testing.T) *load.Generator {
	t.Helper()
	generator, err := load.Start(os.Args[0], "load")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := generator.Stop(); err != nil {
			t.Error(err)
		}
	})
	return generator
}

func target(server *httptest.Server, connections int, paths ...string) load.Target {
	t := load.Target{Protocol: load.HTTP, Address: strings.TrimPrefix(server.URL, "http://"), Connections: connections}
	for _, path := range paths {
		t.Requests = append(t.Requests, load.Request{Path: path})
	}
	return t
}

func TestGenerator(t *testing.T) {
	t.Parallel()
	var asked [2]atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			asked[1].Add(1)
			fmt.Fprint(w, strings.Repeat("long ", 5000)) // in chunks
			return
		}
		asked[0].Add(1)
		fmt.Fprint(w, "short")
	}))
	t.Cleanup(server.Close)
	generator := start(t)
	reply, err := generator.Connect(target(server, 4, "/short", "/long"))
	if err != nil || string(reply) != "short" {
		t.Fatalf("reply %q, %v", reply, err)
	}
	before := asked[0].Load() + asked[1].Load()
	for _, rate := range []int{0, 500} {
		result, err := generator.Run(rate, 50*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		after := asked[0].Load() + asked[1].Load()
		if int64(result.Requests) != after-before || result.Requests == 0 {
			t.Errorf("rate %d: %d requests, but the server has answered %d", rate, result.Requests, after-before)
		}
		if (result.Latency != nil) != (rate > 0) {
			t.Errorf("rate %d: latency %v", rate, result.Latency)
		}
		before = after
	}
	if asked[0].Load() < 3 || asked[1].Load() < 3 {
		t.Errorf("requests are not sent in turn: %d, %d", asked[0].Load(), asked[1].Load())
	}
}

func TestGeneratorLosesNoError(t *testing.T) {
	t.Parallel()
	var answered atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := answered.Add(1); {
		case n <= 3:
			fmt.Fprint(w, "ok")
		case r.URL.Path == "/status":
			http.Error(w, "overloaded", http.StatusServiceUnavailable)
		default:
			fmt.Fprint(w, "other")
		}
	}))
	t.Cleanup(server.Close)
	generator := start(t)
	if _, err := generator.Run(0, time.Millisecond); err == nil {
		t.Error("no error before there is a connection")
	}
	for path, want := range map[string]string{"/status": "status 503: overloaded", "/size": "a reply of 5 bytes, where the first one had 2"} {
		answered.Store(0)
		if _, err := generator.Connect(target(server, 2, path)); err != nil {
			t.Fatal(err)
		}
		if _, err := generator.Run(0, 20*time.Millisecond); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestConnectRefuses(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	generator := start(t)
	unknown := target(server, 1, "/")
	unknown.Protocol = "smtp"
	for want, target := range map[string]load.Target{
		"status 404":     target(server, 1, "/"),
		"a target needs": target(server, 1),
		`protocol "smtp" is none of http, grpc and`: unknown,
		"connect":                              {Protocol: load.HTTP, Address: "127.0.0.1:1", Connections: 1, Requests: []load.Request{{Path: "/"}}},
		"connection error: desc = \"transport": {Protocol: load.GRPC, Address: "127.0.0.1:1", Connections: 1, Requests: []load.Request{{Path: "/"}}},
	} {
		if _, err := generator.Connect(target); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
