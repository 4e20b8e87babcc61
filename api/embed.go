// Package api embeds the contracts of the sample mall, for what runs far from the working copy.
package api

import "embed"

// Mall holds the contracts, each under its import path: mall/v1/mall.proto.
//
//go:embed mall/v1/*.proto user/v1/*.proto order/v1/*.proto product/v1/*.proto notice/v1/*.proto live/v1/*.proto
var Mall embed.FS
