package main

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
)

// Requests at once do not see each other's bytes: each answer is the one that it gets alone.
func TestRequestsAtOnce(t *testing.T) {
	m := startMall(t)
	var lines []string
	for user := 1; user <= 12; user++ {
		for _, selection := range []string{"", "?select=user(id,name)", "?select=user.address,orders.order.id,unread", "?select=orders.product(id,title)"} {
			lines = append(lines, fmt.Sprintf("GET /v1/users/%d/home%s", user, selection))
		}
		lines = append(lines,
			fmt.Sprintf("GET /v1/users/%d", user),
			fmt.Sprintf("GET /v1/users/none%d", user),
			fmt.Sprintf("GET /v1/products/p-%d/page", 3000+user),
			fmt.Sprintf("GET /v1/products:search?query=tea&page_size=%d", user),
		)
	}
	alone := map[string]answer{}
	for _, line := range lines {
		alone[line] = m.send(t, line, "")
	}
	var workers sync.WaitGroup
	for worker := range 8 {
		workers.Go(func() {
			for i := range lines {
				line := lines[(i*(worker*2+1)+worker)%len(lines)]
				got, want := m.send(t, line, ""), alone[line]
				if got.status == http.StatusGatewayTimeout || got.header.Get("X-Facet-Partial") != "" {
					continue // the machine is busy
				}
				if got.status != want.status || got.body != want.body {
					t.Errorf("%s: got %d %.300s\nalone %d %.300s", line, got.status, got.body, want.status, want.body)
				}
			}
		})
	}
	workers.Wait()
}
