package upstream

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"google.golang.org/grpc/resolver"
)

const (
	schemeStatic = "static"
	schemeDNS    = "dns"

	allowedTargets = "static:///host:port[,host:port...] or dns:///name:port"
)

// target is where an upstream is.
type target struct {
	scheme    string
	endpoints []string // host:port, at least one
}

// parseTarget reads a target as documents write it.
func parseTarget(text string) (target, error) {
	scheme, list, ok := strings.Cut(text, ":///")
	switch {
	case text == "":
		return target{}, fmt.Errorf("target is missing; want %s", allowedTargets)
	case !ok:
		return target{}, fmt.Errorf("target %q: want %s%s", text, allowedTargets, suggestTarget(text))
	case scheme != schemeStatic && scheme != schemeDNS:
		return target{}, fmt.Errorf("target %q: unknown scheme %q; want %s", text, scheme, allowedTargets)
	}
	endpoints := strings.Split(list, ",")
	if scheme == schemeDNS && len(endpoints) > 1 {
		return target{}, fmt.Errorf("target %q: %s takes one name; every address of it is used", text, schemeDNS)
	}
	seen := make(map[string]bool, len(endpoints))
	for _, endpoint := range endpoints {
		if err := checkEndpoint(endpoint); err != nil {
			return target{}, fmt.Errorf("target %q: %w", text, err)
		}
		if seen[endpoint] {
			return target{}, fmt.Errorf("target %q: %s is named twice", text, endpoint)
		}
		seen[endpoint] = true
	}
	return target{scheme: scheme, endpoints: endpoints}, nil
}

// suggestTarget turns a bare address, or one with too few slashes, into what was probably meant.
func suggestTarget(text string) string {
	address := text[strings.LastIndex(text, "/")+1:]
	if checkEndpoint(address) != nil {
		return ""
	}
	scheme := schemeStatic
	if strings.HasPrefix(text, schemeDNS+":") {
		scheme = schemeDNS
	}
	return fmt.Sprintf("; did you mean %q?", scheme+":///"+address)
}

// checkEndpoint tells whether an endpoint is host:port.
func checkEndpoint(endpoint string) error {
	if strings.ContainsAny(endpoint, " \t/?#") {
		return fmt.Errorf("%q is not host:port", endpoint)
	}
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil || host == "" {
		return fmt.Errorf("%q is not host:port", endpoint)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("%q: port %q is not a number from 1 to 65535", endpoint, port)
	}
	return nil
}

// String returns the target as grpc-go understands it.
func (t target) String() string { return t.scheme + ":///" + t.addresses() }

// addresses returns the endpoints, for people.
func (t target) addresses() string { return strings.Join(t.endpoints, ",") }

// balanced tells whether there may be more than one address: a DNS name can have many.
func (t target) balanced() bool { return t.scheme == schemeDNS || len(t.endpoints) > 1 }

// staticResolver resolves static:/// targets to the addresses that they list.
type staticResolver struct{}

// Scheme implements resolver.Builder.
func (staticResolver) Scheme() string { return schemeStatic }

// Build implements resolver.Builder.
func (staticResolver) Build(t resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	var state resolver.State
	for address := range strings.SplitSeq(t.Endpoint(), ",") {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}})
	}
	if err := cc.UpdateState(state); err != nil {
		return nil, err
	}
	return staticResolver{}, nil
}

// ResolveNow implements resolver.Resolver: the list never changes.
func (staticResolver) ResolveNow(resolver.ResolveNowOptions) {}

// Close implements resolver.Resolver.
func (staticResolver) Close() {}
