package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// world is a bank whose connections are tapped, and whose servers are watched by
// connections of their own.
type world struct {
	*bank
	*tap
	connector *xadriver.Connector
	names     []string // owners, the i-th on shard i
	on        int      // the shard of what concerns one only

	mu    sync.Mutex
	watch []*pgx.Conn
	gates [3]atomic.Pointer[chan struct{}] // before new connections to a shard, until they are closed
}

const worldSchema = bankSchema + `;
CREATE TABLE items (id bigint PRIMARY KEY, name text);
CREATE TABLE past (owner text PRIMARY KEY);
INSERT INTO accounts SELECT 'c' || g, g, 'n' || g % 3 FROM generate_series(1, 12) g;
INSERT INTO items SELECT g, 'i' || g % 2 FROM generate_series(1, 8) g;
INSERT INTO currencies VALUES ('KES', 'shilling');
INSERT INTO audit VALUES (1, 'n1'), (2, 'n2')`

func openWorld(t *testing.T, change func(*xadriver.Config), more ...string) *world {
	t.Helper()
	w := &world{bank: newBank(t, 3, append([]string{"key.items=id", "key.past=owner", "schema_check=off", "lock_wait=off", "resolve_after=5s", "resolve_every=200ms"}, more...)...), tap: &tap{}, on: 1}
	cfg, err := xadriver.ParseDSN(w.dsn)
	require.NoError(t, err)
	for i := range cfg.Shards {
		p, err := pgx.ParseConfig(cfg.Shards[i].DSN)
		require.NoError(t, err)
		p.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if gate := w.gates[i].Load(); gate != nil {
				select {
				case <-*gate:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return line{conn, w.tap}, nil
		}
		cfg.Shards[i].Pgx = p
		conn, err := pgx.Connect(context.Background(), cfg.Shards[i].DSN)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		w.watch = append(w.watch, conn)
	}
	cfg.Logger, _ = logged()
	if change != nil {
		change(cfg)
	}
	w.connector, err = xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	w.DB = sql.OpenDB(w.connector)
	w.SetMaxIdleConns(-1) // sessions end with their statements; the shards' connections are kept
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	_, err = w.Exec(worldSchema)
	require.NoError(t, err)
	w.names = fill(t, w.bank)
	w.everywhere(t, `CREATE SCHEMA saved; CREATE TABLE saved.accounts AS TABLE accounts; CREATE TABLE saved.items AS TABLE items;
		CREATE TABLE saved.currencies AS TABLE currencies; CREATE TABLE saved.audit AS TABLE audit`)
	return w
}

// everywhere runs something on every server, beside the driver, and returns the
// first column of what each answers.
func (w *world) everywhere(t testing.TB, query string) []string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]string, len(w.watch))
	for i, conn := range w.watch {
		results, err := conn.PgConn().Exec(context.Background(), query).ReadAll()
		if !assert.NoError(t, err) {
			return out
		}
		if last := results[len(results)-1]; len(last.Rows) > 0 {
			out[i] = string(last.Rows[0][0])
		}
	}
	return out
}

// reset makes all tables what they were at first.
func (w *world) reset(t testing.TB) {
	t.Helper()
	w.everywhere(t, `DELETE FROM ledger; DELETE FROM past; DELETE FROM accounts; INSERT INTO accounts TABLE saved.accounts; DELETE FROM items; INSERT INTO items TABLE saved.items;
		DELETE FROM currencies; INSERT INTO currencies TABLE saved.currencies; DELETE FROM audit; INSERT INTO audit TABLE saved.audit;
		DROP TABLE IF EXISTS made; DROP INDEX IF EXISTS made_index`)
}

// state is what is on all shards, but for the table past.
func (w *world) state(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("SELECT concat_ws(' ', to_regclass('made'), to_regclass('made_index')")
	for _, table := range []string{"accounts", "ledger", "items", "currencies", "audit"} {
		fmt.Fprintf(&b, ", '%s:', (SELECT string_agg(x::text, ' ' ORDER BY x::text) FROM %s x)", table, table)
	}
	return strings.Join(w.everywhere(t, b.String()+")"), "\n")
}

// count is on how many shards a query answers with something but 0.
func (w *world) count(t testing.TB, query string) (n int) {
	t.Helper()
	for _, s := range w.everywhere(t, query) {
		if s != "0" {
			n++
		}
	}
	return n
}

// past is on how many shards the table past has rows.
func (w *world) past(t testing.TB) int { return w.count(t, "SELECT count(*) FROM past") }

// ours are the backends of the driver.
const ours = " FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name <> 'holder' "

// backends does something to all of the driver's backends that do anything.
func (w *world) backends(t testing.TB, what string) {
	w.everywhere(t, "SELECT count("+what+")"+ours+"AND state <> 'idle'")
}

// quiet waits until the servers run nothing of the driver's any more.
func (w *world) quiet(t testing.TB) {
	t.Helper()
	assert.Eventually(t, func() bool { return w.count(t, "SELECT count(*)"+ours+"AND state = 'active'") == 0 },
		20*time.Second, 2*time.Millisecond, "the server goes on with a statement that nobody waits for")
}

// settled waits until the servers do nothing for the driver any more, nothing is
// open or prepared there, and nobody holds a connection or waits for one.
func (w *world) settled(t testing.TB, what string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		busy := w.count(t, "SELECT count(*)"+ours+"AND coalesce(state, '') <> 'idle'")
		prepared := w.count(t, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")
		stats := w.connector.Stats()
		held := 0
		for _, p := range stats.Pools {
			held += p.InUse
		}
		if busy+prepared+held+stats.Queue == 0 {
			return
		}
		if time.Now().After(end) {
			require.Fail(t, "it does not end", "%s: servers busy: %d, prepared: %d; in use: %d, in the queue: %d", what, busy, prepared, held, stats.Queue)
		}
	}
}

// next is what whoever comes next does, who may meet a connection that was killed
// when nobody used it any more.
func (w *world) next(t *testing.T, how string, do func() error) {
	t.Helper()
	err := do()
	for tries := 0; err != nil && how == "pg_terminate_backend" && tries < 5; tries++ {
		err = do()
	}
	assert.NoError(t, err, "whoever comes next")
}

// session is where a statement is run: on the database, on a pinned connection, or
// in a transaction of it.
type session struct {
	runner
	conn *sql.Conn
}

// runner is a *sql.DB, *sql.Conn or *sql.Tx.
type runner interface {
	ExecContext(context.Context, string, ...any) (sql.Result, error)
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	PrepareContext(context.Context, string) (*sql.Stmt, error)
}

// args are those of a statement that concerns one owner.
func (w *world) args(query string) []any {
	if strings.Contains(query, "$1") {
		return []any{w.names[w.on]}
	}
	return nil
}

// obstacle is something on one shard that statements wait for.
type obstacle struct {
	name     string
	settings []string
	ways     []string // in which a statement that waits for it can be stopped
	modes    string
	keeps    bool // who is stopped has lost no connection
	change   func(*xadriver.Config)
	// put puts it up, and returns whether somebody waits for it, and what removes it.
	put func(t *testing.T, a *attempt, at int) (waits func() bool, remove func())
}

var obstacles = []obstacle{
	{
		name: "a lock", modes: "alone pinned transaction savepoint", put: lockTables,
		ways: []string{"cancel", "deadline", "pg_cancel_backend", "pg_terminate_backend", "statement_timeout", "lock_timeout"},
	},
	{
		name: "a lock, asking the server to stop", keeps: true, modes: "transaction savepoint", put: lockTables,
		ways: []string{"cancel", "deadline"}, change: func(cfg *xadriver.Config) {
			for _, s := range cfg.Shards {
				s.Pgx.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
					return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 10 * time.Second}
				}
			}
		},
	},
	{
		name: "a slot", settings: []string{"shard_conns=1"}, modes: "alone pinned", ways: []string{"cancel", "deadline"},
		put: func(t *testing.T, a *attempt, at int) (func() bool, func()) {
			tx, err := a.Begin()
			require.NoError(t, err)
			_, err = tx.Exec("SELECT FROM accounts WHERE owner = $1", a.names[at])
			require.NoError(t, err)
			return func() bool { return a.connector.Stats().Queue > 0 }, func() { require.NoError(t, tx.Rollback()) }
		},
	},
	{
		name: "a connection", keeps: true, settings: []string{"conn_max_idle=1ms", "health_check=2ms"}, modes: "alone pinned transaction savepoint", ways: []string{"cancel", "deadline"},
		put: func(t *testing.T, a *attempt, at int) (func() bool, func()) {
			require.Eventually(t, func() bool { return a.connector.Stats().Pools[at].Open == 0 }, 10*time.Second, time.Millisecond)
			gate := make(chan struct{})
			a.gates[at].Store(&gate)
			return func() bool { return a.connector.Stats().Pools[at].Open > 0 }, func() {
				a.gates[at].Store(nil)
				close(gate)
			}
		},
	},
}

// stop lets a statement run into the obstacle, and be stopped when it waits for it.
// The obstacle is removed when the servers run nothing of ours any more.
func (o obstacle) stop(t *testing.T, a *attempt, at int, stop func()) {
	a.obstruct = func() {
		waits, remove := o.put(t, a, at)
		done := make(chan struct{})
		var once sync.Once
		var watching sync.WaitGroup
		watching.Go(func() {
			for !waits() {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
				}
			}
			stop()
		})
		a.clear = func() {
			once.Do(func() {
				close(done)
				watching.Wait()
				a.quiet(t)
				remove()
			})
		}
		t.Cleanup(a.clear)
	}
}

// lockTables lets somebody else lock the tables of a shard, or the rows in them.
func lockTables(t *testing.T, a *attempt, at int) (func() bool, func()) {
	conn, err := pgx.Connect(t.Context(), a.urls[at]+"&application_name=holder")
	require.NoError(t, err)
	lock := map[bool]string{false: "LOCK TABLE accounts, items, currencies", true: "SELECT FROM accounts FOR UPDATE; SELECT FROM items FOR UPDATE; SELECT FROM currencies FOR UPDATE"}
	_, err = conn.Exec(t.Context(), "BEGIN; "+lock[a.kind.rows])
	require.NoError(t, err)
	return func() bool {
		const busy = ours + "AND state = 'active' AND wait_event IS DISTINCT FROM 'ClientRead'" // all others have answered, or wait for rows
		behind := fmt.Sprintf("AND %d = ANY (pg_blocking_pids(pid))", conn.PgConn().PID())      // not a snapshot of somebody else's
		return a.count(t, "SELECT count(*)"+busy) == 1 && a.everywhere(t, "SELECT count(*)"+busy+behind)[at] == "1"
	}, func() { require.NoError(t, conn.Close(context.Background())) }
}

func TestAStatementThatWaitsCanBeStopped(t *testing.T) {
	for _, o := range obstacles {
		w := openWorld(t, o.change, o.settings...)
		for k, kind := range kinds {
			for m, mode := range modes {
				if kind.waits != "" && !strings.Contains(kind.waits, o.name) || kind.only != "" && !strings.Contains(kind.only, mode.name) ||
					!strings.Contains(o.modes, mode.name) || !every && (k+m)%2 == 0 {
					continue
				}
				for h, how := range o.ways {
					if !every && h != (k/2+m)%len(o.ways) || mode.name == "alone" && strings.HasSuffix(how, "timeout") {
						continue
					}
					t.Run(strings.Join([]string{"for " + o.name, kind.name, mode.name, how}, "/"), func(t *testing.T) {
						w.reset(t)
						w.on = 1 + (k+m)%2
						a := &attempt{world: w, kind: kind, before: w.state(t), after: "it cannot be done", stopped: true, rolls: k%2 == 0, pastOn: []int{0, 3 - w.on}, keeps: o.keeps}
						ctx := a.by(t, how, func(stop func()) { o.stop(t, a, w.on, stop) })
						if o.change != nil {
							a.cause = nil // the server may say it
						}
						_, err := mode.run(t, a, ctx)
						require.Error(t, err, "it did not wait")
						if a.code != "" {
							assert.Equal(t, a.code, codeOf(t, err), "%v", err)
						}
					})
				}
			}
		}
	}
}
