package upstream_test

import (
	"context"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/upstream"
)

// countingListener counts the connections that are open, and all that ever were.
type countingListener struct {
	net.Listener
	open, total atomic.Int32
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	l.total.Add(1)
	return &countedConn{Conn: conn, listener: l}, nil
}

type countedConn struct {
	net.Conn
	listener *countingListener
	closed   atomic.Bool
}

func (c *countedConn) Close() error {
	if !c.closed.Swap(true) {
		c.listener.open.Add(-1)
	}
	return c.Conn.Close()
}

func mustCall(t *testing.T, u *upstream.Upstream) {
	t.Helper()
	if _, err := call(t, u, nil); err != nil {
		t.Fatal(err)
	}
}

func mustClose(t *testing.T, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEqualUpstreamsShareOneConnection(t *testing.T) {
	listener := &countingListener{Listener: listen(t)}
	_, address := serveOn(t, listener, echo)
	pool := upstream.NewPool()

	first := openIn(t, pool, static(address))
	if listener.total.Load() != 0 {
		t.Error("it connects before the first call")
	}
	mustCall(t, first)
	// The next snapshot serves one service more over the same connection.
	next := static(address)
	next.Services = []string{"user.v1.UserService", "user.v1.AdminService"}
	second := openIn(t, pool, next)
	mustCall(t, second)
	mustClose(t, first)
	mustClose(t, first) // once more changes nothing
	mustCall(t, second)
	if total := listener.total.Load(); total != 1 {
		t.Errorf("%d connections were made", total)
	}

	limited := openIn(t, pool, &gatewayv1.Upstream{Target: "static:///" + address, MaxReplyBytes: 10})
	mustCall(t, limited)
	if total := listener.total.Load(); total != 2 {
		t.Errorf("%d connections after an upstream of other settings", total)
	}

	mustClose(t, second)
	mustClose(t, limited)
	eventually(t, "no connection is open", func() bool { return listener.open.Load() == 0 })
	if _, err := call(t, second, nil); status.Code(err) != codes.Canceled {
		t.Errorf("a call of a closed upstream: %v", err)
	}

	third := openIn(t, pool, static(address))
	mustCall(t, third)
	mustClose(t, pool)
	mustClose(t, third)
	if _, err := pool.Open("user", static(address)); err == nil {
		t.Error("a closed pool opens upstreams")
	}
}

func TestNothingIsLeftAfterClose(t *testing.T) {
	address := serve(t, hang)
	refusing := refusingAddress(t)
	before := runtime.NumGoroutine()
	pool := upstream.NewPool()
	for _, address := range []string{address, refusing, address + "," + refusing} {
		u := openIn(t, pool, static(address))
		ctx, cancel := context.WithCancel(t.Context())
		ctx, cancelTimeout := context.WithTimeout(ctx, patience)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = u.Call(ctx, "/user.v1.UserService/GetUser", nil) // it ends in an error, whichever
		}()
		cancel()
		<-done
		cancelTimeout()
	}
	mustClose(t, pool)
	eventually(t, "the goroutines have ended", func() bool { return runtime.NumGoroutine() <= before })
}

func TestOpenExplainsWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		target string
		max    int32
		want   string
	}{
		{"", 0, "target is missing; want static:///host:port[,host:port...] or dns:///name:port"},
		{"127.0.0.1:9101", 0, `did you mean "static:///127.0.0.1:9101"?`},
		{"static://127.0.0.1:9101", 0, `did you mean "static:///127.0.0.1:9101"?`},
		{"dns:user:9101", 0, `want static:///host:port[,host:port...] or dns:///name:port`},
		{"dns://user:9101", 0, `did you mean "dns:///user:9101"?`},
		{"discovery:///user", 0, `unknown scheme "discovery"; want static:///`},
		{"static:///user", 0, `"user" is not host:port`},
		{"static:///:9101", 0, `":9101" is not host:port`},
		{"static:///a:1,,b:2", 0, `"" is not host:port`},
		{"static:///a:1, b:2", 0, `" b:2" is not host:port`},
		{"static:///a:1/x", 0, `"a:1/x" is not host:port`},
		{"static:///a:http", 0, `"a:http": port "http" is not a number from 1 to 65535`},
		{"static:///a:65536", 0, `port "65536" is not a number`},
		{"static:///a:0", 0, `port "0" is not a number`},
		{"static:///a:1,b:1,a:1", 0, `a:1 is named twice`},
		{"dns:///a:1,b:1", 0, `dns takes one name`},
		{"static:///a:1", -1, `max_reply_bytes: -1 is negative`},
	} {
		pool := upstream.NewPool()
		_, err := pool.Open("user", &gatewayv1.Upstream{Target: test.target, MaxReplyBytes: test.max})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: got %v, want %s", test.target, err, test.want)
		}
	}
}

func TestOpenTakesAddressesOfAnyFamily(t *testing.T) {
	pool := upstream.NewPool()
	for _, target := range []string{"static:///127.0.0.1:1", "static:///[::1]:1,[::2]:1", "static:///user.internal:443", "dns:///user.internal:443", "dns:///[::1]:443"} {
		mustClose(t, openIn(t, pool, &gatewayv1.Upstream{Target: target}))
	}
}
