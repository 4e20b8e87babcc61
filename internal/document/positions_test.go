package document_test

import (
	"strings"
	"testing"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/document"
)

const positioned = `upstreams:
  user: {target: "static:///世界:1", services: [a.A, 'b.B']}
methods:
  mall.v1.MallService/GetHome:
    calls:
      orders:
        rpc: o.v1.O/List
        when: |

            request.a
            || request.b
        for_each: >-
          request.c
        request: {"a": 'x', b: [1, "y"], c: "世" , d: z}
        # the indentation is stated: two spaces of the text remain
        key: |1
           k
`

func TestPositions(t *testing.T) {
	positions, problems := document.Decode("a.yaml", []byte(positioned), &gatewayv1.Gateway{})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const calls = "methods mall.v1.MallService/GetHome calls "
	tests := []struct{ path, value, key string }{
		{"", "1:1", "1:1"},
		{"upstreams", "1:1", "1:1"},
		{"upstreams user", "2:3", "2:3"},
		{"upstreams user target", "2:19", "2:10"},
		{"upstreams user services", "2:40", "2:40"},
		{"upstreams user services 0", "2:51", "2:51"},
		{"upstreams user services 1", "2:57", "2:57"},
		{"upstreams user services 2", "2:40", "2:40"},
		{"upstreams user services x", "2:40", "2:40"},
		{"upstreams user timeout", "2:3", "2:3"},
		{"upstreams nobody target", "1:1", "1:1"},
		{"limits", "1:1", "1:1"},
		{calls + "orders", "6:7", "6:7"},
		{calls + "orders rpc", "7:14", "7:9"},
		{calls + "orders rpc deeper", "7:14", "7:9"},
		{calls + "orders when", "9:13", "8:9"},
		{calls + "orders for_each", "13:11", "12:9"},
		{calls + "orders request a", "14:25", "14:20"},
		{calls + "orders request b 0", "14:33", "14:33"},
		{calls + "orders request b 1", "14:37", "14:37"},
		{calls + "orders request c", "14:46", "14:42"},
		{calls + "orders request d", "14:56", "14:53"},
		{calls + "orders key", "17:10", "16:9"},
	}
	for _, test := range tests {
		path := strings.Fields(test.path)
		if got := positions.At(path...).String(); got != "a.yaml:"+test.value {
			t.Errorf("At(%s) = %s, want %s", test.path, got, test.value)
		}
		if got := positions.AtKey(path...).String(); got != "a.yaml:"+test.key {
			t.Errorf("AtKey(%s) = %s, want %s", test.path, got, test.key)
		}
	}
}

func TestPositionsOfNoYAML(t *testing.T) {
	for _, text := range []string{"", "a: b: c"} {
		positions, _ := document.Decode("a.yaml", []byte(text), &gatewayv1.Gateway{})
		if got := positions.At("methods", "a").String(); got != "a.yaml" {
			t.Errorf("At in %q = %s", text, got)
		}
	}
}
