package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
)

// Stmt is a prepared statement: a plan that was made in advance. The shards
// prepare it when it first runs there, on each connection.
type Stmt struct {
	conn   *Conn
	query  string
	params int
}

var (
	_ driver.Stmt             = (*Stmt)(nil)
	_ driver.StmtExecContext  = (*Stmt)(nil)
	_ driver.StmtQueryContext = (*Stmt)(nil)
)

// Close implements driver.Stmt.
func (s *Stmt) Close() error { return nil }

// NumInput is the number of the statement's parameters.
func (s *Stmt) NumInput() int { return s.params }

// ExecContext implements driver.StmtExecContext.
func (s *Stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

// QueryContext implements driver.StmtQueryContext.
func (s *Stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

var errNoContext = errors.New("xapg: statements need a context: use ExecContext or QueryContext")

// Exec is deprecated in database/sql/driver, and not called by database/sql.
func (s *Stmt) Exec([]driver.Value) (driver.Result, error) { return nil, errNoContext }

// Query is deprecated in database/sql/driver, and not called by database/sql.
func (s *Stmt) Query([]driver.Value) (driver.Rows, error) { return nil, errNoContext }
