package xadriver

import (
	"database/sql/driver"

	"github.com/jackc/pgx/v5/stdlib"
)

// directValid tells the truth about a single shard's connection, where its own
// driver has no word of its own for it.
func directValid(conn driver.Conn) bool {
	if v, ok := conn.(driver.Validator); ok {
		return v.IsValid()
	}
	if c, ok := conn.(*stdlib.Conn); ok {
		return !c.Conn().IsClosed() && c.Conn().PgConn().TxStatus() == 'I'
	}
	return true
}
