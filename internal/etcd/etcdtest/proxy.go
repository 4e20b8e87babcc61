package etcdtest

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy is a network between a client and etcd that can fail.
type Proxy struct {
	listener net.Listener

	mu          sync.Mutex // guards the fields below
	target      string
	cut         bool
	dropping    bool
	connections map[*link]struct{}
}

// link is one connection through the proxy.
type link struct {
	client, server net.Conn
	dead           bool // some of its bytes were dropped, so the rest is of no use; guarded by Proxy.mu
}

// NewProxy forwards to a target, host:port, until the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, connections: make(map[*link]struct{})}
	var running sync.WaitGroup
	running.Go(func() { p.accept(&running) })
	t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			t.Error(err)
		}
		p.Cut()
		running.Wait()
	})
	return p
}

// Addr returns where the proxy listens: host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut closes all connections and refuses new ones.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for l := range p.connections {
		l.close()
	}
}

// Drop loses all bytes from now on, and tells nobody. Connections that lost any stay dead after Heal, as those through
// a firewall that has forgotten them.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropping = true
}

// Heal ends Cut and Drop.
func (p *Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.dropping = false, false
}

// Redirect sends new connections to another target.
func (p *Proxy) Redirect(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

func (p *Proxy) accept(running *sync.WaitGroup) {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		running.Go(func() { p.serve(client) })
	}
}

// serve forwards one connection.
func (p *Proxy) serve(client net.Conn) {
	defer client.Close() //nolint:errcheck // nothing is left to lose
	l, err := p.connect(client)
	if err != nil {
		return
	}
	defer p.disconnect(l)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.forward(l, l.client, l.server)
		l.close()
	}()
	p.forward(l, l.server, l.client)
	l.close()
	<-ended
}

var errCut = errors.New("cut")

func (p *Proxy) connect(client net.Conn) (*link, error) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", target)
	if err != nil {
		return nil, err
	}
	l := &link{client: client, server: server}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		l.close()
		return nil, errCut
	}
	p.connections[l] = struct{}{}
	return l, nil
}

func (p *Proxy) disconnect(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.connections, l)
}

// forward copies until the connection ends.
func (p *Proxy) forward(l *link, from io.Reader, to io.Writer) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if p.lost(l) {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// lost tells whether bytes of the connection go nowhere.
func (p *Proxy) lost(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.dead = l.dead || p.dropping
	return l.dead
}

func (l *link) close() {
	_ = l.client.Close() // whatever was lost with it
	_ = l.server.Close()
}
