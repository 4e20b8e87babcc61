package httprule

import (
	"context"
	"sync"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// testFiles compiles the .proto files of testdata, once.
var testFiles = sync.OnceValues(func() (map[string]protoreflect.FileDescriptor, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{"testdata"}}),
	}
	names := []string{"library.proto", "delimited.proto"}
	linked, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, err
	}
	files := map[string]protoreflect.FileDescriptor{}
	for i, name := range names {
		files[name] = linked[i]
	}
	return files, nil
})

// testMethod finds a method of the files in testdata.
func testMethod(t testing.TB, file string, name protoreflect.Name) protoreflect.MethodDescriptor {
	t.Helper()
	files, err := testFiles()
	if err != nil {
		t.Fatal(err)
	}
	method := files[file].Services().Get(0).Methods().ByName(name)
	if method == nil {
		t.Fatalf("%s has no method %s", file, name)
	}
	return method
}

// testRule is the rule of an HTTP method and template.
func testRule(httpMethod, template, body string) *annotations.HttpRule {
	rule := &annotations.HttpRule{Body: body}
	switch httpMethod {
	case "GET":
		rule.Pattern = &annotations.HttpRule_Get{Get: template}
	case "PUT":
		rule.Pattern = &annotations.HttpRule_Put{Put: template}
	case "POST":
		rule.Pattern = &annotations.HttpRule_Post{Post: template}
	case "DELETE":
		rule.Pattern = &annotations.HttpRule_Delete{Delete: template}
	case "PATCH":
		rule.Pattern = &annotations.HttpRule_Patch{Patch: template}
	default:
		rule.Pattern = &annotations.HttpRule_Custom{Custom: &annotations.CustomHttpPattern{Kind: httpMethod, Path: template}}
	}
	return rule
}

// testBinding compiles the one binding of a rule.
func testBinding(t testing.TB, method protoreflect.MethodDescriptor, rule *annotations.HttpRule, opts Options) *Binding {
	t.Helper()
	bindings, err := Compile(method, rule, opts)
	if err != nil {
		t.Fatal(err)
	}
	return bindings[0]
}
