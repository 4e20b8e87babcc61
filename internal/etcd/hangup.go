package etcd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// quietMost is how long a request must have waited before the silence of a connection means something.
const quietMost = 900 * time.Millisecond

// connections are those of a client that are open. One that etcd can no longer be heard on, because what is between the
// two has forgotten it, is closed as soon as a request on it has waited in vain: gRPC by itself would notice only
// after keepAlive and keepAliveTimeout, and make every request until then fail.
type connections struct {
	mu   sync.Mutex
	open map[*connection]struct{}
}

// connection notes when it was heard.
type connection struct {
	net.Conn
	owner *connections
	heard atomic.Int64 // Unix time in nanoseconds
}

// dial opens a connection.
func (c *connections) dial(ctx context.Context, addr string) (net.Conn, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := &connection{Conn: raw, owner: c}
	conn.heard.Store(time.Now().UnixNano())
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[*connection]struct{})
	}
	c.open[conn] = struct{}{}
	return conn, nil
}

// hangUp is an interceptor of requests: after one that has waited in vain it closes the connections that said nothing
// meanwhile, which at worst are opened anew for nothing. If there was no connection it returns why.
func (c *connections) hangUp(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	began := time.Now()
	err := invoke(ctx, method, request, reply, conn, options...)
	if err == nil || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return err
	}
	if time.Since(began) >= quietMost {
		c.closeQuiet(began)
	}
	if why, ok := strings.CutPrefix(status.Convert(err).Message(), "latest balancer error: "); ok {
		return fmt.Errorf("%w: %s", context.DeadlineExceeded, why) // a status would be reduced to its code by the client
	}
	return err
}

// closeQuiet closes the connections that were not heard since a time.
func (c *connections) closeQuiet(since time.Time) {
	c.mu.Lock()
	var quiet []*connection
	for conn := range c.open {
		if conn.heard.Load() < since.UnixNano() {
			quiet = append(quiet, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range quiet {
		_ = conn.Close() // gRPC notices, and opens another
	}
}

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.heard.Store(time.Now().UnixNano())
	}
	return n, err
}

// Close implements net.Conn.
func (c *connection) Close() error {
	c.owner.mu.Lock()
	delete(c.owner.open, c)
	c.owner.mu.Unlock()
	return c.Conn.Close()
}
