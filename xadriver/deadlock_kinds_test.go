package xadriver_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// foreign is a session on one shard that is not the driver's, with a transaction that has
// paid from the account there.
func (c *circles) foreign(t *testing.T, shard int) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), c.urls[shard])
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	_, err = conn.Exec(t.Context(), "BEGIN")
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), pay, c.who[shard])
	require.NoError(t, err)
	return conn
}

// sit changes a row that is another one than pay changes, on the same shard.
const sit = "UPDATE seats SET n = n WHERE owner = $1"

func (c *circles) seat(t *testing.T, shard int) {
	t.Helper()
	_, err := c.Exec("DELETE FROM seats")
	require.NoError(t, err)
	_, err = c.Exec("INSERT INTO seats VALUES ($1, 1)", c.who[shard])
	require.NoError(t, err)
}

func throughSingleShards(t *testing.T, c *circles) {
	// The middle one has a single shard: what it waits for is all that ties the others.
	c.seat(t, 1)
	middle := begun(t, c.DB, c.who[1])
	old := begun(t, c.DB, c.who[0])
	young, err := c.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer young.Rollback()
	_, err = young.Exec(sit, c.who[1])
	require.NoError(t, err)
	old.then(t, c, 0, pay, c.who[1])    // for the middle one
	middle.then(t, c, 1, sit, c.who[1]) // for the youngest
	_, err = young.Exec(pay, c.who[0])  // for the first
	pgErr := deadlocked(t, err)
	assert.Regexp(t, `blocked by transaction s2/\d+`, pgErr.Detail, "a transaction of one shard is called by its session")
	require.NoError(t, <-middle.done)
	require.NoError(t, middle.Commit())
	require.NoError(t, <-old.done)
	require.NoError(t, old.Commit())

	// The single shard's transaction is the youngest, and one of the driver's.
	old = begun(t, c.DB, c.who[0])
	second, err := c.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer second.Rollback()
	_, err = second.Exec(sit, c.who[1])
	require.NoError(t, err)
	single := begun(t, c.DB, c.who[1])
	old.then(t, c, 0, pay, c.who[1])
	done := make(chan error, 1)
	go func() {
		_, err := second.Exec(pay, c.who[0])
		done <- err
	}()
	c.waiting(t, 2)
	_, err = single.Exec(sit, c.who[1])
	deadlocked(t, err)
	require.NoError(t, <-old.done)
	require.NoError(t, old.Commit())
	require.NoError(t, <-done)
}

// throughAForeigner is a circle in which a session is that is not the driver's. When it is
// the youngest, there is nobody whose affair it is, and anybody cancels it, later.
func throughAForeigner(youngest bool) func(*testing.T, *circles) {
	return func(t *testing.T, c *circles) {
		c.seat(t, 1)
		var plain *pgx.Conn
		if !youngest {
			plain = c.foreign(t, 1)
		}
		old := begun(t, c.DB, c.who[0])
		young, err := c.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		defer young.Rollback()
		_, err = young.Exec(sit, c.who[1])
		require.NoError(t, err)
		if youngest {
			plain = c.foreign(t, 1)
		}
		old.then(t, c, 0, pay, c.who[1]) // for the foreigner
		done := make(chan error, 1)
		go func() {
			_, err := plain.Exec(context.Background(), sit, c.who[1]) // for the other one
			_, end := plain.Exec(context.Background(), "COMMIT")
			done <- errors.Join(err, end)
		}()
		c.waiting(t, 2)
		second := &payer{young, make(chan error, 1)}
		second.at(func() error { _, err := young.Exec(pay, c.who[0]); return err }) // for the first
		if youngest {
			assert.Equal(t, "57014", codeOf(t, <-done))
			require.NoError(t, <-old.done)
			require.NoError(t, old.Commit())
			require.NoError(t, <-second.done)
			return
		}
		deadlocked(t, <-second.done)
		require.NoError(t, <-done)
		require.NoError(t, <-old.done)
		require.NoError(t, old.Commit())
	}
}

func throughAReferenceTable(t *testing.T, c *circles) {
	const rename = "UPDATE currencies SET name = name WHERE code = 'EUR'"
	payer := begun(t, c.DB, c.who[1])
	clerk, err := c.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer clerk.Rollback()
	_, err = clerk.Exec(rename)
	require.NoError(t, err)
	payer.then(t, c, 0, rename) // on home
	_, err = clerk.Exec(pay, c.who[1])
	deadlocked(t, err)
	require.NoError(t, <-payer.done)
	require.NoError(t, payer.Commit())
}

func throughDDL(t *testing.T, c *circles) {
	payer := begun(t, c.DB, c.who[1])
	changer, err := c.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer changer.Rollback()
	done := make(chan error, 1)
	go func() {
		_, err := changer.Exec("ALTER TABLE accounts ALTER COLUMN note SET DEFAULT 'x'") // home is done; the second shard waits for the payer
		done <- err
	}()
	c.waiting(t, 1)
	payer.at(func() error { _, err := payer.Exec(pay, c.who[0]); return err }) // on home
	deadlocked(t, <-done)
	require.NoError(t, <-payer.done)
	require.NoError(t, payer.Commit())
}

// seven takes a seat that only one can have, which is found out when they commit.
const seven = "INSERT INTO seats VALUES ($1, 7)"

// throughPrepared is a transaction whose part on one shard is prepared, while the other
// part waits at its PREPARE. It has come so far that it goes on, even if it is younger.
func throughPrepared(younger bool) func(*testing.T, *circles) {
	return func(t *testing.T, c *circles) {
		_, err := c.Exec("DELETE FROM seats")
		require.NoError(t, err)
		var committer, rival *payer
		if younger {
			rival = begun(t, c.DB, c.who[2])
			committer = begun(t, c.DB, c.who[0])
		} else {
			committer = begun(t, c.DB, c.who[0])
			rival = begun(t, c.DB, c.who[2])
		}
		for _, p := range []*payer{rival, committer} {
			_, err = p.Exec(seven, c.who[1])
			require.NoError(t, err)
		}
		committer.at(committer.Commit)
		c.waiting(t, 1) // at PREPARE on the second shard, for the rival
		for c.prepared(t) == 0 {
			require.NotZero(t, c.waiters(t))
		}
		_, err = rival.Exec(pay, c.who[0]) // for what is prepared
		assert.Contains(t, deadlocked(t, err).Detail, "(prepared)")
		require.NoError(t, rival.Rollback())
		require.NoError(t, <-committer.done)
		assert.Equal(t, "1", c.on(t, 1, "SELECT count(*)::text FROM seats"))
	}
}

// bothPrepared are two that are about to commit, each with a part that is prepared, and
// that the other one's other part waits for.
func bothPrepared(t *testing.T, c *circles) {
	_, err := c.Exec("DELETE FROM seats")
	require.NoError(t, err)
	one, two := begun(t, c.DB, c.who[0]), begun(t, c.DB, c.who[1])
	for i, p := range []*payer{one, two, two, one} {
		_, err = p.Exec(seven, c.who[i%2])
		require.NoError(t, err)
	}
	one.at(one.Commit)
	two.at(two.Commit)
	errOne, errTwo := <-one.done, <-two.done
	if errOne == nil {
		errOne, errTwo = errTwo, errOne
	}
	assert.Contains(t, deadlocked(t, errOne).Detail, "(prepared)")
	require.NoError(t, errTwo, "one goes on")
	assert.Equal(t, "1 1", c.on(t, 0, "SELECT count(*)::text FROM seats")+" "+c.on(t, 1, "SELECT count(*)::text FROM seats"))
}

// dissolving is a circle that somebody leaves by himself, and waits that are none.
func dissolving(t *testing.T, c *circles) {
	old, young := begun(t, c.DB, c.who[0]), begun(t, c.DB, c.who[1])
	_, err := young.Exec("SET LOCAL lock_timeout = '20ms'") // long before anybody looks
	require.NoError(t, err)
	old.then(t, c, 0, pay, c.who[1])
	_, err = young.Exec(pay, c.who[0])
	assert.Equal(t, "55P03", codeOf(t, err))
	require.NoError(t, <-old.done)
	third := begun(t, c.DB, c.who[2])
	third.then(t, c, 0, pay, c.who[0])
	_, err = c.ExecContext(t.Context(), "SELECT pg_sleep(0.7)") // somebody has looked by then, more than once
	require.NoError(t, err)
	require.NoError(t, old.Commit())
	require.NoError(t, <-third.done)
	require.NoError(t, third.Commit())
}

// severalLook lets two processes and more have watches, each with a part in the circle.
func severalLook(t *testing.T, c *circles) {
	one, two := openDB(t, c.dsn), openDB(t, c.dsn)
	for range 3 {
		a, b, d := begun(t, one, c.who[0]), begun(t, two, c.who[1]), begun(t, c.DB, c.who[2])
		a.at(func() error { _, err := a.Exec(pay, c.who[1]); return err })
		b.at(func() error { _, err := b.Exec(pay, c.who[2]); return err })
		d.at(func() error { _, err := d.Exec(pay, c.who[0]); return err })
		deadlocked(t, <-d.done)
		require.NoError(t, <-b.done)
		require.NoError(t, b.Commit())
		require.NoError(t, <-a.done)
		require.NoError(t, a.Commit())
		require.NoError(t, d.Rollback())
	}
}

func waitsAreTold(t *testing.T, c *circles) {
	conn, err := xadriver.NewConnector(c.config(t, "deadlock_timeout=off"))
	require.NoError(t, err)
	defer conn.Close()
	one, two := begun(t, c.DB, c.who[0]), begun(t, c.DB, c.who[0+1])
	one.then(t, c, 0, pay, c.who[1])
	list, err := conn.Locks(t.Context())
	require.NoError(t, err)
	require.Len(t, list, 1)
	w := list[0]
	assert.Equal(t, "s2", w.Shard)
	assert.Regexp(t, `^ShareLock on transaction \d+$`, w.Lock)
	assert.Equal(t, []string{"s1", "s2"}, w.Waiter.Shards)
	assert.Len(t, w.Waiter.Transaction, 8)
	assert.Equal(t, pay, w.Waiter.Statement)
	assert.Equal(t, []string{"s2"}, w.Blocker.Shards)
	assert.Regexp(t, `^s2/\d+$`, w.Blocker.Transaction)
	assert.Equal(t, "idle in transaction", w.Blocker.State)
	assert.NotZero(t, w.Waiter.PID)
	assert.False(t, w.Since.IsZero())
	assert.Positive(t, w.For)
	assert.Zero(t, w.Circle)
	require.NoError(t, two.Rollback())
	require.NoError(t, <-one.done)
	require.NoError(t, one.Rollback())
}
