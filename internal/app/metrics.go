package app

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// observe makes the state of the configuration visible as metrics. They are read when they are asked for, so that nothing is
// counted twice.
func (a *App) observe(meter metric.Meter) error {
	i := instruments{meter: meter}
	age := i.gauge("facet.config.age", "s", "Time since the snapshot that serves was activated.")
	accepted := i.gauge("facet.config.last_success.timestamp", "s", "When documents were last read and found good, in Unix time.")
	refusedAt := i.gauge("facet.config.last_refusal.timestamp", "s", "When documents were last refused, in Unix time; 0 for never.")
	revision := i.gauge("facet.config.revision", "", "Revision of etcd whose documents serve; 0 for documents from elsewhere.")
	lastGood := i.gauge("facet.config.last_good", "", "1 while documents from disk serve, because those of the source cannot.")
	info := i.gauge("facet.config.info", "", "Which snapshot serves: always 1.")
	changes := i.counter("facet.config.changes", "Changes of the documents by result: activated, unchanged, refused, unreadable.")
	requests := i.counter("facet.canary.requests", "Requests during the trial of a candidate, by the side that served them and by result.")
	if i.err != nil {
		return i.err
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		status, counts := a.reloader.state()
		for result, n := range counts {
			o.ObserveInt64(changes, n, metric.WithAttributes(attribute.String("result", result)))
		}
		o.ObserveFloat64(accepted, unix(status.Accepted))
		o.ObserveFloat64(refusedAt, unix(status.Refused))
		if status.Snapshot != nil {
			o.ObserveFloat64(age, time.Since(status.Activated).Seconds())
			o.ObserveFloat64(revision, number(status.Revision))
			o.ObserveFloat64(lastGood, flag(!status.LastGood.IsZero()))
			o.ObserveFloat64(info, 1, metric.WithAttributes(
				attribute.String("hash", status.Snapshot.Hash[:12]), attribute.String("version", status.Version)))
		}
		for _, side := range a.candidates.served() {
			o.ObserveInt64(requests, side.n, metric.WithAttributes(attribute.String("side", side.name), attribute.String("result", side.result)))
		}
		return nil
	}, i.all...)
	return err
}

// instruments makes instruments, and keeps the first error.
type instruments struct {
	meter metric.Meter
	all   []metric.Observable
	err   error
}

func (i *instruments) gauge(name, unit, description string) metric.Float64ObservableGauge {
	g, err := i.meter.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
	i.add(g, err)
	return g
}

func (i *instruments) counter(name, description string) metric.Int64ObservableCounter {
	c, err := i.meter.Int64ObservableCounter(name, metric.WithDescription(description))
	i.add(c, err)
	return c
}

func (i *instruments) add(instrument metric.Observable, err error) {
	if err != nil && i.err == nil {
		i.err = err
	}
	i.all = append(i.all, instrument)
}

// unix is a time in seconds, 0 for never.
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

// number is a revision of etcd; that of a directory is a hash, and not a number.
func number(revision string) float64 {
	n, err := strconv.ParseInt(revision, 10, 64)
	if err != nil {
		return 0
	}
	return float64(n)
}

func flag(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
