package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is one curl command of the quickstart.
type step struct {
	method, body, path string
	want               string // JSON; empty if the page does not show the reply
}

var (
	curlLine  = regexp.MustCompile("(?m)^curl -s (?:-X ([A-Z]+) )?(?:--json '(.*?)' )?'localhost:8000(.*)'\n```\n(?:\n```json\n((?s:.*?))```)?")
	gatewayAt = regexp.MustCompile(`gateway +http://([^,]+),`)
)

func readSteps(t *testing.T) []step {
	page, err := os.ReadFile("../../docs/quickstart.md")
	if err != nil {
		t.Fatal(err)
	}
	var steps []step
	for _, match := range curlLine.FindAllStringSubmatch(string(page), -1) {
		method := cmp.Or(match[1], http.MethodGet)
		if match[1] == "" && match[2] != "" {
			method = http.MethodPost
		}
		steps = append(steps, step{method: method, body: match[2], path: match[3], want: match[4]})
	}
	if commands := strings.Count(string(page), "\ncurl "); len(steps) != commands {
		t.Fatalf("%d of %d curl commands of the page were understood", len(steps), commands)
	}
	return steps
}

// TestQuickstart does what docs/quickstart.md says, and gets the replies that it shows.
func TestQuickstart(t *testing.T) {
	steps := readSteps(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	followed := false
	stdout := &until{text: "Try", done: func(output string) {
		defer cancel()
		for _, step := range steps {
			step.follow(t, gatewayAt.FindStringSubmatch(output)[1])
		}
		followed = true
	}}
	if err := run(ctx, freePorts, stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !followed {
		t.Error("the page was not followed to its end")
	}
}

func (s step) follow(t *testing.T, address string) {
	request, err := http.NewRequest(s.method, "http://"+address+s.path, strings.NewReader(s.body))
	if err != nil {
		t.Error(err)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Error(err)
		return
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Error(err)
	}
	t.Logf("%s %s\n%s %s", s.method, s.path, reply.Status, body)
	if s.want == "" {
		return
	}
	var got, want any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Errorf("%s: %v", s.path, err)
	}
	if err := json.Unmarshal([]byte(s.want), &want); err != nil {
		t.Errorf("the page has no JSON for %s: %v", s.path, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s %s\ngot  %s\nwant %s", s.method, s.path, body, s.want)
	}
}
