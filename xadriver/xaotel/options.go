package xaotel

import (
	"strings"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.42.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/xapg/xapg/xadriver"
)

type settings struct {
	provider   trace.TracerProvider
	common     []attribute.KeyValue
	servers    map[string][]attribute.KeyValue // by shard
	statements bool
	messages   bool
	name       func(xadriver.Operation) string
}

// Option changes what NewTracer makes.
type Option func(*settings)

// WithTracerProvider uses p instead of the global tracer provider.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(s *settings) { s.provider = p }
}

// WithAttributes puts attributes on every span.
func WithAttributes(attrs ...attribute.KeyValue) Option {
	return func(s *settings) { s.common = append(s.common, attrs...) }
}

// WithStatements says whether the text of statements is recorded, as the
// application wrote it and as each shard is asked: true by default. Arguments are
// never recorded. Text that sets a password is not recorded either; other constants
// that are written into statements are part of their text.
func WithStatements(record bool) Option {
	return func(s *settings) { s.statements = record }
}

// WithErrorMessages says whether the messages of errors are recorded, as the spans'
// status: false by default, because PostgreSQL quotes values in them. Otherwise
// errors are known by their SQLSTATE.
func WithErrorMessages(record bool) Option {
	return func(s *settings) { s.messages = record }
}

// WithSpanName names spans. By default those of statements are named by their first
// word, those of a shard's part by that and the shard, and all others by what they
// are, such as "prepare athos".
func WithSpanName(name func(xadriver.Operation) string) Option {
	return func(s *settings) { s.name = name }
}

// WithConfig describes the cluster: its name on every span, and each shard's host,
// port and database where a span concerns one shard. Users and passwords are not
// looked at.
func WithConfig(cfg *xadriver.Config) Option {
	return func(s *settings) {
		if cfg.Cluster != "" {
			s.common = append(s.common, ClusterKey.String(cfg.Cluster))
		}
		for _, sh := range cfg.Shards {
			if attrs := server(sh); len(attrs) > 0 {
				s.servers[sh.Name] = attrs
			}
		}
	}
}

// server describes where a shard is. Of one that is reached by a connector nothing
// is known.
func server(sh xadriver.Shard) []attribute.KeyValue {
	config := sh.Pgx
	if config == nil {
		if sh.Connector != nil || sh.DSN == "" {
			return nil
		}
		var err error
		if config, err = pgx.ParseConfig(sh.DSN); err != nil {
			return nil
		}
	}
	attrs := []attribute.KeyValue{semconv.ServerAddress(config.Host)}
	if !strings.HasPrefix(config.Host, "/") { // a socket has no port
		attrs = append(attrs, semconv.ServerPort(int(config.Port)))
	}
	if config.Database != "" {
		attrs = append(attrs, semconv.DBNamespace(config.Database))
	}
	return attrs
}
