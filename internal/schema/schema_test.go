package schema_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	"facet/internal/problem"
	"facet/internal/schema"
)

// texts makes documents of .proto texts by path.
func texts(pairs ...string) []schema.File {
	var files []schema.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, schema.File{Name: pairs[i], Data: []byte(pairs[i+1])})
	}
	return files
}

func mustBuild(t *testing.T, files []schema.File, sets ...schema.Set) *schema.Schema {
	t.Helper()
	s, problems := schema.Build(t.Context(), files, sets...)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return s
}

// descriptorSet compiles files into the set that protoc would write of them.
func descriptorSet(t *testing.T, files []schema.File, paths ...string) *descriptorpb.FileDescriptorSet {
	t.Helper()
	s, set := mustBuild(t, files), new(descriptorpb.FileDescriptorSet)
	for _, path := range paths {
		file, err := s.Files().FindFileByPath(path)
		if err != nil {
			t.Fatal(err)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	return set
}

func marshal(t *testing.T, m proto.Message) []byte {
	t.Helper()
	wire, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

const greeter = `syntax = "proto3";
package greet.v1;
import "google/api/annotations.proto";
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
service Greeter {
  // Greets.
  rpc Greet(GreetRequest) returns (GreetReply) {
	option (google.api.http) = {get: "/v1/greet/{name}" additional_bindings {post: "/v1/greet" body: "*"}};
    option idempotency_level = NO_SIDE_EFFECTS;
  }
  rpc Plain(GreetRequest) returns (GreetReply);
}
message GreetRequest { string name = 1; }
message GreetReply {
  string text = 1;
  google.protobuf.Timestamp at = 2;
  google.type.Money price = 3;
  enum Tone { TONE_UNSPECIFIED = 0; }
  message Inner {}
  map<string, Inner> inners = 4;
}
`

func TestBuildMall(t *testing.T) {
	s := mustBuild(t, mallFiles(t))
	method, err := s.Method("mall.v1.MallService/GetHome")
	if err != nil {
		t.Fatal(err)
	}
	if got := method.Output().Fields().ByName("user").Message().FullName(); got != "user.v1.User" {
		t.Errorf("GetHomeReply.user is a %s", got)
	}
}

func TestMethod(t *testing.T) {
	s := mustBuild(t, texts("greet/v1/greet.proto", greeter))
	if method, err := s.Method("greet.v1.Greeter/Greet"); err != nil || method.FullName() != "greet.v1.Greeter.Greet" {
		t.Errorf("got %v, %v", method, err)
	}
	tests := map[string]string{
		"greet.v1.Greeter.Greet":    `"greet.v1.Greeter.Greet" is not the name of a method: want package.Service/Method; did you mean "greet.v1.Greeter/Greet"?`,
		"Greet":                     `"Greet" is not the name of a method: want package.Service/Method`,
		"greet.v1.Greter/Greet":     `unknown service "greet.v1.Greter"; did you mean "greet.v1.Greeter"?`,
		"greet.v1.GreetReply/Greet": `unknown service "greet.v1.GreetReply"; did you mean "greet.v1.Greeter"?`,
		"greet.v1.Greeter/Geet":     `service greet.v1.Greeter has no method "Geet"; did you mean "Greet"?`,
		"greet.v1.Greeter/":         `service greet.v1.Greeter has no method ""`,
		"other.v9.Thing/Do":         `unknown service "other.v9.Thing"`,
	}
	for name, want := range tests {
		if _, err := s.Method(name); err == nil || err.Error() != want {
			t.Errorf("Method(%q):\ngot  %v\nwant %s", name, err, want)
		}
	}
}

func TestHTTPRule(t *testing.T) {
	fromText := mustBuild(t, texts("greet/v1/greet.proto", greeter))
	set := descriptorSet(t, texts("greet/v1/greet.proto", greeter), "greet/v1/greet.proto")
	schemas := map[string]*schema.Schema{
		"text":           fromText,
		"descriptor set": mustBuild(t, []schema.File{{Name: "greet.binpb", Data: marshal(t, set)}}),
		"reflection":     mustBuild(t, nil, schema.Set{Name: "upstream greet", Files: set}),
	}
	want := &annotations.HttpRule{
		Pattern: &annotations.HttpRule_Get{Get: "/v1/greet/{name}"},
		AdditionalBindings: []*annotations.HttpRule{
			{Pattern: &annotations.HttpRule_Post{Post: "/v1/greet"}, Body: "*"},
		},
	}
	for name, s := range schemas {
		t.Run(name, func(t *testing.T) {
			method, err := s.Method("greet.v1.Greeter/Greet")
			if err != nil {
				t.Fatal(err)
			}
			got, err := schema.HTTPRule(method)
			if diff := cmp.Diff(want, got, protocmp.Transform()); err != nil || diff != "" {
				t.Errorf("error %v, rule %s", err, diff)
			}
			if declared, known := schema.NoSideEffects(method); !declared || !known {
				t.Errorf("NoSideEffects = %v, %v", declared, known)
			}
			plain := method.Parent().(protoreflect.ServiceDescriptor).Methods().ByName("Plain")
			if rule, err := schema.HTTPRule(plain); rule != nil || err != nil {
				t.Errorf("the rule of a method without one is %v, %v", rule, err)
			}
			if _, known := schema.NoSideEffects(plain); known {
				t.Error("a method that does not say so is known to have no side effects")
			}
		})
	}
}

func TestPositions(t *testing.T) {
	s := mustBuild(t, texts("greet/v1/greet.proto", greeter))
	method, err := s.Method("greet.v1.Greeter/Greet")
	if err != nil {
		t.Fatal(err)
	}
	plain := method.Parent().(protoreflect.ServiceDescriptor).Methods().ByName("Plain")
	tests := map[string]struct {
		got  problem.Position
		want string
	}{
		"method":         {s.Position(method), "greet/v1/greet.proto:8:3"},
		"option, tabbed": {s.HTTPRulePosition(method), "greet/v1/greet.proto:9:2"},
		"no option":      {s.HTTPRulePosition(plain), "greet/v1/greet.proto:12:3"},
		"field":          {s.Position(method.Output().Fields().ByName("at")), "greet/v1/greet.proto:17:3"},
		"built in":       {s.Position(method.Output().Fields().ByName("at").Message()), "google/protobuf/timestamp.proto"},
	}
	for name, test := range tests {
		if test.got.String() != test.want {
			t.Errorf("%s: got %s, want %s", name, test.got, test.want)
		}
	}
	set := descriptorSet(t, texts("greet/v1/greet.proto", greeter), "greet/v1/greet.proto")
	s = mustBuild(t, []schema.File{{Name: "all.binpb", Data: marshal(t, set)}})
	method, err = s.Method("greet.v1.Greeter/Greet")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.HTTPRulePosition(method).String(); got != "all.binpb" {
		t.Errorf("in a descriptor set: got %s", got)
	}
}

func TestTypes(t *testing.T) {
	s := mustBuild(t, texts("greet/v1/greet.proto", greeter, "x.proto", `syntax = "proto2"; package x; message M { extensions 10 to 20; } extend M { optional int32 e = 10; }`))
	for _, name := range []protoreflect.FullName{"greet.v1.GreetReply", "greet.v1.GreetReply.Inner", "google.protobuf.Timestamp", "google.type.Money", "x.M"} {
		if _, err := s.Types().FindMessageByName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Types().FindEnumByName("greet.v1.GreetReply.Tone"); err != nil {
		t.Error(err)
	}
	if _, err := s.Types().FindExtensionByNumber("x.M", 10); err != nil {
		t.Error(err)
	}
}

// TestClashingSchemas shows that schemas know nothing of each other, nor of what is linked into the binary.
func TestClashingSchemas(t *testing.T) {
	const text = `syntax = "proto3"; package user.v1; message User { %s only = 1; }`
	a := mustBuild(t, texts("user/v1/user.proto", strings.Replace(text, "%s", "string", 1)))
	b := mustBuild(t, texts("user/v1/user.proto", strings.Replace(text, "%s", "int32", 1)))
	kind := func(s *schema.Schema) protoreflect.Kind {
		message, err := s.Types().FindMessageByName("user.v1.User")
		if err != nil {
			t.Fatal(err)
		}
		return message.Descriptor().Fields().ByName("only").Kind()
	}
	if kind(a) != protoreflect.StringKind || kind(b) != protoreflect.Int32Kind {
		t.Errorf("got %s and %s", kind(a), kind(b))
	}
}

func TestSameFileTwice(t *testing.T) {
	files := texts("greet/v1/greet.proto", greeter)
	set := descriptorSet(t, files, "greet/v1/greet.proto")
	mustBuild(t, append([]schema.File{{Name: "all.binpb", Data: marshal(t, set)}}, files...), schema.Set{Name: "upstream greet", Files: set})

	other := proto.Clone(set).(*descriptorpb.FileDescriptorSet)
	other.File[0].MessageType[0].Field[0].Name = proto.String("nom")
	other.File[0].MessageType[0].Field[0].JsonName = proto.String("nom")
	at := problem.Position{Document: "gateway.yaml", Line: 3, Column: 5}
	_, problems := schema.Build(t.Context(), files, schema.Set{Name: "the reflection of upstream greet", At: at, Files: other})
	const want = "gateway.yaml:3:5: greet/v1/greet.proto is in the reflection of upstream greet and, with other content, in the document greet/v1/greet.proto; keep one of them"
	if problems.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", problems, want)
	}
}

// TestStandardCopies shows that copies of built-in files among the documents are not looked at.
func TestStandardCopies(t *testing.T) {
	mustBuild(t, texts("greet/v1/greet.proto", greeter, "google/api/http.proto", "not even a proto", "google/type/money.proto", ""))
}
