package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/internal/gateway"
)

// A silent stream shows that it lives, from before its first message on until its end.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                  "\n\n{\"result\":{}}\n\n{\"end\":{\"partial\":\"a;reason=UNAVAILABLE\"}}\n",
		"text/event-stream": ":\n\n:\n\ndata: {}\n\n:\n\nevent: end\ndata: {\"partial\":\"a;reason=UNAVAILABLE\"}\n\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Header.Set("Accept", accept)
			s := startEventStream(w, r, gateway.Header{"x-added": {"1"}})
			time.Sleep(2*heartbeat + time.Second) // of the bubble's clock
			synctest.Wait()
			if err := s.send([]byte("{}")); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2*heartbeat - time.Second)
			if !s.end(nil, "a;reason=UNAVAILABLE") {
				t.Error("the stream did not begin")
			}
			time.Sleep(2 * heartbeat)
			synctest.Wait()
			if got := w.Body.String(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			for name, want := range map[string]string{"X-Added": "1", "Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

// A stream that fails before anything is written is answered with an error, not with a stream.
func TestStreamThatDoesNotBegin(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	s := startEventStream(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil), nil)
	if s.end(status.Error(codes.Unavailable, "down"), "") || w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
}

// onePipe is a listener of one connection.
type onePipe struct {
	net.Listener
	conns chan net.Conn
}

func (l onePipe) Accept() (net.Conn, error) {
	conn, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (onePipe) Close() error   { return nil }
func (onePipe) Addr() net.Addr { return &net.TCPAddr{} }

// headHTTP2 is a request of HTTP/2 whose client makes room for all that may come: the preface, settings with the greatest
// window, the same for the connection, and GET / of the host a.
const headHTTP2 = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
	"\x00\x00\x06\x04\x00\x00\x00\x00\x00" + "\x00\x04\x7f\xff\xff\xff" +
	"\x00\x00\x04\x08\x00\x00\x00\x00\x00" + "\x7f\xff\x00\x00" +
	"\x00\x00\x06\x01\x05\x00\x00\x00\x01" + "\x82\x84\x86\x41\x01a"

// A client that reads nothing is cut off, even if it is not the stream but the connection that takes no more.
func TestStreamThatIsNotRead(t *testing.T) {
	t.Parallel()
	for protocol, head := range map[string]string{"HTTP/1.1": "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/2": headHTTP2} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failed := make(chan error, 1)
				server := NewHTTP(Settings{ReadHeaderTimeout: time.Minute}, nil, nil)
				server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					out := streamWriter{w}
					for {
						if err := out.write(make([]byte, 10_000)); err != nil {
							<-r.Context().Done() // and with it the upstream's stream
							failed <- err
							return
						}
					}
				})
				front, back := net.Pipe()
				conns := make(chan net.Conn, 1)
				conns <- back
				done := make(chan error, 1)
				go func() { done <- server.Serve(onePipe{conns: conns}) }()
				go func() { _, _ = io.WriteString(front, head) }() // a server of HTTP/2 writes before it has read all
				if _, err := io.ReadFull(front, make([]byte, 1000)); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				<-failed
				if took := time.Since(start); took < writeTimeout || took > 2*writeTimeout {
					t.Errorf("it took %v, want %v, or twice that for a connection of many streams", took, writeTimeout)
				}
				close(conns)
				_ = server.Close()
				_ = front.Close()
				<-done
			})
		})
	}
}

// awaitReset reads frames of HTTP/2 until one resets a stream.
func awaitReset(from io.Reader) {
	const reset = 3
	head := make([]byte, 9)
	for head[3] != reset {
		if _, err := io.ReadFull(from, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, from, int64(head[0])<<16|int64(head[1])<<8|int64(head[2])) // the next head tells
	}
}

// A client that makes no room for a unary reply does not keep it here.
func TestReplyThatIsNotRead(t *testing.T) {
	t.Parallel()
	noRoom := strings.Replace(headHTTP2, "\x00\x04\x7f\xff\xff\xff", "\x00\x04\x00\x00\x00\x00", 1)
	for name, test := range map[string]struct {
		head string
		size int
	}{
		"HTTP/1.1":      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 100_000},
		"HTTP/2":        {noRoom, 100_000},
		"HTTP/2, small": {noRoom, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				over := make(chan time.Time, 1)
				server := NewHTTP(Settings{ReadHeaderTimeout: time.Minute}, nil, nil)
				server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.ProtoMajor == 1 {
						context.AfterFunc(r.Context(), func() { over <- time.Now() })
					}
					writeReplyBody(w, r, make([]byte, test.size))
				})
				front, back := net.Pipe()
				conns := make(chan net.Conn, 1)
				conns <- back
				done := make(chan error, 1)
				go func() { done <- server.Serve(onePipe{conns: conns}) }()
				start := time.Now()
				go func() { _, _ = io.WriteString(front, test.head) }()
				if strings.HasPrefix(test.head, "PRI") {
					go func() { awaitReset(front); over <- time.Now() }() // the connection goes on
				}
				if took := (<-over).Sub(start); took != writeTimeout {
					t.Errorf("it took %v, want %v", took, writeTimeout)
				}
				close(conns)
				_ = server.Close()
				_ = front.Close()
				<-done
			})
		})
	}
}

// The deadline of a reply is not that of the next one on the same connection.
func TestConnectionOutlivesDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := NewHTTP(Settings{ReadHeaderTimeout: time.Minute}, nil, nil)
		server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/stream":
				s := startEventStream(w, r, nil)
				_ = s.send([]byte("{}"))
				s.end(nil, "")
			case "/large":
				writeReplyBody(w, r, make([]byte, 100_000))
			default:
				writeReplyBody(w, r, nil)
			}
		})
		front, back := net.Pipe()
		conns := make(chan net.Conn, 1)
		conns <- back
		done := make(chan error, 1)
		go func() { done <- server.Serve(onePipe{conns: conns}) }()
		dialed := 0
		transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dialed++
			return front, nil
		}}
		for _, path := range []string{"/stream", "/", "/large", "/"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			reply, err := transport.RoundTrip(r)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if _, err := io.Copy(io.Discard, reply.Body); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			_ = reply.Body.Close()
			time.Sleep(2 * writeTimeout) // of the bubble's clock
		}
		if dialed != 1 {
			t.Errorf("the requests took %d connections, want 1", dialed)
		}
		transport.CloseIdleConnections()
		close(conns)
		_ = server.Close()
		<-done
	})
}
