package xaprom_test

import (
	"context"
	"database/sql"
	"log"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaotel"
	"github.com/xapg/xapg/xadriver/xaprom"
)

// A cluster whose statements, commits, pools and recovery are measured. The
// application serves /metrics as it does for its own metrics, for instance with
// promhttp.Handler().
func ExampleNew() {
	cfg, err := xadriver.ParseDSN("/etc/app/xapg.yaml")
	if err != nil {
		log.Fatal(err)
	}
	metrics := xaprom.New(xaprom.WithCluster(cfg.Cluster))
	cfg.Tracer = metrics
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		log.Fatal(err)
	}
	metrics.Watch(connector)
	prometheus.MustRegister(metrics)
	db := sql.OpenDB(connector)
	defer db.Close()
}

// Traces and metrics together: OpenTelemetry comes first, so that the times of
// slow statements lead to their traces.
func ExampleWithExemplars() {
	cfg := &xadriver.Config{ /* … */ }
	metrics := xaprom.New(xaprom.WithExemplars(func(ctx context.Context) prometheus.Labels {
		if span := trace.SpanContextFromContext(ctx); span.IsSampled() {
			return prometheus.Labels{"trace_id": span.TraceID().String()}
		}
		return nil
	}))
	cfg.Tracer = xadriver.Tracers(xaotel.NewTracer(xaotel.WithConfig(cfg)), metrics)
}
