package main

import (
	"context"
	"errors"

	"facet/bench/internal/load"
	"facet/bench/internal/report"
)

// idleConnections and idleStreams are how many are opened to know what one holds.
const (
	idleConnections = 1000
	idleStreams     = 500
)

// figures measures what is no comparison: memory of what is idle, and the time to start.
func (r *runner) figures(ctx context.Context) (figures []report.Figure, err error) {
	behind, err := r.startServices(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { r.note(behind.Stop()) }()
	methods, err := r.methodFigures(ctx, behind)
	if err != nil {
		return nil, err
	}
	figures = append(figures, methods...)
	for _, idle := range []struct {
		variant variant
		measure func(context.Context, variant, *services) (report.Figure, error)
	}{
		{variant{peer: "facet", path: ordersPath}, r.connectionFigure},
		{variant{peer: "kratos", path: ordersPath}, r.connectionFigure},
		{variant{peer: "facet", grpc: listOrders}, r.connectionFigure},
		{variant{peer: "kratos", grpc: listOrders, flags: []string{"-grpc"}}, r.connectionFigure},
		{variant{peer: "facet", path: quietPath}, r.streamFigure},
		{variant{peer: "handtuned", path: quietPath}, r.streamFigure},
	} {
		if r.failures[idle.variant.peer] != "" {
			continue
		}
		figure, err := idle.measure(ctx, idle.variant, behind)
		if err != nil {
			return nil, err
		}
		figures = append(figures, figure)
	}
	return figures, nil
}

// methodFigures compares Facet with few methods and with many, all idle.
func (r *runner) methodFigures(ctx context.Context, behind *services) (figures []report.Figure, err error) {
	const few, many = 10, 10_000
	heaps := map[int]int64{}
	for _, set := range []struct {
		methods int
		name    string
	}{{few, "facet, 10 methods"}, {1000, "facet, 1,000 methods"}, {many, "facet, 10,000 methods"}} {
		g, err := r.startFacet(ctx, set.methods, behind.at)
		if err != nil {
			return nil, err
		}
		memory, err := g.process.Memory()
		if err != nil {
			return nil, err
		}
		if heaps[set.methods], err = g.facet.heap(ctx); err != nil {
			return nil, err
		}
		if err := g.stop(); err != nil {
			return nil, err
		}
		figures = append(figures,
			report.Figure{
				Title: set.name + ": time to start", Value: float64(g.facet.startup.Milliseconds()), Unit: "ms",
				How: "from the start of the process until `/readyz` answers 200",
			},
			report.Figure{Title: set.name + ": resident", Value: float64(memory.Resident), Unit: "bytes", How: "the process, when it has just become ready"},
		)
	}
	return append(figures, report.Figure{
		Title: "facet: an idle method", Value: float64(heaps[many]-heaps[few]) / (many - few), Unit: "bytes",
		How: "Go's heap after a garbage collection, 10,000 methods less 10, for each; a plan of three calls that nobody has asked for yet",
	}), nil
}

// connectionFigure opens connections, has each used once, and looks at what the process has grown by.
func (r *runner) connectionFigure(ctx context.Context, v variant, behind *services) (report.Figure, error) {
	g, target, err := r.startFor(ctx, v, behind)
	if err != nil {
		return report.Figure{}, err
	}
	defer func() { r.note(g.stop()) }()
	target.Connections = 1
	if _, err := r.generator.Connect(target); err != nil {
		return report.Figure{}, err
	}
	if _, err := r.generator.Run(0, r.settings.warmup); err != nil { // so that the heap has the size that it needs anyway
		return report.Figure{}, err
	}
	grown, err := r.growth(g, target, idleConnections)
	protocol := "HTTP/1.1"
	if target.Protocol == load.GRPC {
		protocol = "gRPC"
	}
	return report.Figure{
		Title: v.title() + ": an idle connection, " + protocol, Value: grown, Unit: "bytes",
		How: "resident memory, with 1,000 connections that were used once, less that with one",
	}, err
}

// streamFigure opens streams on which nothing comes after the first message, and looks at what the process has grown by.
func (r *runner) streamFigure(ctx context.Context, v variant, behind *services) (report.Figure, error) {
	g, target, err := r.startFor(ctx, v, behind)
	if err != nil {
		return report.Figure{}, err
	}
	defer func() { r.note(g.stop()) }()
	target.Protocol = load.Lines
	grown, err := r.growth(g, target, idleStreams)
	return report.Figure{
		Title: v.title() + ": an idle stream, HTTP/1.1", Value: grown, Unit: "bytes",
		How: "resident memory, with 500 streams whose first message has come, less that with one; the client's connection and the service's stream are part of it",
	}, err
}

// startFor starts the gateway of a variant, and returns what to ask of it.
func (r *runner) startFor(ctx context.Context, v variant, behind *services) (*gateway, load.Target, error) {
	g, err := r.start(ctx, v, behind, 0)
	if err != nil {
		return nil, load.Target{}, err
	}
	target, err := r.target(v, g)
	if err != nil {
		return nil, load.Target{}, errors.Join(err, g.stop())
	}
	return g, target, nil
}

// growth returns by how many bytes a gateway's resident memory grows with each connection, of so many.
func (r *runner) growth(g *gateway, target load.Target, connections int) (float64, error) {
	var resident [2]int64
	for i, n := range []int{1, connections} {
		target.Connections = n
		if _, err := r.generator.Connect(target); err != nil {
			return 0, err
		}
		memory, err := g.process.Memory()
		if err != nil {
			return 0, err
		}
		resident[i] = memory.Resident
	}
	return float64(resident[1]-resident[0]) / float64(connections), nil
}
