package upstream

import (
	"errors"
	"fmt"
	"sync"

	"google.golang.org/grpc"

	gatewayv1 "facet/api/facet/gateway/v1"
)

// defaultMaxReplyBytes is the default of max_reply_bytes.
const defaultMaxReplyBytes = 4 << 20

// Pool keeps connections alive across snapshots: upstreams whose configuration is equal in what concerns the
// connection share one. It is safe for concurrent use.
type Pool struct {
	mu          sync.Mutex
	connections map[connectionKey]*connection
	closed      bool
}

// connectionKey is what of an upstream's configuration concerns its connection: a change of the rest, such as
// one service more, keeps it.
type connectionKey struct {
	target        string
	maxReplyBytes int
}

// connection is a client connection and the number of upstreams that use it.
type connection struct {
	pool   *Pool
	key    connectionKey
	target target
	client *grpc.ClientConn
	users  int // guarded by pool.mu
}

// NewPool returns an empty pool.
func NewPool() *Pool {
	return &Pool{connections: make(map[connectionKey]*connection)}
}

// Open returns the upstream of a configuration, connecting lazily: with its first call. Close it when the snapshot
// that uses it is retired. The error says what is wrong with the configuration.
func (p *Pool) Open(name string, config *gatewayv1.Upstream) (*Upstream, error) {
	if config.GetMaxReplyBytes() < 0 {
		return nil, fmt.Errorf("max_reply_bytes: %d is negative; 0 is the default of %d", config.GetMaxReplyBytes(), defaultMaxReplyBytes)
	}
	key := connectionKey{target: config.GetTarget(), maxReplyBytes: int(config.GetMaxReplyBytes())}
	if key.maxReplyBytes == 0 {
		key.maxReplyBytes = defaultMaxReplyBytes
	}
	conn, err := p.acquire(key)
	if err != nil {
		return nil, err
	}
	return &Upstream{name: name, conn: conn, openTimeout: openTimeout}, nil
}

// acquire returns the connection of a key, with one more user.
func (p *Pool) acquire(key connectionKey) (*connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("the pool of connections is closed")
	}
	conn, ok := p.connections[key]
	if !ok {
		target, err := parseTarget(key.target)
		if err != nil {
			return nil, err
		}
		client, err := dial(target, key.maxReplyBytes)
		if err != nil {
			return nil, fmt.Errorf("target %q: %w", key.target, err)
		}
		conn = &connection{pool: p, key: key, target: target, client: client}
		p.connections[key] = conn
	}
	conn.users++
	return conn, nil
}

// release takes one user off the connection and closes it after the last.
func (c *connection) release() error {
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	c.users--
	if c.users > 0 || c.pool.closed {
		return nil
	}
	delete(c.pool.connections, c.key)
	return c.client.Close()
}

// Close closes what is still open, whoever uses it; nothing can be opened afterwards.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, conn := range p.connections {
		errs = append(errs, conn.client.Close())
	}
	clear(p.connections)
	p.closed = true
	return errors.Join(errs...)
}
