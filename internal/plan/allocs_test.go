//go:build !race

package plan_test

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
)

func TestMessagesOfStreamsAreNotAllocated(t *testing.T) {
	s := newShop(t)
	caller := &steady{message: mem.SliceBuffer(s.wire(t, "shop.v1.Order", `{"id": "o1", "productId": "p1"}`))}
	for name, yaml := range map[string]string{"plan": twoStreams, "pass through": "{}"} {
		program := watch(t, s, yaml, caller)
		allocations := func(times int) float64 {
			caller.times = times
			return testing.AllocsPerRun(20, func() {
				if _, err := program.Stream(t.Context(), nil, &failing{}); err != nil {
					t.Fatal(err)
				}
			})
		}
		if none, many := allocations(0), allocations(1000); many > none+10 {
			t.Errorf("%s: 1000 messages take %v allocations, none take %v", name, many, none)
		}
	}
}

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
