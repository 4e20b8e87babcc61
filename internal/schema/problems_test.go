package schema_test

import (
	"strings"
	"testing"

	"facet/internal/schema"
)

// proto3 is the first line of most of the files below.
const proto3 = "syntax = \"proto3\";\n"

func TestBuildProblems(t *testing.T) {
	tests := map[string]struct {
		files []schema.File
		want  []string
	}{
		"syntax": {
			texts("a.proto", proto3+"message A {\n  string name 1;\n}\n"),
			[]string{`a.proto:3:15: syntax error: unexpected int literal`},
		},
		"several in one file": {
			texts("a.proto", proto3+"message A {\n  Nil a = 1;\n\tNil b = 2;\n}\n"),
			[]string{`a.proto:3:3: field A.a: unknown type Nil`, `a.proto:4:2: field A.b: unknown type Nil`},
		},
		"several files": {
			texts("a.proto", proto3+"message A { string s = 0; }", "b.proto", proto3+"message {}"),
			[]string{
				`a.proto:2:24: tag number 0 must be greater than zero`,
				`b.proto:2:9: syntax error: unexpected '{'`,
			},
		},
		"unknown import": {
			texts("user/v1/user.proto", proto3, "b.proto", proto3+`import "user/v1/usr.proto";`+"\n"+`import "x.proto";`),
			[]string{
				`b.proto:2:8: unknown import "user/v1/usr.proto": it is not among the documents; did you mean "user/v1/user.proto"?`,
				`b.proto:3:8: unknown import "x.proto": it is not among the documents`,
			},
		},
		"import from another root": {
			texts("api/user/v1/user.proto", proto3, "b.proto", proto3+`import "user/v1/user.proto";`),
			[]string{`b.proto:2:8: unknown import "user/v1/user.proto"; did you mean "api/user/v1/user.proto"?`},
		},
		"misspelled standard import": {
			texts("b.proto", proto3+`import "google/api/annotation.proto";`),
			[]string{`b.proto:2:8: unknown import "google/api/annotation.proto": it is not among the documents; did you mean "google/api/annotations.proto"?`},
		},
		"one mistake, several dependents": {
			texts("a.proto", proto3+"message A { Nil x = 1; }", "b.proto", proto3+`import "a.proto"; message B { A a = 1; }`, "c.proto", proto3+`import "b.proto"; message C { B b = 1; }`),
			[]string{`a.proto:2:13: field A.x: unknown type Nil`},
		},
		"a syntax error, several dependents": {
			texts("a.proto", proto3+"message A {", "b.proto", proto3+`import "a.proto"; message B { A a = 1; }`, "c.proto", proto3+`import "b.proto"; message C { B b = 1; }`),
			[]string{`a.proto:2:12: syntax error: unexpected end of file`},
		},
		"import cycle": {
			texts("a.proto", proto3+`import "b.proto";`, "b.proto", proto3+`import "a.proto";`),
			[]string{`a.proto:2:8: cycle found in imports: "a.proto" -> "b.proto" -> "a.proto"`},
		},
		"import cycle that does not begin with the first file": {
			texts("a.proto", proto3+`import "d.proto";`, "b.proto", proto3+`import "c.proto";`, "c.proto", proto3+`import "d.proto";`, "d.proto", proto3+`import "b.proto";`),
			[]string{`b.proto:2:8: cycle found in imports: "b.proto" -> "c.proto" -> "d.proto" -> "b.proto"`},
		},
		"import of itself": {
			texts("a.proto", proto3+`import "a.proto";`),
			[]string{`a.proto:2:8: cycle found in imports: "a.proto" -> "a.proto"`},
		},
		"unknown type": {
			texts("a.proto", proto3+"package p;\nmessage User {}\nmessage A { p.Usr x = 1; Uzer y = 2; }\nservice S { rpc M(Usr) returns (User); }"),
			[]string{
				`a.proto:4:13: field p.A.x: unknown type p.Usr; did you mean "p.User"?`,
				`a.proto:4:26: field p.A.y: unknown type Uzer; did you mean "User"?`,
				`a.proto:5:19: method p.S.M: unknown request type Usr; did you mean "User"?`,
			},
		},
		"column after wide text and tab": {
			texts("a.proto", proto3+"\t/* 世界 */ message A { Nil x = 1; }"),
			[]string{`a.proto:2:27: field A.x: unknown type Nil`},
		},
		"symbol twice": {
			texts("a.proto", proto3+"message A {}", "b.proto", proto3+"message A {}"),
			[]string{`b.proto:2:9: symbol "A" already defined at a.proto:2:9`},
		},
		"unknown option field": {
			texts("a.proto", proto3+"import \"google/api/annotations.proto\";\nmessage A {}\nservice S {\n  rpc M(A) returns (A) {\n    option (google.api.http) = {gett: \"/a\"};\n  }\n}"),
			[]string{`a.proto:6:33: method S.M: option (google.api.http): field gett not found`},
		},
		"not a descriptor set": {
			texts("a.binpb", "hello"),
			[]string{`a.binpb: not a binary google.protobuf.FileDescriptorSet, as protoc --descriptor_set_out writes it`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, problems := schema.Build(t.Context(), test.files)
			if s != nil {
				t.Error("there is a schema, in spite of problems")
			}
			var got []string
			for _, p := range problems {
				// what follows is the text of the protobuf library, which varies on purpose
				text, _, _ := strings.Cut(p.Error(), ": proto:")
				got = append(got, text)
			}
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestDescriptorSetWithoutImports(t *testing.T) {
	files := texts("a.proto", proto3+`import "b.proto"; message A { B b = 1; }`, "b.proto", proto3+`message B {}`)
	set := descriptorSet(t, files, "a.proto")
	_, problems := schema.Build(t.Context(), []schema.File{{Name: "a.binpb", Data: marshal(t, set)}})
	const want = `a.binpb: a.proto (the document a.binpb) imports "b.proto", which is not there; build the set with its imports (protoc --include_imports)`
	if problems.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", problems, want)
	}
	mustBuild(t, append(files[1:], schema.File{Name: "a.binpb", Data: marshal(t, set)}))
}

func TestWarningsAreNoProblems(t *testing.T) {
	mustBuild(t, texts("a.proto", proto3+`import "google/protobuf/any.proto";`, "b.proto", `message NoSyntax {}`))
}
