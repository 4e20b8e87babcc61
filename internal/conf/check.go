package conf

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	"facet/internal/document"
	"facet/internal/problem"
	"facet/internal/suggest"
)

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}
)

// checker collects the mistakes of a bootstrap file.
type checker struct {
	positions *document.Positions
	problems  problem.List
}

// check returns every mistake of settings whose defaults are filled in.
func (b *Bootstrap) check(positions *document.Positions) problem.List {
	c := &checker{positions: positions}
	server := b.GetServer()
	c.addr(server.GetHttp().GetAddr(), "server", "http", "addr")
	c.addr(server.GetGrpc().GetAddr(), "server", "grpc", "addr")
	c.addr(server.GetAdmin().GetAddr(), "server", "admin", "addr")
	if n := server.GetHttp().GetHeaderBytes(); n < 0 {
		c.report([]string{"server", "http", "header_bytes"}, "%d is negative", n)
	}
	c.duration(server.GetHttp().GetReadHeaderTimeout(), "server", "http", "read_header_timeout")
	c.duration(server.GetHttp().GetReadTimeout(), "server", "http", "read_timeout")
	c.duration(server.GetHttp().GetIdleTimeout(), "server", "http", "idle_timeout")
	c.duration(server.GetGrpc().GetReadTimeout(), "server", "grpc", "read_timeout")
	if n := server.GetGrpc().GetMaxStreams(); n < 0 {
		c.report([]string{"server", "grpc", "max_streams"}, "%d is negative", n)
	}
	c.duration(server.GetGrpc().GetConnectionAge(), "server", "grpc", "connection_age")
	c.duration(server.GetDrainTimeout(), "server", "drain_timeout")
	c.oneOf(b.GetLog().GetLevel(), logLevels, "log", "level")
	c.oneOf(b.GetLog().GetFormat(), logFormats, "log", "format")
	if b.GetEtcd() != nil {
		c.etcd(b.GetEtcd())
	}
	c.documents(b)
	return c.problems
}

// report adds a mistake of the value at a path.
func (c *checker) report(path []string, format string, args ...any) {
	format = strings.Join(path, ".") + ": " + format
	c.problems = append(c.problems, problem.At(c.positions.At(path...), format, args...))
}

func (c *checker) addr(addr string, path ...string) {
	_, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		c.report(path, "%q is not an address to listen on; want host:port", addr)
	}
}

func (c *checker) duration(d *durationpb.Duration, path ...string) {
	if d.AsDuration() <= 0 {
		c.report(path, "%s is not a positive duration; want one such as 5s", d.AsDuration())
	}
}

func (c *checker) oneOf(value string, values []string, path ...string) {
	if !slices.Contains(values, value) {
		c.report(path, "%q is none of %s%s", value, strings.Join(values, ", "), suggest.DidYouMean(value, values))
	}
}

func (c *checker) documents(b *Bootstrap) {
	switch {
	case b.GetEtcd() != nil && len(b.GetDocuments()) > 0:
		c.report([]string{"documents"}, "these directories and etcd exclude each other; strike out one of the two")
	case b.GetEtcd() == nil && len(b.GetDocuments()) == 0:
		c.report([]string{"documents"}, "no directory is named, and no etcd, so there is nothing to serve")
	}
	for i, directory := range b.GetDocuments() {
		if directory == "" {
			c.report([]string{"documents", strconv.Itoa(i)}, `an empty name is not a directory; "." is that of this file`)
		}
	}
}

func (c *checker) etcd(e *Etcd) {
	if len(e.GetEndpoints()) == 0 {
		c.report([]string{"etcd", "endpoints"}, "none is named; want those of the members of etcd, such as [etcd-0:2379]")
	}
	for i, endpoint := range e.GetEndpoints() {
		c.endpoint(endpoint, e.GetTls() != nil, "etcd", "endpoints", strconv.Itoa(i))
	}
	if e.GetApp() == "" {
		c.report([]string{"etcd", "app"}, "it is missing; want the name of the application whose documents are served")
	}
	if (e.GetUsername() == "") != (e.GetPasswordFile() == "") {
		c.report([]string{"etcd"}, "username and password_file go together; one of them is missing")
	}
	if (e.GetTls().GetCertFile() == "") != (e.GetTls().GetKeyFile() == "") {
		c.report([]string{"etcd", "tls"}, "cert_file and key_file go together; one of them is missing")
	}
	c.duration(e.GetDialTimeout(), "etcd", "dial_timeout")
}

// endpoint checks where a member of etcd is said to listen.
func (c *checker) endpoint(endpoint string, encrypted bool, path ...string) {
	scheme, host, ok := strings.Cut(endpoint, "://")
	if !ok {
		scheme, host = "", endpoint
	}
	name, port, err := net.SplitHostPort(host)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	switch {
	case err != nil || name == "" || ok && scheme != "http" && scheme != "https":
		c.report(path, "%q is not where etcd listens; want host:port, http://host:port or https://host:port", endpoint)
	case scheme == "http" && encrypted:
		c.report(path, "%s is in plain text, but there are settings of TLS; want https://%s, or strike out tls", endpoint, host)
	}
}
