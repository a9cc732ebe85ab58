package shard

import (
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgx keeps what it has prepared on a connection. When a table changes, a statement
// that was prepared before and whose columns are others now is refused once
// ("cached plan must not change result type"), and prepared anew the next time. A
// program that changes its tables itself should not see that: outside of a
// transaction a query is run again, which is safe, since a query that failed has
// done nothing;
// within one, statements with a star, whose columns change most easily, are
// described anew on connections that are older than the change.

// Outdated reports whether a server refused a prepared statement because its tables
// have changed since.
func Outdated(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == "0A000" && pgErr.Routine == "RevalidateCachedQuery"
}

// Anew lets pgx describe a statement anew, if its columns may have changed since it
// was prepared, and nobody has said how it is to be run. It is for transactions,
// where it cannot be run again.
func Anew(conn *pgx.Conn, sql string, args []driver.NamedValue) []driver.NamedValue {
	if !strings.Contains(sql, "*") || len(args) > 0 && isOption(args[0].Value) {
		return args
	}
	switch conn.Config().DefaultQueryExecMode {
	case pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe:
		return append([]driver.NamedValue{{Ordinal: 1, Value: pgx.QueryExecModeDescribeExec}}, args...)
	default:
		return args
	}
}

func isOption(v any) bool {
	switch v.(type) {
	case pgx.QueryExecMode, pgx.QueryRewriter, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
		return true
	default:
		return false
	}
}

// Changed takes notice that this process has changed tables.
func (s *Shard) Changed() { s.epoch.Add(1) }

// anew is Anew for connections that are older than the last change.
func (c *Conn) anew(sql string, args []driver.NamedValue) []driver.NamedValue {
	if c.epoch == c.shard.epoch.Load() || c.pgx == nil || !c.Unsent() && c.Status() != InTxn {
		return args
	}
	return Anew(c.pgx.Conn(), sql, args)
}
