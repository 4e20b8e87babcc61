package main

import (
	"context"

	"facet/bench/internal/load"
	"facet/bench/internal/report"
)

// idleConnections is how many connections are opened to know what one holds.
const idleConnections = 1000

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
	for _, v := range []variant{
		{peer: "facet", path: ordersPath},
		{peer: "kratos", path: ordersPath},
		{peer: "facet", grpc: listOrders},
		{peer: "kratos", grpc: listOrders, flags: []string{"-grpc"}},
	} {
		if r.failures[v.peer] != "" {
			continue
		}
		figure, err := r.connectionFigure(ctx, v, behind)
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
	g, err := r.start(ctx, v, behind, 0)
	if err != nil {
		return report.Figure{}, err
	}
	defer func() { r.note(g.stop()) }()
	target, err := r.target(v, g)
	if err != nil {
		return report.Figure{}, err
	}
	resident := func(connections int) (int64, error) {
		target.Connections = connections
		if _, err := r.generator.Connect(target); err != nil {
			return 0, err
		}
		memory, err := g.process.Memory()
		return memory.Resident, err
	}
	if _, err := resident(1); err != nil {
		return report.Figure{}, err
	}
	if _, err := r.generator.Run(0, r.settings.warmup); err != nil { // so that the heap has the size that it needs anyway
		return report.Figure{}, err
	}
	before, err := resident(1)
	if err != nil {
		return report.Figure{}, err
	}
	after, err := resident(idleConnections)
	protocol := "HTTP/1.1"
	if target.Protocol == load.GRPC {
		protocol = "gRPC"
	}
	return report.Figure{
		Title: v.title() + ": an idle connection, " + protocol, Value: float64(after-before) / idleConnections, Unit: "bytes",
		How: "resident memory, with 1,000 connections that were used once, less that with one",
	}, err
}
