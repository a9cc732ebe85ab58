package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// ways are those in which a statement can be stopped.
var ways = []string{"cancel", "deadline", "pg_cancel_backend", "pg_terminate_backend"}

// by says how the statement is stopped, and returns the context for it.
func (a *attempt) by(t *testing.T, how string, when func(stop func())) context.Context {
	t.Helper()
	a.how = how
	switch how {
	case "cancel":
		ctx, cancel := context.WithCancel(context.Background())
		t.Cleanup(cancel)
		a.cause = context.Canceled
		when(cancel)
		return ctx
	case "deadline":
		e := xatest.NewDeadline(context.Background())
		t.Cleanup(e.Pass)
		a.cause = context.DeadlineExceeded
		when(e.Pass)
		return e
	case "statement_timeout", "lock_timeout":
		a.keeps, a.setup, a.code = true, how+" = '300ms'", map[string]string{"statement_timeout": "57014", "lock_timeout": "55P03"}[how]
		when(func() {})
	case "pg_cancel_backend":
		a.keeps, a.code = true, "57014"
		when(func() { a.backends(t, "pg_cancel_backend(pid)") })
	default:
		when(func() { a.backends(t, "pg_terminate_backend(pid, 5000)") }) // waits until they are gone
	}
	return context.Background()
}

// read returns all rows as text.
func read(ctx context.Context, s runner, query string, args ...any) (string, error) {
	rows, err := s.QueryContext(ctx, query, args...)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil { // database/sql has closed them already, because the context has ended
		return "", errors.Join(errReading, fmt.Errorf("columns: %w", err))
	}
	row, to := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range row {
		to[i] = &row[i]
	}
	var out []string
	for err == nil && rows.Next() {
		if err = rows.Scan(to...); err != nil { // database/sql may notice here, too, that the context has ended
			return "", errors.Join(errReading, fmt.Errorf("scanning: %w", err))
		}
		out = append(out, fmt.Sprint(row))
	}
	slices.Sort(out)
	if err := rows.Err(); err != nil {
		return "", errors.Join(errReading, err)
	}
	return strings.Join(out, "\n"), nil
}

// errReading says that rows were stopped, whose statement was done by then.
var errReading = errors.New("while rows were read")

// kind is one kind of statement.
type kind struct {
	name   string
	run    func(ctx context.Context, w *world, s session) (string, error)
	only   string // the modes in which it can be run; all if empty
	loose  bool   // outside of a transaction it may be done though its answer is lost
	apart  bool   // it is not a statement of the transaction, which goes on without it
	waits  string // the obstacles that it waits for; all if empty
	rows   bool   // and locked rows are enough
	partly bool   // or done in part
	unseen bool   // the driver does not see it: the server alone fails the transaction
}

func reading(query string) func(context.Context, *world, session) (string, error) {
	return func(ctx context.Context, w *world, s session) (string, error) {
		return read(ctx, s, query, w.args(query)...)
	}
}

func writing(query string) func(context.Context, *world, session) (string, error) {
	return func(ctx context.Context, w *world, s session) (string, error) {
		res, err := s.ExecContext(ctx, query, w.args(query)...)
		if err != nil {
			return "", err
		}
		n, err := res.RowsAffected()
		return fmt.Sprint(n), err
	}
}

var kinds = []kind{
	{name: "one shard", run: reading("SELECT balance FROM accounts WHERE owner = $1")},
	{name: "joined", run: reading("SELECT owner, balance FROM accounts")},
	{name: "ordered merge", run: reading("SELECT owner, balance FROM accounts ORDER BY balance LIMIT 5")},
	{name: "partial aggregates", run: reading("SELECT note, count(*), sum(balance) FROM accounts GROUP BY note")},
	{name: "merge by PostgreSQL", run: reading(`SELECT owner FROM accounts ORDER BY owner COLLATE "en-x-icu"`)},
	{name: "gather", run: reading("SELECT a.owner, b.owner FROM accounts a JOIN accounts b ON a.balance = b.balance")},
	{name: "write of one shard", run: writing("UPDATE accounts SET balance = 1 WHERE owner = $1"), loose: true, rows: true},
	{name: "write of all shards", run: writing("UPDATE accounts SET balance = balance + 1"), rows: true},
	{name: "split", run: reading("INSERT INTO accounts (owner) VALUES ('d1'), ('d2'), ('d3'), ('d4'), ('d5'), ('d6') RETURNING owner")},
	{name: "evaluate and split", run: writing("INSERT INTO accounts (owner, balance) SELECT name || '!', count(*) FROM items GROUP BY name")},
	{name: "move rows", run: reading("UPDATE items SET id = id + 100 RETURNING id, name"), rows: true},
	{name: "gather and apply", run: writing("UPDATE accounts a SET balance = u.id FROM audit u WHERE u.what = a.note"), rows: true},
	{name: "reference table", run: writing("UPDATE currencies SET name = name || '!'"), rows: true},
	{name: "script", run: writing("UPDATE accounts SET balance = 0; DELETE FROM items; INSERT INTO audit VALUES (3, 'n3')"), rows: true},
	{name: "CREATE TABLE", run: writing("CREATE TABLE made (owner text PRIMARY KEY, n bigserial)"), waits: "a slot, a connection"},
	{name: "CREATE INDEX", run: writing("CREATE INDEX made_index ON accounts (balance)")},
	{name: "CREATE INDEX CONCURRENTLY", run: writing("CREATE INDEX CONCURRENTLY made_index ON accounts (balance)"), only: "alone pinned", loose: true, partly: true},
	{name: "CopyFrom", run: func(ctx context.Context, _ *world, s session) (string, error) {
		n, err := xadriver.CopyFrom(ctx, s.conn, "accounts", accountColumns, copied(200))
		return fmt.Sprint(n), err
	}},
	{name: "Prepare", run: func(ctx context.Context, w *world, s session) (string, error) {
		stmt, err := s.PrepareContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE note = $1")
		if err != nil {
			return "", err
		}
		_, err = stmt.ExecContext(ctx, "n1")
		return "", errors.Join(err, stmt.Close())
	}},
	{name: "SET", run: writing("SET maintenance_work_mem = '6MB'"), only: "pinned transaction savepoint", waits: "a slot"},
	{name: "SAVEPOINT", run: writing("SAVEPOINT a; UPDATE accounts SET balance = 5; ROLLBACK TO SAVEPOINT a; RELEASE SAVEPOINT a"), only: "transaction savepoint"},
	{name: "pg_notify", run: reading("SELECT pg_notify('channel', 'something')"), waits: "a slot"},
	{name: "batch on one shard", run: func(ctx context.Context, w *world, s session) (string, error) {
		return "", s.conn.Raw(func(raw any) error {
			pg, err := raw.(*xadriver.Conn).Shard(ctx, fmt.Sprint("s", w.on+1))
			if err != nil {
				return err
			}
			batch := &pgx.Batch{}
			batch.Queue("UPDATE accounts SET balance = 7")
			return pg.Conn().SendBatch(ctx, batch).Close()
		})
	}, loose: true, unseen: true},
	{name: "Ping", run: func(ctx context.Context, w *world, s session) (string, error) {
		return "", s.conn.PingContext(ctx) // database/sql may give a pinned connection up with it, as it does with pgx
	}, only: "alone", apart: true, waits: "nothing"},
	{name: "Route", run: func(ctx context.Context, w *world, _ session) (string, error) {
		_, err := w.connector.Route(ctx, "SELECT count(DISTINCT note) FROM accounts")
		return "", err
	}, apart: true, waits: "nothing"},
}

// attempt is one run of a statement that may be stopped.
type attempt struct {
	*world
	kind          kind
	before, after string // the states without the statement, and with it
	want          string // what it returns
	moments       int    // that it has
	pastOn        []int  // the shards on which its transaction has been before
	rolls         bool   // its transaction is rolled back, if it fails, and not committed
	stopped       bool   // something stops it
	how           string // what
	keeps         bool   // by which no connection is lost
	setup         string // the setting that does so
	cause         error  // what the error is then, where that is certain
	code          string // its SQLSTATE, where that is
	obstruct      func() // called when it is about to run; it sees to it that it is stopped
	clear         func() // called when it has ended, within its transaction
}

// modes are where a statement can be run; each judges what comes of it.
var modes = []struct {
	name string
	run  func(t *testing.T, a *attempt, ctx context.Context) (got string, err error)
}{
	{"alone", func(t *testing.T, a *attempt, ctx context.Context) (string, error) {
		conn := a.pin(t)
		got, err := a.run(t, ctx, session{a.DB, conn})
		_ = conn.Close()
		a.judge(t, got, err)
		return got, err
	}},
	{"pinned", func(t *testing.T, a *attempt, ctx context.Context) (string, error) {
		conn := a.pin(t, "SET work_mem = '5MB'", "SET "+a.setup)
		got, err := a.run(t, ctx, session{conn, conn})
		if a.setup != "" {
			_, err := conn.ExecContext(t.Context(), "RESET "+a.how)
			assert.NoError(t, err)
		}
		for _, name := range a.names {
			var mem string
			a.next(t, a.how, func() error {
				return conn.QueryRowContext(t.Context(), "SELECT current_setting('work_mem') FROM accounts WHERE owner = $1", name).Scan(&mem)
			})
			assert.Equal(t, "5MB", mem, "the session's setting")
		}
		require.NoError(t, conn.Close())
		a.judge(t, got, err)
		return got, err
	}},
	{"transaction", func(t *testing.T, a *attempt, ctx context.Context) (string, error) {
		conn := a.pin(t)
		tx := a.begin(t, conn, "SET LOCAL "+a.setup)
		got, err := a.run(t, ctx, session{tx, conn})
		if err != nil && !a.kind.apart && !a.kind.unseen {
			_, next := tx.ExecContext(t.Context(), "SELECT balance FROM accounts WHERE owner = $1", a.names[0])
			assert.Equal(t, "25P02", codeOf(t, next), "%v after %v", next, err)
		}
		end := pgx.ErrTxCommitRollback
		if err != nil && a.rolls {
			assert.NoError(t, tx.Rollback())
		} else {
			end = tx.Commit()
		}
		require.NoError(t, conn.Close())
		a.judgeEnd(t, got, err, end, a.after)
		return got, err
	}},
	{"savepoint", func(t *testing.T, a *attempt, ctx context.Context) (string, error) {
		conn := a.pin(t)
		tx := a.begin(t, conn, "SET LOCAL "+a.setup, "SAVEPOINT s")
		got, err := a.run(t, ctx, session{tx, conn})
		_, back := tx.ExecContext(t.Context(), "ROLLBACK TO SAVEPOINT s")
		if a.keeps || !a.stopped {
			assert.NoError(t, back, "no connection was lost by %v", err)
		}
		end := tx.Commit()
		require.NoError(t, conn.Close())
		a.judgeEnd(t, a.want, back, end, a.before)
		return got, err
	}},
}

// run runs the statement, and looks whether a stopped one says so.
func (a *attempt) run(t *testing.T, ctx context.Context, s session) (string, error) {
	a.obstruct()
	got, err := a.kind.run(ctx, a.world, s)
	a.moments = a.disarm()
	if a.clear != nil {
		a.clear()
	}
	if err != nil && a.cause != nil {
		assert.ErrorIs(t, err, a.cause)
	}
	return got, err
}

// pin takes a connection and runs statements on it that nothing stops; unfinished
// ones are left out.
func (a *attempt) pin(t *testing.T, statements ...string) *sql.Conn {
	t.Helper()
	conn, err := a.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	a.calmly(t, conn, statements)
	return conn
}

// begin begins a transaction that has a past on some shards.
func (a *attempt) begin(t *testing.T, conn *sql.Conn, statements ...string) *sql.Tx {
	t.Helper()
	tx, err := conn.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	for _, at := range a.pastOn {
		statements = append([]string{"INSERT INTO past VALUES ('" + a.names[at] + "')"}, statements...)
	}
	a.calmly(t, tx, statements)
	return tx
}

func (a *attempt) calmly(t *testing.T, on runner, statements []string) {
	for _, s := range statements {
		if !strings.HasSuffix(s, " ") {
			_, err := on.ExecContext(t.Context(), s)
			require.NoError(t, err)
		}
	}
}

// judge compares what the statement said with what is on the shards.
func (a *attempt) judge(t *testing.T, got string, err error) {
	t.Helper()
	a.settled(t, fmt.Sprint(a.how, ": ", err))
	state := a.state(t)
	var doubt *xadriver.InDoubtError
	switch {
	case !a.stopped:
	case err == nil:
		assert.Equal(t, a.after, state, "it said that it was done")
		assert.Equal(t, a.want, got, "what it returned")
	case errors.As(err, &doubt) || a.kind.loose || errors.Is(err, errReading):
		assert.True(t, a.kind.partly || state == a.before || state == a.after, "%v: %s", err, state)
	default:
		assert.Equal(t, a.before, state, "it said %v", err)
	}
	a.next(t, a.how, func() error {
		_, err := read(t.Context(), a.DB, "SELECT owner, balance FROM accounts")
		return err
	})
}

// judgeEnd does so for a transaction in which it ran, by what Commit said.
func (a *attempt) judgeEnd(t *testing.T, got string, err, end error, done string) {
	a.settled(t, fmt.Sprint(a.how, ": ", err, ", then ", end))
	past := a.past(t)
	var doubt *xadriver.InDoubtError
	switch {
	case end == nil:
		assert.True(t, err == nil || a.kind.apart, "a transaction was committed of which a statement had failed: %v", err)
		assert.Len(t, a.pastOn, past)
	case errors.As(end, &doubt):
		assert.Contains(t, []int{0, len(a.pastOn)}, past, end)
		return
	default:
		assert.Zero(t, past, end)
		assert.True(t, err != nil || a.how == "pg_terminate_backend", "nothing failed but Commit: %v", end)
		if err != nil && !a.kind.apart && !a.kind.unseen {
			assert.ErrorIs(t, end, pgx.ErrTxCommitRollback, "%v", err)
		}
	}
	of := *a
	if of.after = done; err != nil && end == nil {
		of.want, got = "", ""
	}
	of.kind.loose = false
	of.judge(t, got, end)
}

var every = os.Getenv("XAPG_CANCEL_ALL") != "" // every moment of every statement in every way

func TestAStatementCanBeStoppedAtAnyMoment(t *testing.T) {
	w := openWorld(t, nil)
	stopped := 0
	for k, kind := range kinds {
		for m, mode := range modes {
			if kind.only != "" && !strings.Contains(kind.only, mode.name) {
				continue
			}
			for h, how := range ways {
				if !every && h != (k+m)%len(ways) {
					continue
				}
				t.Run(strings.Join([]string{kind.name, mode.name, how}, "/"), func(t *testing.T) {
					w.reset(t)
					a := &attempt{world: w, kind: kind, before: w.state(t), pastOn: []int{0, 1, 2}}
					a.obstruct = func() { w.arm(0, nil) }
					var err error
					a.want, err = mode.run(t, a, t.Context())
					require.NoError(t, err)
					a.after, a.stopped = w.state(t), true
					step := max(1, a.moments/3)
					if every {
						step = 1
					}
					for at := 1 + (k+m)%step; at <= a.moments; at += step {
						t.Run(fmt.Sprintf("moment %d of %d", at, a.moments), func(t *testing.T) {
							w.reset(t)
							a := *a
							a.rolls = at%2 == 0
							ctx := a.by(t, how, func(stop func()) { a.obstruct = func() { w.arm(at, stop) } })
							_, err := mode.run(t, &a, ctx)
							if err != nil {
								stopped++
							}
						})
					}
				})
			}
		}
	}
	assert.Positive(t, stopped)
}
