package goose

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func sessionLocker(t testing.TB) goose.ProviderOption {
	t.Helper()
	l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	require.NoError(t, err)
	return goose.WithSessionLocker(l)
}

const advisoryLocks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"

func TestTheSessionLockIsHeldWhileMigrationsRun(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		var during []string
		var got bool
		db, other := c.Open(t), c.Open(t)
		look := goose.NewGoMigration(6, &goose.GoFunc{RunTx: func(ctx context.Context, _ *sql.Tx) error {
			for i := range c.URLs {
				during = append(during, c.On(t, i, advisoryLocks))
			}
			return other.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", lock.DefaultLockID).Scan(&got)
		}}, nil)
		_, err := library(t, db, sessionLocker(t), look).Up(t.Context())
		require.NoError(t, err)

		assert.Equal(t, []string{"1", "0", "0"}[:len(c.URLs)], during, "a lock is one object, at home")
		assert.False(t, got, "nobody else gets it")
		assert.Equal(t, "0", c.On(t, 0, advisoryLocks), "given back")
		assert.Contains(t, sameEverywhere(t, c), "members.city")
	})
}

// bothAtOnce migrates from two databases, as two processes would, and gives
// what each of them has applied.
func bothAtOnce(t *testing.T, c *cluster.Cluster, option func() goose.ProviderOption) (applied []int, errs []error) {
	t.Helper()
	applied, errs = make([]int, 2), make([]error, 2)
	var wg sync.WaitGroup
	for i := range applied {
		p := library(t, c.Open(t), option())
		wg.Go(func() {
			results, err := p.Up(t.Context())
			applied[i], errs[i] = len(results), err
		})
	}
	wg.Wait()
	return applied, errs
}

func TestOfTwoProcessesWithALockOneMigrates(t *testing.T) {
	for name, option := range map[string]func() goose.ProviderOption{
		"session lock": func() goose.ProviderOption { return sessionLocker(t) },
		"lock in a table": func() goose.ProviderOption {
			l, err := lock.NewPostgresTableLocker(lock.WithTableLockTimeout(1e8, 600))
			require.NoError(t, err)
			return goose.WithLocker(l)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster.New(t, 3, placement...)
			applied, errs := bothAtOnce(t, c, option)
			assert.Equal(t, []error{nil, nil}, errs)
			assert.ElementsMatch(t, []int{0, latest}, applied)
			assert.Equal(t, "0,1,2,3,4,5", c.On(t, 0, "SELECT string_agg(version_id::text, ',' ORDER BY id) FROM goose_db_version"))
			assert.Contains(t, sameEverywhere(t, c), "members.city")
		})
	}
}

// Without a lock, PostgreSQL lets one of two processes fail. What a migration has
// done must be whole on all shards all the same.
func TestTwoProcessesWithoutALockLeaveNoHalfMigration(t *testing.T) {
	c := cluster.New(t, 3, append([]string{"lock_wait=500ms"}, placement...)...)
	_, errs := bothAtOnce(t, c, func() goose.ProviderOption { return unlocked })
	t.Logf("the two: %v", errs)

	_, err := library(t, c.Open(t), unlocked).Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "0,1,2,3,4,5", c.On(t, 0, "SELECT string_agg(DISTINCT version_id::text, ',' ORDER BY version_id::text) FROM goose_db_version"))
	assert.Contains(t, sameEverywhere(t, c), "members.city")
}
