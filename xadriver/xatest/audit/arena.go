package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

const startBalance = 1000

// arena is where the money is.
type arena struct {
	options
	reads   string
	cluster *xatest.Cluster
	dir     string
	dsn     string
	names   []string
	owners  [][]int64 // by shard
	links   [][]int64 // by shard: one row for each chain
	chains  [][]int64 // by transfer process: one row on each shard, in the order of cause and effect
	version string
}

func openArena(ctx context.Context, o options, reads string) (_ *arena, err error) {
	a := &arena{options: o, reads: reads}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.dir, err = os.MkdirTemp("", "audit-"); err != nil {
		return nil, err
	}
	if a.cluster, err = xatest.Open(ctx, xatest.Shards(o.shards), xatest.Set("max_connections", "300"), xatest.Set("max_prepared_transactions", "300"),
		xatest.Set("log_min_messages", "fatal"), xatest.Set("log_min_error_statement", "panic")); err != nil {
		return nil, err
	}
	for _, s := range a.cluster.Shards {
		a.names = append(a.names, s.Name())
	}
	a.dsn = a.cluster.DSN("audit", filepath.Join(a.dir, "log.db"), "key.accounts=owner", "resolve_after=1s", "resolve_every=250ms",
		"lock_wait=2s", "commit_timeout=5s", "finish_wait=3s", "health_check=1s",
		"consistent_reads="+reads, fmt.Sprint("cut_share=", o.share))
	return a, a.setup(ctx)
}

// open opens the cluster without a word about what its background does.
func open(dsn string, steps func(xadriver.Step)) (*sql.DB, error) {
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	cfg.Logger, cfg.OnStep = slog.New(slog.DiscardHandler), steps
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// setup opens the accounts: on each shard as many as asked, and one row for each chain.
func (a *arena) setup(ctx context.Context) error {
	db, err := open(a.dsn, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE accounts (owner bigint PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50)"); err != nil {
		return err
	}
	need := a.accounts + a.movers
	if _, err := db.ExecContext(ctx, "INSERT INTO accounts SELECT i, $1 FROM generate_series(1, $2::bigint) i", startBalance, 40*a.shards*need); err != nil {
		return err
	}
	a.chains = make([][]int64, a.movers)
	var keep []int64
	for shard, s := range a.cluster.Shards {
		found, err := column[int64](ctx, s.DSN(), "SELECT owner FROM accounts ORDER BY owner LIMIT $1", need)
		if err != nil {
			return err
		}
		if len(found) < need {
			return fmt.Errorf("shard %s has %d accounts only", s.Name(), len(found))
		}
		a.owners = append(a.owners, found[:a.accounts])
		a.links = append(a.links, found[a.accounts:])
		keep = append(keep, found...)
		if shard == 0 {
			version, err := column[string](ctx, s.DSN(), "SELECT current_setting('server_version')")
			if err != nil {
				return err
			}
			a.version = version[0]
		}
	}
	for i := range a.chains {
		a.chains[i] = chainOf(a.links, i)
	}
	if _, err := db.ExecContext(ctx, "DELETE FROM accounts WHERE owner <> ALL ($1)", keep); err != nil {
		return err
	}
	for _, chain := range a.chains {
		if _, err := db.ExecContext(ctx, "UPDATE accounts SET balance = 0 WHERE owner = ANY ($1)", chain); err != nil {
			return err
		}
	}
	return nil
}

// chainOf links one row of each shard. Chains begin on different shards, and every second
// one goes backwards.
func chainOf(links [][]int64, n int) []int64 {
	chain := make([]int64, len(links))
	for i := range links {
		shard := (i + n) % len(links)
		if n%2 == 1 {
			shard = len(links) - 1 - shard
		}
		chain[i] = links[shard][n]
	}
	return chain
}

// total is what every sum must give.
func (a *arena) total() int64 { return int64(a.shards) * int64(a.accounts) * startBalance }

// machine is on what the figures were measured.
func (a *arena) machine() string {
	return fmt.Sprintf("PostgreSQL %s, %d cores", a.version, runtime.NumCPU())
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
	var err error
	if a.cluster != nil {
		err = a.cluster.Close()
	}
	return errors.Join(err, os.RemoveAll(a.dir))
}
