package xaprom

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/xapg/xapg/xadriver"
)

// recoveryMetrics shows what the search for transactions in doubt has found. The
// search looks at each shard every few seconds (setting resolve_every) in any case:
// a scrape shows what it last saw, and asks nobody.
type recoveryMetrics struct {
	up, looked, inDoubt, oldest, pending, recovered, overdue, alarms, lost *prometheus.Desc
}

func (r *recoveryMetrics) describe(m *maker) {
	r.up = m.desc("xapg_shard_up",
		"1 if this process could look for transactions in doubt on the shard when it last tried, 0 if it could not. Nothing before the first try, or where this process does not look.", "shard")
	r.looked = m.desc("xapg_recovery_look_timestamp_seconds", "When this process last looked for transactions in doubt on the shard, with success.", "shard")
	r.inDoubt = m.desc("xapg_in_doubt_transactions",
		"Prepared transactions of this cluster's log that the last successful look left on the shard: commits that are under way at the moment, in any process, and those that cannot be finished yet.", "shard")
	r.oldest = m.desc("xapg_in_doubt_oldest_age_seconds",
		"The age of the oldest transaction that the last successful look left on the shard, up to now; 0 without any. Commits that are under way are young; what stays for longer than resolve_after is stuck.", "shard")
	r.pending = m.desc("xapg_recovery_pending_transactions", "Transactions of which this process knows that they are decided and that the shard has yet to hear it.", "shard")
	r.overdue = m.desc("xapg_in_doubt_overdue_transactions",
		"Transactions that have been in doubt on the shard for longer than alarm_after, as far as this process knows: somebody has to look. Nothing where this process does not look.", "shard")
	r.alarms = m.desc("xapg_in_doubt_alarms_total", "Transactions that this process has seen in doubt on the shard for longer than alarm_after.", "shard")
	r.lost = m.desc("xapg_lost_transactions", "Committed transactions that a failover of the shard has lost, or may have, and that nobody has acknowledged yet.", "shard")
	r.recovered = m.desc("xapg_recovered_transactions_total", "Prepared transactions that this process finished on the shard in a coordinator's place, by outcome.", "shard", "outcome")
}

func (r *recoveryMetrics) collect(stats xadriver.Stats, out chan<- prometheus.Metric) {
	for _, s := range stats.Recovery {
		gauge := func(d *prometheus.Desc, v float64) {
			out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, s.Shard)
		}
		if s.Err != nil {
			gauge(r.up, 0)
		} else if !s.Looked.IsZero() {
			gauge(r.up, 1)
		}
		if !s.Looked.IsZero() {
			oldest := time.Duration(0)
			if s.InDoubt > 0 {
				oldest = s.Oldest + time.Since(s.Looked)
			}
			gauge(r.looked, float64(s.Looked.UnixMilli())/1000)
			gauge(r.inDoubt, float64(s.InDoubt))
			gauge(r.oldest, oldest.Seconds())
		}
		gauge(r.pending, float64(s.Pending))
		if s.Err != nil || !s.Looked.IsZero() {
			gauge(r.overdue, float64(s.Overdue))
			gauge(r.lost, float64(s.Lost))
			out <- prometheus.MustNewConstMetric(r.alarms, prometheus.CounterValue, float64(s.Alarms), s.Shard)
		}
		for outcome, n := range map[string]int64{committed: s.Committed, rolledBack: s.RolledBack} {
			out <- prometheus.MustNewConstMetric(r.recovered, prometheus.CounterValue, float64(n), s.Shard, outcome)
		}
	}
}
