package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/txlog"
	_ "github.com/xapg/xapg/xadriver" // registers the driver "xapg"
	"github.com/xapg/xapg/xadriver/xatest"
)

const (
	ownersPerShard = 30
	startBalance   = 1000
)

// arena is where the processes fight: servers, ways to them that can be broken, and
// one decision log.
type arena struct {
	options
	cluster *xatest.Cluster
	proxies [][]*xatest.Proxy // by application and shard
	dir     string
	disk    *smallDisk      // nil where the log's disk cannot be filled up
	keeper  *xatest.Cluster // the server that keeps the log; nil where none of ours does
	logURL  string
	log     txlog.Log // opened by this process, to look at
	names   []string
	owners  [][]int64
	masks   []int // the sets of shards that count
}

// openArena starts the servers and makes the tables.
func openArena(ctx context.Context, o options, say io.Writer) (_ *arena, err error) {
	a := &arena{options: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.dir, err = os.MkdirTemp("", "torture-"); err != nil {
		return nil, err
	}
	settings := []xatest.Option{
		xatest.Shards(o.shards), xatest.Log(say), xatest.Set("max_connections", "300"), xatest.Set("max_prepared_transactions", "300"),
		xatest.Set("deadlock_timeout", "200ms"), xatest.Set("log_min_messages", "fatal"), xatest.Set("log_min_error_statement", "panic"),
	}
	if o.durable {
		settings = append(settings, xatest.Durable())
	}
	if a.cluster, err = xatest.Open(ctx, settings...); err != nil {
		return nil, err
	}
	for _, s := range a.cluster.Shards {
		a.names = append(a.names, s.Name())
	}
	if err = a.openProxies(); err != nil {
		return nil, err
	}
	if err = a.placeLog(ctx); err != nil {
		return nil, err
	}
	for mask := range 1 << o.shards {
		if mask&(mask-1) != 0 {
			a.masks = append(a.masks, mask)
		}
	}
	return a, a.setup(ctx)
}

func (a *arena) openProxies() error {
	for range a.apps {
		var row []*xatest.Proxy
		for _, s := range a.cluster.Shards {
			p, err := xatest.NewProxy(fmt.Sprintf("%s:%d", s.Host(), s.Port()))
			if err != nil {
				return err
			}
			row = append(row, p)
		}
		a.proxies = append(a.proxies, row)
	}
	return nil
}

// placeLog decides where the decision log is: at a URL, in a PostgreSQL server of its
// own, or, by default, in a file. A file is put on a small disk, where one can be had, so that the disk can be filled up.
func (a *arena) placeLog(ctx context.Context) (err error) {
	a.logURL = a.logAt
	switch a.logURL {
	case "postgres":
		if a.keeper, err = xatest.Open(ctx, xatest.Names("log"), xatest.Set("max_connections", "200")); err != nil {
			return err
		}
		a.logURL = a.keeper.Shards[0].DSN()
	case "":
		path := a.dir
		if a.disk, err = mountSmallDisk(filepath.Join(a.dir, "disk")); err == nil {
			path = a.disk.dir
		}
		a.logURL = "sqlite:" + filepath.Join(path, "log.db")
	}
	a.log, err = openLog(ctx, a.logURL, clusterName, nil)
	return err
}

// fullness says what becomes of the fault "log disk full".
func (a *arena) fullness() string {
	switch {
	case a.keeper != nil:
		return "its server is stopped as in a crash, like the others"
	case a.disk != nil:
		return "its disk is filled up for real, by turns with a refusal by the processes themselves"
	default:
		return "that it is full is said by the processes themselves, as no small disk can be mounted here, or the log is no file"
	}
}

// sqlite reports whether the log is a file.
func (a *arena) sqlite() bool { return strings.HasPrefix(a.logURL, "sqlite:") }

const clusterName = "torture"

// dsn is how an application, or with -1 anybody else, reaches the shards.
func (a *arena) dsn(app int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster=%s log=%s", clusterName, xatest.Quote(a.logURL))
	for i, s := range a.cluster.Shards {
		url := s.DSN()
		if app >= 0 {
			url = a.proxies[app][i].Rewrite(url)
		}
		fmt.Fprintf(&b, " shard.%s=%s", s.Name(), xatest.Quote(url+"&connect_timeout=3"))
	}
	fmt.Fprintf(&b, " resolve_after=%s resolve_every=%s lock_wait=700ms commit_timeout=3s finish_wait=2s conn_max_idle=10s health_check=1s retain=1m", a.resolveAfter, a.resolveEvery)
	for _, table := range []string{"accounts", "traces", "counters", "ticks", "lists"} {
		b.WriteString(" key." + table + "=owner")
	}
	return b.String()
}

const schema = `
CREATE TABLE accounts (owner bigint PRIMARY KEY, balance bigint NOT NULL);
CREATE TABLE traces (owner bigint NOT NULL, id bigint NOT NULL, state int NOT NULL DEFAULT 0, PRIMARY KEY (owner, id));
CREATE INDEX traces_by_id ON traces (id);
CREATE TABLE counters (owner bigint NOT NULL, mask int NOT NULL, n bigint NOT NULL, PRIMARY KEY (owner, mask));
CREATE TABLE ticks (owner bigint NOT NULL, mask int NOT NULL, n bigint NOT NULL, id bigint NOT NULL, PRIMARY KEY (owner, mask, n));
CREATE TABLE lists (owner bigint NOT NULL, slot bigint NOT NULL, v bigint[] NOT NULL, PRIMARY KEY (owner, slot));
CREATE FUNCTION leave_trace(who bigint, txn bigint) RETURNS bigint LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO traces (owner, id) VALUES (who, txn); RETURN txn; END $$`

// setup makes the tables, and sees which owners live where.
func (a *arena) setup(ctx context.Context) error {
	db, err := sql.Open("xapg", a.dsn(-1))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	const owners = 600 // enough for every shard to have some
	if _, err := db.ExecContext(ctx, "INSERT INTO accounts SELECT i, $1 FROM generate_series(1, $2::bigint) i", startBalance, owners); err != nil {
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
		a.owners = append(a.owners, found)
	}
	for _, mask := range a.masks {
		for shard := range a.names {
			if mask&(1<<shard) == 0 {
				continue
			}
			if _, err := db.ExecContext(ctx, "INSERT INTO counters VALUES ($1, $2, 0)", a.owners[shard][0], mask); err != nil {
				return err
			}
		}
	}
	_, err = db.ExecContext(ctx, "DELETE FROM accounts WHERE owner <> ALL ($1)", a.everybody())
	return err
}

func (a *arena) everybody() (all []int64) {
	for _, o := range a.owners {
		all = append(all, o...)
	}
	return all
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
	if a.log != nil {
		errs = append(errs, a.log.Close())
	}
	for _, row := range a.proxies {
		for _, p := range row {
			errs = append(errs, p.Close())
		}
	}
	for _, c := range []*xatest.Cluster{a.cluster, a.keeper} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if a.disk != nil {
		errs = append(errs, a.disk.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(a.dir))...)
}
