// Package gatewayv1 is what documents may hold: the messages of gateway.proto, and the JSON Schema that is made of them.
package gatewayv1

import _ "embed" // of the schema

// Schema is the JSON Schema of a document, Gateway: for editors. What decodes documents does not use it.
//
//go:embed gateway.schema.json
var Schema string
