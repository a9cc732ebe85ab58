package cut

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Pass is what a writer sends before its PREPARE TRANSACTION or COMMIT, in the same
// message, to pass the gate. PostgreSQL keeps so weak a lock on a table in the backend's own memory, where it costs
// next to nothing, until somebody wants a strong one.
//
// What was deferred to the end of the transaction is done before: it may wait for
// locks, and who holds a gate must not.
var Pass = []string{"SET CONSTRAINTS ALL IMMEDIATE", "LOCK TABLE _xapg.gate IN ROW EXCLUSIVE MODE"}

// PassAtOnce is Pass where nothing can have been deferred.
var PassAtOnce = Pass[1:]

// PassAlone takes the same lock where there is no transaction block: LOCK TABLE would be
// refused in a pipeline.
const PassAlone = "DELETE FROM _xapg.gate WHERE false"

// Setup makes the tables on a shard. It is run when they are missing, and can be run by
// hand where the application's role may not create schemas.
const Setup = `CREATE SCHEMA IF NOT EXISTS _xapg;
CREATE TABLE IF NOT EXISTS _xapg.gate ();
CREATE TABLE IF NOT EXISTS _xapg.reader ();
CREATE TABLE IF NOT EXISTS _xapg.turn ();
COMMENT ON TABLE _xapg.gate IS 'writers of xapg lock it when they commit, readers of several shards while they take their snapshots'`

// Server is the gate of a real shard.
type Server struct {
	*shard.Shard
	// Prefix begins the names of all transactions that our log decides.
	Prefix string
	// Patience bounds how long writers are kept waiting for one that holds the gate.
	Patience time.Duration
	// Idle is after what time the server opens a gate whose closer is not heard of.
	Idle time.Duration
}

var _ Shard = (*Server)(nil)

// StandbyError says that a shard is a standby, which has no gates.
type StandbyError struct{ Shard string }

func (e *StandbyError) Error() string {
	return "shard " + e.Shard + " is a standby, on which it cannot be known what the other shards show: read there at READ COMMITTED, or use the primary"
}

// SQLState is that of feature_not_supported.
func (e *StandbyError) SQLState() string { return "0A000" }

// Close implements Shard.
func (s *Server) Close(ctx context.Context) (Gate, error) {
	conn, err := s.lock(ctx, s.Patience, "_xapg.gate IN SHARE MODE")
	if err != nil {
		return nil, err
	}
	return &gate{s, conn}, nil
}

// Turn implements Shard.
func (s *Server) Turn(ctx context.Context) (Turn, error) {
	for {
		conn, err := s.lock(ctx, s.Idle, "_xapg.reader IN EXCLUSIVE MODE")
		switch {
		case err == nil:
			return turn{conn}, nil
		case !errors.Is(err, ErrHeld):
			return nil, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		}
	}
}

// lock begins a transaction that locks a table and has done nothing else.
func (s *Server) lock(ctx context.Context, patience time.Duration, what string) (*shard.Conn, error) {
	text := "BEGIN ISOLATION LEVEL READ COMMITTED;SET LOCAL statement_timeout=0;SET LOCAL lock_timeout=" + millis(patience) +
		";SET LOCAL idle_in_transaction_session_timeout=" + millis(s.Idle) + ";LOCK TABLE " + what
	for try := 0; ; try++ {
		conn, err := s.Acquire(ctx)
		if errors.Is(err, shard.ErrStandby) {
			return nil, &StandbyError{s.Name()}
		}
		if err != nil {
			return nil, err
		}
		_, err = conn.Command(ctx, text)
		if err == nil {
			return conn, nil
		}
		gone := ctx.Err() == nil && !conn.Alive()
		if conn.Status() == shard.Failed {
			if _, rerr := conn.Command(ctx, "ROLLBACK"); rerr != nil {
				conn.Break()
			}
		}
		conn.Release()
		switch code := code(err); {
		case code == "55P03" || code == "40P01":
			return nil, ErrHeld
		case code == "55000" || code == "25006":
			return nil, &StandbyError{s.Name()}
		case try > 1:
			return nil, err
		case code == "42P01" || code == "3F000":
			if err := s.Make(ctx); err != nil {
				return nil, err
			}
		case gone:
			s.Reset()
		default:
			return nil, err
		}
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

func code(err error) string {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return pgErr.Code
	}
	return ""
}

// Make makes the tables where they are missing.
func (s *Server) Make(ctx context.Context) error {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	there := false
	err = each2(ctx, conn, "SELECT coalesce(to_regclass('_xapg.reader')::text, ''), ''", func(name, _ string) { there = name != "" })
	if err != nil || there {
		return err
	}
	for range 3 {
		// Where another process makes them at the same time, one of the two may fail.
		if _, err = conn.Command(ctx, quietly+Setup); code(err) != "23505" && code(err) != "42P06" && code(err) != "42P07" {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("xapg: shard %s needs the tables by which readers and writers of several shards agree, and they could not be made: %w "+
			"(let somebody who may run: %s; GRANT USAGE ON SCHEMA _xapg and SELECT, INSERT, UPDATE, DELETE on its tables to this role; or set consistent_reads=off in every program of the cluster)", s.Name(), err, Setup)
	}
	return nil
}

// quietly keeps what follows in the same message from telling what exists already.
const quietly = "SET LOCAL client_min_messages=warning;"

// holders are those who hold the gate's weak lock. A prepared transaction has no process;
// its number is that of the transaction lock that it holds as well.
const holders = `SELECT coalesce(p.gid, ''), l.virtualtransaction || ' ' || coalesce(l.pid, 0)
FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_locks x ON l.pid IS NULL AND x.pid IS NULL AND x.locktype = 'transactionid' AND x.granted AND x.virtualtransaction = l.virtualtransaction
LEFT JOIN pg_catalog.pg_prepared_xacts p ON p.transaction = x.transactionid
WHERE l.relation = '_xapg.gate'::regclass AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
AND l.mode = 'RowExclusiveLock' AND l.granted`

// Holders implements Shard.
func (s *Server) Holders(ctx context.Context) ([]Holder, error) {
	conn, err := s.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Release()
	var list []Holder
	err = each2(ctx, conn, holders, func(name, token string) {
		h := Holder{Token: token}
		if id, err := gid.Parse(name); err == nil {
			h.ID = id.Txn
		}
		list = append(list, h)
	})
	return list, err
}

// gate is a closed one.
type gate struct {
	server *Server
	conn   *shard.Conn
}

// The function behind pg_prepared_xacts, without the view's joins.
const prepared = "SELECT gid, '' FROM pg_catalog.pg_prepared_xact() WHERE starts_with(gid, '%s')"

// Prepared implements Gate.
func (g *gate) Prepared(ctx context.Context) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := each2(ctx, g.conn, fmt.Sprintf(prepared, g.server.Prefix), func(name, _ string) {
		if id, err := gid.Parse(name); err == nil && id.Shard == g.server.Name() {
			ids = append(ids, id.Txn)
		}
	})
	return ids, err
}

// Open implements Gate.
func (g *gate) Open(ctx context.Context) error {
	defer g.conn.Release()
	tag, err := g.conn.Command(ctx, "COMMIT")
	if err == nil && tag != "COMMIT" {
		err = errors.New("its transaction had failed")
	}
	if err != nil {
		g.conn.Break()
	}
	return err
}

// turn is a reader's.
type turn struct{ conn *shard.Conn }

// End implements Turn.
func (t turn) End(ctx context.Context) {
	defer t.conn.Release()
	if _, err := t.conn.Command(ctx, "COMMIT"); err != nil {
		t.conn.Break()
	}
}

// each2 calls f with each row of a query of two columns of text.
func each2(ctx context.Context, conn *shard.Conn, sql string, f func(a, b string)) error {
	rows, err := conn.Query(ctx, sql, nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	for value := make([]driver.Value, 2); ; {
		if err := rows.Next(value); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		f(fmt.Sprint(value[0]), fmt.Sprint(value[1]))
	}
}
