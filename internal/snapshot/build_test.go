package snapshot_test

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"

	userv1 "facet/api/user/v1"
	"facet/internal/pbwire"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// with returns the shared documents of the corpus and some more: name, text, name, text...
func with(t *testing.T, pairs ...string) []snapshot.Document {
	t.Helper()
	documents := sharedDocuments(t)
	for i := 0; i < len(pairs); i += 2 {
		documents = append(documents, snapshot.Document{Name: pairs[i], Data: []byte(pairs[i+1])})
	}
	return documents
}

// build builds documents that are right.
func build(t *testing.T, documents []snapshot.Document) *snapshot.Snapshot {
	t.Helper()
	s, problems := snapshot.Build(t.Context(), documents, upstream.NewPool())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestBuildProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		documents []string // name, text, name, text...
		want      string
	}{
		"every part has a problem of its own": {
			[]string{
				"a.yaml", "limits: {body_bytes: -1}\nmethods: {user.v1.UserService/GetUsr: {}, user.v1.UserService/GetUser: {timeout: 0s}}\n",
				"b.yaml", "upstreams: {product: {target: nowhere, services: [product.v1.ProductService]}}\n",
			},
			`a.yaml:1:22: body_bytes cannot be negative: -1; leave it out for the default
a.yaml:2:11: service user.v1.UserService has no method "GetUsr"; did you mean "GetUser"?
a.yaml:2:82: a timeout of 0s would let nothing pass; leave it out for the default
b.yaml:1:31: target "nowhere": want static:///host:port[,host:port...] or dns:///name:port`,
		},
		"a broken .proto is not a broken plan": {
			[]string{
				"a.yaml", "methods: {shop.v1.ShopService/Get: {reply: {}}, user.v1.UserService/Nothing: {}}\n",
				"shop/v1/shop.proto", "syntax = \"proto3\";\npackage shop.v1;\nmessage Shop { Nil a = 1; }\n",
			},
			`shop/v1/shop.proto:3:16: field shop.v1.Shop.a: unknown type Nil`,
		},
		"a document that is no YAML hides nothing of the .proto files": {
			[]string{
				"a.yaml", "methods: [\n",
				"shop/v1/shop.proto", "message {}",
			},
			`a.yaml:1:1: no YAML: did not find expected node content; a value is missing
shop/v1/shop.proto:1:9: syntax error: unexpected '{'`,
		},
		"defined twice": {
			[]string{
				"a.yaml", "methods: {user.v1.UserService/GetUser: {}}\njson: {}\nlimits: {}\n",
				"b.yaml", "methods: {user.v1.UserService/GetUser: {}}\njson: {}\nlimits: {}\n",
			},
			`b.yaml:1:11: method "user.v1.UserService/GetUser" is defined in a.yaml:1:11 too; keep one of them
b.yaml:2:1: "json" is set in a.yaml:2:1 too; one document may set it
b.yaml:3:1: "limits" is set in a.yaml:3:1 too; one document may set it`,
		},
		"unknown kind of document": {
			[]string{"notes.txt", "hello"},
			`notes.txt: unknown kind of document; want .yaml, .yml or .json for settings, .proto, .binpb, .pb, .desc or .protoset for descriptors`,
		},
		"two documents of one name": {
			[]string{"base.yaml", ""},
			`base.yaml: there are two documents of this name`,
		},
		"a rule of a .proto clashes with one of a document": {
			[]string{"a.yaml", "methods:\n  mall.v1.MallService/GetHome: {reply: {}}\n  mall.v1.MallService/GetPlain: {http: [{get: '/v1/users/*/home'}], reply: {}}\n"},
			`a.yaml:3:41: GET /v1/users/*/home (mall.v1.MallService/GetPlain) clashes with GET /v1/users/{user_id}/home (mall.v1.MallService/GetHome): both match the same requests; change the path of one (in mall/v1/mall.proto:13:5)`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, problems := snapshot.Build(t.Context(), with(t, test.documents...), upstream.NewPool())
			if s != nil {
				t.Error("there is a snapshot, in spite of problems")
			}
			if got := problems.Error(); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	documents := with(t, "a.yaml", "json: {unset: omit}\n")
	hash := build(t, documents).Hash
	slices.Reverse(documents)
	if got := build(t, documents).Hash; got != hash {
		t.Errorf("the order of documents changes the hash from %s to %s", hash, got)
	}
	if got := build(t, with(t, "a.yaml", "json: {unset: omit} \n")).Hash; got == hash {
		t.Error("another content has the same hash")
	}
	if got := build(t, with(t, "b.yaml", "json: {unset: omit}\n")).Hash; got == hash {
		t.Error("another name has the same hash")
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	s := build(t, with(t, "a.yaml", "methods: {user.v1.UserService/GetUser: {}}\n"))
	limits := s.Limits
	if limits.GetBodyBytes() != 4<<20 || limits.GetSelectionBytes() != 4096 || limits.GetSelectionDepth() != 16 ||
		limits.GetSelectionPaths() != 256 || limits.GetSelectionCache() != 256 {
		t.Errorf("limits are %v", limits)
	}
	m := s.Methods["user.v1.UserService/GetUser"]
	if m.Timeout != 10*time.Second || m.Options.Unset != pbwire.UnsetDefaults || m.Options.Types == nil || m.CachedViews != 256 {
		t.Errorf("the method is %+v", m)
	}
	if want := (pbwire.SelectionLimits{Bytes: 4096, Depth: 16, Paths: 256}); m.SelectionLimits != want {
		t.Errorf("its selections are bounded by %+v", m.SelectionLimits)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := build(t, with(t, "a.yaml", "methods: {user.v1.UserService/GetUser: {timeout: 250ms}}\n", "b.yml", "limits: {selection_depth: 3}\n", "c.json", `{"json": {"unset": "kratos"}}`))
	m := s.Methods["user.v1.UserService/GetUser"]
	if m.Timeout != 250*time.Millisecond || m.Options.Unset != pbwire.UnsetKratos || m.SelectionLimits.Depth != 3 || m.SelectionLimits.Paths != 256 {
		t.Errorf("the method is %+v", m)
	}
	if got := s.Upstreams["user"].GetServices(); !slices.Equal(got, []string{"user.v1.UserService"}) {
		t.Errorf("upstream user serves %v", got)
	}
}

func TestSelectParameters(t *testing.T) {
	t.Parallel()
	const proto = `syntax = "proto3";
package find.v1;
service Finder {
  rpc Plain(Request) returns (Reply);
  rpc Own(OwnRequest) returns (Reply);
  rpc Other(OtherRequest) returns (Reply);
}
message Request {}
message OwnRequest { string select = 1; }
message OtherRequest { repeated string select = 1; string fields = 2; }
message Reply {}
`
	s := build(t, with(t, "find/v1/find.proto", proto, "a.yaml",
		"methods: {find.v1.Finder/Plain: {reply: {}}, find.v1.Finder/Own: {reply: {}}, find.v1.Finder/Other: {reply: {}}}"))
	tests := []struct {
		method     string
		parameters []string
		field      bool
	}{
		{"find.v1.Finder/Plain", []string{"select", "fields", "$fields"}, false},
		{"find.v1.Finder/Own", []string{"fields", "$fields"}, true},
		{"find.v1.Finder/Other", []string{"$fields"}, false},
	}
	for _, test := range tests {
		m := s.Methods[test.method]
		if !slices.Equal(m.SelectParameters, test.parameters) || (m.SelectField != nil) != test.field {
			t.Errorf("%s: parameters %q, field %v", test.method, m.SelectParameters, m.SelectField)
		}
	}
}

// TestSafe shows of which methods calls may be left out: of those without side effects.
func TestSafe(t *testing.T) {
	t.Parallel()
	const proto = `syntax = "proto3";
package safe.v1;
import "google/api/annotations.proto";
import "user/v1/user.proto";
service Safe {
  rpc Get(Empty) returns (Pair) { option (google.api.http) = {get: "/get"}; }
  rpc Post(Empty) returns (Pair) { option (google.api.http) = {post: "/post"}; }
  rpc Both(Empty) returns (Pair) { option (google.api.http) = {get: "/both" additional_bindings {post: "/both"}}; }
  rpc Declared(Empty) returns (Pair) { option idempotency_level = NO_SIDE_EFFECTS; option (google.api.http) = {post: "/declared"}; }
  rpc Idempotent(Empty) returns (Pair) { option idempotency_level = IDEMPOTENT; }
  rpc Unbound(Empty) returns (Pair);
}
message Empty {}
message Pair { user.v1.User a = 1; user.v1.User b = 2; }
`
	plan := "{calls: {a: {rpc: user.v1.UserService/GetUser}, b: {rpc: user.v1.UserService/GetUser}}, reply: {a: a, b: b}}"
	var document strings.Builder
	document.WriteString("methods:\n")
	for _, name := range []string{"Get", "Post", "Both", "Declared", "Idempotent", "Unbound"} {
		document.WriteString("  safe.v1.Safe/" + name + ": " + plan + "\n")
	}
	s := build(t, with(t, "safe/v1/safe.proto", proto, "a.yaml", document.String()))
	for name, safe := range map[string]bool{"Get": true, "Post": false, "Both": false, "Declared": true, "Idempotent": false, "Unbound": false} {
		view, err := s.Methods["safe.v1.Safe/"+name].View("a.name", nil)
		if err != nil {
			t.Fatal(err)
		}
		if calls := len(view.Program.Explain().Calls); (calls == 1) != safe {
			t.Errorf("%s makes %d calls to fill one field of two", name, calls)
		}
	}
}

// reflecting starts a server of user.v1.UserService that does nothing, and returns its address.
func reflecting(t *testing.T, reflected bool) string {
	t.Helper()
	return serve(t, userv1.UnimplementedUserServiceServer{}, reflected)
}

// serve starts a server of user.v1.UserService and returns its address.
func serve(t *testing.T, service userv1.UserServiceServer, reflected bool) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	userv1.RegisterUserServiceServer(server, service)
	if reflected {
		reflection.Register(server)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return listener.Addr().String()
}

func reflectingDocument(address string) []snapshot.Document {
	return []snapshot.Document{{Name: "gateway.yaml", Data: []byte(`upstreams:
  user:
    target: static:///` + address + `
    services: [user.v1.UserService]
    reflection: true
methods:
  user.v1.UserService/GetUser: {http: [{get: "/v1/users/{id}"}]}
`)}}
}

func TestReflection(t *testing.T) {
	t.Parallel()
	s := build(t, reflectingDocument(reflecting(t, true)))
	m := s.Methods["user.v1.UserService/GetUser"]
	if m == nil || m.Descriptor.Output().FullName() != "user.v1.User" || len(m.Bindings) != 1 {
		t.Errorf("GetUser is %+v", m)
	}
}

func TestReflectionFails(t *testing.T) {
	t.Parallel()
	_, problems := snapshot.Build(t.Context(), reflectingDocument(reflecting(t, false)), upstream.NewPool())
	if len(problems) != 1 || problems[0].Position.String() != "gateway.yaml:5:17" || !strings.Contains(problems[0].Message, "server reflection is not enabled") {
		t.Errorf("got %v", problems)
	}
}
