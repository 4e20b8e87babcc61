package load

import (
	"net"
	"strings"
	"testing"
)

func TestHTTPReply(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reply string
		body  string
		err   string // part of it
	}{
		"length":            {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", ""},
		"empty":             {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", ""},
		"no reason":         {"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "x", ""},
		"chunks":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n", "hello0123456789", ""},
		"no chunk":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "", ""},
		"an error":          {"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown", "", "status 503: down"},
		"cut off":           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "", "unexpected EOF"},
		"ended in header":   {"HTTP/1.1 200 OK\r\nContent-Le", "", "EOF"},
		"another version":   {"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "", "not HTTP/1.1"},
		"not HTTP":          {"SSH-2.0-x\r\n", "", "not HTTP/1.1"},
		"length of letters": {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "", "not HTTP/1.1"},
		"no length":         {"HTTP/1.1 200 OK\r\n\r\nhello", "", "it tells no length"},
		"bad chunk":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", "", `a chunk of "-1" bytes`},
		"chunk too long":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", "", "after a chunk"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := net.Pipe()
			go func() {
				_, _ = server.Read(make([]byte, 1000))
				_, _ = server.Write([]byte(test.reply))
				_ = server.Close()
			}()
			body, err := newHTTPConn(client, "h", []Request{{Path: "/"}}).do(0)
			if string(body) != test.body {
				t.Errorf("body %q, want %q", body, test.body)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

func TestHTTPRequest(t *testing.T) {
	t.Parallel()
	get := string(encode("h:1", Request{Path: "/a?b=c", Header: map[string]string{"B": "2", "A": "1"}}))
	if want := "GET /a?b=c HTTP/1.1\r\nHost: h:1\r\nA: 1\r\nB: 2\r\n\r\n"; get != want {
		t.Errorf("%q, want %q", get, want)
	}
	post := string(encode("h", Request{Method: "POST", Path: "/", Body: []byte("{}")}))
	if want := "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"; post != want {
		t.Errorf("%q, want %q", post, want)
	}
}
