package server_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// nested returns an item within items.
func nested(depth int) []byte {
	var wire []byte
	for range depth {
		var length []byte
		for n := len(wire); ; n >>= 7 {
			if n < 0x80 {
				length = append(length, byte(n))
				break
			}
			length = append(length, byte(n)|0x80)
		}
		wire = append(append([]byte{0x1a}, length...), wire...)
	}
	return wire
}

// Replies that are no item.
var brokenReplies = map[string]string{
	"garbage":                     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
	"JSON":                        `{"id":"1"}`,
	"field zero":                  "\x02\x01a",
	"cut within a tag":            "\x0a\x01a\x80",
	"cut within a string":         "\x0a\x01a\x12\x05abc",
	"cut within a varint":         "\x0a\x01a\x20\x80\x80",
	"string that is not UTF-8":    "\x0a\x01a\x12\x01\xff",
	"part that is no message":     "\x0a\x01a\x1a\x01\xff",
	"part with bad UTF-8":         "\x0a\x01a\x1a\x03\x0a\x01\xff",
	"packed list that is cut":     "\x0a\x01a\x22\x02\x01\x80",
	"map entry that is no entry":  "\x0a\x01a\x2a\x01\xff",
	"map key that is not UTF-8":   "\x0a\x01a\x2a\x03\x0a\x01\xff",
	"map value that is broken":    "\x0a\x01a\x2a\x06\x0a\x01k\x12\x01\xff",
	"end of a group that is none": "\x0a\x01a\x34",
	"group that does not end":     "\x0a\x01a\x33\x08\x01",
	"group that ends as another":  "\x0a\x01a\x33\x3c",
	"length beyond all":           "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
	"unknown field that is cut":   "\x0a\x01a\xa2\x06\x05a",
	"too deep":                    string(nested(20_000)),
	"too large":                   "\x12\xc0\x9a\x0c" + strings.Repeat("x", 200_000),
}

func TestBrokenReplies(t *testing.T) {
	s := startShop(t)
	for name, reply := range brokenReplies {
		s.stock.set(func(context.Context, []byte) ([]byte, error) { return []byte(reply), nil })
		s.expectFailure(t, name, 500, codes.Internal)
	}
}

// expectFailure holds what is answered when the item cannot be had.
func (s *shop) expectFailure(t *testing.T, name string, want int, code codes.Code) {
	t.Helper()
	for _, path := range []string{"/required/1", "/passed/1"} {
		got := s.get(t, path)
		if body := bodyOf(t, got); got.StatusCode != want {
			t.Errorf("%s: %s: got %d %.200s, want %d", name, path, got.StatusCode, body, want)
		}
	}
	for _, method := range []string{"shop.v1.Shop/Required", "shop.v1.Stock/Get"} {
		if reply, _, err := s.call(t.Context(), t, method, []byte("\x0a\x011")); status.Code(err) != code {
			t.Errorf("%s: %s: got %q %v, want %s", name, method, reply, err, code)
		}
	}
	for path, wanted := range map[string]struct{ body, wire, partial string }{
		"Optional": {`{"name":"1","title":"","text":""}`, "\x0a\x011", "item;reason="},
		"Fallback": {
			`{"name":"1","item":{"id":"no 1","title":"","sizes":[],"byName":{}},"title":"","text":""}`,
			"\x0a\x011\x12\x06\x0a\x04no 1", ";fallback",
		},
	} {
		got := s.get(t, "/"+strings.ToLower(path)+"/1")
		partial := got.Header.Get("X-Facet-Partial")
		if body := bodyOf(t, got); got.StatusCode != http.StatusOK || body != wanted.body || !strings.Contains(partial, wanted.partial) {
			t.Errorf("%s: %s: got %d %.200s partial %q", name, path, got.StatusCode, body, partial)
		}
		wire, header, err := s.call(t.Context(), t, "shop.v1.Shop/"+path, []byte("\x0a\x011"))
		if err != nil || string(wire) != wanted.wire || !strings.Contains(strings.Join(header["x-facet-partial"], ""), wanted.partial) {
			t.Errorf("%s: %s over gRPC: got %.200q %v partial %q", name, path, wire, err, header["x-facet-partial"])
		}
	}
}

func TestUpstreamsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		serve func(net.Conn)
		http  int
		code  codes.Code
	}{
		"closes":    {func(c net.Conn) { _ = c.Close() }, 503, codes.Unavailable},
		"HTTP/1":    {func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) }, 503, codes.Unavailable},
		"random":    {func(c net.Conn) { _, _ = c.Write([]byte(strings.Repeat("\xde\xad\xbe\xef", 100))); _ = c.Close() }, 503, codes.Unavailable},
		"is silent": {func(net.Conn) {}, 504, codes.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				var open []net.Conn // or else the garbage collector closes them
				for {
					conn, err := listener.Accept()
					if err != nil {
						break
					}
					test.serve(conn)
					open = append(open, conn)
				}
				for _, conn := range open {
					_ = conn.Close()
				}
			}()
			s := &shop{}
			s.startAt(t, listener.Addr().String())
			s.expectFailure(t, name, test.http, test.code)
		})
	}
	t.Run("refuses", func(t *testing.T) {
		s := &shop{}
		s.startAt(t, "127.0.0.1:1")
		s.expectFailure(t, "refuses", 503, codes.Unavailable)
	})
}

func TestHangingUpstream(t *testing.T) {
	s := startShop(t)
	s.stock.set(func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	start := time.Now()
	s.expectFailure(t, "hangs", 504, codes.DeadlineExceeded)
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("8 requests of at most 300ms took %v", took)
	}
}

func TestCodesOfUpstreams(t *testing.T) {
	s := startShop(t)
	for code, want := range map[codes.Code]int{codes.Canceled: 499, codes.Code(99): 500, codes.Unauthenticated: 401, codes.DataLoss: 500} {
		s.stock.set(func(context.Context, []byte) ([]byte, error) { return nil, status.Error(code, "as it is") })
		s.expectFailure(t, code.String(), want, code)
	}
}
