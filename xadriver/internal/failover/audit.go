package failover

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// auditWait bounds an audit, which reads the whole log.
const auditWait = 5 * time.Minute

// audit looks at a shard whose server is another than before, or was never looked at:
// it notes where the timelines before were left and what is prepared, compares the
// log's votes with that, and stores what came of it, all in one transaction. Others
// who come meanwhile wait, and find it done.
func (w *Watch) audit(ctx context.Context, conn *shard.Conn, m *member, l look) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), auditWait)
	defer cancel()
	file := timelineFile(ctx, conn, l.Timeline)
	// The note must not be lost by a mere crash of the server, nor wait for a standby.
	const begin = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = local; LOCK TABLE _xapg.timeline IN SHARE ROW EXCLUSIVE MODE"
	if _, err := conn.Command(ctx, begin); err != nil {
		conn.Break()
		return err
	}
	done := false
	defer func() {
		if !done {
			if _, rerr := conn.Command(ctx, "ROLLBACK"); rerr != nil {
				conn.Break()
			}
		}
	}()
	rows, err := w.rows(ctx, conn, false)
	if err != nil {
		return err
	}
	own, there := rows[m.name]
	if there && own.timeline == l.Timeline { // somebody else was faster
		m.adopt(own, parseRow(own))
		return nil
	}
	now := row{shard: m.name, point: point{l.Timeline, uuid.New(), l.system}}
	switch known := m.point(); {
	case known.timeline != l.Timeline:
	case there:
		return &StaleError{Shard: m.name, Timeline: l.Timeline, Known: known.timeline,
			Reason: "two servers have taken over, and this is not the one that was known first"}
	default:
		now.epoch = known.epoch // what it has said of itself was deleted
	}
	var before *History
	if there {
		before = parseRow(own)
	}
	h := follow(before, l)
	h.readHistory(file)
	if err := w.survivors(ctx, conn, m.name, h); err != nil {
		return err
	}
	losses, err := w.compare(ctx, m.name, h)
	if err != nil {
		return err
	}
	now.history, now.survivors = h.String(), join(h.Survivors)
	if err := w.keep(ctx, conn, now); err != nil {
		return err
	}
	if err := w.store(ctx, conn, losses); err != nil {
		return err
	}
	if _, err := conn.Command(ctx, "COMMIT"); err != nil {
		conn.Break()
		return err
	}
	done = true
	m.adopt(now, h)
	w.report(m.name, before, h, losses)
	return nil
}

func (m *member) point() point {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known
}

func (m *member) adopt(own row, h *History) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.row, m.history, m.known = own, h, own.point
}

func parseRow(r row) *History {
	h := parseHistory(r.timeline, r.history)
	for _, s := range strings.Fields(r.survivors) {
		if id, err := uuid.Parse(s); err == nil {
			h.Survivors[id] = true
		}
	}
	return h
}

func join(ids map[uuid.UUID]bool) string {
	list := make([]string, 0, len(ids))
	for id := range ids {
		list = append(list, id.String())
	}
	return strings.Join(list, " ")
}

// timelineFile is the server's own record of its timelines, where the role may read it.
func timelineFile(ctx context.Context, conn *shard.Conn, timeline uint32) string {
	if timeline <= 1 {
		return ""
	}
	rows, err := query(ctx, conn, fmt.Sprintf("SELECT pg_catalog.pg_read_file('pg_wal/%08X.history')", timeline), 1)
	if err != nil || len(rows) == 0 {
		return ""
	}
	return rows[0][0]
}

// survivors notes what is prepared on the server.
func (w *Watch) survivors(ctx context.Context, conn *shard.Conn, name string, h *History) error {
	prefix := gid.Prefix(w.log.Identity().Cluster, w.log.Identity().ID)
	rows, err := query(ctx, conn, "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, '"+prefix+"')", 1)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if id, err := gid.Parse(r[0]); err == nil && id.Shard == name && h.Timeline > 1 {
			h.Survivors[id.Txn] = true
		}
	}
	return nil
}

// compare goes through the log for votes that the shard has lost, or may have. A vote
// for what was rolled back is no loss.
func (w *Watch) compare(ctx context.Context, name string, h *History) (losses []Loss, err error) {
	if h.Timeline <= 1 {
		return nil, nil // there was none before
	}
	const page = 1000
	for after := uuid.Nil; ; {
		records, err := w.log.Records(ctx, after, page)
		if err != nil {
			return nil, fmt.Errorf("the decision log could not be read for votes that shard %s may have lost: %w", name, err)
		}
		for _, d := range records {
			after = d.ID
			if l, lost := loss(d, name, h); lost {
				losses = append(losses, l)
			}
		}
		if len(records) < page {
			return losses, nil
		}
	}
}

// loss is what a shard has lost of a transaction, if it has.
func loss(d txlog.Decision, name string, h *History) (Loss, bool) {
	if d.Outcome != txlog.Commit {
		return Loss{}, false
	}
	l := Loss{ID: d.ID, Shard: name, Timeline: h.Timeline, Decided: d.At}
	for _, p := range d.Participants {
		if p.Name == name {
			l.Vote = p.Vote
		} else {
			l.Others = append(l.Others, p.Name)
		}
	}
	vote, ok := ParsePosition(l.Vote)
	if !ok {
		return Loss{}, false
	}
	fate, at := h.Fate(d.ID, vote)
	if l.Fate = fate; at > 0 {
		l.LeftAt = at.String()
	}
	return l, fate != Kept
}

// report tells the operators.
func (w *Watch) report(name string, before, h *History, losses []Loss) {
	if before != nil {
		w.logger.Warn("xapg: a shard's server has changed", "shard", name, "timeline", h.Timeline, "before", before.Timeline,
			"prepared there", len(h.Survivors), "lost", len(losses))
	}
	const most = 50
	for i, l := range losses {
		if i == most {
			w.logger.Error("xapg: and more transactions are lost: see `xapg txns`", "shard", name, "lost", len(losses))
			return
		}
		w.tellLoss(l)
	}
}

func (w *Watch) tellLoss(l Loss) {
	w.logger.Error("xapg: heuristic outcome: "+l.String()+"; repair the data, then acknowledge it",
		"txn", l.ID, "shard", l.Shard, "fate", string(l.Fate), "vote", l.Vote, "left_at", l.LeftAt, "timeline", l.Timeline, "others", l.Others)
}
