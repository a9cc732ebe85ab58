package xaprom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/xapg/xapg/xadriver"
)

// poolMetrics shows the pools: two of each shard, by the label "pool".
type poolMetrics struct {
	connections, limit                *prometheus.Desc
	acquired, opened, opening, closed *prometheus.Desc
	waiting, waits, waited            *prometheus.Desc
}

func (p *poolMetrics) describe(m *maker) {
	p.connections = m.desc("xapg_pool_connections",
		"Connections to a shard that are open, by pool (statements: for statements and transactions; own: for the driver's own questions and for merging) and state: in_use, or being opened; idle; parked, for idle sessions with settings of their own.",
		"shard", "pool", "state")
	p.limit = m.desc("xapg_pool_connections_max", "The most connections that a pool may open (setting shard_conns); 0 is no limit.", "shard", "pool")
	p.acquired = m.desc("xapg_pool_acquired_total", "How often a connection was taken from a pool.", "shard", "pool")
	p.opened = m.desc("xapg_pool_opened_total", "Connections that were opened.", "shard", "pool")
	p.opening = m.desc("xapg_pool_opening_seconds_total", "For how long statements waited while a connection was opened.", "shard", "pool")
	p.closed = m.desc("xapg_pool_closed_total",
		"Connections that were closed, by reason: broken, or in a state that is not known; old (conn_lifetime); idle (conn_max_idle); parked, when their place was needed.", "shard", "pool", "reason")
	p.waiting = m.desc("xapg_connection_waiters", "Statements and transactions that wait for a connection now, because of shard_conns.")
	p.waits = m.desc("xapg_connection_waits_total", "Statements and transactions that have waited for a connection, because of shard_conns.")
	p.waited = m.desc("xapg_connection_wait_seconds_total", "For how long statements and transactions have waited for connections, because of shard_conns.")
}

func (p *poolMetrics) collect(stats xadriver.Stats, out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	for _, s := range stats.Pools {
		pool := "statements"
		if s.Own {
			pool = "own"
		}
		gauge(p.connections, float64(s.InUse), s.Shard, pool, "in_use")
		gauge(p.connections, float64(s.Idle), s.Shard, pool, "idle")
		gauge(p.connections, float64(s.Parked), s.Shard, pool, "parked")
		gauge(p.limit, float64(s.Max), s.Shard, pool)
		counter(p.acquired, float64(s.Acquired), s.Shard, pool)
		counter(p.opened, float64(s.Opened), s.Shard, pool)
		counter(p.opening, s.OpeningTime.Seconds(), s.Shard, pool)
		counter(p.closed, float64(s.ClosedBroken), s.Shard, pool, "broken")
		counter(p.closed, float64(s.ClosedOld), s.Shard, pool, "old")
		counter(p.closed, float64(s.ClosedIdle), s.Shard, pool, "idle")
		counter(p.closed, float64(s.ClosedParked), s.Shard, pool, "parked")
	}
	gauge(p.waiting, float64(stats.Queue))
	counter(p.waits, float64(stats.Waits))
	counter(p.waited, stats.WaitTime.Seconds())
}
