package failover

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// store keeps losses on the shard that they concern.
func (w *Watch) store(ctx context.Context, conn *shard.Conn, losses []Loss) error {
	const most = 500 // in a statement
	for len(losses) > 0 {
		n := min(most, len(losses))
		values := make([]string, n)
		for i, l := range losses[:n] {
			values[i] = fmt.Sprintf("(%s, '%s', %s, '%s', %s, %s, %d, %s, to_timestamp(%d))", literal(w.log.Identity().ID), l.ID, literal(l.Shard),
				l.Fate, literal(l.Vote), literal(l.LeftAt), l.Timeline, literal(strings.Join(l.Others, ",")), l.Decided.Unix())
		}
		_, err := conn.Command(ctx, "INSERT INTO _xapg.lost (log, txn, shard, fate, vote, left_at, timeline, others, decided) VALUES "+
			strings.Join(values, ", ")+" ON CONFLICT (log, txn, shard) DO NOTHING")
		if err != nil {
			return explain(conn, err)
		}
		losses = losses[n:]
	}
	return nil
}

// Heard says whether a shard that knows nothing of a transaction can be taken to have
// carried it out. If a failover has lost it, that is reported, and it is not until
// somebody has acknowledged it.
func (w *Watch) Heard(ctx context.Context, name string, id uuid.UUID) (bool, error) {
	m := w.members[name]
	if m == nil || m.verified.Load() <= 1 {
		return true, nil // there has been no failover
	}
	d, err := w.log.Lookup(ctx, id)
	switch {
	case errors.Is(err, txlog.ErrNoDecision):
		return true, nil // rolled back without a record
	case err != nil:
		return false, err
	}
	m.mu.Lock()
	h := m.history
	m.mu.Unlock()
	if h == nil {
		return false, fmt.Errorf("shard %s: its server is to be looked at first", name)
	}
	l, lost := loss(d, name, h)
	if !lost {
		return true, nil
	}
	conn, err := m.own.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	if err := w.Fits(conn); err != nil {
		return false, err
	}
	rows, err := query(ctx, conn, fmt.Sprintf("SELECT (acked IS NOT NULL)::text FROM _xapg.lost WHERE log = %s AND txn = '%s' AND shard = %s",
		literal(w.log.Identity().ID), id, literal(name)), 1)
	switch {
	case err != nil:
		return false, explain(conn, err)
	case len(rows) > 0:
		return rows[0][0] == "true", nil
	}
	// It was decided after the audit, by a coordinator that had the vote from before.
	if err := w.store(ctx, conn, []Loss{l}); err != nil {
		return false, err
	}
	m.losses.Add(1)
	w.tellLoss(l)
	return false, nil
}

// count brings the number of losses up to date.
func (w *Watch) count(ctx context.Context, conn *shard.Conn, m *member) error {
	rows, err := query(ctx, conn, fmt.Sprintf("SELECT count(*)::text FROM _xapg.lost WHERE log = %s AND shard = %s AND acked IS NULL",
		literal(w.log.Identity().ID), literal(m.name)), 1)
	if err != nil || len(rows) == 0 {
		return explain(conn, err)
	}
	var n int64
	if _, err := fmt.Sscan(rows[0][0], &n); err != nil {
		return err
	}
	m.losses.Store(n)
	return nil
}

// List tells what a shard has lost, the oldest first; with all, what was acknowledged too.
func (w *Watch) List(ctx context.Context, name string, all bool) ([]Loss, error) {
	m := w.members[name]
	if m == nil {
		return nil, fmt.Errorf("no shard is named %q", name)
	}
	conn, err := m.own.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	const stamp = "coalesce(extract(epoch FROM %s)::bigint, 0)::text"
	sql := fmt.Sprintf("SELECT txn::text, fate, vote, left_at, timeline::text, others, "+stamp+", "+stamp+", "+stamp+", coalesce(acked_by, ''), coalesce(acked_why, '')"+
		" FROM _xapg.lost WHERE log = %s AND shard = %s AND (%t OR acked IS NULL) ORDER BY txn", "decided", "found", "acked",
		literal(w.log.Identity().ID), literal(name), all)
	rows, err := query(ctx, conn, sql, 11)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(conn, err)
	}
	out := make([]Loss, 0, len(rows))
	for _, r := range rows {
		id, err := uuid.Parse(r[0])
		if err != nil {
			return nil, err
		}
		l := Loss{ID: id, Shard: name, Fate: Fate(r[1]), Vote: r[2], LeftAt: r[3], Others: strings.Split(r[5], ","),
			Decided: at(r[6]), Found: at(r[7]), Acked: at(r[8]), AckedBy: r[9], AckedWhy: r[10]}
		_, _ = fmt.Sscan(r[4], &l.Timeline)
		out = append(out, l)
	}
	return out, nil
}

func at(s string) time.Time {
	var n int64
	if _, _ = fmt.Sscan(s, &n); n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0)
}

// Acknowledge notes who has taken care of a loss, and how, and reports whether there
// was one on the shard that nobody had acknowledged.
func (w *Watch) Acknowledge(ctx context.Context, name string, id uuid.UUID, who, why string) (bool, error) {
	m := w.members[name]
	if m == nil {
		return false, fmt.Errorf("no shard is named %q", name)
	}
	conn, err := m.own.Acquire(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Release()
	rows, err := query(ctx, conn, "UPDATE _xapg.lost SET acked = now(), acked_by = $4, acked_why = $5 WHERE log = $1 AND shard = $2 AND txn = $3::text::uuid AND acked IS NULL RETURNING txn::text",
		1, w.log.Identity().ID, name, id.String(), who, why)
	if missing(err) {
		return false, nil
	}
	if err != nil {
		return false, explain(conn, err)
	}
	if len(rows) == 0 {
		return false, nil
	}
	w.logger.Warn("xapg: a lost transaction was acknowledged", "txn", id, "shard", name, "by", who, "why", why)
	return true, w.count(ctx, conn, m)
}
