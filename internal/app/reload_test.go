package app_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/source"
)

const helloProto = `syntax = "proto3";
package hello.v1;
import "google/api/annotations.proto";
service HelloService {
  rpc Say(SayRequest) returns (SayReply) { option (google.api.http) = {get: "/say"}; }
}
message SayRequest {}
message SayReply { string text = 1; }
`

func helloYAML(text string) string {
	return "methods:\n  hello.v1.HelloService/Say: {reply: {text: \"" + text + "\"}}\n"
}

// get returns a body.
func get(t testing.TB, url string) string {
	t.Helper()
	reply, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// await asks until the body holds a text.
func await(t testing.TB, url, want string) string {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		body := get(t, url)
		if strings.Contains(body, want) {
			return body
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never answered %s, last %s", url, want, body)
		}
		time.Sleep(5 * time.Millisecond) // between two questions; the test waits for the answer
	}
}

func TestDocumentsReload(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hello.proto", helloProto)
	write("hello.yaml", helloYAML("'one'"))
	documents, err := source.NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr, bootstrap.Server.Grpc.Addr, bootstrap.Server.Admin.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	ctx, cancel := context.WithCancel(t.Context())
	gateway, err := app.New(ctx, app.Options{Bootstrap: bootstrap, Source: documents, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- gateway.Run() }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the gateway did not stop cleanly: %v", err)
		}
	})
	address, _, admin := gateway.Addresses()
	say, ready := "http://"+address+"/say", "http://"+admin+"/readyz"

	if got := get(t, say); got != `{"text":"one"}` {
		t.Fatalf("got %s", got)
	}
	write("hello.yaml", helloYAML("'two'"))
	await(t, say, `{"text":"two"}`)

	write("hello.yaml", helloYAML("nobody"))
	refusal := await(t, ready, `"refused"`)
	if !strings.Contains(refusal, "hello.yaml") || !strings.Contains(refusal, "nobody") {
		t.Errorf("the refusal does not name what is wrong: %s", refusal)
	}
	if got := get(t, say); got != `{"text":"two"}` {
		t.Errorf("after a bad change: got %s, want the last good snapshot's answer", got)
	}
	write("hello.yaml", helloYAML("'three'"))
	await(t, say, `{"text":"three"}`)
	if body := get(t, ready); strings.Contains(body, `"refused"`) {
		t.Errorf("the refusal outlives the good change: %s", body)
	}
}

func TestBadDocumentsDoNotStart(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("methods: {a.B/C: {}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	documents, err := source.NewDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.New(t.Context(), app.Options{Bootstrap: conf.Default(), Source: documents, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "a.yaml:1:11") {
		t.Errorf("got %v, want the problem with its position", err)
	}
}
