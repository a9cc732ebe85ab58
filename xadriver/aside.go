package xadriver

import (
	"context"
	"database/sql/driver"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// aside runs what notifies beside its transaction, on a connection of its own to
// home: PostgreSQL does not prepare a transaction that has notified. The
// notifications are sent when the transaction is committed on all shards, as they
// would be by one server; should the program die in between, they are lost, as they
// are for a listener whose connection is lost at that moment.
func (c *Conn) aside(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	home := c.connector.own[c.connector.home.Index()]
	b, err := c.txn.Side(ctx, func(ctx context.Context) (*shard.Conn, error) { return home.Acquire(ctx) })
	if err != nil {
		return nil, nil, c.failed(err)
	}
	rows, res, err := c.on(ctx, b, s)
	return rows, res, c.failing(notRetried(home, err))
}

// endSide ends what ran beside a transaction.
func (c *Conn) endSide(t *transaction, commit bool) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	t.EndSide(ctx, commit)
}
