package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"facet/internal/server"
	"facet/internal/snapshot"
)

func TestCORS(t *testing.T) {
	s := startShop(t)
	var called atomic.Bool
	s.stock.set(func(ctx context.Context, request []byte) ([]byte, error) {
		called.Store(true)
		return item(ctx, request)
	})
	const shop, evil = "https://shop.example", "https://evil.example"
	const (
		none  = ""
		one   = "cors: {origins: [https://shop.example, https://app.example], credentials: true, max_age: 60s}"
		every = `cors: {origins: ["*"]}`
	)
	const expose = "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, x-facet-partial, retry-after, allow"
	preflight := []string{"Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "x-select,authorization"}
	webPreflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,x-grpc-web"}
	for name, test := range map[string]struct {
		cors, method, path, origin string
		header                     []string
		status                     int
		called                     bool
		want                       http.Header // of CORS
	}{
		"no origin":               {none, "GET", "/passed/1", "", nil, 200, true, http.Header{"Vary": {"Origin"}}},
		"the same origin":         {none, "GET", "/passed/1", "http://example.com", nil, 200, true, http.Header{"Vary": {"Origin"}}},
		"the same, behind proxy":  {none, "GET", "/passed/1", shop, []string{"Sec-Fetch-Site", "same-origin"}, 200, true, http.Header{"Vary": {"Origin"}}},
		"the same, with its port": {none, "GET", "/passed/1", "https://example.com", []string{"Host", "example.com:443"}, 200, true, http.Header{"Vary": {"Origin"}}},
		"another port":            {none, "GET", "/passed/1", "https://example.com", []string{"Host", "example.com:80"}, 403, false, http.Header{"Vary": {"Origin"}}},
		"no host":                 {none, "GET", "/passed/1", "null", []string{"Host", ""}, 403, false, http.Header{"Vary": {"Origin"}}},
		"upper case":              {one, "GET", "/passed/1", "https://Shop.example", nil, 403, false, http.Header{"Vary": {"Origin"}}},
		"a longer host":           {one, "GET", "/passed/1", shop + ".evil.example", nil, 403, false, http.Header{"Vary": {"Origin"}}},
		"another, with that host": {none, "GET", "/passed/1", "http://example.com", []string{"Sec-Fetch-Site", "cross-site"}, 403, false, http.Header{"Vary": {"Origin"}}},
		"another":                 {none, "GET", "/passed/1", shop, nil, 403, false, http.Header{"Vary": {"Origin"}}},
		"no page":                 {none, "GET", "/passed/1", "null", nil, 403, false, http.Header{"Vary": {"Origin"}}},
		"preflight of another":    {none, "OPTIONS", "/passed/1", shop, preflight, 403, false, http.Header{"Vary": {"Origin"}}},
		"gRPC-Web of another":     {one, "POST", "/shop.v1.Stock/Get", evil, []string{"Content-Type", "application/grpc-web"}, 403, false, http.Header{"Vary": {"Origin"}}},
		"allowed": {one, "GET", "/passed/1", shop, nil, 200, true, http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {shop}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {expose},
		}},
		"allowed, with an error": {one, "GET", "/passed/1?select=x", shop, nil, 400, false, http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {shop}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {expose},
		}},
		"every": {every, "GET", "/passed/1", evil, nil, 200, true, http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {expose},
		}},
		"gRPC-Web": {every, "POST", "/shop.v1.Stock/Get", shop, []string{"Content-Type", "application/grpc-web"}, 200, true, http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": {expose},
		}},
		"preflight": {one, "OPTIONS", "/passed/1", "https://app.example", preflight, 204, false, http.Header{
			"Vary":                        {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
			"Access-Control-Allow-Origin": {"https://app.example"}, "Access-Control-Allow-Credentials": {"true"},
			"Access-Control-Allow-Methods": {"GET"}, "Access-Control-Allow-Headers": {"x-select,authorization"}, "Access-Control-Max-Age": {"60"},
		}},
		"preflight of a private network": {every, "OPTIONS", "/passed/1", shop, append([]string{"Access-Control-Request-Private-Network", "true"}, preflight...), 204, false, http.Header{
			"Vary":                         {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
			"Access-Control-Allow-Origin":  {"*"},
			"Access-Control-Allow-Methods": {"GET"}, "Access-Control-Allow-Headers": {"x-select,authorization"}, "Access-Control-Max-Age": {"7200"},
		}},
		"preflight of gRPC-Web": {every, "OPTIONS", "/shop.v1.Stock/Get", shop, webPreflight, 204, false, http.Header{
			"Vary":                         {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"},
			"Access-Control-Allow-Origin":  {"*"},
			"Access-Control-Allow-Methods": {"POST"}, "Access-Control-Allow-Headers": {"content-type,x-grpc-web"}, "Access-Control-Max-Age": {"7200"},
		}},
		"preflight of what is not served": {every, "OPTIONS", "/shop.v1.Stock/List", shop, webPreflight, 404, false, http.Header{
			"Vary": {"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}, "Access-Control-Allow-Origin": {"*"},
		}},
	} {
		s.publishOver(t, test.cors)
		called.Store(false)
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.path, strings.NewReader(webFrame(0, "\x0a\x011")))
		if test.origin != "" {
			r.Header.Set("Origin", test.origin)
		}
		for i := 0; i < len(test.header); i += 2 {
			if r.Header.Set(test.header[i], test.header[i+1]); test.header[i] == "Host" {
				r.Host = test.header[i+1]
			}
		}
		reply := s.do(r)
		got := http.Header{}
		for name, values := range reply.Header {
			if name == "Vary" || strings.HasPrefix(name, "Access-Control-") {
				got[name] = values
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" || reply.StatusCode != test.status || called.Load() != test.called {
			t.Errorf("%s: got %d, called %t; (-want +got)\n%s", name, reply.StatusCode, called.Load(), diff)
		}
		_ = reply.Body.Close()
	}
}

// Before there is a snapshot nobody knows who may call: of another origin nothing goes on to a gateway that may have one
// in a moment.
func TestCORSBeforeTheFirstSnapshot(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	s.handler = server.NewHTTP(server.Settings{}, s.gateway, new(snapshot.Holder)).Handler
	if got := s.get(t, "/passed/1", "Origin", "https://evil.example"); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %s: %s", got.Status, bodyOf(t, got))
	}
	if got := s.get(t, "/passed/1"); got.StatusCode != http.StatusOK {
		t.Errorf("without an origin: got %s", got.Status)
	}
}
