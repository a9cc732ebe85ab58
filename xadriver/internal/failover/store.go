package failover

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Quietly keeps a transaction from telling what exists already: applications listen to
// the notices of their servers, and this is none of theirs.
const Quietly = "SELECT pg_catalog.set_config('client_min_messages', 'warning', true);"

// Setup makes the tables of this package, on every shard. It can be run by hand where
// the application's role may not create schemas.
const Setup = `CREATE SCHEMA IF NOT EXISTS _xapg;
CREATE TABLE IF NOT EXISTS _xapg.timeline (log text, shard text, timeline bigint NOT NULL, epoch uuid NOT NULL, system text NOT NULL,
	history text NOT NULL, survivors text NOT NULL, at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (log, shard));
COMMENT ON TABLE _xapg.timeline IS 'which server each shard of a cluster of xapg was last known to be';
CREATE TABLE IF NOT EXISTS _xapg.lost (log text, txn uuid, shard text, fate text NOT NULL, vote text NOT NULL, left_at text NOT NULL, timeline bigint NOT NULL,
	others text NOT NULL, decided timestamptz, found timestamptz NOT NULL DEFAULT now(), acked timestamptz, acked_by text, acked_why text, PRIMARY KEY (log, txn, shard));
COMMENT ON TABLE _xapg.lost IS 'transactions of xapg that a failover of this shard has lost, although they were committed elsewhere'`

// point is what a shard is known to be.
type point struct {
	timeline uint32
	epoch    uuid.UUID // given to a timeline by whoever first saw it: two servers may have taken the same number
	system   string    // identifier of the database system, the same for a primary and its standbys
}

// row of _xapg.timeline.
type row struct {
	shard string
	point
	history   string
	survivors string
}

// look is what a server says of itself.
type look struct {
	Position
	system     string
	replicated bool // it has standbys
	received   bool // it has been a standby that streamed, since it was started
	replayed   LSN
}

const lookSQL = `SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_flush_lsn()), pg_catalog.pg_current_wal_flush_lsn()::text,
	(SELECT system_identifier::text FROM pg_catalog.pg_control_system()),
	(EXISTS (SELECT FROM pg_catalog.pg_stat_replication) OR pg_catalog.current_setting('synchronous_standby_names') <> ''
		OR EXISTS (SELECT FROM pg_catalog.pg_replication_slots WHERE slot_type = 'physical'))::text,
	(pg_catalog.pg_last_wal_receive_lsn() IS NOT NULL)::text, coalesce(pg_catalog.pg_last_wal_replay_lsn()::text, '0/0')`

func lookAt(ctx context.Context, conn *shard.Conn) (look, error) {
	rows, err := query(ctx, conn, lookSQL, 6)
	if err != nil {
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && pgErr.Code == "55000" {
			return look{}, fmt.Errorf("shard %s: the server is a standby: %w", conn.Shard().Name(), err)
		}
		return look{}, err
	}
	if len(rows) != 1 {
		return look{}, io.ErrUnexpectedEOF
	}
	r := rows[0]
	at, ok := answered(r[0], r[1])
	if !ok {
		return look{}, fmt.Errorf("shard %s: the server is at %q, %q, which cannot be read", conn.Shard().Name(), r[0], r[1])
	}
	l := look{Position: at, system: r[2], replicated: r[3] == "true", received: r[4] == "true"}
	l.replayed, _ = parseLSN(r[5])
	return l, nil
}

// silent reports whether a server refuses to tell, as some do that are offered as
// PostgreSQL, or because an administrator has forbidden it.
func silent(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "42501" || pgErr.Code == "42883" || pgErr.Code == "0A000")
}

// rows reads what a shard says of all shards.
func (w *Watch) rows(ctx context.Context, conn *shard.Conn, lock bool) (map[string]row, error) {
	sql := "SELECT shard, timeline::text, epoch::text, system, history, survivors FROM _xapg.timeline WHERE log = '" + w.log.Identity().ID + "'"
	if lock {
		sql += " FOR UPDATE"
	}
	list, err := query(ctx, conn, sql, 6)
	if err != nil {
		return nil, err
	}
	out := make(map[string]row, len(list))
	for _, r := range list {
		epoch, err := uuid.Parse(r[2])
		var timeline uint32
		if _, serr := fmt.Sscan(r[1], &timeline); serr != nil || err != nil {
			return nil, fmt.Errorf("shard %s: _xapg.timeline has %q and %q, which cannot be read", conn.Shard().Name(), r[1], r[2])
		}
		out[r[0]] = row{shard: r[0], point: point{timeline, epoch, r[3]}, history: r[4], survivors: r[5]}
	}
	return out, nil
}

// keep stores what a shard is known to be, unless something later is stored.
func (w *Watch) keep(ctx context.Context, conn *shard.Conn, rows ...row) error {
	if len(rows) == 0 {
		return nil
	}
	values := make([]string, len(rows))
	for i, r := range rows {
		values[i] = fmt.Sprintf("(%s, %s, %d, '%s', %s, %s, %s)", literal(w.log.Identity().ID), literal(r.shard), r.timeline, r.epoch,
			literal(r.system), literal(r.history), literal(r.survivors))
	}
	_, err := conn.Command(ctx, "INSERT INTO _xapg.timeline AS t (log, shard, timeline, epoch, system, history, survivors) VALUES "+strings.Join(values, ", ")+
		" ON CONFLICT (log, shard) DO UPDATE SET timeline = excluded.timeline, epoch = excluded.epoch, system = excluded.system,"+
		" history = excluded.history, survivors = excluded.survivors, at = now() WHERE t.timeline < excluded.timeline")
	return err
}

// setup makes the tables.
func setup(ctx context.Context, conn *shard.Conn) error {
	_, err := conn.Command(ctx, Quietly+Setup)
	var pgErr *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pgErr) && (pgErr.Code == "23505" || pgErr.Code == "42P06" || pgErr.Code == "42P07" || pgErr.Code == "XX000"):
		return nil // somebody else was making the same at the same time
	}
	return explain(conn, err)
}

func explain(conn *shard.Conn, err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42501" {
		return fmt.Errorf("shard %s: the application's role may not keep there which servers the shards are: let an administrator make the tables "+
			"_xapg.timeline and _xapg.lost (`xapg check` prints how) and grant SELECT, INSERT, UPDATE on them to it: %w", conn.Shard().Name(), err)
	}
	return err
}

func missing(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "42P01" || pgErr.Code == "3F000")
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// query reads all rows of a query as text.
func query(ctx context.Context, conn *shard.Conn, sql string, columns int, args ...any) (out [][]string, err error) {
	named := make([]driver.NamedValue, len(args))
	for i, a := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	rows, err := conn.Query(ctx, sql, named)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for value := make([]driver.Value, columns); ; {
		if err := rows.Next(value); err != nil {
			if errors.Is(err, io.EOF) {
				return out, nil
			}
			return nil, err
		}
		line := make([]string, columns)
		for i, v := range value {
			if v != nil {
				line[i] = fmt.Sprint(v)
			}
		}
		out = append(out, line)
	}
}
