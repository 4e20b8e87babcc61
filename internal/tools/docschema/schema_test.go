package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/conf"
	"facet/internal/document"
)

const root = "../../.."

// TestSchemasAreUpToDate fails when a definition changed and its schema did not.
func TestSchemasAreUpToDate(t *testing.T) {
	for _, o := range outputs {
		want, err := generate(t.Context(), root, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := readFile(t, filepath.Join(root, o.path)); !bytes.Equal(got, want) {
			t.Errorf("%s is not that of %s: run \"make generate\"", o.path, o.file)
		}
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// compile returns a schema that is checked against that of schemas.
func compile(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", value); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// committed returns the schema of one output as it is shipped.
func committed(t *testing.T, o output) *jsonschema.Schema {
	t.Helper()
	return compile(t, readFile(t, filepath.Join(root, o.path)))
}

// files returns the files of patterns; each pattern has some.
func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		all = append(all, found...)
	}
	return all
}

// parse reads YAML into the values that a validator of JSON takes.
func parse(t *testing.T, text []byte) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return asJSON(t, value)
}

func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	value, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// goodDocuments are those that make snapshots.
var goodDocuments = []string{
	"configs/mall/*.yaml", "internal/snapshot/testdata/good/*.yaml", "internal/snapshot/testdata/good/*.json",
	"internal/snapshot/testdata/bad/base.yaml",
}

// TestGoodDocumentsAreValid makes sure that no editor finds fault with what is right.
func TestGoodDocumentsAreValid(t *testing.T) {
	documents, bootstrap := committed(t, outputs[0]), committed(t, outputs[1])
	for _, path := range files(t, goodDocuments...) {
		if err := documents.Validate(parse(t, readFile(t, path))); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range files(t, "configs/bootstrap.yaml") {
		if err := bootstrap.Validate(parse(t, readFile(t, path))); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// invisible are mistakes that a schema cannot see: it is asked about values, which have no positions, styles and duplicates.
var invisible = map[string]string{
	"document-anchor.bad.yaml":        "the value is the same",
	"document-tag.bad.yaml":           "the value is the same",
	"document-duplicate-key.bad.yaml": "no value",
	"document-two-documents.bad.yaml": "the second document is not looked at",
	"document-large-literal.bad.yaml": "a number of JSON may be as large",
}

// TestStructuralMistakesAreInvalid takes what the decoder refuses of the bad documents.
func TestStructuralMistakesAreInvalid(t *testing.T) {
	documents := committed(t, outputs[0])
	checked := 0
	for _, path := range files(t, "internal/snapshot/testdata/bad/*.bad.yaml") {
		name := filepath.Base(path)
		text := readFile(t, path)
		_, problems := document.Decode(name, text, new(gatewayv1.Gateway))
		var value any
		if len(problems) == 0 || yaml.Unmarshal(text, &value) != nil {
			continue // a mistake in what it means, or no YAML
		}
		checked++
		err := documents.Validate(asJSON(t, value))
		if why, ok := invisible[name]; ok == (err != nil) {
			t.Errorf("%s: the schema says %v (%s); the decoder says %v", name, err, why, problems)
		}
	}
	if checked < 15 {
		t.Errorf("only %d documents have structural mistakes", checked)
	}
}

// TestDecoderAndSchemaAgree replaces each value of a document that has every setting by values of every kind, and asks both.
// What only the build of a snapshot asks for, required fields, is left out of the schema here.
func TestDecoderAndSchemaAgree(t *testing.T) {
	t.Parallel()
	for i, message := range []proto.Message{new(gatewayv1.Gateway), new(conf.Bootstrap)} {
		t.Run(string(outputs[i].message), func(t *testing.T) {
			t.Parallel()
			lenient := compile(t, withoutRequired(t, outputs[i]))
			value := sample(message.ProtoReflect().Descriptor(), nil)
			agree := func(what string) bool {
				text, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				_, problems := document.Decode("a.json", text, proto.Clone(message))
				err = lenient.Validate(asJSON(t, value))
				if (err == nil) != (len(problems) == 0) {
					t.Errorf("%s: the schema says %v; the decoder says %v", what, err, problems)
				}
				return err == nil
			}
			if !agree("as it is") {
				t.Fatalf("the sample is refused: %v", value)
			}
			mutate(value, nil, agree)
		})
	}
}

// sample returns a mapping with all fields of a message, but for those of messages that it is in, and with one of a oneof.
func sample(md protoreflect.MessageDescriptor, in []protoreflect.FullName) any {
	switch md.FullName() {
	case "google.protobuf.Duration":
		return "1s"
	case "google.protobuf.Value":
		return "text"
	}
	mapping := map[string]any{}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if oneof := fd.ContainingOneof(); oneof != nil && oneof.Fields().Get(0) != fd {
			continue
		}
		name, below := string(fd.Name()), append(slices.Clip(in), md.FullName())
		switch {
		case fd.Message() != nil && slices.Contains(below, fd.Message().FullName()):
		case fd.IsMap():
			mapping[name] = map[string]any{"name": sampleValue(fd.MapValue(), below)}
		case fd.IsList():
			mapping[name] = []any{sampleValue(fd, below)}
		default:
			mapping[name] = sampleValue(fd, below)
		}
	}
	return mapping
}

func sampleValue(fd protoreflect.FieldDescriptor, in []protoreflect.FullName) any {
	switch {
	case fd.Message() != nil:
		return sample(fd.Message(), in)
	case fd.Enum() != nil:
		names, _ := document.EnumNames(fd.Enum())
		return names[0]
	case fd.Kind() == protoreflect.BoolKind:
		return true
	case fd.Kind() == protoreflect.StringKind:
		return "text"
	}
	return 1
}

// withoutRequired returns the text of a schema that requires nothing.
func withoutRequired(t *testing.T, o output) []byte {
	t.Helper()
	var s schema
	if err := json.Unmarshal(readFile(t, filepath.Join(root, o.path)), &s); err != nil {
		t.Fatal(err)
	}
	s.Required = nil
	for _, definition := range s.Defs {
		definition.Required = nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// replacements are values of every kind.
var replacements = []any{
	nil, true, 7, 1.5, json.Number("4294967296"), "text", "2s", "omit", "",
	[]any{},
	[]any{"text"},
	[]any{nil},
	[]any{map[string]any{}},
	map[string]any{},
	map[string]any{"unknown": "text"},
	map[string]any{"get": "/a"},
	map[string]any{"get": "/a", "post": "/a"},
}

// mutate replaces each value below one, adds unknown keys, and asks each time.
func mutate(value any, path []string, ask func(what string) bool) {
	at := strings.Join(path, ".")
	switch value := value.(type) {
	case map[string]any:
		value["unknown_key"] = 1
		ask(at + " with an unknown key")
		delete(value, "unknown_key")
		for _, key := range slices.Sorted(maps.Keys(value)) {
			below := append(slices.Clip(path), key)
			mutateChild(below, value[key], func(v any) { value[key] = v }, ask)
		}
	case []any:
		for i := range value {
			mutateChild(append(slices.Clip(path), "[]"), value[i], func(v any) { value[i] = v }, ask)
		}
	}
}

func mutateChild(path []string, original any, set func(any), ask func(what string) bool) {
	mutate(original, path, ask)
	for _, replacement := range replacements {
		set(replacement)
		text, _ := json.Marshal(replacement)
		ask(strings.Join(path, ".") + " = " + string(text))
	}
	set(original)
}
