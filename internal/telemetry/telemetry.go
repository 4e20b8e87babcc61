// Package telemetry sets OpenTelemetry up: what the gateway tells about itself in numbers.
package telemetry

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Telemetry holds the metrics of one application. Nothing of it is global, so that tests and examples can run several in
// one process.
type Telemetry struct {
	registry *prometheus.Registry
	provider *sdkmetric.MeterProvider
}

// New returns the telemetry of a version of the gateway.
func New(version string) (*Telemetry, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	// Schemaless: resources of two schema versions do not merge.
	about := resource.NewSchemaless(attribute.String("service.name", "facet"), attribute.String("service.version", version))
	return &Telemetry{
		registry: registry,
		provider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter), sdkmetric.WithResource(about)),
	}, nil
}

// Meter makes instruments.
func (t *Telemetry) Meter() metric.Meter { return t.provider.Meter("facet") }

// Handler answers a scrape of Prometheus.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{Registry: t.registry})
}

// Close stops collecting.
func (t *Telemetry) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }
