package xaotel_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xaotel"
)

// sampler decides as it is told, and keeps what it was shown.
type sampler struct {
	decision sdktrace.SamplingDecision
	shown    []sdktrace.SamplingParameters
}

func (s *sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	s.shown = append(s.shown, p)
	return sdktrace.SamplingResult{Decision: s.decision}
}

func (s *sampler) Description() string { return "as it is told" }

var operations = []xadriver.Operation{
	{Kind: xadriver.OpStatement, SQL: "SELECT 1"},
	{Kind: xadriver.OpPart, SQL: "SELECT 1", Shard: "athos"},
	{Kind: xadriver.OpMerge, SQL: "SELECT 1", Shard: "athos"},
	{Kind: xadriver.OpPrepare, Shard: "athos", Txn: uuid.Must(uuid.NewV7())},
	{Kind: xadriver.OpDecide, Txn: uuid.Must(uuid.NewV7())},
}

func TestSamplersSeeWhatIsKnownAtTheBeginning(t *testing.T) {
	s := &sampler{decision: sdktrace.RecordAndSample}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(s))
	tracer := xaotel.NewTracer(xaotel.WithTracerProvider(provider), xaotel.WithAttributes(attribute.String("tenant", "acme")))
	for _, op := range operations {
		_, end := tracer.Start(t.Context(), op)
		end(xadriver.Report{})
	}
	require.Len(t, s.shown, len(operations))
	for i, op := range operations {
		want := map[attribute.Key]string{"db.system.name": "postgresql", "tenant": "acme", xaotel.OperationKey: string(op.Kind)}
		if op.SQL != "" {
			want["db.operation.name"], want["db.query.text"] = "SELECT", "SELECT 1"
		}
		if op.Shard != "" {
			want[xaotel.ShardKey] = "athos"
		}
		if op.Txn != uuid.Nil {
			want[xaotel.TransactionKey] = op.Txn.String()
		}
		got := make(map[attribute.Key]string)
		for _, a := range s.shown[i].Attributes {
			got[a.Key] = a.Value.String()
		}
		assert.Equal(t, want, got)
		kind := trace.SpanKindClient
		if op.Kind == xadriver.OpDecide {
			kind = trace.SpanKindInternal
		}
		assert.Equal(t, kind, s.shown[i].Kind, op.Kind)
	}
}

func TestWhatIsNotSampledIsNotRecorded(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSampler(&sampler{decision: sdktrace.Drop}), sdktrace.WithSpanProcessor(spans))
	tracer := xaotel.NewTracer(xaotel.WithTracerProvider(provider))
	for _, op := range operations {
		ctx, end := tracer.Start(t.Context(), op)
		assert.False(t, trace.SpanFromContext(ctx).IsRecording())
		end(xadriver.Report{Shards: []string{"athos"}})
	}
	assert.Empty(t, spans.Started())
}
