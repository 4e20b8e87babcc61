package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestSchema(t *testing.T) {
	for _, test := range []struct {
		args  []string
		title string
	}{
		{nil, "facet.gateway.v1.Gateway"},
		{[]string{"documents"}, "facet.gateway.v1.Gateway"},
		{[]string{"bootstrap"}, "facet.conf.v1.Bootstrap"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := facet(t, append([]string{"schema"}, test.args...)...)
			var schema struct {
				Version string `json:"$schema"`
				Title   string `json:"title"`
			}
			if err := json.Unmarshal([]byte(stdout), &schema); err != nil {
				t.Fatal(err, stderr)
			}
			if code != 0 || schema.Title != test.title || schema.Version != "https://json-schema.org/draft/2020-12/schema" {
				t.Errorf("exit %d, %+v", code, schema)
			}
		})
	}
}

func TestUnknownSchema(t *testing.T) {
	code, _, stderr := facet(t, "schema", "bootstrp")
	if code != exitUsage || !strings.Contains(stderr, `there is no schema of "bootstrp"; want documents or bootstrap; did you mean "bootstrap"?`) {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
}
