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
	c.duration(server.GetDrainTimeout(), "server", "drain_timeout")
	c.oneOf(b.GetLog().GetLevel(), logLevels, "log", "level")
	c.oneOf(b.GetLog().GetFormat(), logFormats, "log", "format")
	c.documents(b.GetDocuments())
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

func (c *checker) documents(directories []string) {
	if len(directories) == 0 {
		c.report([]string{"documents"}, "no directory is named, so there is nothing to serve")
	}
	for i, directory := range directories {
		if directory == "" {
			c.report([]string{"documents", strconv.Itoa(i)}, `an empty name is not a directory; "." is that of this file`)
		}
	}
}
