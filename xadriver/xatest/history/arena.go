package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

const (
	shards         = 3
	ownersPerShard = 4
)

// arena is where the processes meet: servers, tables and a decision log.
type arena struct {
	cluster *xatest.Cluster
	dir     string
	names   []string
	anchors []int64   // by shard: the owner of its lists
	owners  [][]int64 // by shard: of accounts
}

// openArena starts the servers and makes the tables.
func openArena(ctx context.Context, say io.Writer) (_ *arena, err error) {
	a := &arena{}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.dir, err = os.MkdirTemp("", "history-"); err != nil {
		return nil, err
	}
	a.cluster, err = xatest.Open(ctx, xatest.Shards(shards), xatest.Log(say), xatest.Set("max_connections", "200"), xatest.Set("max_prepared_transactions", "200"),
		xatest.Set("deadlock_timeout", "200ms"), xatest.Set("log_min_messages", "fatal"), xatest.Set("log_min_error_statement", "panic"))
	if err != nil {
		return nil, err
	}
	for _, s := range a.cluster.Shards {
		a.names = append(a.names, s.Name())
	}
	return a, a.setup(ctx)
}

// dsn is how the shards are reached, with a setting of consistent_reads.
func (a *arena) dsn(setting string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster=history log=%s", xatest.Quote("sqlite:"+filepath.Join(a.dir, "log.db")))
	for _, s := range a.cluster.Shards {
		fmt.Fprintf(&b, " shard.%s=%s", s.Name(), xatest.Quote(s.DSN()+"&connect_timeout=3"))
	}
	b.WriteString(" key.lists=owner key.accounts=owner consistent_reads=" + setting)
	b.WriteString(" resolve_after=1s resolve_every=300ms lock_wait=250ms cut_share=100 commit_timeout=5s finish_wait=20s")
	return b.String()
}

// open opens the cluster. Where steps of a commit are held on purpose, nobody may resolve
// just because some time has gone by.
func (a *arena) open(resolves bool) (*sql.DB, error) {
	cfg, err := xadriver.ParseDSN(a.dsn("snapshot"))
	if err != nil {
		return nil, err
	}
	cfg.NoResolver, cfg.Logger = !resolves, slog.New(slog.DiscardHandler)
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// setup makes the tables, and sees which owners live where.
func (a *arena) setup(ctx context.Context) (err error) {
	db, err := a.open(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, `CREATE TABLE lists (owner bigint NOT NULL, slot bigint NOT NULL, v bigint[] NOT NULL, PRIMARY KEY (owner, slot));
		CREATE TABLE accounts (owner bigint PRIMARY KEY, balance bigint NOT NULL)`)
	if err != nil {
		return err
	}
	const candidates = 100 // enough for every shard to have some
	if _, err := db.ExecContext(ctx, "INSERT INTO accounts SELECT i, 0 FROM generate_series(1, $1::bigint) i", candidates); err != nil {
		return err
	}
	for _, s := range a.cluster.Shards {
		found, err := column[int64](ctx, s.DSN(), "SELECT owner FROM accounts ORDER BY owner LIMIT $1", ownersPerShard)
		if err != nil {
			return err
		}
		if len(found) < ownersPerShard {
			return fmt.Errorf("shard %s has %d accounts only", s.Name(), len(found))
		}
		a.owners, a.anchors = append(a.owners, found), append(a.anchors, found[0])
	}
	return nil
}

// sweep begins anew: no lists, and as much on each account as at first.
func (a *arena) sweep(ctx context.Context) error {
	return a.each(ctx, func(i int, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SET lock_timeout = '10s'; TRUNCATE lists, accounts")
		if err == nil {
			_, err = conn.Exec(ctx, "INSERT INTO accounts SELECT unnest($1::bigint[]), $2", a.owners[i], startBalance)
		}
		return err
	})
}

// each does something on each server.
func (a *arena) each(ctx context.Context, do func(i int, conn *pgx.Conn) error) error {
	for i, s := range a.cluster.Shards {
		conn, err := pgx.Connect(ctx, s.DSN())
		if err != nil {
			return err
		}
		err = do(i, conn)
		_ = conn.Close(ctx)
		if err != nil {
			return fmt.Errorf("server %s: %w", s.Name(), err)
		}
	}
	return nil
}

// settleLimit is how long resolving may take when nothing hinders it any more.
const settleLimit = 30 * time.Second

// settled waits until nothing is in doubt or under way, and reads the lists and the sum
// of all accounts.
func (a *arena) settled(ctx context.Context) (lists map[int64][]int64, money int64, err error) {
	for limit := time.Now().Add(settleLimit); ; time.Sleep(20 * time.Millisecond) {
		var left []string
		err := a.each(ctx, func(_ int, conn *pgx.Conn) error {
			rows, err := conn.Query(ctx, "SELECT gid FROM pg_prepared_xacts UNION ALL SELECT query FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_prepared_xacts%' AND NOT query LIKE '%_xapg.%'")
			if err != nil {
				return err
			}
			found, err := pgx.CollectRows(rows, pgx.RowTo[string])
			left = append(left, found...)
			return err
		})
		if err == nil && len(left) == 0 {
			break
		}
		if time.Now().After(limit) {
			return nil, 0, fmt.Errorf("it did not become quiet: %v, %w", left, err)
		}
	}
	lists = make(map[int64][]int64)
	err = a.each(ctx, func(i int, conn *pgx.Conn) error {
		var slot, balance int64
		var v []int64
		rows, _ := conn.Query(ctx, "SELECT slot, v FROM lists")
		if _, err := pgx.ForEachRow(rows, []any{&slot, &v}, func() error {
			lists[place{i, slot}.key()] = append([]int64(nil), v...)
			return nil
		}); err != nil {
			return err
		}
		err := conn.QueryRow(ctx, "SELECT coalesce(sum(balance), 0)::bigint FROM accounts").Scan(&balance)
		money += balance
		return err
	})
	return lists, money, err
}

// column reads one column of a server.
func column[T any](ctx context.Context, dsn, query string, args ...any) ([]T, error) {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[T])
}

// Close stops everything and removes it.
func (a *arena) Close() error {
	var errs []error
	if a.cluster != nil {
		errs = append(errs, a.cluster.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(a.dir))...)
}
