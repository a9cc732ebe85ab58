// Package xaotel makes OpenTelemetry spans of what xapg does: a span for each
// statement with one below it for each shard that was asked, and a span for each
// commit with its phases.
//
//	cfg, err := xadriver.ParseDSN(dsn)
//	cfg.Tracer = xaotel.NewTracer(xaotel.WithConfig(cfg))
//	connector, err := xadriver.NewConnector(*cfg)
//	db := sql.OpenDB(connector)
//
// Spans are children of the span in the context that the application gives to
// ExecContext, QueryContext and BeginTx: database/sql hands Commit and Rollback no
// other context than that of BeginTx.
//
// Attributes follow OpenTelemetry's semantic conventions for database clients, and
// names that begin with xapg. where those have none. The text of statements is
// recorded, unless WithStatements says otherwise; arguments never are. Errors are
// recorded by their SQLSTATE: PostgreSQL's messages quote values, and are recorded
// only with WithErrorMessages.
package xaotel

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.42.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/xapg/xapg/xadriver"
)

// The attributes that the semantic conventions have no name for.
const (
	OperationKey   = attribute.Key("xapg.operation")      // statement, part, commit, prepare …: an xadriver.OperationKind
	ShardKey       = attribute.Key("xapg.shard")          // the shard that a part or a phase concerns
	ShardsKey      = attribute.Key("xapg.shards")         // all that took part
	StrategyKey    = attribute.Key("xapg.strategy")       // how a statement was answered, as `xapg route` says
	RefusedKey     = attribute.Key("xapg.refused")        // true when the driver refused the statement
	TransactionKey = attribute.Key("xapg.transaction.id") // of a two-phase commit; `xapg txns` lists what is in doubt by it
	CommitKindKey  = attribute.Key("xapg.commit.kind")    // read_only, one_phase or two_phase
	OutcomeKey     = attribute.Key("xapg.outcome")        // committed, rolled_back or in_doubt
	ClusterKey     = attribute.Key("xapg.cluster")
)

// scope is the name of the instrumentation.
const scope = "github.com/xapg/xapg/xadriver/xaotel"

// NewTracer makes a tracer for xadriver.Config. Without options it uses the global
// tracer provider.
func NewTracer(opts ...Option) xadriver.Tracer {
	s := &settings{statements: true, name: spanName, servers: make(map[string][]attribute.KeyValue)}
	for _, opt := range opts {
		opt(s)
	}
	if s.provider == nil {
		s.provider = otel.GetTracerProvider()
	}
	return &tracer{settings: s, tracer: s.provider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
}

type tracer struct {
	*settings
	tracer trace.Tracer
}

// Start implements xadriver.Tracer.
func (t *tracer) Start(ctx context.Context, op xadriver.Operation) (context.Context, func(xadriver.Report)) {
	kind := trace.SpanKindClient
	if op.Kind == xadriver.OpDecide {
		kind = trace.SpanKindInternal // the log is the process's own
	}
	ctx, span := t.tracer.Start(ctx, t.name(op), trace.WithSpanKind(kind), trace.WithAttributes(t.begins(op)...))
	if !span.IsRecording() {
		return ctx, func(xadriver.Report) { span.End() }
	}
	return ctx, func(r xadriver.Report) {
		span.SetAttributes(ends(op, r)...)
		t.fail(span, r.Err)
		span.End()
	}
}

// begins is what is known when an operation begins, which samplers may look at.
func (t *tracer) begins(op xadriver.Operation) []attribute.KeyValue {
	attrs := make([]attribute.KeyValue, 0, 8+len(t.common))
	attrs = append(attrs, semconv.DBSystemNamePostgreSQL, OperationKey.String(string(op.Kind)))
	attrs = append(attrs, t.common...)
	if name := operationName(op.SQL); name != "" {
		attrs = append(attrs, semconv.DBOperationName(name))
	}
	if t.statements && op.SQL != "" && !setsPassword(op.SQL) {
		attrs = append(attrs, semconv.DBQueryText(cut(op.SQL)))
	}
	if op.Shard != "" {
		attrs = append(attrs, ShardKey.String(op.Shard))
		attrs = append(attrs, t.servers[op.Shard]...)
	}
	if op.Txn != uuid.Nil {
		attrs = append(attrs, TransactionKey.String(op.Txn.String()))
	}
	return attrs
}

// ends is what is known when it has ended.
func ends(op xadriver.Operation, r xadriver.Report) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	for key, value := range map[attribute.Key]string{StrategyKey: r.Strategy, CommitKindKey: r.Kind, OutcomeKey: r.Outcome} {
		if value != "" {
			attrs = append(attrs, key.String(value))
		}
	}
	if len(r.Shards) > 0 {
		attrs = append(attrs, ShardsKey.StringSlice(slices.Sorted(slices.Values(r.Shards))))
	}
	if r.Txn != uuid.Nil && op.Txn == uuid.Nil {
		attrs = append(attrs, TransactionKey.String(r.Txn.String()))
	}
	return attrs
}
