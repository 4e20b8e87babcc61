package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"facet/bench/internal/load"
	servicespeer "facet/bench/internal/peer"
	"facet/bench/internal/process"
)

// startTimeout bounds the start of a process. Ten thousand methods take a while, and so does Node.
const startTimeout = time.Minute

// services is the process behind all gateways.
type services struct {
	*process.Process
	at   servicespeer.Services
	json string
}

// startServices starts the services.
func (r *runner) startServices(ctx context.Context, flags ...string) (*services, error) {
	p, err := process.Start(r.root, r.programs["backend"], flags...)
	if err != nil {
		return nil, err
	}
	line, err := listening(ctx, p)
	if err != nil {
		return nil, err
	}
	s := &services{Process: p}
	for part := range strings.FieldsSeq(line) {
		name, address, _ := strings.Cut(part, "=")
		field, ok := map[string]*string{
			"user": &s.at.User, "order": &s.at.Order, "product": &s.at.Product, "notice": &s.at.Notice, "json": &s.json,
		}[name]
		if !ok {
			return nil, errors.Join(fmt.Errorf("the services listen at %q, which is none of theirs", part), p.Stop())
		}
		*field = address
	}
	return s, nil
}

// listening waits until a process tells where it listens, and stops it if it does not.
func listening(ctx context.Context, p *process.Process) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	line, err := p.Listening(ctx)
	if err != nil {
		return "", errors.Join(err, p.Stop())
	}
	return line, nil
}

// gateway is a peer at work.
type gateway struct {
	process *process.Process
	http    string // host:port
	grpc    string // host:port
	facet   *facet // what only Facet has; nil for the others
}

func (g *gateway) stop() error { return g.process.Stop() }

// start starts the gateway of a variant. size is that of the reply that a floor is to have.
func (r *runner) start(ctx context.Context, v variant, behind *services, size int) (*gateway, error) {
	switch v.peer {
	case "backend":
		own, err := r.startServices(ctx)
		if err != nil {
			return nil, err
		}
		return &gateway{process: own.Process, grpc: own.at.Order}, nil
	case "facet":
		return r.startFacet(ctx, v.methods, behind.at)
	case "lura":
		return r.startPeer(ctx, v, "-json", behind.json)
	default:
		flags := []string{"-user", behind.at.User, "-order", behind.at.Order, "-product", behind.at.Product, "-notice", behind.at.Notice}
		for _, flag := range v.flags {
			if flag == sizeFlag && size == 0 {
				return nil, errors.New("it answers as much as the first of the workload does, which is not known")
			}
			flags = append(flags, strings.ReplaceAll(flag, sizeFlag, strconv.Itoa(size)))
		}
		return r.startPeer(ctx, v, flags...)
	}
}

// startPeer starts a program that tells where it listens.
func (r *runner) startPeer(ctx context.Context, v variant, flags ...string) (*gateway, error) {
	p, err := process.Start(r.root, r.programs[v.peer], flags...)
	if err != nil {
		return nil, err
	}
	address, err := listening(ctx, p)
	if err != nil {
		return nil, err
	}
	if slices.Contains(v.flags, "-grpc") {
		return &gateway{process: p, grpc: address}, nil
	}
	return &gateway{process: p, http: address}, nil
}

// target returns what the load generator has to ask of a variant.
func (r *runner) target(v variant, g *gateway) (load.Target, error) {
	connections := closedConnections
	if v.query != "" {
		request, err := readQuery(filepath.Join(r.root, "peers", v.peer, "queries", v.query), v.bytes)
		return load.Target{Protocol: load.HTTP, Address: g.http, Connections: connections, Requests: []load.Request{request}}, err
	}
	if v.grpc != "" {
		return load.Target{Protocol: load.GRPC, Address: g.grpc, Connections: connections, Requests: v.requests()}, nil
	}
	return load.Target{Protocol: load.HTTP, Address: g.http, Connections: connections, Requests: v.requests()}, nil
}

// readQuery reads a request to a GraphQL gateway from a file, with another value for its variable bytes where that is not 0.
func readQuery(path string, bytes int) (load.Request, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return load.Request{}, err
	}
	var query struct {
		Path   string            `json:"path"`
		Method string            `json:"method"`
		Header map[string]string `json:"header"`
		Body   struct {
			Query     string         `json:"query"`
			Variables map[string]any `json:"variables,omitempty"`
		} `json:"body"`
	}
	if err := json.Unmarshal(data, &query); err != nil {
		return load.Request{}, fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if bytes != 0 {
		query.Body.Variables["bytes"] = bytes
	}
	body, err := json.Marshal(query.Body)
	if err != nil {
		return load.Request{}, err
	}
	header := map[string]string{"Content-Type": "application/json"}
	maps.Copy(header, query.Header)
	return load.Request{Method: query.Method, Path: query.Path, Header: header, Body: body}, nil
}

// checkReply wants a reply that is no failure: GraphQL and gRPC-Web tell those with status 200.
func checkReply(v variant, reply []byte) error {
	switch {
	case v.query != "":
		return checkGraphQL(reply)
	case v.web != "" && v.peer != "floor":
		return checkWeb(reply)
	default:
		return nil
	}
}

func checkGraphQL(reply []byte) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(reply, &answer); err != nil {
		return fmt.Errorf("the reply is not that of GraphQL: %w", err)
	}
	if len(answer.Errors) > 0 || len(answer.Data) == 0 {
		return fmt.Errorf("the reply tells of an error: %.300s", reply)
	}
	return nil
}
