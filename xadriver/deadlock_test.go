package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// circles is a bank in which deadlocks over several shards are tried: an account for each
// of the owners, the i-th of which lives on shard i.
type circles struct {
	*bank
	who []string
}

const (
	pay  = "UPDATE accounts SET balance = balance - 1 WHERE owner = $1"
	soon = "deadlock_timeout=200ms"
)

func openCircles(t testing.TB, shards int, more ...string) *circles {
	t.Helper()
	c := &circles{bank: openBank(t, shards, append([]string{"key.seats=owner"}, more...)...)}
	c.who = owners(t, c.bank)
	_, err := c.Exec("CREATE TABLE seats (owner text, n int, CONSTRAINT once UNIQUE (owner, n) DEFERRABLE INITIALLY DEFERRED)")
	require.NoError(t, err)
	for _, name := range c.who {
		_, err := c.Exec("INSERT INTO accounts VALUES ($1, 100)", name)
		require.NoError(t, err)
	}
	_, err = c.Exec("INSERT INTO currencies VALUES ('EUR', 'euro')")
	require.NoError(t, err)
	return c
}

// with is the cluster's DSN with another setting.
func (c *circles) with(setting string) string { return strings.Replace(c.dsn, soon, setting, 1) }

func (c *circles) config(t testing.TB, setting string) xadriver.Config {
	t.Helper()
	cfg, err := xadriver.ParseDSN(c.with(setting))
	require.NoError(t, err)
	return *cfg
}

// balance asks a shard directly.
func (c *circles) balance(t testing.TB, shard int) string {
	t.Helper()
	return c.on(t, shard, "SELECT balance::text FROM accounts")
}

// payer is a transaction that has paid from an account, and what becomes of the statement
// after that.
type payer struct {
	*sql.Tx
	done chan error
}

func begun(t testing.TB, db *sql.DB, owner string) *payer {
	t.Helper()
	tx, err := db.BeginTx(context.Background(), nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	_, err = tx.Exec(pay, owner)
	require.NoError(t, err)
	return &payer{tx, make(chan error, 1)}
}

// then runs a statement that is to wait, and returns when somebody waits for a lock who
// is not one of those n that did before.
func (p *payer) then(t testing.TB, c *circles, n int, query string, args ...any) {
	t.Helper()
	p.at(func() error {
		_, err := p.Exec(query, args...)
		return err
	})
	c.waiting(t, n+1)
}

func (p *payer) at(do func() error) {
	go func() { p.done <- do() }()
}

// waiting returns when so many sessions wait for locks, or nobody does any more.
func (c *circles) waiting(t testing.TB, n int) {
	t.Helper()
	for range 2000 {
		if got := c.waiters(t); got >= n {
			return
		}
	}
	require.Fail(t, "nobody waits")
}

func (c *circles) waiters(t testing.TB) (n int) {
	t.Helper()
	for _, url := range c.urls {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		var here int
		err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND datname = current_database()").Scan(&here)
		require.NoError(t, errors.Join(err, conn.Close(t.Context())))
		n += here
	}
	return n
}

// deadlocked makes sure that an error is that of a victim.
func deadlocked(t testing.TB, err error) *pgconn.PgError {
	t.Helper()
	var pgErr *pgconn.PgError
	require.ErrorAs(t, err, &pgErr)
	require.Equal(t, "40P01", pgErr.Code, pgErr.Message)
	require.Equal(t, "deadlock detected", pgErr.Message)
	return pgErr
}

func TestDeadlocksOverShardsEndByThemselves(t *testing.T) {
	c := openCircles(t, 3, soon)
	for name, run := range map[string]func(*testing.T, *circles){
		"two transactions in opposite order on two shards": inOppositeOrder,
		"a ring over three shards":                         inARing,
		"Retry runs the victim again":                      runAgain,
		"the victim goes on from its savepoint":            fromASavepoint,
		"the victim reads rows":                            readingRows,
		"through transactions of a single shard":           throughSingleShards,
		"through a session that is not ours":               throughAForeigner(false),
		"a session that is not ours is the youngest":       throughAForeigner(true),
		"through a reference table":                        throughAReferenceTable,
		"through DDL":                                      throughDDL,
		"through what is prepared":                         throughPrepared(false),
		"through what is prepared, though it is younger":   throughPrepared(true),
		"through what is prepared of both":                 bothPrepared,
		"a circle that dissolves":                          dissolving,
		"keys are taken by several branches":               keysAreTaken,
		"locks come before the snapshot":                   lockingBeforeReading,
		"who writes everywhere queues":                     inOneOrder,
		"several processes look":                           severalLook,
		"who waits for whom is told":                       waitsAreTold,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Exec("UPDATE accounts SET balance = 100")
			require.NoError(t, err)
			run(t, c)
			require.Zero(t, c.waiters(t), "nobody waits any more")
			require.Zero(t, c.prepared(t))
		})
	}
}

func inOppositeOrder(t *testing.T, c *circles) {
	old, young := begun(t, c.DB, c.who[0]), begun(t, c.DB, c.who[1])
	old.then(t, c, 0, pay, c.who[1])
	young.at(func() error { _, err := young.Exec(pay, c.who[0]); return err })

	pgErr := deadlocked(t, <-young.done)
	assert.Regexp(t, `^Transaction [0-9a-f]{8} waits on shard s1 \(process \d+\) for ShareLock on transaction \d+; blocked by transaction [0-9a-f]{8} \(process \d+\)\.
Transaction [0-9a-f]{8} waits on shard s2 \(process \d+\) for ShareLock on transaction \d+; blocked by transaction [0-9a-f]{8} \(process \d+\)\.
Transaction [0-9a-f]{8} on shard s1: UPDATE accounts SET balance = balance - 1 WHERE owner = \$1
Transaction [0-9a-f]{8} on shard s2: UPDATE accounts SET balance = balance - 1 WHERE owner = \$1$`, pgErr.Detail)
	assert.NotEmpty(t, pgErr.Hint)
	assert.Equal(t, "s1", xadriver.ShardOf(pgErr))

	require.NoError(t, <-old.done, "the victim has given up its locks on all shards, though nobody has said ROLLBACK")
	_, err := young.Exec(pay, c.who[1])
	assert.Equal(t, "25P02", codeOf(t, err))
	require.Error(t, young.Commit())
	require.NoError(t, old.Commit())
	assert.Equal(t, "99 99", c.balance(t, 0)+" "+c.balance(t, 1))
}

func runAgain(t *testing.T, c *circles) {
	old := begun(t, c.DB, c.who[0])
	runs := 0
	young := make(chan error, 1)
	first, had := make(chan struct{}), make(chan struct{})
	go func() {
		young <- xadriver.Retry(context.Background(), c.DB, nil, func(tx *sql.Tx) error {
			if runs++; runs > 1 {
				<-had // a server gives a row to who asks for it first when it is free, not to who has waited for it
			}
			if _, err := tx.Exec(pay, c.who[1]); err != nil {
				return err
			}
			if runs == 1 {
				close(first)
			}
			_, err := tx.Exec(pay, c.who[0])
			return err
		})
	}()
	<-first
	_, err := old.Exec(pay, c.who[1])
	close(had)
	require.NoError(t, err)
	require.NoError(t, old.Commit())
	require.NoError(t, <-young)
	assert.Equal(t, 2, runs)
}

func inARing(t *testing.T, c *circles) {
	var ring []*payer
	for i := range 3 {
		ring = append(ring, begun(t, c.DB, c.who[i]))
	}
	for i, p := range ring {
		p.at(func() error { _, err := p.Exec(pay, c.who[(i+1)%3]); return err })
	}
	deadlocked(t, <-ring[2].done)
	require.NoError(t, <-ring[1].done)
	require.NoError(t, ring[1].Commit())
	require.NoError(t, <-ring[0].done)
	require.NoError(t, ring[0].Commit())
}

func fromASavepoint(t *testing.T, c *circles) {
	old := begun(t, c.DB, c.who[0])
	tx, err := c.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback()
	for _, sql := range []string{"SELECT 1", "SAVEPOINT s", "UPDATE accounts SET balance = 7 WHERE owner = '" + c.who[1] + "'"} {
		_, err = tx.Exec(sql)
		require.NoError(t, err)
	}
	old.then(t, c, 0, pay, c.who[1])
	_, err = tx.Exec(pay, c.who[0])
	deadlocked(t, err)
	require.NoError(t, <-old.done)
	require.NoError(t, old.Commit())
	_, err = tx.Exec("ROLLBACK TO SAVEPOINT s")
	require.NoError(t, err)
	for _, name := range c.who { // and it is still one transaction to others
		_, err = tx.Exec(pay, name)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	assert.Equal(t, "98", c.balance(t, 1))
}

func readingRows(t *testing.T, c *circles) {
	old, young := begun(t, c.DB, c.who[0]), begun(t, c.DB, c.who[1])
	old.then(t, c, 0, pay, c.who[1])
	rows, err := young.Query("SELECT owner FROM accounts WHERE owner = $1 FOR UPDATE", c.who[0])
	if err == nil {
		for rows.Next() {
		}
		err = errors.Join(rows.Err(), rows.Close())
	}
	deadlocked(t, err)
	require.NoError(t, young.Rollback())
	require.NoError(t, <-old.done)
}

func TestWithoutTheWatchALimitEndsTheWait(t *testing.T) {
	cfg, err := xadriver.ParseDSN("cluster=bank log=sqlite:x.db shard.a='host=h1' shard.b='host=h2' deadlock_timeout=off")
	require.NoError(t, err)
	assert.Positive(t, cfg.LockWait)
	cfg, err = xadriver.ParseDSN("cluster=bank log=sqlite:x.db shard.a='host=h1' shard.b='host=h2'")
	require.NoError(t, err)
	assert.Negative(t, cfg.LockWait, "who waits long is no mistake")
	assert.Positive(t, cfg.DeadlockTimeout)

	c := openCircles(t, 2, "deadlock_timeout=off", "lock_wait=300ms")
	old, young := begun(t, c.DB, c.who[0]), begun(t, c.DB, c.who[1])
	old.at(func() error { _, err := old.Exec(pay, c.who[1]); return err })
	_, err = young.Exec(pay, c.who[0])
	if oldErr := <-old.done; err == nil {
		err = oldErr
	}
	assert.Equal(t, "55P03", codeOf(t, err))
	_ = young.Rollback()
}
