// Package embedded runs one member of etcd inside a process: for tests and for the sample. The gateway does not import
// it, and so does not contain etcd's server.
package embedded

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// Options say how the server runs.
type Options struct {
	// Dir is where its data is. A server that finds data there goes on with it.
	Dir string
	// Addr is where it listens for clients, host:port. Default: a free port of 127.0.0.1.
	Addr string
	// CertFile and KeyFile are its certificate; without them it speaks plain text.
	CertFile, KeyFile string
	// ClientCAFile holds who may sign the certificates of clients, which then must show one.
	ClientCAFile string
	// NoFsync trades the data's survival of a crash of the machine for speed.
	NoFsync bool
}

// Server is a running member of etcd, the only one of its cluster.
type Server struct {
	etcd  *embed.Etcd
	addr  string
	tls   bool
	close sync.Once
}

// Start returns when the server is ready to serve. It logs nothing.
func Start(ctx context.Context, options Options) (*Server, error) {
	etcd, err := embed.StartEtcd(config(options))
	if err != nil {
		return nil, fmt.Errorf("start etcd in %s: %w", options.Dir, err)
	}
	s := &Server{etcd: etcd, addr: etcd.Clients[0].Addr().String(), tls: options.CertFile != ""}
	select {
	case <-etcd.Server.ReadyNotify():
		return s, nil
	case err := <-etcd.Err():
		s.Close()
		return nil, err
	case <-ctx.Done():
		s.Close()
		return nil, ctx.Err()
	}
}

func config(options Options) *embed.Config {
	c := embed.NewConfig()
	c.Dir = options.Dir
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	c.TickMs, c.ElectionMs = 10, 100 // it is alone: nothing is gained by waiting for others before it elects itself
	c.UnsafeNoFsync = options.NoFsync
	c.BcryptCost = 4 // the least; passwords of tests need no guard
	client := url.URL{Scheme: "http", Host: options.Addr}
	if client.Host == "" {
		client.Host = "127.0.0.1:0"
	}
	if options.CertFile != "" {
		client.Scheme = "https"
		c.ClientTLSInfo = transport.TLSInfo{
			CertFile: options.CertFile, KeyFile: options.KeyFile,
			TrustedCAFile: options.ClientCAFile, ClientCertAuth: options.ClientCAFile != "",
		}
	}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"} // nobody connects
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	return c
}

// Addr returns where it listens for clients: host:port.
func (s *Server) Addr() string { return s.addr }

// Endpoint returns the URL of where it listens for clients.
func (s *Server) Endpoint() string {
	if s.tls {
		return "https://" + s.addr
	}
	return "http://" + s.addr
}

// Close stops the server. Close clients first: it waits for their watches. Closing again does nothing.
func (s *Server) Close() { s.close.Do(s.etcd.Close) }
