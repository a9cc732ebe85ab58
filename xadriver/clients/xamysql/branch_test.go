package xamysql_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xamysql"
)

// table makes a resource over a new database with a small table.
func table(t *testing.T) (*xamysql.Resource, *sql.DB) {
	t.Helper()
	db, _ := mysqlDB(t, "")
	for _, sql := range []string{"CREATE TABLE shelf (item int PRIMARY KEY, n int) ENGINE=InnoDB", "INSERT INTO shelf VALUES (1, 10), (2, 10)"} {
		_, err := db.ExecContext(t.Context(), sql)
		require.NoError(t, err)
	}
	// The server does not let go of a branch because the machine has no time for the test.
	r, err := xamysql.New("stock", db, xamysql.Options{Silence: time.Minute})
	require.NoError(t, err)
	return r, db
}

const prefix = "xapg_clients_aaaaaaaaaaaa_"

func newGID() string { return prefix + uuid.Must(uuid.NewV7()).String() + "_stock" }

func TestABranchIsInItsConnectionsHandsUntilThatIsSilent(t *testing.T) {
	r, db := table(t)
	list := func() []xadriver.PreparedBranch {
		list, err := r.InDoubt(t.Context(), prefix)
		require.NoError(t, err)
		return list
	}
	vote := func(r *xamysql.Resource, sql string) (string, *xamysql.Tx) {
		gid := newGID()
		b, err := r.Begin(t.Context(), gid)
		require.NoError(t, err)
		_, err = b.ExecContext(t.Context(), sql)
		require.NoError(t, err)
		require.Empty(t, list(), "it has not voted")
		require.NoError(t, b.Prepare(t.Context()))
		require.Equal(t, []xadriver.PreparedBranch{{GID: gid}}, list())
		return gid, b
	}
	gid, b := vote(r, "UPDATE shelf SET n = 8 WHERE item = 1")
	if shared.maria {
		require.ErrorIs(t, r.Commit(t.Context(), gid), xadriver.ErrBranchBusy)
	}
	require.NoError(t, b.Rollback(t.Context()))
	b.Release()

	r, err := xamysql.New("stock", db, xamysql.Options{Silence: time.Second})
	require.NoError(t, err)
	gid, b = vote(r, "UPDATE shelf SET n = n - 1 WHERE item = 1")
	require.Eventually(t, func() bool { return r.Commit(t.Context(), gid) == nil }, settleWait, tick)
	require.ErrorIs(t, r.Commit(t.Context(), gid), xadriver.ErrNoSuchBranch)
	require.ErrorIs(t, r.Rollback(t.Context(), gid), xadriver.ErrNoSuchBranch)
	require.Error(t, b.Commit(t.Context()), "its connection is gone")
	b.Release()
	var n int
	require.NoError(t, db.QueryRow("SELECT n FROM shelf WHERE item = 1").Scan(&n))
	assert.Equal(t, 9, n)
	assert.Empty(t, list())
}

func TestAConnectionComesBackAsItWas(t *testing.T) {
	r, db := table(t)
	db.SetMaxOpenConns(1)
	_, err := db.Exec("SET SESSION wait_timeout = 1234")
	require.NoError(t, err)
	for _, end := range []func(*xamysql.Tx) error{
		func(b *xamysql.Tx) error { return errors.Join(b.Prepare(t.Context()), b.Commit(t.Context())) },
		func(b *xamysql.Tx) error { return errors.Join(b.Prepare(t.Context()), b.Rollback(t.Context())) },
		func(b *xamysql.Tx) error { return b.Commit(t.Context()) },
		func(b *xamysql.Tx) error { return b.Rollback(t.Context()) },
	} {
		b, err := r.Begin(t.Context(), newGID())
		require.NoError(t, err)
		_, err = b.ExecContext(t.Context(), "UPDATE shelf SET n = n + 1")
		require.NoError(t, err)
		require.NoError(t, end(b))
		b.Release()
	}
	var timeout, n int
	require.NoError(t, db.QueryRow("SELECT @@SESSION.wait_timeout, (SELECT n FROM shelf WHERE item = 1)").Scan(&timeout, &n))
	assert.Equal(t, 1234, timeout, "it is the same session")
	assert.Equal(t, 12, n, "two were committed, two rolled back")
}

// A branch that only read has nothing to keep. MariaDB rolls it back when its
// connection ends, and forgets it when the server does: neither may keep the
// transaction from being finished.
func TestABranchThatOnlyReadNeedsNobody(t *testing.T) {
	for _, end := range []string{"its connection ends", "the server is killed"} {
		t.Run(end, func(t *testing.T) {
			r, db := table(t)
			gid := newGID()
			b, err := r.Begin(t.Context(), gid)
			require.NoError(t, err)
			var id, n int
			require.NoError(t, b.QueryRowContext(t.Context(), "SELECT CONNECTION_ID(), n FROM shelf WHERE item = 1").Scan(&id, &n))
			require.NoError(t, b.Prepare(t.Context()))
			if end == "its connection ends" {
				_, err = db.Exec("KILL ?", id)
				require.NoError(t, err)
			} else {
				shared.kill()
				require.NoError(t, shared.start())
			}
			require.Eventually(t, func() bool {
				err := r.Commit(context.Background(), gid)
				return errors.Is(err, xadriver.ErrNoSuchBranch)
			}, settleWait, tick)
			list, err := r.InDoubt(t.Context(), prefix)
			require.NoError(t, err)
			assert.Empty(t, list)
			_ = b.Rollback(t.Context())
			b.Release()
		})
	}
}

func TestADeadlocksVictimIsRolledBackOnTheShardsToo(t *testing.T) {
	s := newShop(t, 1)
	ctx := t.Context()
	take := func(id string, account int) (*sql.Tx, *xamysql.Tx) {
		tx, err := s.BeginTx(ctx, nil)
		require.NoError(t, err)
		t.Cleanup(func() { _ = tx.Rollback() })
		_, err = tx.Exec("INSERT INTO sent VALUES ($1)", id)
		require.NoError(t, err)
		my, err := xadriver.Enlist(ctx, tx, s.stock)
		require.NoError(t, err)
		_, err = my.ExecContext(ctx, "INSERT INTO received VALUES (?)", id)
		require.NoError(t, err)
		_, err = my.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE id = ?", account)
		require.NoError(t, err)
		return tx, my
	}
	first, my1 := take("first", 1)
	second, my2 := take("second", 2)
	waiting := make(chan error)
	go func() {
		_, err := my1.ExecContext(ctx, "UPDATE accounts SET balance = balance - 1 WHERE id = 2")
		waiting <- err
	}()
	_, err2 := my2.ExecContext(ctx, "UPDATE accounts SET balance = balance - 1 WHERE id = 1")
	err1 := <-waiting
	require.True(t, (err1 == nil) != (err2 == nil), "one of them is the victim: %v, %v", err1, err2)
	// Both go on as if nothing had happened: the victim cannot commit.
	history := map[string]error{"first": first.Commit(), "second": second.Commit()}
	assert.Equal(t, err1 == nil, history["first"] == nil, "%v", history["first"])
	assert.Equal(t, err2 == nil, history["second"] == nil, "%v", history["second"])
	var left int
	require.NoError(t, s.mysql.QueryRow("SELECT count(*) FROM received").Scan(&left))
	assert.Equal(t, 1, left)
	sent, received := ids(t, s.DB, "sent"), ids(t, s.mysql, "received")
	assert.Equal(t, sent, received)
	assert.Empty(t, prepared(t, s.mysql))
}

func TestACancelledTransactionLeavesNothing(t *testing.T) {
	s := newShop(t, 1)
	for _, during := range []string{"a statement in MySQL", "nothing"} {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := s.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO sent VALUES ($1)", during)
		require.NoError(t, err)
		my, err := xadriver.Enlist(ctx, tx, s.stock)
		require.NoError(t, err)
		_, err = my.ExecContext(ctx, "INSERT INTO received VALUES (?)", during)
		require.NoError(t, err)
		if during == "nothing" {
			cancel()
		} else {
			time.AfterFunc(50*time.Millisecond, cancel)
			_, err = my.ExecContext(ctx, "SELECT SLEEP(60)")
			require.Error(t, err)
		}
		require.Error(t, tx.Commit())
		assert.Empty(t, s.violations(t, map[string]error{during: errors.New("cancelled")}), during)
		require.Eventually(t, func() bool { return len(prepared(t, s.mysql)) == 0 }, settleWait, tick)
	}
	// Nothing is locked either.
	require.NoError(t, send(t.Context(), s.DB, s.stock, "nothing", 1))
}
