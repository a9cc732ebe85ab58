package command

import (
	"context"
	"database/sql"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

const lockRow = "SELECT owner FROM accounts WHERE owner = $1 FOR UPDATE"

// waits asks the command until so many wait.
func (h *house) waits(t *testing.T, n int) (list []xadriver.Wait) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, out, errs := xapg("--json", "locks", h.dsn)
		list = nil
		require.NoError(t, json.Unmarshal([]byte(out), &list), errs)
		return len(list) == n
	}, 20*time.Second, 50*time.Millisecond, "waiting: %d", n)
	return list
}

// fill makes the rows of Alice, on porthos, and Bob, on athos.
func (h *house) fill(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("xapg", h.dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	_, err = db.ExecContext(t.Context(), "INSERT INTO accounts VALUES ('Alice'), ('Bob')")
	require.NoError(t, err)
	return db
}

func begin(t *testing.T, db *sql.DB, owners ...string) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	for _, o := range owners {
		_, err := tx.ExecContext(t.Context(), lockRow, o)
		require.NoError(t, err)
	}
	return tx
}

func TestOperatorsSeeWhoWaitsForWhom(t *testing.T) {
	h := newHouse(t, "deadlock_timeout=1h", "lock_wait=off")
	db := h.fill(t)
	code, out, errs := xapg("--json", "locks", h.dsn)
	assert.Zero(t, code, errs)
	assert.JSONEq(t, "[]", out, "nobody waits")
	code, out, _ = xapg("locks", h.dsn)
	assert.Zero(t, code)
	assert.Contains(t, out, "BLOCKER")

	tx := begin(t, db, "Bob", "Alice")
	foreign, err := pgx.Connect(t.Context(), h.urls["porthos"])
	require.NoError(t, err)
	defer foreign.Close(context.Background())
	_, err = foreign.Exec(t.Context(), "SET application_name = psql")
	require.NoError(t, err)
	over := make(chan error, 1)
	go func() {
		_, err := foreign.Exec(context.Background(), "DELETE\nFROM accounts WHERE owner = 'Alice' /* a statement that is longer than what a table shows of it */")
		over <- err
	}()
	w := h.waits(t, 1)[0]
	assert.Equal(t, "porthos", w.Shard)
	assert.Equal(t, int(foreign.PgConn().PID()), w.Waiter.PID)
	assert.Equal(t, "psql", w.Waiter.Application)
	assert.Contains(t, w.Waiter.Transaction, "porthos/", "a session of one shard")
	assert.Contains(t, w.Lock, "Lock on ")
	assert.ElementsMatch(t, []string{"athos", "porthos"}, w.Blocker.Shards)
	assert.Contains(t, w.Blocker.Statement, "FOR UPDATE")
	assert.Zero(t, w.Circle)
	code, out, errs = xapg("locks", h.dsn)
	assert.Zero(t, code, "to wait is nothing wrong: %s", errs)
	for _, want := range []string{w.Waiter.Transaction, w.Blocker.Transaction, "psql", "DELETE FROM accounts WHERE owner = 'Alice' /* a", "…", "idle in transaction", "porthos"} {
		assert.Contains(t, out, want)
	}
	assert.NotContains(t, out, "shows of it")
	require.NoError(t, tx.Rollback())
	require.NoError(t, <-over)
	h.waits(t, 0)
}

func TestOperatorsSeeWhoHoldsRowsThatArePrepared(t *testing.T) {
	h := newHouse(t, "resolve_after=1h", "resolve_every=1h", "deadlock_timeout=1h", "lock_wait=off")
	h.kill(t, "before_decide") // it has inserted Alice and Bob
	id := h.inDoubt(t).ID
	conn, err := pgx.Connect(t.Context(), h.urls["porthos"]) // who opens the cluster resolves what is left from before
	require.NoError(t, err)
	defer conn.Close(context.Background())
	over := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "INSERT INTO accounts VALUES ('Alice')")
		over <- err
	}()
	w := h.waits(t, 1)[0]
	assert.Equal(t, id, w.Blocker.ID)
	assert.Contains(t, w.Blocker.GID, id.String())
	assert.Zero(t, w.Blocker.PID)
	code, out, _ := xapg("locks", h.dsn)
	assert.Zero(t, code)
	assert.Contains(t, out, "prepared")
	assert.Contains(t, out, w.Blocker.Transaction)
	code, out, errs := xapg("resolve", h.dsn, "--older-than", "0s")
	require.Zero(t, code, out+errs)
	require.NoError(t, <-over)
}

func TestOperatorsSeeCircles(t *testing.T) {
	h := newHouse(t, "deadlock_timeout=1h", "lock_wait=off")
	db := h.fill(t)
	first, second := begin(t, db, "Alice"), begin(t, db, "Bob")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan error, 2)
	for tx, owner := range map[*sql.Tx]string{first: "Bob", second: "Alice"} {
		go func() {
			_, err := tx.ExecContext(ctx, lockRow, owner)
			over <- err
		}()
	}
	list := h.waits(t, 2)
	victims := 0
	for _, w := range list {
		assert.Equal(t, 1, w.Circle)
		assert.Len(t, w.Waiter.Shards, 2)
		if w.Victim {
			victims++
		}
	}
	assert.Equal(t, 1, victims)
	assert.Equal(t, list[0].Waiter.Transaction, list[1].Blocker.Transaction)
	assert.Equal(t, list[1].Waiter.Transaction, list[0].Blocker.Transaction)
	code, out, errs := xapg("locks", h.dsn)
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "wait for each other: 1")
	assert.Contains(t, out, "1, its victim")
	cancel()
	// Where one is stopped first, the other may still get what it waited for.
	if one, other := <-over, <-over; one == nil {
		require.Error(t, other)
	}
}

func TestWhoWaitsOnTheOtherShardsIsSeenWhenOneIsAway(t *testing.T) {
	h := build(t, xatest.Start(t, xatest.Names("athos", "porthos")))
	require.NoError(t, h.Server("athos").Stop(context.Background(), xatest.Immediate))
	holder, err := pgx.Connect(t.Context(), h.urls["porthos"])
	require.NoError(t, err)
	defer holder.Close(context.Background())
	_, err = holder.Exec(t.Context(), "BEGIN; LOCK TABLE accounts")
	require.NoError(t, err)
	waiter, err := pgx.Connect(t.Context(), h.urls["porthos"])
	require.NoError(t, err)
	defer waiter.Close(context.Background())
	over := make(chan error, 1)
	go func() {
		_, err := waiter.Exec(context.Background(), "DELETE FROM accounts")
		over <- err
	}()
	w := h.waits(t, 1)[0]
	assert.Equal(t, int(holder.PgConn().PID()), w.Blocker.PID)
	code, out, errs := xapg("locks", h.dsn)
	assert.Equal(t, exitUnreachable, code)
	assert.Contains(t, out, "DELETE FROM accounts")
	assert.Contains(t, errs, "athos")
	_, err = holder.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, <-over)
}
