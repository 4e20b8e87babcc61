//go:build !race

package plan_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
)

// Under the race detector sync.Pool drops what it is given at random, so there allocations cannot be counted.
func TestRunAllocatesLittle(t *testing.T) {
	s := newShop(t)
	replies := map[string][]byte{
		"GetUser":    s.wire(t, "shop.v1.User", `{"id": "1", "name": "Ann", "tags": ["a", "b"]}`),
		"ListOrders": s.wire(t, "shop.v1.ListOrdersReply", `{"orders": [{"id": "a", "productId": "p"}, {"id": "b", "productId": "q"}]}`),
		"BatchGet":   s.wire(t, "shop.v1.BatchGetReply", `{"products": [{"id": "p", "title": "P"}, {"id": "q"}]}`),
		"Count":      s.wire(t, "shop.v1.CountReply", `{"count": 3}`),
	}
	caller := callerFunc(func(_ context.Context, method string, _ []byte) (mem.Buffer, error) {
		return mem.SliceBuffer(replies[method[strings.LastIndex(method, "/")+1:]]), nil
	})
	request := s.wire(t, "shop.v1.HomeRequest", `{"userId": "42"}`)
	for name, test := range map[string]struct {
		yaml string
		most float64 // one of each call is the caller's own
	}{
		"three parallel calls": {parallelYAML, 20},
		"join":                 {joinYAML, 16},
	} {
		program := compile(t, s, test.yaml, caller)
		n := testing.AllocsPerRun(200, func() {
			reply, err := program.Run(t.Context(), request)
			if err != nil {
				t.Fatal(err)
			}
			reply.Release()
		})
		if n > test.most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, test.most)
		}
	}
}
