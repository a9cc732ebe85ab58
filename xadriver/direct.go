package xadriver

import (
	"context"
	"database/sql/driver"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// With a single shard, a connection is that shard's own, and everything goes to it
// as it is. What is added is little: the truth about whether it can be used again,
// and that a program which changes its tables is not told that what pgx had
// prepared before is outdated.

// directValid tells the truth about a single shard's connection, where its own
// driver has no word of its own for it.
func directValid(conn driver.Conn) bool {
	if v, ok := conn.(driver.Validator); ok {
		return v.IsValid()
	}
	if c, ok := conn.(*stdlib.Conn); ok {
		return !c.Conn().IsClosed() && c.Conn().PgConn().TxStatus() == shard.Idle
	}
	return true
}

// directExec runs a statement that returns no rows.
func (c *Conn) directExec(ctx context.Context, e driver.ExecerContext, query string, args []driver.NamedValue) (driver.Result, error) {
	res, err := e.ExecContext(ctx, query, c.anew(query, args))
	if c.again(query, err) {
		res, err = e.ExecContext(ctx, query, args)
	}
	if err == nil && definesTables(query) {
		c.connector.epoch.Add(1)
	}
	return res, err
}

// directQuery runs a statement that returns rows.
func (c *Conn) directQuery(ctx context.Context, q driver.QueryerContext, query string, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := q.QueryContext(ctx, query, c.anew(query, args))
	if c.again(query, err) {
		rows, err = q.QueryContext(ctx, query, args)
	}
	return rows, err
}

func (c *Conn) anew(query string, args []driver.NamedValue) []driver.NamedValue {
	if c.epoch == c.connector.epoch.Load() {
		return args
	}
	if conn := shard.Pgx(c.direct); conn != nil && conn.Conn().PgConn().TxStatus() == shard.InTxn {
		return shard.Anew(conn.Conn(), query, args)
	}
	return args
}

// again reports whether a statement can be run again, because the server has only
// found that what pgx had prepared for it is outdated. That must be a single
// statement which does nothing when it fails: no procedure, and no text of several.
func (c *Conn) again(query string, err error) bool {
	return err != nil && shard.Outdated(err) && directValid(c.direct) && !strings.Contains(query, ";") && reads.MatchString(query)
}

var reads = regexp.MustCompile(`(?i)^[\s(]*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES|TABLE)\s`)

var definition = regexp.MustCompile(`(?i)\b(ALTER|CREATE|DROP)\s`)

// definesTables guesses whether a text changes tables. It may say so of one that
// does not.
func definesTables(query string) bool {
	if !strings.Contains(query, ";") {
		switch word := strings.TrimLeft(query, " \t\r\n("); {
		case len(word) < 6:
			return false
		case strings.EqualFold(word[:6], "SELECT"), strings.EqualFold(word[:6], "INSERT"), strings.EqualFold(word[:6], "UPDATE"), strings.EqualFold(word[:6], "DELETE"), strings.EqualFold(word[:5], "WITH "):
			return false
		}
	}
	return definition.MatchString(query)
}
