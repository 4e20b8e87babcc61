// Package configs embeds the documents of the sample mall, for what runs far from the working copy.
package configs

import "embed"

// Mall holds the documents below mall/.
//
//go:embed mall
var Mall embed.FS
