package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/xatest"
)

// arena is servers with tables, and the applications that use them.
type arena struct {
	options
	report  *report
	cluster *xatest.Cluster
	dir     string
	names   []string  // of the shards
	ids     [][]int64 // by shard, as many as all lanes and zones need
	db      *sql.DB   // this process's own
	crew    []*process

	mu       sync.Mutex
	ears     map[int]chan event // by ring
	expected map[string]int64   // what rows are counted up to, by those that committed
}

// modes are the ways in which pgx runs statements; applications differ in that.
var modes = []string{"cache_statement", "simple_protocol", "exec", "cache_describe"}

func openArena(ctx context.Context, o options, r *report) (_ *arena, err error) {
	a := &arena{options: o, report: r, ears: make(map[int]chan event), expected: make(map[string]int64)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.dir, err = os.MkdirTemp("", "rings-"); err != nil {
		return nil, err
	}
	patience, err := o.patience()
	if err != nil {
		return nil, err
	}
	a.cluster, err = xatest.Open(ctx, xatest.Shards(o.shards), xatest.Log(r.out), xatest.Set("deadlock_timeout", fmt.Sprint(patience.Milliseconds())),
		xatest.Set("max_connections", "400"), xatest.Set("max_prepared_transactions", "400"), xatest.Set("log_min_messages", "fatal"), xatest.Set("log_min_error_statement", "panic"))
	if err != nil {
		return nil, err
	}
	for _, s := range a.cluster.Shards {
		a.names = append(a.names, s.Name())
	}
	if err := a.setup(ctx); err != nil {
		return nil, err
	}
	for slot := range o.processes {
		p, err := launch(spec{Slot: slot, DSN: a.dsn(modes[slot%len(modes)])}, a.dir, a.hear)
		if err != nil {
			return nil, err
		}
		a.crew = append(a.crew, p)
	}
	for _, p := range a.crew {
		if err := p.awaitReady(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// dsn is how an application reaches the shards.
func (a *arena) dsn(mode string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster=rings log=%s", xatest.Quote("sqlite:"+filepath.Join(a.dir, "log.db")))
	for _, s := range a.cluster.Shards {
		fmt.Fprintf(&b, " shard.%s=%s", s.Name(), xatest.Quote(s.DSN()+"&default_query_exec_mode="+mode))
	}
	for _, table := range append(a.boards(), "pawns", "fresh", "parents", "children", "hot") {
		b.WriteString(" key." + table + "=id")
	}
	b.WriteString(" reference=flags " + a.settings)
	if a.timeout != "" {
		b.WriteString(" deadlock_timeout=" + a.timeout)
	}
	return b.String()
}

func (a *arena) boards() (list []string) {
	for lane := range a.lanes {
		for n := range boardsPerLane {
			list = append(list, board(lane, n))
		}
	}
	return list
}

// setup makes the tables, and finds rows of each shard.
func (a *arena) setup(ctx context.Context) (err error) {
	if a.db, err = sql.Open("xapg", a.dsn(modes[0])); err != nil {
		return err
	}
	var b strings.Builder
	for _, table := range append(a.boards(), "pawns", "hot", "flags") {
		fmt.Fprintf(&b, "CREATE TABLE %s (id bigint PRIMARY KEY, n bigint NOT NULL DEFAULT 0);", table)
	}
	b.WriteString("CREATE TABLE fresh (id bigint PRIMARY KEY); CREATE TABLE parents (id bigint PRIMARY KEY);" +
		"CREATE TABLE children (id bigint REFERENCES parents DEFERRABLE INITIALLY DEFERRED);")
	for zone := range a.zones {
		fmt.Fprintf(&b, "CREATE TABLE %s (id bigint, n bigint NOT NULL DEFAULT 0);", parade(zone))
	}
	if _, err := a.db.ExecContext(ctx, b.String()); err != nil {
		return err
	}
	perShard := max(a.lanes*mostMembers, a.zones*hotPerShard)
	all := 2*a.shards*perShard + 200
	if _, err := a.db.ExecContext(ctx, "INSERT INTO pawns (id) SELECT i FROM generate_series(1, $1::bigint) i", all); err != nil {
		return err
	}
	var ids []int64
	for _, s := range a.cluster.Shards {
		found, err := column[int64](ctx, s.DSN(), "SELECT id FROM pawns ORDER BY id LIMIT $1", perShard)
		if err != nil {
			return err
		}
		if len(found) < perShard {
			return fmt.Errorf("shard %s has %d rows only", s.Name(), len(found))
		}
		a.ids, ids = append(a.ids, found), append(ids, found...)
	}
	if _, err := a.db.ExecContext(ctx, "DELETE FROM pawns WHERE id <> ALL ($1)", ids); err != nil {
		return err
	}
	for _, table := range append(a.boards(), "hot", "flags", "parents") {
		if _, err := a.db.ExecContext(ctx, "INSERT INTO "+table+" (id) SELECT unnest($1::bigint[])", ids); err != nil {
			return err
		}
	}
	return nil
}

// hear is given everything that applications say of transactions.
func (a *arena) hear(e event) {
	a.mu.Lock()
	ear := a.ears[e.Ring]
	a.mu.Unlock()
	if ear != nil {
		ear <- e
	}
}

// listen opens an ear for a ring, which takes so many events without being read.
func (a *arena) listen(ring, events int) chan event {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ears[ring] = make(chan event, events)
	return a.ears[ring]
}

// compare looks whether the rows are what the transactions that committed made of them.
func (a *arena) compare(ctx context.Context) error {
	for _, table := range append(a.boards(), "pawns", "flags") {
		for _, s := range a.cluster.Shards {
			rows, err := column[string](ctx, s.DSN(), "SELECT id || ' ' || n FROM "+table)
			if err != nil {
				return err
			}
			for _, row := range rows {
				var id, n int64
				if _, err := fmt.Sscan(row, &id, &n); err != nil {
					return err
				}
				if want := a.expected[counter(table, id)]; n != want {
					a.report.violate(vData, "row %d of %s on %s counts %d, not %d", id, table, s.Name(), n, want)
				}
			}
		}
	}
	for _, s := range a.cluster.Shards {
		left, err := column[string](ctx, s.DSN(), "SELECT gid FROM pg_prepared_xacts")
		if err != nil {
			return err
		}
		for _, gid := range left {
			a.report.violate(vData, "%s is left prepared on %s", gid, s.Name())
		}
	}
	return nil
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
	ends := make([]error, len(a.crew))
	var ending sync.WaitGroup
	for i, p := range a.crew {
		ending.Go(func() { ends[i] = p.end() })
	}
	ending.Wait()
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.cluster != nil {
		errs = append(errs, a.cluster.Close())
	}
	errs = append(errs, os.RemoveAll(a.dir))
	return errors.Join(slices.Concat(ends, errs)...)
}
