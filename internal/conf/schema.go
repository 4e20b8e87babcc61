package conf

import _ "embed" // of the schema

// Schema is the JSON Schema of the bootstrap file, for editors. Load does not use it.
//
//go:embed bootstrap.schema.json
var Schema string
