package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Raw is the shard's own connection when there is a single shard, nil otherwise.
func (c *Conn) Raw() driver.Conn { return c.direct }

// connOf finds the driver's connection below drivers that wrap it and say so.
func connOf(raw any) (*Conn, error) {
	for inner := raw; ; {
		if c, ok := inner.(*Conn); ok {
			return c, nil
		}
		r, ok := inner.(interface{ Raw() driver.Conn })
		if !ok {
			return nil, fmt.Errorf("xapg: a connection of xapg is needed, not %T", raw)
		}
		inner = r.Raw()
	}
}

// Connector is what the connection was made by: with its Stats, for one.
func (c *Conn) Connector() *Connector { return c.connector }

// Shard reaches pgx's connection to one shard, for what database/sql has no words
// for: batches, COPY, listening. It is to be called within sql.Conn.Raw:
//
//	err := conn.Raw(func(raw any) error {
//		pg, err := raw.(*xadriver.Conn).Shard(ctx, "athos")
//		if err != nil {
//			return err
//		}
//		return pg.Conn().SendBatch(ctx, batch).Close()
//	})
//
// Within a transaction it is the transaction's own connection to that shard: what
// is done on it is part of the transaction, and is committed with it. It must
// neither be committed nor rolled back there. Outside, it is a connection with the
// session's settings, and belongs to the caller until he uses the *sql.Conn for
// anything else, or closes it; a transaction that he opens on it is one of that
// shard alone.
//
// The driver does not see what is done: it is for the caller to know which rows
// live where. Whatever the application leaves in the session of that connection
// ends with it: it is closed afterwards, so do much with it at once. With a single shard, "main" unless it was given another name, it is
// the connection itself.
func (c *Conn) Shard(ctx context.Context, name string) (*stdlib.Conn, error) {
	if c.direct != nil {
		if only := c.connector.cfg.Shards[0].Name; name != only {
			return nil, noShard(name, []string{only})
		}
		return pgxConn(name, c.direct)
	}
	if c.closed {
		return nil, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	at, ok := c.connector.layout.Index(name)
	if !ok {
		return nil, noShard(name, c.connector.layout.Shards())
	}
	sh := c.connector.shards[at]
	if c.txn != nil {
		return c.shardInTransaction(ctx, sh)
	}
	if i := slices.IndexFunc(c.lent, func(conn *shard.Conn) bool { return conn.Shard() == sh }); i >= 0 {
		return pgxConn(name, c.lent[i].Raw())
	}
	if len(c.lent) > 0 {
		c.takeBack() // one at a time: who holds a connection does not wait for another
	}
	leave, err := c.enter(ctx, sh.Alone())
	if err != nil {
		return nil, err
	}
	defer leave()
	conn, err := c.acquire(ctx, sh)
	if err != nil {
		return nil, public(err)
	}
	inner, err := pgxConn(name, conn.Raw())
	if err != nil {
		c.session.release(conn)
		return nil, err
	}
	conn.Lent = true
	c.lent = append(c.lent, conn)
	return inner, nil
}

func (c *Conn) shardInTransaction(ctx context.Context, sh *shard.Shard) (*stdlib.Conn, error) {
	if c.txn.Failed() {
		return nil, errInFailedTransaction()
	}
	c.asking = "SHARD " + sh.Name()
	b, err := c.branch(ctx, sh)
	if err != nil {
		return nil, public(c.failed(err))
	}
	inner, err := pgxConn(sh.Name(), b.Conn().Raw())
	if err != nil {
		return nil, err
	}
	if err := b.Lend(ctx); err != nil {
		return nil, c.public(c.honest(ctx, err))
	}
	return inner, nil
}

// refresh takes notice of what the application has done on a transaction's own
// connections.
func (c *Conn) refresh() {
	if c.txn != nil {
		c.txn.Refresh()
	}
}

// takeBack ends the loan of a shard's connection.
func (c *Conn) takeBack() {
	for _, conn := range c.lent {
		c.session.release(conn)
	}
	c.lent = nil
}

func pgxConn(name string, conn driver.Conn) (*stdlib.Conn, error) {
	if pg := shard.Pgx(conn); pg != nil {
		return pg, nil
	}
	return nil, fmt.Errorf("xapg: shard %s is reached through %T, which is not pgx's", name, conn)
}

func noShard(name string, names []string) error {
	return &ConfigError{Path: "shards." + name, Problem: "there is no such shard", Valid: names}
}
