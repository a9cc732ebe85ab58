package shard

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
)

// A shard may have standbys, one of which takes over one day. Which server a
// connection leads to is told by the timeline on which that writes, and asked once,
// when the connection is opened: a server keeps its timeline for as long as it is a
// primary.

// timelineKey is where a connection of pgx carries its server's timeline.
const timelineKey = "xapg.timeline"

const whichServer = `SELECT current_setting('transaction_read_only'), pg_is_in_recovery(),
	CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_insert_lsn()) END`

// CanFailOver notes that the shard has standbys: its votes are to tell where they are.
func (s *Shard) CanFailOver() { s.replicated.Store(true) }

// Replicated reports whether it was noted.
func (s *Shard) Replicated() bool { return s.replicated.Load() }

// KnownTimeline notes the timeline of the server that is the shard. New connections
// to a server on an earlier one are refused.
func (s *Shard) KnownTimeline(timeline uint32) {
	for {
		known := s.timeline.Load()
		if timeline <= known || s.timeline.CompareAndSwap(known, timeline) {
			return
		}
	}
}

// Timeline is that of the server to which the connection leads, 0 when it is not known.
func (c *Conn) Timeline() uint32 {
	if c.pgx == nil || c.pgx.Conn().IsClosed() {
		return 0
	}
	t, _ := c.pgx.Conn().PgConn().CustomData()[timelineKey].(uint32)
	return t
}

// ErrStandby says that a server is a standby, which is no shard.
var ErrStandby = errors.New("the server is a standby")

// primary accepts the server that is the shard: one that takes writes, and is not
// known to have been followed by another.
func (s *Shard) primary(ctx context.Context, conn *pgconn.PgConn, hosts int) error {
	results, err := conn.Exec(ctx, whichServer).ReadAll()
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && hosts == 1:
		return nil // it does not tell, and there is no other
	case errors.As(err, &refused):
		return pgconn.ValidateConnectTargetSessionAttrsReadWrite(ctx, conn)
	case err != nil:
		return err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return fmt.Errorf("shard %s: the server does not say what it is", s.name)
	}
	r := results[0].Rows[0]
	switch {
	case string(r[1]) == "t":
		return fmt.Errorf("shard %s: %w", s.name, ErrStandby)
	case string(r[0]) == "on" && hosts > 1:
		return fmt.Errorf("shard %s: the server takes no writes", s.name)
	}
	const digits = 8
	if len(r[2]) < digits {
		return nil
	}
	n, err := strconv.ParseUint(string(r[2][:digits]), 16, 32)
	if err != nil {
		return nil //nolint:nilerr // not known, then
	}
	timeline := uint32(n)
	conn.CustomData()[timelineKey] = timeline
	if known := s.timeline.Load(); timeline < known {
		return &StaleError{Shard: s.name, Timeline: timeline, Known: known, Reason: "it is an old primary that came back"}
	}
	return nil
}

// StaleError says that a shard's server is not the one that the shard was last known
// to be: an old primary that came back, or a copy. Nothing is decided there.
type StaleError struct {
	Shard           string
	Timeline, Known uint32
	Reason          string
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("shard %s: its server is on timeline %d, but the shard is known to be on timeline %d: %s; "+
		"nothing is committed there over several shards, and what only this server has is lost when it is fenced: stop it, or make it a standby of the new primary. "+
		"If this server is meant to be the shard (after pg_upgrade, or a copy by other means), stop all programs and run on every shard: DELETE FROM _xapg.timeline WHERE shard = '%s'",
		e.Shard, e.Timeline, e.Known, e.Reason, e.Shard)
}

// SQLState is PostgreSQL's code for the case (object_not_in_prerequisite_state).
func (e *StaleError) SQLState() string { return "55000" }
