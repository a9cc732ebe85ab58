package mark

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/failover"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Server is a real shard as the guard sees it.
type Server struct{ *shard.Shard }

var _ Shard = Server{}

// Setup makes the table in which a shard keeps the marks. It is run when the
// table is missing, and can be run by hand where the application's role may not
// create schemas.
const Setup = `CREATE SCHEMA IF NOT EXISTS _xapg;
CREATE TABLE IF NOT EXISTS _xapg.log_mark (log text PRIMARY KEY, seq bigint NOT NULL, mark uuid NOT NULL, at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE _xapg.log_mark IS 'the decision log of xapg that last decided here: xapg refuses copies of it';
` + failover.Setup

const votes = `SELECT pg_catalog.current_setting('max_prepared_transactions')`

// Exchange implements Shard.
func (s Server) Exchange(ctx context.Context, logID string, ours txlog.Mark, approve func(txlog.Mark) error) error {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	read := "SELECT seq::text, mark::text FROM _xapg.log_mark WHERE log = '" + logID + "'"

	found, err := s.mark(ctx, conn, read)
	if missing(err) {
		if err := s.setup(ctx, conn); err != nil {
			return err
		}
		found, err = s.mark(ctx, conn, read)
	}
	if err != nil {
		return err
	}
	if err := approve(found); err != nil {
		return err
	}
	if found.Seq >= ours.Seq {
		return nil
	}
	return s.leave(ctx, conn, read, logID, ours, approve)
}

// leave stores our mark, unless a later one came in between.
func (s Server) leave(ctx context.Context, conn *shard.Conn, read, logID string, ours txlog.Mark, approve func(txlog.Mark) error) (err error) {
	if _, err := conn.Command(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			if _, rerr := conn.Command(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil {
				conn.Break()
			}
		}
	}()
	// An update of nothing takes the row's lock, and makes the row when there is none.
	insert := fmt.Sprintf("INSERT INTO _xapg.log_mark AS m (log, seq, mark) VALUES ('%s', 0, '%s') ON CONFLICT (log) DO UPDATE SET seq = m.seq",
		logID, uuid.Nil)
	if _, err := conn.Command(ctx, insert); err != nil {
		return s.explain(err)
	}
	found, err := s.mark(ctx, conn, read)
	if err != nil {
		return err
	}
	if err := approve(found); err != nil {
		return err
	}
	if found.Seq < ours.Seq {
		update := fmt.Sprintf("UPDATE _xapg.log_mark SET seq = %d, mark = '%s', at = now() WHERE log = '%s'", ours.Seq, ours.ID, logID)
		if _, err := conn.Command(ctx, update); err != nil {
			return s.explain(err)
		}
	}
	_, err = conn.Command(ctx, "COMMIT")
	return err
}

// setup makes the table, where prepared transactions are allowed at all.
func (s Server) setup(ctx context.Context, conn *shard.Conn) error {
	values, err := oneRow(ctx, conn, votes, 1)
	if err != nil {
		return err
	}
	if len(values) == 1 && values[0] == "0" {
		return &DisabledError{Shard: s.Name()}
	}
	for range 3 {
		if _, err = conn.Command(ctx, "BEGIN;"+failover.Quietly+Setup+";COMMIT"); err == nil {
			return nil
		}
		if _, rerr := conn.Command(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil {
			conn.Break()
		}
		// Somebody else was making the same, or a part of it, at the same time.
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != "23505" && pgErr.Code != "42P06" && pgErr.Code != "42P07" && pgErr.Code != "XX000" {
			break
		}
	}
	return s.explain(err)
}

// DisabledError says that a shard allows no prepared transactions.
type DisabledError struct{ Shard string }

func (e *DisabledError) Error() string {
	return "shard " + e.Shard + " has max_prepared_transactions = 0 and cannot take part in atomic commits: " +
		"set it to at least its max_connections (ALTER SYSTEM SET max_prepared_transactions = 100) and restart that server"
}

// SQLState is PostgreSQL's code for the case (object_not_in_prerequisite_state).
func (e *DisabledError) SQLState() string { return "55000" }

func (s Server) explain(err error) error {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "42501" {
		return fmt.Errorf("shard %s: the application's role may not keep the decision log's mark there: let an administrator run \"%s\" "+
			"and grant USAGE on the schema and SELECT, INSERT, UPDATE on its tables to it: %w", s.Name(), Setup, err)
	}
	return err
}

func missing(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "42P01" || pgErr.Code == "3F000")
}

// mark reads the shard's mark; the zero Mark where there is none.
func (s Server) mark(ctx context.Context, conn *shard.Conn, read string) (txlog.Mark, error) {
	values, err := oneRow(ctx, conn, read, 2)
	if err != nil || len(values) == 0 {
		return txlog.Mark{}, s.explain(err)
	}
	var m txlog.Mark
	if _, err := fmt.Sscan(values[0], &m.Seq); err != nil {
		return m, fmt.Errorf("shard %s: bad mark in _xapg.log_mark: %w", s.Name(), err)
	}
	if m.ID, err = uuid.Parse(values[1]); err != nil {
		return m, fmt.Errorf("shard %s: bad mark in _xapg.log_mark: %w", s.Name(), err)
	}
	return m, nil
}

// oneRow reads the one row of a query, nil when it has none.
func oneRow(ctx context.Context, conn *shard.Conn, sql string, columns int) ([]string, error) {
	rows, err := conn.Query(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	value := make([]driver.Value, columns)
	if err := rows.Next(value); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, err
	}
	out := make([]string, columns)
	for i, v := range value {
		out[i] = fmt.Sprint(v)
	}
	return out, nil
}
