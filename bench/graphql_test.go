//go:build npm

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
)

// npmStartTimeout is how long a peer from npm may take to listen: Node compiles much at its start.
const npmStartTimeout = 2 * time.Minute

// TestGraphQLPeers wants the peers from npm to reply what follows from what the services say, apart from how GraphQL wraps it.
func TestGraphQLPeers(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin+"/", "./backend").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	services, _ := startBackend(t, bin)
	want := fetchWanted(t, services)
	page := fetchPage(t, services.Order, 10_000)
	for _, name := range []string{"tailcall", "hive"} {
		t.Run(name, func(t *testing.T) {
			directory := installed(t, name)
			ctx, cancel := context.WithTimeout(t.Context(), npmStartTimeout)
			defer cancel()
			address, err := run(t, directory, "run.sh", serviceFlags(services)...).Listening(ctx)
			if err != nil {
				t.Fatal(err)
			}
			queries := filepath.Join(directory, "queries")
			testQuery(t, address, filepath.Join(queries, "one.json"), want.orders, graphQLData.orders)
			testQuery(t, address, filepath.Join(queries, "screen-full.json"), want.screen, graphQLData.screen)
			testQuery(t, address, filepath.Join(queries, "screen-selected.json"), trimmed(t, want.screen, selectedScreen), graphQLData.screen)
			testQuery(t, address, filepath.Join(queries, "join.json"), want.cards, graphQLData.cards)
			if name == "tailcall" {
				testQuery(t, address, filepath.Join(queries, "page.json"), page, graphQLData.page)
			}
		})
	}
}

// installed returns the directory of a peer whose packages are there. Without them the test is skipped, except on CI.
func installed(t *testing.T, name string) string {
	t.Helper()
	directory, err := filepath.Abs(filepath.Join("peers", name))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(directory, "node_modules"))
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal(err)
	case err != nil:
		t.Skipf("run npm ci in peers/%s first", name)
	}
	return directory
}

// testQuery sends the query of a file, and wants what its reply holds to be a message.
func testQuery(t *testing.T, address, file string, want proto.Message, held func(graphQLData) any) {
	t.Helper()
	t.Run(filepath.Base(file), func(t *testing.T) {
		text, err := json.Marshal(protoJSON(held(ask(t, address, file))))
		if err != nil {
			t.Fatal(err)
		}
		got := want.ProtoReflect().New().Interface()
		if err := protojson.Unmarshal(text, got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// graphQLData is what a reply holds, by the root fields of its query.
type graphQLData map[string]map[string]any

// ask sends a query from a file.
func ask(t *testing.T, address, file string) graphQLData {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var query struct {
		Method, Path string
		Body         json.RawMessage
	}
	if err := json.Unmarshal(text, &query); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	request, err := http.NewRequestWithContext(t.Context(), query.Method, "http://"+address+query.Path, bytes.NewReader(query.Body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var reply struct {
		Data   graphQLData
		Errors json.RawMessage
	}
	if err := json.NewDecoder(response.Body).Decode(&reply); err != nil {
		t.Fatalf("%s: %v", response.Status, err)
	}
	if response.StatusCode != http.StatusOK || reply.Errors != nil {
		t.Fatalf("%s: %s", response.Status, reply.Errors)
	}
	return reply.Data
}

func (d graphQLData) orders() any { return d["orders"] }

func (d graphQLData) page() any { return d["page"] }

func (d graphQLData) screen() any {
	return map[string]any{"user": d["user"], "orders": d["orders"]["orders"], "notices": d["notices"]["notices"]}
}

// cards takes the products out of the orders: one of each, or a reply with one of each.
func (d graphQLData) cards() any {
	cards := []any{}
	orders, _ := d["orders"]["orders"].([]any)
	for _, order := range orders {
		order, _ := order.(map[string]any)
		product := order["product"]
		if reply, ok := order["products"].(map[string]any); ok {
			products, _ := reply["products"].([]any)
			product = products[0]
		}
		delete(order, "product")
		delete(order, "products")
		cards = append(cards, map[string]any{"order": order, "product": product})
	}
	return map[string]any{"cards": cards}
}

// protoJSON changes a value to what proto3 JSON has in its place: times are texts.
func protoJSON(value any) any {
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = protoJSON(value[i])
		}
	case map[string]any:
		if seconds, ok := value["seconds"].(float64); ok {
			nanos, _ := value["nanos"].(float64) // null is 0
			return time.Unix(int64(seconds), int64(nanos)).UTC().Format(time.RFC3339Nano)
		}
		for name := range value {
			value[name] = protoJSON(value[name])
		}
	}
	return value
}
