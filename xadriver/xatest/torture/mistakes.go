package main

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver"
)

// oneByOne is a mistake: it leaves its traces on each shard and commits one shard
// after the other, and sometimes dies in between.
func (c *client) oneByOne(ctx context.Context, w *work, id int64) error {
	cfg, err := xadriver.ParseDSN(c.DSN)
	if err != nil {
		return err
	}
	var open []pgx.Tx
	for _, shard := range w.on {
		conn, err := pgx.Connect(ctx, cfg.Shards[shard].DSN)
		if err != nil {
			return err
		}
		defer conn.Close(context.WithoutCancel(ctx))
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		open = append(open, tx)
		if _, err := tx.Exec(ctx, "INSERT INTO traces (owner, id, state) VALUES ($1, $2, 1)", c.anchor(shard), id); err != nil {
			return err
		}
	}
	for i, tx := range open {
		if i > 0 && c.r.IntN(10) == 0 {
			c.end("between two commits")
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// presume is a mistake: it takes what is prepared for abandoned and rolls it back on
// the first shard, and asks nobody.
func (c *child) presume(ctx context.Context, cfg *xadriver.Config) {
	for ctx.Err() == nil {
		_ = c.presumeOnce(ctx, cfg.Shards[0].DSN)
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *child) presumeOnce(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for ctx.Err() == nil {
		rows, err := conn.Query(ctx, "SELECT gid FROM pg_prepared_xacts")
		if err != nil {
			return err
		}
		gids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, gid := range gids {
			_, _ = conn.Exec(ctx, "ROLLBACK PREPARED '"+strings.ReplaceAll(gid, "'", "''")+"'")
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}
