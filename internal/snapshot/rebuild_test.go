package snapshot_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	userv1 "facet/api/user/v1"
	"facet/internal/httprule"
	"facet/internal/plan"
	"facet/internal/problem"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// TestRebuildEqualsBuild edits documents at random and holds each snapshot, or what is wrong with the documents, against
// those of a build from nothing.
func TestRebuildEqualsBuild(t *testing.T) {
	t.Parallel()
	const seeds, edits = 4, 50
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			e := editor{random: rand.New(rand.NewPCG(seed, 0)), documents: editable()}
			builder := snapshot.NewBuilder(upstream.NewPool())
			var holder snapshot.Holder
			defer holder.Publish(nil)
			good := e.documents
			accepted := 0
			for range edits {
				e.documents = slices.Clone(e.documents)
				edit := e.edit()
				s, problems := builder.Build(t.Context(), e.documents)
				want, wantProblems := snapshot.Build(t.Context(), e.documents, upstream.NewPool())
				if diff := difference(problems, wantProblems, s, want); diff != "" {
					t.Fatalf("after %s:\n%s", edit, diff)
				}
				if want != nil {
					holder.Publish(s)
					good = e.documents
					accepted++
					if err := want.Close(); err != nil {
						t.Fatal(err)
					}
				} else if e.random.IntN(3) > 0 { // otherwise there will be one mistake more
					e.documents = good
				}
			}
			if accepted < edits/5 || accepted > edits*9/10 {
				t.Errorf("%d of %d edits were accepted", accepted, edits)
			}
		})
	}
}

// editable is a small set of documents with something of everything.
func editable() []snapshot.Document {
	return append(generated(2*methodsPerTeam+3),
		snapshot.Document{Name: "settings.yaml", Data: []byte("json: {unset: kratos}\nlimits: {selection_depth: 9, selection_cache: 3}\n")},
		snapshot.Document{Name: "more.yaml", Data: []byte("methods:\n  shop.v1.UserService/GetUser:\n    http: [{get: '/users/{id}'}]\n")})
}

// editor changes documents at random.
type editor struct {
	random    *rand.Rand
	documents []snapshot.Document
}

// edit makes one change and says which.
func (e *editor) edit() string {
	i := e.random.IntN(len(e.documents))
	d := &e.documents[i]
	lines := strings.SplitAfter(string(d.Data), "\n")
	at := e.random.IntN(len(lines))
	what := "nothing"
	switch e.random.IntN(10) {
	case 0:
		what, lines = "a line less", slices.Delete(lines, at, at+1)
	case 1:
		what, lines = "a line twice", slices.Insert(lines, at, lines[at])
	case 2, 3, 4:
		what, lines = "an empty line", slices.Insert(lines, at, "\n")
	case 5, 6:
		what, lines[at] = "another number", e.replaceDigit(lines[at])
	case 7:
		what, lines[at] = "another name", strings.Replace(lines[at], "user", "orders", 1)
	case 8:
		what = "a document less"
		e.documents = slices.Delete(e.documents, i, i+1)
		return fmt.Sprintf("%s: %s", what, d.Name)
	case 9:
		what = "another order"
		e.random.Shuffle(len(e.documents), func(a, b int) { e.documents[a], e.documents[b] = e.documents[b], e.documents[a] })
		return what
	}
	d.Data = []byte(strings.Join(lines, ""))
	return fmt.Sprintf("%s: %s:%d", what, d.Name, at+1)
}

// replaceDigit changes the last digit of a line, which may be a timeout, a port, a field number or a part of a name.
func (e *editor) replaceDigit(line string) string {
	i := strings.LastIndexAny(line, "0123456789")
	if i < 0 {
		return line
	}
	return line[:i] + fmt.Sprint(1+e.random.IntN(9)) + line[i+1:]
}

// difference says in what two outcomes of a build differ.
func difference(got, want problem.List, gotSnapshot, wantSnapshot *snapshot.Snapshot) string {
	if got.Error() != want.Error() {
		return fmt.Sprintf("problems are:\n%s\nwant:\n%s", got.Error(), want.Error())
	}
	if (gotSnapshot == nil) != (wantSnapshot == nil) {
		return fmt.Sprintf("the snapshot is %v, want %v", gotSnapshot, wantSnapshot)
	}
	if wantSnapshot == nil {
		return ""
	}
	return cmp.Or(
		differs("hash", gotSnapshot.Hash, wantSnapshot.Hash),
		differs("descriptors", descriptors(gotSnapshot), descriptors(wantSnapshot)),
		differs("limits", gotSnapshot.Limits.String(), wantSnapshot.Limits.String()),
		differs("JSON", gotSnapshot.JSON.Unset, wantSnapshot.JSON.Unset),
		differs("upstreams", maps.EqualFunc(gotSnapshot.Upstreams, wantSnapshot.Upstreams, func(a, b *gatewayv1.Upstream) bool { return proto.Equal(a, b) }), true),
		differs("methods", strings.Join(slices.Sorted(maps.Keys(gotSnapshot.Methods)), "\n"), strings.Join(slices.Sorted(maps.Keys(wantSnapshot.Methods)), "\n")),
		methodsDiffer(gotSnapshot, wantSnapshot),
	)
}

// descriptors is what a schema is.
func descriptors(s *snapshot.Snapshot) string {
	var files []string
	s.Schema.Files().RangeFiles(func(file protoreflect.FileDescriptor) bool {
		files = append(files, prototext.Format(protodesc.ToFileDescriptorProto(file)))
		return true
	})
	slices.Sort(files)
	return strings.Join(files, "\n")
}

func differs[T comparable](what string, got, want T) string {
	if got == want {
		return ""
	}
	return fmt.Sprintf("%s: %v, want %v", what, got, want)
}

func methodsDiffer(got, want *snapshot.Snapshot) string {
	for _, name := range slices.Sorted(maps.Keys(want.Methods)) {
		g, w := got.Methods[name], want.Methods[name]
		diff := cmp.Or(
			differs("configuration of "+name, g.Config.String(), w.Config.String()),
			differs("settings of "+name, settings(g), settings(w)),
			differs("descriptors are of the schema, "+name, found(got, g), true),
			differs("plan of "+name, explained(g), explained(w)),
			differs("routes of "+name, routed(got, w), routed(want, w)),
		)
		if diff != "" {
			return diff
		}
	}
	return ""
}

func settings(m *snapshot.Method) string {
	return fmt.Sprint(m.Name, m.Timeout, m.Options.Unset, m.SelectionLimits, m.CachedViews, m.SelectParameters, m.SelectField)
}

// found tells whether a method's descriptor and types are those of its snapshot.
func found(s *snapshot.Snapshot, m *snapshot.Method) bool {
	descriptor, err := s.Schema.Method(m.Name)
	return err == nil && descriptor == m.Descriptor && m.Options.Types == s.Schema.Types()
}

// explained is what a method does under some selections.
func explained(m *snapshot.Method) string {
	var all []*plan.Explanation
	for _, selection := range []string{"", "title", "cards.order.id", "user(name),total", "id"} {
		view, err := m.View(selection, nil)
		if err != nil {
			all = append(all, &plan.Explanation{Method: err.Error()})
			continue
		}
		all = append(all, view.Program.Explain())
	}
	text, err := json.MarshalIndent(all, "", " ")
	return fmt.Sprint(string(text), err)
}

// routed is what a router finds for the paths of a method.
func routed(s *snapshot.Snapshot, m *snapshot.Method) string {
	var b strings.Builder
	for _, binding := range m.Bindings {
		path := strings.NewReplacer("{user_id}", "7", "{id}", "7").Replace(binding.Template())
		for _, httpMethod := range []string{"GET", "POST", "PUT"} {
			var match httprule.Match
			found, ok, allow := s.Router.Find(httpMethod, path, &match)
			fmt.Fprintln(&b, httpMethod, path, ok, allow)
			if ok {
				fmt.Fprintln(&b, found.Name, match.Binding, found == s.Methods[found.Name], slices.Contains(found.Bindings, match.Binding))
			}
		}
	}
	return b.String()
}

// named answers every GetUser with its own name.
type named struct {
	userv1.UnimplementedUserServiceServer
	name string
}

func (n named) GetUser(context.Context, *userv1.GetUserRequest) (*userv1.User, error) {
	return &userv1.User{Name: n.name}, nil
}

// called runs a method that is passed through to a server of named, and returns the name.
func called(t *testing.T, s *snapshot.Snapshot) string {
	t.Helper()
	view, err := s.Methods["user.v1.UserService/GetUser"].View("", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	reply, err := view.Program.Run(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	user := new(userv1.User)
	if err := proto.Unmarshal(reply.Wire, user); err != nil {
		t.Fatal(err)
	}
	return user.GetName()
}

// TestRebuildCallsTheUpstreamOfItsSnapshot changes where an upstream is: a snapshot calls what its own documents say, as
// long as it is pinned.
func TestRebuildCallsTheUpstreamOfItsSnapshot(t *testing.T) {
	t.Parallel()
	addresses := []string{serve(t, named{name: "first"}, false), serve(t, named{name: "second"}, false)}
	builder := snapshot.NewBuilder(upstream.NewPool())
	var holder snapshot.Holder
	defer holder.Publish(nil)
	next := func(address, more string) *snapshot.Snapshot {
		documents := slices.DeleteFunc(sharedDocuments(t), func(d snapshot.Document) bool { return d.Name == "base.yaml" })
		publishNext(t, &holder, builder, append(documents,
			snapshot.Document{Name: "upstreams.yaml", Data: []byte("upstreams: {user: {target: 'static:///" + address + "', services: [user.v1.UserService]}}")},
			snapshot.Document{Name: "methods.yaml", Data: []byte("methods: {user.v1.UserService/GetUser: {}}")},
			snapshot.Document{Name: "more.yaml", Data: []byte(more)}))
		return holder.Pin()
	}
	expect := func(s *snapshot.Snapshot, want string) {
		t.Helper()
		if got := called(t, s); got != want {
			t.Errorf("called %s, want %s", got, want)
		}
	}
	first := next(addresses[0], "")
	expect(first, "first")
	same := next(addresses[0], "limits: {body_bytes: 1}")
	first.Unpin()
	expect(same, "first")
	other := next(addresses[1], "")
	expect(other, "second")
	expect(same, "first")
	same.Unpin()
	expect(other, "second")
	back := next(addresses[0], "")
	other.Unpin()
	expect(back, "first")
	back.Unpin()
}

// TestRebuildKeepsViews shows which methods keep what requests have had compiled.
func TestRebuildKeepsViews(t *testing.T) {
	t.Parallel()
	builder := snapshot.NewBuilder(upstream.NewPool())
	var holder snapshot.Holder
	defer holder.Publish(nil)
	original := generated(2 * methodsPerTeam)
	first := publishNext(t, &holder, builder, original)
	const own, other = "team0.v1.TeamService/Get0", "team1.v1.TeamService/Get0"
	for _, test := range []struct {
		name, document, old, new string
		own, other               bool
	}{
		{"own plan", "team0.yaml", "timeout: 800ms", "timeout: 700ms", false, true},
		{"a line above", "team0.yaml", "methods:", "\nmethods:", false, true},
		{"settings of replies", "team0.yaml", "methods:", "json: {unset: omit}\nmethods:", false, false},
		{"nothing", "team0.yaml", "methods:", "methods:", true, true},
	} {
		documents := slices.Clone(original)
		for i, d := range documents {
			if d.Name == test.document {
				documents[i].Data = bytes.Replace(d.Data, []byte(test.old), []byte(test.new), 1)
			}
		}
		next := publishNext(t, &holder, builder, documents)
		for method, kept := range map[string]bool{own: test.own, other: test.other} {
			before, err := first.Methods[method].View("user", nil)
			if err != nil {
				t.Fatal(err)
			}
			after, err := next.Methods[method].View("user", nil)
			if err != nil {
				t.Fatal(err)
			}
			if (before == after) != kept {
				t.Errorf("%s: %s has the same view: %v, want %v", test.name, method, before == after, kept)
			}
		}
		first = publishNext(t, &holder, builder, original)
	}
}

// TestRebuildResolvesNamesAnew changes .proto documents that a plan does not import, but which its expressions name, or would
// name.
func TestRebuildResolvesNamesAnew(t *testing.T) {
	t.Parallel()
	const header = "syntax = \"proto3\";\npackage "
	tests := map[string]struct{ reply, document, before, after string }{
		"the number of an enum value": {
			"{number: other.v1.State.OPEN}", "other/v1/other.proto",
			header + "other.v1;\nenum State { NONE = 0; OPEN = 1; }\n",
			header + "other.v1;\nenum State { NONE = 0; OPEN = 2; }\n",
		},
		"a type that is gone": {
			"{number: other.v1.State.OPEN}", "other/v1/other.proto",
			header + "other.v1;\nenum State { NONE = 0; OPEN = 1; }\n",
			header + "other.v1;\nenum Status { NONE = 0; OPEN = 1; }\n",
		},
		"a nearer type of the same name": {
			"{inner: 'Inner{number: 7}'}", "own/v1/more.proto",
			header + "own.v1;\nmessage Nothing {}\n",
			header + "own.v1;\nmessage Inner { string number = 1; }\n",
		},
		"a nearer enum": {
			"{number: State.OPEN}", "own/v1/more.proto",
			header + "own.v1;\nmessage Nothing {}\n",
			header + "own.v1;\nmessage State { enum Nested { NONE = 0; } } enum Other { A = 0; }\n",
		},
		"something else": {
			"{inner: 'Inner{number: 7}'}", "other/v1/other.proto",
			header + "other.v1;\nmessage Other { string a = 1; }\n",
			header + "other.v1;\nmessage Other { string b = 1; }\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents := []snapshot.Document{
				{Name: "own.yaml", Data: []byte("methods: {own.v1.Own/Get: {reply: " + test.reply + "}}")},
				{Name: "own/own.proto", Data: []byte(header + "own;\nmessage Inner { int32 number = 1; }\nenum State { NONE = 0; OPEN = 5; }\n")},
				{Name: "own/v1/own.proto", Data: []byte(header + "own.v1;\nimport \"own/own.proto\";\n" +
					"service Own { rpc Get(Reply) returns (Reply); }\nmessage Reply { int32 number = 1; own.Inner inner = 2; }\n")},
				{Name: test.document, Data: []byte(test.before)},
			}
			builder := snapshot.NewBuilder(upstream.NewPool())
			var holder snapshot.Holder
			defer holder.Publish(nil)
			publishNext(t, &holder, builder, documents)
			documents = slices.Clone(documents)
			documents[3].Data = []byte(test.after)
			s, problems := builder.Build(t.Context(), documents)
			want, wantProblems := snapshot.Build(t.Context(), documents, upstream.NewPool())
			if diff := difference(problems, wantProblems, s, want); diff != "" {
				t.Fatal(diff)
			}
			if want == nil {
				return
			}
			if got, want := filled(t, s, "own.v1.Own/Get"), filled(t, want, "own.v1.Own/Get"); !bytes.Equal(got, want) {
				t.Errorf("the reply is %x, want %x", got, want)
			}
		})
	}
}

// filled is the reply of a method that makes no calls.
func filled(t *testing.T, s *snapshot.Snapshot, method string) []byte {
	t.Helper()
	view, err := s.Methods[method].View("", nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := view.Program.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	return bytes.Clone(reply.Wire)
}

// TestRebuildsLeaveNothing rebuilds until what each one leaves behind would show.
func TestRebuildsLeaveNothing(t *testing.T) {
	documents := generated(4)
	const port = "127.0.0.1:1"
	builder := snapshot.NewBuilder(upstream.NewPool())
	var holder snapshot.Holder
	defer holder.Publish(nil)
	originals := slices.Clone(documents)
	rebuild := func(from, to int) {
		for i := from; i < to; i++ {
			d := i % len(documents)
			text := originals[d].Data
			if originals[d].Name == "upstreams.yaml" {
				text = bytes.ReplaceAll(text, []byte(port), fmt.Appendf(nil, "127.0.0.1:%d", i+2))
			}
			documents[d].Data = append(bytes.Clone(text), strings.Repeat("\n", i%7)...)
			s := publishNext(t, &holder, builder, documents)
			for _, m := range s.Methods {
				if _, err := m.View("", nil); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	rebuild(0, 50)
	before, goroutines := heap(), runtime.NumGoroutine()
	rebuild(50, 1050)
	after := heap()
	t.Logf("the heap went from %d to %d KB", before>>10, after>>10)
	if after > before+before/4 {
		t.Errorf("the heap went from %d to %d KB in 1,000 rebuilds", before>>10, after>>10)
	}
	if now := runtime.NumGoroutine(); now > goroutines+5 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
}

// heap is how many bytes are in use.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first finalized or took out of a pool
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
