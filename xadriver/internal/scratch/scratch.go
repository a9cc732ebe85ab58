// Package scratch lets a PostgreSQL session judge over rows of several shards.
//
// A Session is a transaction on a connection of its own, apart from those of the
// application's transactions. Rows are copied into temporary tables, a statement
// is run over them, and the transaction is rolled back: nothing of it stays, not
// on errors and cancellations either.
package scratch

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Session is one use of a scratch session. Its methods are used by one goroutine
// at a time; only Table.Add may be called by several at once.
type Session struct {
	conn *shard.Conn
}

// Open begins a session: settings are the SET statements of the application's
// session, create the statements that make the temporary tables.
func Open(ctx context.Context, sh *shard.Shard, settings, create []string) (*Session, error) {
	conn, err := sh.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn}
	text := make([]string, 0, len(settings)+len(create)+1)
	text = append(text, "BEGIN READ WRITE")
	text = append(text, settings...)
	text = append(text, create...)
	if _, err := conn.Command(ctx, strings.Join(text, ";\n")); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Query runs the statement that the session is for. It is not prepared: the
// tables of the next session may have other types under the same names.
func (s *Session) Query(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error) {
	all := make([]driver.NamedValue, 0, len(args)+1)
	all = append(all, driver.NamedValue{Ordinal: 1, Value: pgx.QueryExecModeDescribeExec})
	all = append(all, args...)
	rows, err := s.conn.Query(ctx, sql, all)
	if errors.Is(err, driver.ErrBadConn) {
		err = origin.Errorf(s.conn.Shard().Name(), origin.Lost, "the connection of a scratch session was lost")
	}
	return rows, err
}

// rollbackWait bounds how long Close waits for the server to clean up.
const rollbackWait = 5 * time.Second

// Close leaves nothing behind, and gives the connection back.
func (s *Session) Close() error {
	if s.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), rollbackWait)
	defer cancel()
	if s.conn.Status() != shard.Broken {
		if _, err := s.conn.Command(ctx, "ROLLBACK"); err != nil {
			s.conn.Break()
		}
	}
	s.conn.Release()
	s.conn = nil
	return nil
}

// copyIn sends rows in COPY's text format.
func (s *Session) copyIn(ctx context.Context, sql string, rows io.Reader) error {
	return s.conn.CopyIn(ctx, sql, rows)
}
