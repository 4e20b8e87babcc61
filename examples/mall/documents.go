package main

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-kratos/kratos/v2/config"

	"facet/api"
	"facet/configs"
	"facet/examples/mall/backend"
	"facet/internal/source"
)

// upstreamsKey is the document that says where the services are.
const upstreamsKey = "upstreams.yaml"

// documents are those of the sample mall, with the addresses that its services really have.
type documents struct {
	*source.Source
	targets *strings.Replacer
}

// newDocuments returns the documents that are built in.
func newDocuments(at backend.Addresses) (*documents, error) {
	mall, err := fs.Sub(configs.Mall, "mall")
	if err != nil {
		return nil, err
	}
	return &documents{
		Source: source.NewFS(mall, api.Mall),
		targets: strings.NewReplacer(
			"127.0.0.1:9101", at.User,
			"127.0.0.1:9102", at.Order,
			"127.0.0.1:9103", at.Product,
			"127.0.0.1:9104", at.Notice,
			"127.0.0.1:9105", at.Live,
		),
	}, nil
}

// Load implements config.Source.
func (d *documents) Load() ([]*config.KeyValue, error) {
	values, err := d.Source.Load()
	if err != nil {
		return nil, err
	}
	for _, value := range values {
		if value.Key == upstreamsKey {
			value.Value = []byte(d.targets.Replace(string(value.Value)))
			return values, nil
		}
	}
	return nil, fmt.Errorf("there is no document %s", upstreamsKey)
}
