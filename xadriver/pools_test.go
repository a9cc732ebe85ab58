package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// openPool opens a bank with access to its connector.
func openPool(t testing.TB, shards int, more ...string) (*bank, *xadriver.Connector) {
	t.Helper()
	b := newBank(t, shards, more...)
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	b.DB = sql.OpenDB(c)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	_, err = b.Exec(bankSchema)
	require.NoError(t, err)
	return b, c
}

// transfer moves money between two owners, whose rows it locks in one order, so
// that the locks alone cannot make a circle.
func transfer(ctx context.Context, b *bank, from, to string, n int) error {
	tx, err := b.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // nothing to roll back after Commit
	if from > to {
		from, to, n = to, from, -n
	}
	for _, u := range []struct {
		owner string
		by    int
	}{{from, -n}, {to, n}} {
		if _, err := tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + $2 WHERE owner = $1", u.owner, u.by); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Everybody wants several shards at once, and there is a connection or two to each:
// nobody may wait for ever, and the limit is kept.
func TestSmallPoolsDoNotDeadlock(t *testing.T) {
	for _, conns := range []int{1, 2} {
		t.Run(fmt.Sprint("shard_conns=", conns), func(t *testing.T) {
			b, c := openPool(t, 3, fmt.Sprint("shard_conns=", conns))
			names := fill(t, b)
			_, err := b.Exec("INSERT INTO currencies VALUES ('KES', 'shilling')")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			work := []func(r *rand.Rand) error{
				func(r *rand.Rand) error { return transfer(ctx, b, names[r.IntN(3)], names[r.IntN(3)], 1) },
				func(r *rand.Rand) error { // waits for the row locks of transfers
					_, err := b.ExecContext(ctx, "UPDATE accounts SET note = 'x' WHERE owner = $1", names[r.IntN(3)])
					return err
				},
				func(*rand.Rand) error { // its own distributed transaction
					_, err := b.ExecContext(ctx, "UPDATE currencies SET name = name")
					return err
				},
				func(*rand.Rand) error { return b.total(ctx, "SELECT sum(balance)::bigint FROM accounts") },
				func(*rand.Rand) error {
					return b.total(ctx, "SELECT count(*) FROM accounts a JOIN accounts b ON a.balance = b.balance")
				},
				func(*rand.Rand) error {
					return b.total(ctx, "SELECT count(*) FROM (SELECT owner FROM accounts ORDER BY owner LIMIT 2) q")
				},
				func(r *rand.Rand) error { // a session with a setting of its own
					conn, err := b.Conn(ctx)
					if err != nil {
						return err
					}
					defer conn.Close()
					if _, err := conn.ExecContext(ctx, "SET work_mem = '5MB'"); err != nil {
						return err
					}
					var mem string
					err = conn.QueryRowContext(ctx, "SELECT current_setting('work_mem') FROM accounts WHERE owner = $1", names[r.IntN(3)]).Scan(&mem)
					if err == nil && mem != "5MB" {
						err = fmt.Errorf("the session's setting was lost: %s", mem)
					}
					return err
				},
			}
			var wg sync.WaitGroup
			for i := range 14 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(i)))
					for range 15 {
						if err := work[i%len(work)](r); !assert.NoError(t, err, "work %d", i%len(work)) {
							return
						}
						for _, p := range c.Stats().Pools {
							assert.True(t, p.Own || p.Open <= conns, "%d connections to %s", p.Open, p.Shard)
						}
					}
				})
			}
			wg.Wait()
			assert.Zero(t, c.Stats().Queue)
			assert.Positive(t, c.Stats().Waits, "it was not crowded")
			require.Eventually(t, func() bool { return inUse(c) == 0 }, 10*time.Second, time.Millisecond, "connections have leaked")
			assert.Zero(t, b.prepared(t))
		})
	}
}

// inUse counts the connections that statements and transactions use.
func inUse(c *xadriver.Connector) (n int) {
	for _, p := range c.Stats().Pools {
		if !p.Own {
			n += p.InUse
		}
	}
	return n
}

// total runs a query of one number.
func (b *bank) total(ctx context.Context, query string) error {
	var n int64
	return b.QueryRowContext(ctx, query).Scan(&n)
}

func TestAnIdleConnectionHoldsNoServerConnection(t *testing.T) {
	b, c := openPool(t, 3, "shard_conns=1")
	names := fill(t, b)
	var idle []*sql.Conn
	for range 5 {
		conn, err := b.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT balance FROM accounts WHERE owner = $1", names[0]).Scan(new(int)))
		idle = append(idle, conn)
	}
	assert.Zero(t, inUse(c))
	// With a setting of its own it has one until somebody else needs the place.
	for _, conn := range idle {
		_, err := conn.ExecContext(t.Context(), "SET application_name = 'mine'")
		require.NoError(t, err)
	}
	var evicted int64
	for _, p := range c.Stats().Pools {
		evicted += p.ClosedParked
	}
	assert.Positive(t, evicted)
	for _, conn := range idle {
		var name string
		require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT current_setting('application_name') FROM accounts WHERE owner = $1", names[1]).Scan(&name))
		assert.Equal(t, "mine", name)
	}
}

func TestASessionWithTemporaryTablesKeepsItsConnections(t *testing.T) {
	b, c := openPool(t, 3, "shard_conns=2")
	names := fill(t, b)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "CREATE TEMPORARY TABLE mine (n int)")
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "INSERT INTO mine VALUES (1)")
	require.NoError(t, err)
	for range 10 {
		require.NoError(t, transfer(t.Context(), b, names[0], names[1], 1), "one connection is left for all others")
	}
	var n int
	require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT n FROM mine").Scan(&n), "nobody took it away")
	other, err := b.Conn(t.Context())
	require.NoError(t, err)
	_, err = other.ExecContext(t.Context(), "CREATE TEMPORARY TABLE mine (n int)")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, transfer(ctx, b, names[0], names[1], 1), context.DeadlineExceeded, "both are taken for good")
	_, err = other.ExecContext(t.Context(), "DISCARD ALL")
	require.NoError(t, err)
	require.NoError(t, transfer(t.Context(), b, names[0], names[1], 1))
	require.NoError(t, other.Close())
	require.NoError(t, conn.Close())
	for _, p := range c.Stats().Pools {
		assert.True(t, p.Own || p.Open <= 2, "%d connections to %s", p.Open, p.Shard)
	}
}

func TestWhoHasRowsOpenDoesNotWaitForHimself(t *testing.T) {
	b, _ := openPool(t, 3, "shard_conns=1")
	names := fill(t, b)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	rows, err := conn.QueryContext(t.Context(), "SELECT generate_series(1, 100000) FROM accounts WHERE owner = $1", names[0])
	require.NoError(t, err)
	err = conn.QueryRowContext(t.Context(), "SELECT sum(balance) FROM accounts").Scan(new(int))
	require.ErrorContains(t, err, "shard_conns")
	assert.Equal(t, "53300", codeOf(t, err))
	require.NoError(t, rows.Close())
	require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT sum(balance) FROM accounts").Scan(new(int)))
}

func TestOldAndUnusedConnectionsAreClosed(t *testing.T) {
	for _, setting := range []string{"conn_max_idle=1ms", "conn_lifetime=1ms"} {
		b, c := openPool(t, 2, setting, "health_check=5ms", "resolve_every=1h", "schema_check=off")
		fill(t, b)
		require.Eventually(t, func() bool {
			for _, p := range c.Stats().Pools {
				if p.Open > 0 {
					return false
				}
			}
			return true
		}, 10*time.Second, 5*time.Millisecond, setting)
		require.NoError(t, b.total(t.Context(), "SELECT sum(balance)::bigint FROM accounts"))
		var old, unused int64
		for _, p := range c.Stats().Pools {
			old, unused = old+p.ClosedOld, unused+p.ClosedIdle
		}
		assert.Equal(t, setting == "conn_lifetime=1ms", old > 0, setting)
		assert.Equal(t, setting == "conn_max_idle=1ms", unused > 0, setting)
	}
}
