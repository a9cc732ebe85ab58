package river

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/clients/cluster"
)

func TestAJobIsThereWithItsRowsOrNeitherIs(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		client := insertOnly(t, db)
		begin := func() *sql.Tx {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			return tx
		}

		tx := begin()
		require.NoError(t, order(t.Context(), tx, client, 1, nil))
		require.NoError(t, tx.Rollback())
		assert.Equal(t, home(c, ""), jobs(t, c), "rolled back")
		assert.Equal(t, 0, sum(t, c, "SELECT count(*) FROM orders"))

		tx = begin()
		require.NoError(t, order(t.Context(), tx, client, 2, nil))
		_, err := tx.ExecContext(t.Context(), "INSERT INTO orders (customer, n, amount) SELECT id + 30, 2, 1 FROM customers")
		require.NoError(t, err, "the constraint is deferred")
		var failure *pgconn.PgError
		require.ErrorAs(t, tx.Commit(), &failure)
		assert.Equal(t, "23503", failure.Code)
		assert.Equal(t, home(c, ""), jobs(t, c), "a shard refused to prepare")
		assert.Equal(t, 0, sum(t, c, "SELECT count(*) FROM orders"))

		tx = begin()
		require.NoError(t, order(t.Context(), tx, client, 3, nil))
		require.NoError(t, tx.Commit())
		assert.Equal(t, home(c, "ship available"), jobs(t, c), "committed")
		assert.Equal(t, 30, sum(t, c, "SELECT count(*) FROM orders JOIN customers ON id = customer"))
		for _, n := range c.Counts(t, "orders") {
			assert.NotEqual(t, "0", n, "every shard has its part")
		}
	})
}

// River tells its other clients of a job by NOTIFY, which PostgreSQL does not
// prepare. xapg sends it to home when the transaction is committed.
func TestOthersAreNotifiedOfAJobWhenItIsCommitted(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		client := insertOnly(t, db)
		listener, err := pgx.Connect(t.Context(), c.URLs[0])
		require.NoError(t, err)
		defer listener.Close(context.Background())
		_, err = listener.Exec(t.Context(), `LISTEN "public.river_insert"`)
		require.NoError(t, err)

		for n, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, order(t.Context(), tx, client, n, &river.InsertOpts{Queue: fmt.Sprint("queue", n)}))
			require.NoError(t, end(tx))
		}
		first, err := listener.WaitForNotification(t.Context())
		require.NoError(t, err)
		assert.JSONEq(t, `{"queue": "queue1"}`, first.Payload, "nobody hears of the one that was rolled back")
		assert.Equal(t, 30, sum(t, c, "SELECT count(*) FROM orders"))
	})
}

// What is told to others by JobCancelTx is read from River's table, and is not known
// beforehand.
func TestCancellingAJobBesideRowsOfSeveralShardsIsRefused(t *testing.T) {
	c := cluster.New(t, 3, placement...)
	db := shop(t, c)
	client := insertOnly(t, db)
	inserted, err := client.Insert(t.Context(), ship{N: 1}, nil)
	require.NoError(t, err)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "UPDATE customers SET spent = 1")
	require.NoError(t, err)
	_, err = client.JobCancelTx(t.Context(), tx, inserted.Job.ID)
	if err == nil {
		err = tx.Commit()
	} else {
		require.NoError(t, tx.Rollback())
	}
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, home(c, "ship available"), jobs(t, c))
	assert.Equal(t, 0, sum(t, c, "SELECT sum(spent) FROM customers"))
}

func TestManyJobsAtOnce(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		client := insertOnly(t, db)
		many := []river.InsertManyParams{{Args: ship{N: 1}}, {Args: ship{N: 2}, InsertOpts: &river.InsertOpts{Priority: 3, Tags: []string{"late"}}}}

		inserted, err := client.InsertMany(t.Context(), many)
		require.NoError(t, err)
		require.Len(t, inserted, 2)
		assert.Equal(t, []string{"late"}, inserted[1].Job.Tags)
		n, err := client.InsertManyFast(t.Context(), many)
		require.NoError(t, err)
		assert.Equal(t, 2, n)

		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = client.InsertManyTx(t.Context(), tx, many)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "UPDATE customers SET spent = spent + 1")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		assert.Equal(t, "6", c.Counts(t, "river_job")[0])
		assert.Equal(t, 6, sum(t, c, "SELECT count(*) FROM river_job"))
		assert.Equal(t, 30, sum(t, c, "SELECT sum(spent) FROM customers"))

		list, err := client.JobList(t.Context(), river.NewJobListParams().Kinds("ship").First(10))
		require.NoError(t, err)
		assert.Len(t, list.Jobs, 6)
	})
}

func TestUniqueAndScheduledJobs(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		client := insertOnly(t, db)
		later := time.Now().Add(time.Hour).Truncate(time.Microsecond)
		opts := &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByQueue: true}, ScheduledAt: later}

		first, err := client.Insert(t.Context(), ship{N: 1}, opts)
		require.NoError(t, err)
		assert.False(t, first.UniqueSkippedAsDuplicate)
		assert.Equal(t, rivertype.JobStateScheduled, first.Job.State)
		assert.True(t, later.Equal(first.Job.ScheduledAt))

		// The second one comes with rows of all shards; the transaction is committed, but
		// there is one job still.
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(t.Context(), "UPDATE customers SET spent = 7")
		require.NoError(t, err)
		second, err := client.InsertTx(t.Context(), tx, ship{N: 1}, opts)
		require.NoError(t, err)
		assert.True(t, second.UniqueSkippedAsDuplicate)
		assert.Equal(t, first.Job.ID, second.Job.ID)
		require.NoError(t, tx.Commit())
		assert.Equal(t, home(c, "ship scheduled"), jobs(t, c))
		assert.Equal(t, 210, sum(t, c, "SELECT sum(spent) FROM customers"))

		other, err := client.Insert(t.Context(), ship{N: 2}, opts)
		require.NoError(t, err)
		assert.False(t, other.UniqueSkippedAsDuplicate)
		cancelled, err := client.JobCancel(t.Context(), other.Job.ID)
		require.NoError(t, err)
		assert.Equal(t, rivertype.JobStateCancelled, cancelled.State)
		assert.Equal(t, home(c, "ship scheduled, ship cancelled"), jobs(t, c))
	})
}
