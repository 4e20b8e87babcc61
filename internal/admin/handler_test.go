package admin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/admin"
	"facet/internal/canary"
	"facet/internal/httprule"
	"facet/internal/problem"
	"facet/internal/snapshot"
)

// state is a State that does not change.
type state admin.Status

func (s state) Status() admin.Status { return admin.Status(s) }

// get asks the admin handler of a state.
func get(s admin.Status, method, path string) *http.Response {
	recorder := httptest.NewRecorder()
	admin.NewHandler(state(s), http.NotFoundHandler()).ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shop is a snapshot that serves one method.
func shop(t *testing.T) *snapshot.Snapshot {
	t.Helper()
	name := func(s string) *string { return &s }
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: name("shop.proto"), Package: name("shop"), Syntax: name("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: name("Item")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{Name: name("Shop"), Method: []*descriptorpb.MethodDescriptorProto{
			{Name: name("Get"), InputType: name(".shop.Item"), OutputType: name(".shop.Item")},
		}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	bindings, err := httprule.Compile(file.Services().Get(0).Methods().Get(0), &annotations.HttpRule{
		Pattern: &annotations.HttpRule_Get{Get: "/v1/item"},
	}, httprule.Options{})
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]*gatewayv1.Call{"a": {Rpc: "stock.Stock/Count"}, "b": {Rpc: "item.Items/Get"}, "c": {Rpc: "item.Items/Get"}}
	return &snapshot.Snapshot{Hash: "5b0a1f0e", Methods: map[string]*snapshot.Method{
		"shop.Shop/Get":  {Name: "shop.Shop/Get", Bindings: bindings, Config: &gatewayv1.Method{Calls: calls}},
		"item.Items/Get": {Name: "item.Items/Get", Config: &gatewayv1.Method{}},
	}}
}

func TestReadiness(t *testing.T) {
	at := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	serving := admin.Status{Snapshot: shop(t), Revision: "c1d2", Activated: at}
	fromDisk := admin.Status{
		Snapshot: shop(t), Revision: "41", Version: "v20261123-2", Activated: at, LastGood: at.Add(-time.Hour),
		Unreadable: "no route to etcd", UnreadableSince: at,
	}
	trying := serving
	trying.Canary = &admin.Canary{
		Hash: "77aa", Share: "5%", Since: at,
		Live: canary.Served{OK: 1897, Failed: 3}, Candidate: canary.Served{OK: 99, Failed: 1},
	}
	draining := serving
	draining.Draining = true
	refused := serving
	refused.Refused = at.Add(time.Minute)
	refused.Problems = problem.List{
		{Position: problem.Position{Document: "mall.yaml", Line: 14, Column: 9}, Message: `unknown key "cals"`},
		{Message: "no method is served"},
	}
	const snapshotJSON = `"snapshot":{"hash":"5b0a1f0e","revision":"c1d2","activated":"2026-11-23T10:15:00Z","methods":2}`
	for _, test := range []struct {
		name   string
		status admin.Status
		code   int
		want   string
	}{
		{"starting", admin.Status{}, 503, `{"status":"starting"}`},
		{"ready", serving, 200, `{"status":"ready",` + snapshotJSON + `}`},
		{"draining", draining, 503, `{"status":"draining",` + snapshotJSON + `}`},
		{"from disk", fromDisk, 200, `{"status":"ready","snapshot":{"hash":"5b0a1f0e","revision":"41","activated":"2026-11-23T10:15:00Z","methods":2,` +
			`"version":"v20261123-2","last_good":"2026-11-23T09:15:00Z"},"unreadable":{"since":"2026-11-23T10:15:00Z","message":"no route to etcd"}}`},
		{"with a canary", trying, 200, `{"status":"ready",` + snapshotJSON + `,"canary":{"hash":"77aa","share":"5%","since":"2026-11-23T10:15:00Z",` +
			`"live":{"requests":1900,"failed":3},"candidate":{"requests":100,"failed":1}}}`},
		{"refused", refused, 200, `{"status":"ready",` + snapshotJSON + `,"refused":{"at":"2026-11-23T10:16:00Z","problems":[` +
			`{"document":"mall.yaml","line":14,"column":9,"message":"unknown key \"cals\""},{"message":"no method is served"}]}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			response := get(test.status, http.MethodGet, "/readyz")
			if response.StatusCode != test.code || response.Header.Get("Content-Type") != "application/json" {
				t.Errorf("got %d, %s", response.StatusCode, response.Header)
			}
			expectJSON(t, body(t, response), test.want)
		})
	}
}

func TestSnapshot(t *testing.T) {
	response := get(admin.Status{Snapshot: shop(t)}, http.MethodGet, "/snapshot")
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %d", response.StatusCode)
	}
	expectJSON(t, body(t, response), `{"hash":"5b0a1f0e","methods":[
		{"name":"item.Items/Get","bindings":[],"calls":[]},
		{"name":"shop.Shop/Get","bindings":["GET /v1/item"],"calls":["item.Items/Get","stock.Stock/Count"]}]}`)

	if response := get(admin.Status{}, http.MethodGet, "/snapshot"); response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("without a snapshot: %d", response.StatusCode)
	}
}

// expectJSON compares two JSON texts, apart from white space.
func expectJSON(t *testing.T, got, want string) {
	t.Helper()
	var compactGot, compactWant bytes.Buffer
	if err := errors.Join(json.Compact(&compactGot, []byte(got)), json.Compact(&compactWant, []byte(want))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(compactGot.Bytes(), compactWant.Bytes()) {
		t.Errorf("got  %s\nwant %s", &compactGot, &compactWant)
	}
}

func TestStatusCodes(t *testing.T) {
	draining := admin.Status{Draining: true}
	for _, test := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/livez", 200},
		{"HEAD", "/livez", 200},
		{"POST", "/livez", 405},
		{"DELETE", "/readyz", 405},
		{"POST", "/debug/pprof/symbol", 405},
		{"GET", "/", 404},
		{"GET", "/livez/", 404},
		{"GET", "/debug/vars", 404},
		{"GET", "/debug/requests", 404},
		{"GET", "/debug/pprof/", 200},
		{"GET", "/debug/pprof/goroutine?debug=1", 200},
		{"GET", "/debug/pprof/heap", 200},
		{"GET", "/debug/pprof/heap?debug=3", 400},
		{"GET", "/debug/pprof/heap?debug=x", 400},
		{"GET", "/debug/pprof/nothing", 404},
		{"GET", "/debug/pprof/profile?seconds=0.01", 200},
		{"GET", "/debug/pprof/trace?seconds=0.01", 200},
		{"GET", "/debug/pprof/trace?seconds=301", 400},
		{"GET", "/debug/pprof/trace?seconds=-1", 400},
		{"GET", "/debug/pprof/trace?seconds=NaN", 400},
		{"GET", "/debug/pprof/trace?seconds=x", 400},
	} {
		response := get(draining, test.method, test.path)
		if response.StatusCode != test.code {
			t.Errorf("%s %s: got %d, want %d", test.method, test.path, response.StatusCode, test.code)
		}
		if test.code == 405 && response.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s %s: Allow is %q", test.method, test.path, response.Header.Get("Allow"))
		}
	}
}

func TestProfilesAreListed(t *testing.T) {
	text := body(t, get(admin.Status{}, http.MethodGet, "/debug/pprof/"))
	for name := range strings.Lines(text) {
		name = strings.TrimSpace(name)
		if name == "profile" || name == "trace" {
			continue
		}
		if response := get(admin.Status{}, http.MethodGet, "/debug/pprof/"+name); response.StatusCode != http.StatusOK {
			t.Errorf("%s: got %d", name, response.StatusCode)
		}
	}
	if !strings.Contains(text, "goroutine\n") {
		t.Errorf("the list is %q", text)
	}
}

// One recording is made at a time, and it ends when its client leaves.
func TestRecordingsDoNotOverlap(t *testing.T) {
	server := httptest.NewServer(admin.NewHandler(state{}, http.NotFoundHandler()))
	defer server.Close()
	first, err := http.Get(server.URL + "/debug/pprof/trace?seconds=300") // a trace begins to come at once
	if err != nil {
		t.Fatal(err)
	}
	second := get(admin.Status{}, http.MethodGet, "/debug/pprof/trace?seconds=0.01")
	if second.StatusCode != http.StatusConflict {
		t.Errorf("a second trace: %d", second.StatusCode)
	}
	first.Body.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		third := get(admin.Status{}, http.MethodGet, "/debug/pprof/trace?seconds=0.01")
		if third.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the trace of a client that has left goes on")
		}
	}
}

// The profiles of net/http/pprof register themselves where other servers may pick them up.
func TestDefaultServeMuxIsEmpty(t *testing.T) {
	for _, path := range []string{"/debug/pprof/", "/debug/vars"} {
		if _, pattern := http.DefaultServeMux.Handler(httptest.NewRequest(http.MethodGet, path, nil)); pattern != "" {
			t.Errorf("%s is served by http.DefaultServeMux, as %s", path, pattern)
		}
	}
}
