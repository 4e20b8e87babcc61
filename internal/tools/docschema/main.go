// Docschema generates the JSON Schemas of what people write in YAML from its protobuf definition, so that editors can
// complete and check it. Run it from the root of the module:
//
//	go run ./internal/tools/docschema
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// output is one schema.
type output struct {
	file    string // that defines the message, from its import root
	message protoreflect.FullName
	path    string // of the schema
}

var outputs = []output{
	{"facet/gateway/v1/gateway.proto", "facet.gateway.v1.Gateway", "api/facet/gateway/v1/gateway.schema.json"},
	{"conf/conf.proto", "facet.conf.v1.Bootstrap", "internal/conf/bootstrap.schema.json"},
}

func main() {
	for _, o := range outputs {
		text, err := generate(context.Background(), ".", o)
		if err == nil {
			err = os.WriteFile(o.path, text, 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "docschema: %s: %v\n", o.path, err)
			os.Exit(1)
		}
	}
}

// generate returns the text of a schema. root is that of the module.
func generate(ctx context.Context, root string, o output) ([]byte, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			ImportPaths: []string{root + "/api", root + "/internal", root + "/third_party"},
		}),
		SourceInfoMode: protocompile.SourceInfoStandard, // for the comments
	}
	files, err := compiler.Compile(ctx, o.file)
	if err != nil {
		return nil, err
	}
	message, ok := files[0].FindDescriptorByName(o.message).(protoreflect.MessageDescriptor)
	if !ok {
		return nil, fmt.Errorf("%s does not define the message %s", o.file, o.message)
	}
	schema, err := schemaOf(message)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(schema)
	return text.Bytes(), err
}
