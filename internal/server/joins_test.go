package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A list that is joined into the reply fails as a whole when one of its elements is broken.
func TestBrokenElements(t *testing.T) {
	s := startShop(t)
	const good = "\x0a\x05\x0a\x03one"
	for name, test := range map[string]struct {
		list, body, partial string
	}{
		"as it should be": {good, `{"name":"one","item":{"id":"one","title":"","sizes":[],"byName":{}},"title":"","text":""}`, ""},
		"empty":           {"", `{"name":"one","title":"","text":""}`, ""},
		"of another type": {"\x0a\x02\x08\x01", `{"name":"one","title":"","text":""}`, ""}, // an id that is a number is an unknown field
		"cut":             {good + "\x0a\x09\x0a", `{"name":"one","title":"","text":""}`, "items;reason=INTERNAL"},
		"broken element":  {"\x0a\x01\xff" + good, `{"name":"one","title":"","text":""}`, "items;reason=INTERNAL"},
		"broken inside":   {"\x0a\x0a\x0a\x03one\x1a\x03\x0a\x01\xff", `{"name":"one","title":"","text":""}`, "items;reason=INTERNAL"},
		"broken key":      {"\x0a\x03\x0a\x01\xff" + good, `{"name":"one","title":"","text":""}`, "items;reason=INTERNAL"},
	} {
		s.stock.set(func(_ context.Context, request []byte) ([]byte, error) {
			if strings.Contains(string(request), "ok") {
				return []byte("\x0a\x03one"), nil
			}
			return []byte(test.list), nil
		})
		got := s.get(t, "/keyed/one")
		partial := got.Header.Get("X-Facet-Partial")
		if body := bodyOf(t, got); got.StatusCode != http.StatusOK || body != test.body || partial != test.partial {
			t.Errorf("%s: got %d %s partial %q", name, got.StatusCode, body, partial)
		}
	}
}

// What is wrong where nobody looks does no harm.
func TestBrokenWhereNotSelected(t *testing.T) {
	s := startShop(t)
	s.stock.set(func(context.Context, []byte) ([]byte, error) { return []byte("\x0a\x01a\x1a\x03\x0a\x01\xff"), nil })
	if body := bodyOf(t, s.get(t, "/required/1?select=item.id")); body != `{"item":{"id":"a"}}` {
		t.Errorf("got %s", body)
	}
}

func TestBodies(t *testing.T) {
	s := startShop(t)
	s.stock.set(func(_ context.Context, request []byte) ([]byte, error) { return request, nil })
	for name, test := range map[string]struct {
		body   string
		header []string // of one field
		status int
		want   string // in the answer
	}{
		"JSON":                {`{"id":"a"}`, nil, 200, `{"id":"a"`},
		"empty":               {"", nil, 200, `{"id":""`},
		"+json":               {`{"id":"a"}`, []string{"Content-Type", "application/merge-patch+json; charset=utf-8"}, 200, `{"id":"a"`},
		"a form":              {`id=a`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"a type that is none": {`{}`, []string{"Content-Type", ";"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"compressed":          {`{}`, []string{"Content-Encoding", "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"compressed not":      {`{"id":"a"}`, []string{"Content-Encoding", "Identity"}, 200, `{"id":"a"`},
		"unknown field":       {`{"titel":"a"}`, nil, 400, `did you mean \"title\"`},
		"deep":                {strings.Repeat(`{"part":`, 200_000), nil, 400, "INVALID_REQUEST"},
		"deep and whole":      {strings.Repeat(`{"part":`, 200_000) + "{" + strings.Repeat("}", 200_001), nil, 400, "INVALID_REQUEST"},
		"at the limit":        {`{"id":"` + strings.Repeat("x", 90_000) + `"}` + strings.Repeat(" ", 4<<20-90_009), nil, 200, "xxx"},
		"over the limit":      {`{"id":"a"}` + strings.Repeat(" ", 4<<20-9), nil, 413, "BODY_TOO_LARGE"},
	} {
		for _, chunked := range []bool{false, true} {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/passed", strings.NewReader(test.body))
			if chunked {
				r.ContentLength = -1
			}
			if test.header != nil {
				r.Header.Set(test.header[0], test.header[1])
			}
			got := s.do(r)
			body := bodyOf(t, got)
			if got.StatusCode != test.status || !strings.Contains(body, test.want) {
				t.Errorf("%s, chunked %t: got %d %.200s", name, chunked, got.StatusCode, body)
			}
			if len(body) > 100_000 {
				t.Errorf("%s: the answer has %d bytes", name, len(body))
			}
		}
	}
}

// After an optional call fails in the middle of a run, the next request starts afresh.
func TestFailureLeavesNothingBehind(t *testing.T) {
	s := startShop(t)
	for i := range 20 {
		s.stock.set(item)
		want := `{"name":"1","item":{"id":"a","title":"b","sizes":[],"byName":{}},"title":"b","text":""}`
		if i%2 == 1 {
			s.stock.set(func(context.Context, []byte) ([]byte, error) {
				return []byte("\x0a\x01a\x1a\x01\xff"), nil
			})
			want = `{"name":"1","title":"","text":""}`
		}
		if body := bodyOf(t, s.get(t, "/optional/1")); body != want {
			t.Errorf("request %d: got %s, want %s", i, body, want)
		}
	}
}
