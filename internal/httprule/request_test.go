package httprule

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"facet/internal/pbwire"
)

// request is an HTTP request to one binding, and the request message that must come of it or the error.
type request struct {
	rule    *annotations.HttpRule
	path    string
	query   string
	body    string
	opts    Options
	message string // as JSON
	err     string // `field: message`
}

// check sends the request to a method of a file in testdata.
func (r request) check(t *testing.T, file string, method protoreflect.Name) {
	t.Helper()
	md := testMethod(t, file, method)
	binding := testBinding(t, md, r.rule, r.opts)
	var router Router[struct{}]
	if err := router.Add(binding, struct{}{}); err != nil {
		t.Fatal(err)
	}
	var match Match
	if _, found, _ := router.Find(binding.HTTPMethod(), r.path, &match); !found {
		t.Fatalf("%s does not match %s", r.path, binding)
	}
	const before = "what dst held"
	wire, err := binding.AppendRequest([]byte(before), &match, r.query, []byte(r.body))
	if err != nil {
		r.checkError(t, err)
		return
	}
	if r.err != "" {
		t.Fatalf("no error, want %q", r.err)
	}
	if !strings.HasPrefix(string(wire), before) {
		t.Fatalf("dst became %q", wire)
	}
	got, want := dynamicpb.NewMessage(md.Input()), dynamicpb.NewMessage(md.Input())
	if err := proto.Unmarshal(wire[len(before):], got); err != nil {
		t.Fatal(err)
	}
	if err := protojson.Unmarshal([]byte(r.message), want); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", protojson.Format(got), protojson.Format(want))
	}
}

func (r request) checkError(t *testing.T, err error) {
	t.Helper()
	bad, ok := errors.AsType[*BadRequest](err)
	if !ok {
		t.Fatalf("%v is a %T, want a BadRequest", err, err)
	}
	if got := bad.Field + ": " + bad.Message; got != r.err {
		t.Errorf("got  %q\nwant %q", got, r.err)
	}
}

func TestPathVariables(t *testing.T) {
	tests := map[string]request{
		"string":           {rule: testRule("GET", "/{x}", ""), path: "/a%20b%2F%C3%A9", message: `{"x": "a b/é"}`},
		"several":          {rule: testRule("GET", "/{x}/{y=**}", ""), path: "/a/b/c%2Fd%20e", message: `{"x": "a", "y": "b/c%2Fd e"}`},
		"empty rest":       {rule: testRule("GET", "/a/{y=**}", ""), path: "/a", message: `{}`},
		"number":           {rule: testRule("GET", "/{page_size}", ""), path: "/-7", message: `{"page_size": -7}`},
		"enum":             {rule: testRule("GET", "/{genre}", ""), path: "/CRIME", message: `{"genre": "CRIME"}`},
		"bytes":            {rule: testRule("GET", "/{cursor}", ""), path: "/_-8", message: `{"cursor": "/+8="}`},
		"optional zero":    {rule: testRule("GET", "/{edition}", ""), path: "/0", message: `{"edition": 0}`},
		"wrapper":          {rule: testRule("GET", "/{copies}", ""), path: "/0", message: `{"copies": "0"}`},
		"timestamp":        {rule: testRule("GET", "/{since}", ""), path: "/2026-01-02T03:04:05Z", message: `{"since": "2026-01-02T03:04:05Z"}`},
		"nested":           {rule: testRule("GET", "/{author.address.city}/{author.name}", ""), path: "/Ulm/Ann", message: `{"author": {"name": "Ann", "address": {"city": "Ulm"}}}`},
		"recursive":        {rule: testRule("GET", "/{inner.inner.inner.x}", ""), path: "/a", message: `{"inner": {"inner": {"inner": {"x": "a"}}}}`},
		"long, nested":     {rule: testRule("GET", "/{inner.author.name}", ""), path: "/" + strings.Repeat("a", 70000), message: `{"inner": {"author": {"name": "` + strings.Repeat("a", 70000) + `"}}}`},
		"not a number":     {rule: testRule("GET", "/{page_size}", ""), path: "/abc", err: `page_size: path: page_size: "abc" is not an int32`},
		"nested error":     {rule: testRule("GET", "/{author.born}", ""), path: "/x", err: `author.born: path: author.born: "x" is not an int32`},
		"malformed escape": {rule: testRule("GET", "/{x}", ""), path: "/a%zz", err: `x: path: x: malformed percent escape in "a%zz"`},
		"not UTF-8":        {rule: testRule("GET", "/{x}", ""), path: "/%FF", err: `x: path: x: "\xff" is not valid UTF-8`},
	}
	for about, test := range tests {
		t.Run(about, func(t *testing.T) { test.check(t, "library.proto", "Find") })
	}
}

func TestQueryParameters(t *testing.T) {
	tests := map[string]request{
		"none":              {query: "", message: `{}`},
		"empty ones":        {query: "&&x=1&", message: `{"x": "1"}`},
		"scalars":           {query: "x=a&page_size=3&revision=-9&exact=true&price=1.5&cursor=_-8", message: `{"x": "a", "page_size": 3, "revision": "-9", "exact": true, "price": 1.5, "cursor": "/+8="}`},
		"JSON names":        {query: "pageSize=3&as=b", message: `{"page_size": 3, "as": "b"}`},
		"proto name":        {query: "renamed=b", message: `{"as": "b"}`},
		"enum name":         {query: "genre=CRIME", message: `{"genre": "CRIME"}`},
		"enum number":       {query: "genre=7", message: `{"genre": 7}`},
		"plus and escapes":  {query: "x=a+b%2Bc%26d%3D&%79=%C3%A9", message: `{"x": "a b+c&d=", "y": "é"}`},
		"equals signs":      {query: "x=a=b", message: `{"x": "a=b"}`},
		"no value":          {query: "x&edition=0", message: `{"edition": 0}`},
		"repeated":          {query: "tags=a&years=1&tags=b&years=2&tags=a&genres=1&genres=POETRY", message: `{"tags": ["a", "b", "a"], "years": [1, 2], "genres": ["POETRY", "POETRY"]}`},
		"nested":            {query: "author.name=Ann&author.address.city=Ulm&author.address.street=A", message: `{"author": {"name": "Ann", "address": {"city": "Ulm", "street": "A"}}}`},
		"nested repeated":   {query: "inner.tags=a&inner.tags=b&tags=c", message: `{"tags": ["c"], "inner": {"tags": ["a", "b"]}}`},
		"well-known types":  {query: "since=2026-01-02T03:04:05Z&within=1.5s&mask=a,b.cD&title=t&copies=7", message: `{"since": "2026-01-02T03:04:05Z", "within": "1.500s", "mask": "a,b.cD", "title": "t", "copies": "7"}`},
		"members of oneof":  {query: "writer.name=Ann&writer.born=1900", message: `{"writer": {"name": "Ann", "born": 1900}}`},
		"oneofs apart":      {query: "reader=a&inner.writer.name=b", message: `{"reader": "a", "inner": {"writer": {"name": "b"}}}`},
		"reserved":          {query: "select=a&x=1&$fields=b&%24fields=c", opts: Options{Reserved: []string{"select", "$fields"}}, message: `{"x": "1"}`},
		"lenient":           {query: "x=1&nope=2&author.nope=3&tags.nope=4", opts: Options{ParserOptions: pbwire.ParserOptions{Lenient: true}}, err: "tags.nope: query: tags.nope: tags has no fields that a parameter can name"},
		"lenient, unknown":  {query: "nope=2&x=1&author.nope=3", opts: Options{ParserOptions: pbwire.ParserOptions{Lenient: true}}, message: `{"x": "1"}`},
		"unknown":           {query: "page_sise=1", err: `page_sise: query: page_sise: unknown parameter; did you mean "page_size"?`},
		"unknown, far off":  {query: "quantity=1", err: "quantity: query: quantity: unknown parameter"},
		"like a reserved":   {query: "selct=1", opts: Options{Reserved: []string{"select"}}, err: `selct: query: selct: unknown parameter; did you mean "select"?`},
		"folded case":       {query: "Page_Size=1", err: `Page_Size: query: Page_Size: unknown parameter; did you mean "page_size"?`},
		"unknown, nested":   {query: "author.adress.city=1", err: `author.adress.city: query: author.adress.city: library.v1.Author has no field "adress"; did you mean "address"?`},
		"no name":           {query: "=1", err: ": query: a parameter has no name"},
		"trailing dot":      {query: "author.=1", err: `author.: query: author.: library.v1.Author has no field ""`},
		"not a number":      {query: "pageSize=x", err: `pageSize: query: pageSize: "x" is not an int32`},
		"empty number":      {query: "page_size=", err: `page_size: query: page_size: "" is not an int32`},
		"message":           {query: "author=x", err: "author: query: author: author is a message (library.v1.Author): name one of its fields, such as author.name"},
		"Struct":            {query: "extra=x", err: "extra: query: extra: extra is a message (google.protobuf.Struct) without a text form"},
		"into Struct":       {query: "extra.a=x", err: "extra.a: query: extra.a: extra has no fields that a parameter can name"},
		"into Timestamp":    {query: "since.seconds=1", err: "since.seconds: query: since.seconds: since has no fields that a parameter can name"},
		"into scalar":       {query: "x.y=1", err: "x.y: query: x.y: x has no fields that a parameter can name"},
		"map":               {query: "labels=1", err: "labels: query: labels: labels is a map"},
		"into map":          {query: "labels.a=1", err: "labels.a: query: labels.a: labels has no fields that a parameter can name"},
		"repeated messages": {query: "authors.name=1", err: "authors.name: query: authors.name: authors has no fields that a parameter can name"},
		"list of messages":  {query: "dates=2026-01-02T03:04:05Z", err: "dates: query: dates: dates is a list of messages (google.protobuf.Timestamp)"},
		"twice":             {query: "x=1&x=1", err: "x: query: x: given more than once"},
		"twice, two names":  {query: "page_size=1&pageSize=2", err: "pageSize: query: pageSize: given more than once"},
		"oneof":             {query: "reader=a&shelf.city=b", err: `shelf.city: query: shelf.city: shelf and reader exclude each other: both are in the oneof "holder"`},
		"nested oneof":      {query: "inner.writer.name=a&inner.reader=b", err: `inner.reader: query: inner.reader: inner.reader and inner.writer exclude each other: both are in the oneof "holder"`},
		"malformed value":   {query: "x=%zz", err: "x: query: x: malformed percent escape"},
		"malformed name":    {query: "%zz=1", err: "%zz: query: %zz: malformed percent escape"},
		"malformed select":  {query: "select=%z", opts: Options{Reserved: []string{"select"}}, err: "select: query: select: malformed percent escape"},
		"not UTF-8":         {query: "x=%FF", err: `x: query: x: "\xff" is not valid UTF-8`},
		"most parameters":   {query: strings.Repeat("tags=a&", maxParameters), message: `{"tags": [` + strings.Repeat(`"a",`, maxParameters-1) + `"a"]}`},
		"too many":          {query: strings.Repeat("tags=a&", maxParameters+1), err: ": query: more than 1000 parameters"},
		"deepest":           {query: strings.Repeat("inner.", maxDepth-1) + "x=a", message: strings.Repeat(`{"inner": `, maxDepth-1) + `{"x": "a"}` + strings.Repeat("}", maxDepth-1)},
		"too deep":          {query: strings.Repeat("inner.", maxDepth) + "x=a", err: strings.Repeat("inner.", maxDepth) + "x: query: " + strings.Repeat("inner.", maxDepth) + "x: more than 32 levels"},
	}
	for about, test := range tests {
		t.Run(about, func(t *testing.T) {
			test.rule, test.path = testRule("GET", "/", ""), "/"
			test.check(t, "library.proto", "Find")
		})
	}
}

func TestQueryBesidePath(t *testing.T) {
	rule := testRule("GET", "/{author.name}/{reader}", "")
	tests := map[string]request{
		"sibling":      {query: "author.born=1900&x=1", message: `{"author": {"name": "Ann", "born": 1900}, "reader": "Bob", "x": "1"}`},
		"same field":   {query: "author.name=Eve", err: "author.name: query: author.name: the path sets this field"},
		"oneof member": {query: "writer.name=Eve", err: `writer.name: query: writer.name: writer and reader exclude each other: both are in the oneof "holder"`},
	}
	for about, test := range tests {
		t.Run(about, func(t *testing.T) {
			test.rule, test.path = rule, "/Ann/Bob"
			test.check(t, "library.proto", "Find")
		})
	}
}

// A request with a field of its own named like a reserved parameter takes the parameter as that field.
func TestReservedNameIsField(t *testing.T) {
	request{
		rule: testRule("GET", "/", ""), path: "/", query: "select=a&query=b&fields=c",
		opts:    Options{Reserved: []string{"select", "fields"}},
		message: `{"select": "a", "query": "b"}`,
	}.check(t, "library.proto", "Search")
}

func TestBody(t *testing.T) {
	whole, field := testRule("POST", "/{x}", "*"), testRule("POST", "/{x}", "author")
	lenient := Options{ParserOptions: pbwire.ParserOptions{Lenient: true}}
	tests := map[string]request{
		"whole":                   {rule: whole, body: `{"y": "b", "author": {"name": "Ann"}}`, message: `{"x": "a", "y": "b", "author": {"name": "Ann"}}`},
		"whole, path wins":        {rule: whole, body: `{"x": "b"}`, message: `{"x": "a"}`},
		"whole, blank":            {rule: whole, body: " \r\n\t", message: `{"x": "a"}`},
		"whole, query":            {rule: whole, body: `{}`, query: "y=1", err: "y: query: y: the body is the whole request, so there are no query parameters"},
		"whole, lenient query":    {rule: whole, body: `{"y": "b"}`, query: "y=1&z=2", opts: lenient, message: `{"x": "a", "y": "b"}`},
		"whole, reserved query":   {rule: whole, body: `{"y": "b"}`, query: "select=y", opts: Options{Reserved: []string{"select"}}, message: `{"x": "a", "y": "b"}`},
		"field":                   {rule: field, body: `{"name": "Ann", "address": {"city": "Ulm"}}`, query: "page_size=2", message: `{"x": "a", "page_size": 2, "author": {"name": "Ann", "address": {"city": "Ulm"}}}`},
		"field, empty object":     {rule: field, body: `{}`, message: `{"x": "a", "author": {}}`},
		"field, blank":            {rule: field, body: "", query: "y=b", message: `{"x": "a", "y": "b"}`},
		"field, null":             {rule: field, body: "null", message: `{"x": "a"}`},
		"field, covered":          {rule: field, body: `{}`, query: "author.name=Ann", err: "author.name: query: author.name: author is the body of the request"},
		"field, covered, no body": {rule: field, query: "author.name=Ann", err: "author.name: query: author.name: author is the body of the request"},
		"field, path within":      {rule: testRule("POST", "/{author.name}", "author"), body: `{"name": "Eve", "born": 1900}`, message: `{"author": {"name": "a", "born": 1900}}`},
		"field, zero path within": {rule: testRule("POST", "/{author.born}", "author"), path: "/0", body: `{"name": "Eve", "born": 1900}`, message: `{"author": {"name": "Eve"}}`},
		"repeated scalar":         {rule: testRule("POST", "/{x}", "years"), body: `[1, 2, 3]`, message: `{"x": "a", "years": [1, 2, 3]}`},
		"repeated message":        {rule: testRule("POST", "/{x}", "authors"), body: `[{"name": "Ann"}, {}]`, message: `{"x": "a", "authors": [{"name": "Ann"}, {}]}`},
		"map":                     {rule: testRule("POST", "/{x}", "labels"), body: `{"a": "b"}`, message: `{"x": "a", "labels": {"a": "b"}}`},
		"string":                  {rule: testRule("POST", "/{x}", "y"), body: `"b"`, message: `{"x": "a", "y": "b"}`},
		"any method":              {rule: testRule("*", "/{x}", "y"), body: `"b"`, message: `{"x": "a", "y": "b"}`},
		"oneof, other member":     {rule: testRule("POST", "/{x}", "writer"), body: `{}`, query: "reader=b", err: `reader: query: reader: reader and writer exclude each other: both are in the oneof "holder"`},
		"oneof, no body":          {rule: testRule("POST", "/{x}", "writer"), query: "reader=b", message: `{"x": "a", "reader": "b"}`},
		"unknown key":             {rule: whole, body: "{\n  \"autor\": {}}", err: `: body:2:3: unknown field "autor" of library.v1.Request; did you mean "author"?`},
		"unknown key, lenient":    {rule: whole, body: `{"autor": {}, "y": "b"}`, opts: lenient, message: `{"x": "a", "y": "b"}`},
		"nested value":            {rule: field, body: `{"address": {"city": 7}}`, err: `author.address.city: body:1:22: 7 is not a string`},
		"not JSON":                {rule: whole, body: `y=b`, err: `: body:1:1: expected a value, not "y=b"`},
	}
	for about, test := range tests {
		t.Run(about, func(t *testing.T) {
			if test.path == "" {
				test.path = "/a"
			}
			test.check(t, "library.proto", "Find")
		})
	}
}

func TestUpdateMask(t *testing.T) {
	patch := func(body string) *annotations.HttpRule { return testRule("PATCH", "/{shelf_id}", body) }
	const full = `{"title": "T", "author": {"name": "Ann", "address": {"city": null}}, "tags": [], "labels": {"a": "b"}, "printed": "2026-01-02T03:04:05Z"}`
	tests := map[string]request{
		"from the body":      {rule: patch("book"), body: `{"title": "T", "pages": 0}`, message: `{"shelf_id": "s", "book": {"title": "T"}, "update_mask": "pages,title"}`},
		"nested":             {rule: patch("book"), body: full, message: `{"shelf_id": "s", "book": {"title": "T", "author": {"name": "Ann", "address": {}}, "labels": {"a": "b"}, "printed": "2026-01-02T03:04:05Z"}, "update_mask": "author.address.city,author.name,labels,printed,tags,title"}`},
		"another field":      {rule: testRule("PATCH", "/{shelf_id}", "original"), body: `{"title": "T"}`, message: `{"shelf_id": "s", "original": {"title": "T"}, "update_mask": "title"}`},
		"explicit mask":      {rule: patch("book"), body: `{"title": "T", "pages": 7}`, query: "update_mask=pages", message: `{"shelf_id": "s", "book": {"title": "T", "pages": 7}, "update_mask": "pages"}`},
		"explicit, empty":    {rule: patch("book"), body: `{"title": "T"}`, query: "updateMask=", message: `{"shelf_id": "s", "book": {"title": "T"}, "update_mask": ""}`},
		"other parameter":    {rule: patch("book"), body: `{"title": "T"}`, query: "note=n", message: `{"shelf_id": "s", "note": "n", "book": {"title": "T"}, "update_mask": "title"}`},
		"mask in the path":   {rule: testRule("PATCH", "/{update_mask}", "book"), body: `{"title": "T"}`, message: `{"book": {"title": "T"}, "update_mask": "s"}`},
		"empty object":       {rule: patch("book"), body: `{}`, message: `{"shelf_id": "s", "book": {}}`},
		"null":               {rule: patch("book"), body: `null`, message: `{"shelf_id": "s"}`},
		"no body":            {rule: patch("book"), message: `{"shelf_id": "s"}`},
		"whole body":         {rule: patch("*"), body: `{"book": {"title": "T"}}`, message: `{"shelf_id": "s", "book": {"title": "T"}}`},
		"whole body, mask":   {rule: patch("*"), body: `{"book": {}, "update_mask": "title"}`, message: `{"shelf_id": "s", "book": {}, "update_mask": "title"}`},
		"repeated body":      {rule: patch("books"), body: `[{"title": "T"}]`, message: `{"shelf_id": "s", "books": [{"title": "T"}]}`},
		"scalar body":        {rule: patch("note"), body: `"n"`, message: `{"shelf_id": "s", "note": "n"}`},
		"other HTTP methods": {rule: testRule("PUT", "/{shelf_id}", "book"), body: `{"title": "T"}`, message: `{"shelf_id": "s", "book": {"title": "T"}}`},
		"malformed body":     {rule: patch("book"), body: `{"title": 7}`, err: "book.title: body:1:11: 7 is not a string"},
	}
	for about, test := range tests {
		t.Run(about, func(t *testing.T) {
			test.path = "/s"
			test.check(t, "library.proto", "Update")
		})
	}
}

// Fields with the group encoding are written between group tags, also nested ones.
func TestDelimitedFields(t *testing.T) {
	request{
		rule: testRule("GET", "/{group.group.name}", ""), path: "/a", query: "group.name=b",
		message: `{"group": {"name": "b", "group": {"name": "a"}}}`,
	}.check(t, "delimited.proto", "Find")
}
