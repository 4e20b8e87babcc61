package httprule

import (
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
)

func TestCompile(t *testing.T) {
	rule := testRule("POST", "/v1/authors/{author.name}/books:find", "inner")
	rule.ResponseBody = "books"
	rule.AdditionalBindings = []*annotations.HttpRule{testRule("GET", "/v1/books", ""), testRule("*", "/v1/{x=**}", "*")}
	bindings, err := Compile(testMethod(t, "library.proto", "Find"), rule, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range bindings {
		line := b.HTTPMethod() + " " + b.Template()
		if b.HasBody() {
			line += " body"
		}
		if field := b.ResponseBody(); field != nil {
			line += " -> " + string(field.Name())
		}
		got = append(got, line)
	}
	want := "POST /v1/authors/{author.name}/books:find body -> books, GET /v1/books, * /v1/{x=**} body"
	if joined := strings.Join(got, ", "); joined != want {
		t.Errorf("compiled %s, want %s", joined, want)
	}
}

func TestCompileErrors(t *testing.T) {
	nested := testRule("GET", "/a", "")
	nested.AdditionalBindings = []*annotations.HttpRule{testRule("GET", "/b", "")}
	nested.AdditionalBindings[0].AdditionalBindings = []*annotations.HttpRule{testRule("GET", "/c", "")}
	withResponse := func(name string) *annotations.HttpRule {
		rule := testRule("GET", "/a", "")
		rule.ResponseBody = name
		return rule
	}
	selector := testRule("GET", "/a", "")
	selector.Selector = "library.v1.Library.Search"
	several := testRule("GET", "/{z}/{tags}", "")
	several.AdditionalBindings = []*annotations.HttpRule{testRule("GET", "b", "")}

	tests := []struct {
		about string
		rule  *annotations.HttpRule
		err   string
	}{
		{"no rule", &annotations.HttpRule{}, `an HTTP rule of library.v1.Library.Find has no HTTP method: give it one, such as get: "/v1/things/{id}"`},
		{"no path", testRule("GET", "", ""), "the GET rule of library.v1.Library.Find has no path"},
		{"kind", testRule("head", "/a", ""), `head /a: "head" is not an HTTP method: kind is a word in capitals, such as HEAD, or "*" for any`},
		{"nested bindings", nested, "additional_bindings has additional_bindings of its own: list all of them in the first rule"},
		{"selector", selector, "GET /a: selector names library.v1.Library.Search, but the rule belongs to library.v1.Library.Find: leave it out"},
		{"template", testRule("GET", "/a/{x", ""), `GET /a/{x: column 6: the variable "x" is not closed: expected "}"`},
		{"unknown field", testRule("GET", "/a/{page_sise}", ""), `GET /a/{page_sise}: variable {page_sise}: library.v1.Request has no field "page_sise"; did you mean "page_size"?`},
		{"JSON name", testRule("GET", "/a/{pageSize}", ""), `GET /a/{pageSize}: variable {pageSize}: library.v1.Request has no field "pageSize"; did you mean "page_size"?`},
		{"unknown nested field", testRule("GET", "/{author.nme}", ""), `GET /{author.nme}: variable {author.nme}: library.v1.Author has no field "nme"; did you mean "name"?`},
		{"into a scalar", testRule("GET", "/{x.y}", ""), "GET /{x.y}: variable {x.y}: x has no fields of its own"},
		{"into a list", testRule("GET", "/{authors.name}", ""), "GET /{authors.name}: variable {authors.name}: authors has no fields of its own"},
		{"into a well-known type", testRule("GET", "/{since.seconds}", ""), "GET /{since.seconds}: variable {since.seconds}: since has no fields of its own"},
		{"repeated", testRule("GET", "/{tags}", ""), "GET /{tags}: variable {tags}: a path cannot set a repeated field"},
		{"map", testRule("GET", "/{labels}", ""), "GET /{labels}: variable {labels}: the field is a map"},
		{"message", testRule("GET", "/{author}", ""), "GET /{author}: variable {author}: the field is a message (library.v1.Author): name one of its fields, such as author.name"},
		{"no text form", testRule("GET", "/{extra}", ""), "GET /{extra}: variable {extra}: the field is a message (google.protobuf.Struct) without a text form"},
		{"no fields", testRule("GET", "/{nothing}", ""), "GET /{nothing}: variable {nothing}: the field is a message (google.protobuf.Empty) without fields"},
		{"twice", testRule("GET", "/{x}/{x}", ""), "GET /{x}/{x}: variable {x} is there twice"},
		{"oneof", testRule("GET", "/{reader}/{writer.name}", ""), `GET /{reader}/{writer.name}: variable {writer.name}: writer and reader exclude each other: both are in the oneof "holder"`},
		{"GET with a body", testRule("GET", "/a", "*"), "GET /a: a GET request has no body: leave body out, so that the fields are query parameters, or use POST"},
		{"DELETE with a body", testRule("DELETE", "/a", "author"), "DELETE /a: a DELETE request has no body: leave body out, so that the fields are query parameters, or use POST"},
		{"unknown body", testRule("POST", "/a", "autor"), `POST /a: body: library.v1.Request has no field "autor"; did you mean "author"?`},
		{"body path", testRule("POST", "/a", "author.address"), `POST /a: body: "author.address" is a path: the body is one top-level field of library.v1.Request`},
		{"body in the path", testRule("POST", "/{x}", "x"), "POST /{x}: variable {x} is the body too: bind the field once"},
		{"body excludes the path", testRule("POST", "/{reader}", "writer"), `POST /{reader}: variable {reader}: reader and writer exclude each other: both are in the oneof "holder"`},
		{"well-known type in the body", testRule("POST", "/{inner.since}", "inner"), "POST /{inner.since}: variable {inner.since}: a field of type google.protobuf.Timestamp cannot be in the path and in the body"},
		{"well-known type in the whole body", testRule("POST", "/{mask}", "*"), "POST /{mask}: variable {mask}: a field of type google.protobuf.FieldMask cannot be in the path and in the body"},
		{"unknown response body", withResponse("boks"), `GET /a: response_body: library.v1.Reply has no top-level field "boks"; did you mean "books"?`},
		{"whole response body", withResponse("*"), `GET /a: response_body: library.v1.Reply has no top-level field "*"`},
		{"several", several, `GET /{z}/{tags}: variable {z}: library.v1.Request has no field "z"; did you mean "x"?` + "\n" +
			"GET /{z}/{tags}: variable {tags}: a path cannot set a repeated field\n" +
			`GET b: column 1: a path template begins with "/"`},
	}
	for _, test := range tests {
		t.Run(test.about, func(t *testing.T) {
			bindings, err := Compile(testMethod(t, "library.proto", "Find"), test.rule, Options{})
			if err == nil {
				t.Fatalf("compiled %v, want the error %q", bindings, test.err)
			}
			if err.Error() != test.err {
				t.Errorf("got  %q\nwant %q", err, test.err)
			}
		})
	}
}
