package xaprom

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xapg/xapg/xadriver"
)

// Start implements xadriver.Tracer.
func (c *Collector) Start(ctx context.Context, op xadriver.Operation) (context.Context, func(xadriver.Report)) {
	begin := time.Now()
	switch op.Kind {
	case xadriver.OpStatement:
		c.statementsActive.Inc()
		return ctx, func(r xadriver.Report) {
			c.statementsActive.Dec()
			c.statementEnded(ctx, r, time.Since(begin))
		}
	case xadriver.OpPart:
		return ctx, func(r xadriver.Report) {
			c.parts.WithLabelValues(op.Shard).Observe(time.Since(begin).Seconds())
			if r.Err != nil {
				c.partErrors.WithLabelValues(op.Shard).Inc()
			}
		}
	case xadriver.OpMerge:
		return ctx, func(xadriver.Report) { c.merges.Observe(time.Since(begin).Seconds()) }
	case xadriver.OpCommit:
		return ctx, func(r xadriver.Report) {
			kind := kindOf(r.Kind)
			c.transactions.WithLabelValues(kind, outcomeOf(r.Outcome)).Inc()
			c.observe(ctx, c.commits.WithLabelValues(kind), time.Since(begin))
		}
	case xadriver.OpRollback:
		return ctx, func(xadriver.Report) { c.transactions.WithLabelValues(none, rolledBack).Inc() }
	case xadriver.OpAsk, xadriver.OpCommitOne, xadriver.OpPrepare, xadriver.OpDecide, xadriver.OpFinish, xadriver.OpUndo:
		return ctx, func(r xadriver.Report) {
			c.phases.WithLabelValues(string(op.Kind)).Observe(time.Since(begin).Seconds())
			if r.Err != nil {
				c.phaseErrors.WithLabelValues(string(op.Kind), op.Shard).Inc()
			}
		}
	default: // of a later version of the driver
		return ctx, func(xadriver.Report) {}
	}
}

func (c *Collector) statementEnded(ctx context.Context, r xadriver.Report, took time.Duration) {
	strategy := strategyOf(r.Strategy)
	result := "ok"
	switch {
	case xadriver.Refused(r.Err):
		result = "refused"
	case r.Err != nil:
		result = "failed"
		c.statementErrors.WithLabelValues(classOf(r.Err)).Inc()
	}
	c.statements.WithLabelValues(strategy, result).Inc()
	c.observe(ctx, c.statementTimes.WithLabelValues(strategy), took)
	if n := len(r.Shards); n > 0 {
		c.statementShards.Observe(float64(n))
	}
}

func (c *Collector) observe(ctx context.Context, h prometheus.Observer, took time.Duration) {
	if c.exemplar != nil {
		if labels := c.exemplar(ctx); labels != nil {
			h.(prometheus.ExemplarObserver).ObserveWithExemplar(took.Seconds(), labels)
			return
		}
	}
	h.Observe(took.Seconds())
}
