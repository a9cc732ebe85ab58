// Package xaprom counts and measures what xapg does, for Prometheus.
//
//	metrics := xaprom.New(xaprom.WithCluster("bank"))
//	cfg, err := xadriver.ParseDSN(dsn)
//	cfg.Tracer = metrics // or xadriver.Tracers(xaotel.NewTracer(), metrics)
//	connector, err := xadriver.NewConnector(*cfg)
//	metrics.Watch(connector)
//	prometheus.MustRegister(metrics)
//
// A Collector is told of statements and commits as they happen, and asks the
// connector for the figures of its pools and of recovery when it is scraped. No
// server is asked by a scrape, which therefore waits for none.
//
// Labels have few values: the names of shards and those that the driver itself has
// words for. docs/observing.md has a table of the metrics, and dashboard.json, next
// to this file, shows them in Grafana.
package xaprom

import (
	"context"
	"maps"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xapg/xapg/xadriver"
)

// Collector is a tracer for xadriver.Config and a collector for a registry: one of
// each cluster that a process has open. It is safe for concurrent use.
type Collector struct {
	source    atomic.Pointer[Source]
	exemplar  func(context.Context) prometheus.Labels
	collected []prometheus.Collector
	described []*prometheus.Desc

	transactions *prometheus.CounterVec
	commits      *prometheus.HistogramVec
	phases       *prometheus.HistogramVec
	phaseErrors  *prometheus.CounterVec

	statements       *prometheus.CounterVec
	statementTimes   *prometheus.HistogramVec
	statementShards  prometheus.Histogram
	statementErrors  *prometheus.CounterVec
	statementsActive prometheus.Gauge
	merges           prometheus.Histogram
	parts            *prometheus.HistogramVec
	partErrors       *prometheus.CounterVec

	pools    poolMetrics
	recovery recoveryMetrics
}

var (
	_ xadriver.Tracer      = (*Collector)(nil)
	_ prometheus.Collector = (*Collector)(nil)
)

// Source gives the figures of pools and of recovery: a *xadriver.Connector.
type Source interface {
	Stats() xadriver.Stats
}

type settings struct {
	labels   prometheus.Labels
	buckets  []float64
	exemplar func(context.Context) prometheus.Labels
}

// Option changes what New makes.
type Option func(*settings)

// WithCluster puts the label "cluster" on every metric.
func WithCluster(name string) Option { return WithLabels(prometheus.Labels{"cluster": name}) }

// WithLabels puts labels on every metric.
func WithLabels(labels prometheus.Labels) Option {
	return func(s *settings) { maps.Copy(s.labels, labels) }
}

// WithBuckets sets the bounds of the histograms of times, in seconds.
func WithBuckets(bounds ...float64) Option {
	return func(s *settings) { s.buckets = bounds }
}

// WithExemplars attaches labels, such as a trace's id, to the times of statements
// and commits. They are found in the context of the operation; nil attaches none.
func WithExemplars(of func(context.Context) prometheus.Labels) Option {
	return func(s *settings) { s.exemplar = of }
}

// buckets reach from what one shard nearby takes to what waits for a lock take.
var buckets = []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

// New makes a collector. It is registered by its user.
func New(opts ...Option) *Collector {
	s := &settings{labels: make(prometheus.Labels), buckets: buckets}
	for _, opt := range opts {
		opt(s)
	}
	m := &maker{settings: s, c: &Collector{exemplar: s.exemplar}}
	c := m.c
	c.transactions = m.counter("xapg_transactions_total",
		"Transactions that have ended, by kind (read_only: nobody wrote; one_phase: one shard did; two_phase: several did; none: rolled back before it came to a commit) and outcome. Statements outside of a transaction are counted where they are transactions of their own, on several shards.",
		"kind", "outcome")
	c.commits = m.histogram("xapg_commit_seconds", "How long commits took, until Commit returned.", "kind")
	c.phases = m.histogram("xapg_commit_phase_seconds",
		"How long one shard (the log, with decide) took for a phase of a commit or rollback: ask whether it wrote, commit_one, prepare, decide, finish, undo.", "phase")
	c.phaseErrors = m.counter("xapg_commit_phase_errors_total", "Phases of commits and rollbacks that failed, by shard; a failed prepare is a vote of no. Decide is no shard's.", "phase", "shard")

	c.statements = m.counter("xapg_statements_total",
		"Statements, by the strategy that answered them (none: the driver itself, or refused before any was chosen) and result: ok; refused by the driver; failed.", "strategy", "result")
	c.statementTimes = m.histogram("xapg_statement_seconds", "How long statements took, from their text to their first row or count.", "strategy")
	c.statementShards = m.single("xapg_statement_shards", "How many shards a statement asked; those that asked none are left out.",
		1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
	c.statementErrors = m.counter("xapg_statement_errors_total",
		"Statements that failed, by the class of their SQLSTATE, which is its first two characters; canceled: given up by the application; none: without SQLSTATE, such as lost connections.", "class")
	c.statementsActive = m.gauge("xapg_statements_active", "Statements that run now and have not returned their first row or count.")
	c.merges = m.single("xapg_merge_seconds",
		"How long it took to bring the shards' rows together, the shards' parts included, and to let a PostgreSQL session on home answer over them, until its first row.", s.buckets...)
	c.parts = m.histogram("xapg_part_seconds", "How long a shard took for its part of a statement, until its first row or count.", "shard")
	c.partErrors = m.counter("xapg_part_errors_total", "Parts of statements that failed, by shard.", "shard")

	c.pools.describe(m)
	c.recovery.describe(m)
	c.begin()
	return c
}

// begin makes those counters zero that alarms look at: an increase can be seen only
// of what was there before.
func (c *Collector) begin() {
	for _, kind := range []string{readOnly, onePhase, twoPhase} {
		for _, outcome := range []string{committed, rolledBack, inDoubt} {
			c.transactions.WithLabelValues(kind, outcome)
		}
	}
	c.transactions.WithLabelValues(none, rolledBack)
}

// Watch lets scrapes show the figures of a connector, too.
func (c *Collector) Watch(connector Source) { c.source.Store(&connector) }

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range c.collected {
		m.Describe(out)
	}
	for _, d := range c.described {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	for _, m := range c.collected {
		m.Collect(out)
	}
	if source := c.source.Load(); source != nil {
		stats := (*source).Stats()
		c.pools.collect(stats, out)
		c.recovery.collect(stats, out)
	}
}

// maker makes metrics with the collector's constant labels.
type maker struct {
	*settings
	c *Collector
}

func (m *maker) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: m.labels}, labels)
	m.c.collected = append(m.c.collected, v)
	return v
}

func (m *maker) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: m.labels})
	m.c.collected = append(m.c.collected, g)
	return g
}

func (m *maker) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, ConstLabels: m.labels, Buckets: m.buckets}, labels)
	m.c.collected = append(m.c.collected, v)
	return v
}

func (m *maker) single(name, help string, bounds ...float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, ConstLabels: m.labels, Buckets: bounds})
	m.c.collected = append(m.c.collected, h)
	return h
}

func (m *maker) desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc(name, help, labels, m.labels)
	m.c.described = append(m.c.described, d)
	return d
}
