package river

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/clients/cluster"
)

// shipper ships the orders of a job, and completes the job in the same transaction.
type shipper struct {
	river.WorkerDefaults[ship]
	db   *sql.DB
	then func() error // after the job was completed, before the commit
}

func (w *shipper) Work(ctx context.Context, job *river.Job[ship]) error {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "UPDATE orders SET shipped = true WHERE customer = ANY($1) AND n = $2", job.Args.Customers, job.Args.N); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "UPDATE customers SET spent = spent + amount FROM orders WHERE customer = id AND n = $1", job.Args.N); err != nil {
		return err
	}
	if _, err := river.JobCompleteTx[*riverdatabasesql.Driver](ctx, tx, job); err != nil {
		return err
	}
	if w.then != nil {
		if err := w.then(); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// working starts a client that works jobs, and gives it with its events. It is
// stopped with the test.
func working(t testing.TB, db *sql.DB, then func() error, kinds ...river.EventKind) (*river.Client[*sql.Tx], <-chan *river.Event) {
	t.Helper()
	workers := river.NewWorkers()
	river.AddWorker(workers, &shipper{db: db, then: then})
	client, err := river.NewClient(riverdatabasesql.New(db), &river.Config{
		Logger: quiet, Workers: workers,
		Queues:            map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 4}},
		FetchPollInterval: soon, FetchCooldown: soon,
		TestOnly: true, // services start at once
	})
	require.NoError(t, err)
	events, cancel := client.Subscribe(kinds...)
	require.NoError(t, client.Start(context.Background()))
	t.Cleanup(func() {
		assert.NoError(t, client.Stop(context.Background()))
		cancel()
	})
	return client, events
}

// next is the next event, which is waited for.
func next(t testing.TB, events <-chan *river.Event) *river.Event {
	t.Helper()
	select {
	case e := <-events:
		return e
	case <-time.After(time.Minute):
		require.Fail(t, "no event")
		return nil
	}
}

func TestJobsAreWorkedAndCompletedWithTheirData(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		client, events := working(t, db, nil, river.EventKindJobCompleted)
		for n := range 3 {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			require.NoError(t, order(t.Context(), tx, client, n, nil))
			require.NoError(t, tx.Commit())
		}
		for range 3 {
			e := next(t, events)
			assert.Equal(t, rivertype.JobStateCompleted, e.Job.State)
			assert.Equal(t, 1, e.Job.Attempt)
		}
		assert.Equal(t, home(c, "ship completed, ship completed, ship completed"), jobs(t, c))
		assert.Equal(t, 90, sum(t, c, "SELECT count(*) FROM orders WHERE shipped"))
		assert.Equal(t, 3*10*30*31/2, sum(t, c, "SELECT sum(spent) FROM customers"))
	})
}

func TestAJobThatFailsIsNotCompletedAndLeavesNoData(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		client, events := working(t, db, func() error { return errors.New("the van broke down") }, river.EventKindJobFailed)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		require.NoError(t, order(t.Context(), tx, client, 1, &river.InsertOpts{MaxAttempts: 1}))
		require.NoError(t, tx.Commit())

		e := next(t, events)
		require.Len(t, e.Job.Errors, 1)
		assert.Equal(t, "the van broke down", e.Job.Errors[0].Error)
		assert.Equal(t, home(c, "ship discarded"), jobs(t, c))
		assert.Equal(t, 0, sum(t, c, "SELECT count(*) FROM orders WHERE shipped"))
		assert.Equal(t, 0, sum(t, c, "SELECT sum(spent) FROM customers"))

		// It is tried again when somebody says so.
		retried, err := client.JobRetry(t.Context(), e.Job.ID)
		require.NoError(t, err)
		assert.Equal(t, rivertype.JobStateAvailable, retried.State)
		assert.Len(t, next(t, events).Job.Errors, 2)
	})
}

func TestAScheduledJobIsWorkedWhenItIsDue(t *testing.T) {
	cluster.Each(t, placement, func(t *testing.T, c *cluster.Cluster) {
		db := shop(t, c)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		for n, later := range []time.Duration{time.Hour, 2 * time.Hour} {
			require.NoError(t, order(t.Context(), tx, insertOnly(t, db), n, &river.InsertOpts{ScheduledAt: time.Now().Add(later)}))
		}
		require.NoError(t, tx.Commit())
		assert.Equal(t, home(c, "ship scheduled, ship scheduled"), jobs(t, c))
		_, err = db.ExecContext(t.Context(), "UPDATE river_job SET scheduled_at = now() - interval '1 minute' WHERE args ->> 'n' = '0'")
		require.NoError(t, err)

		_, events := working(t, db, nil, river.EventKindJobCompleted)
		next(t, events)
		assert.Equal(t, home(c, "ship completed, ship scheduled"), jobs(t, c))
		assert.Equal(t, 30, sum(t, c, "SELECT count(*) FROM orders WHERE shipped AND n = 0"))
		assert.Equal(t, 0, sum(t, c, "SELECT count(*) FROM orders WHERE shipped AND n = 1"))
	})
}

func TestQueuesArePausedAndPeriodicJobsInserted(t *testing.T) {
	c := cluster.New(t, 3, placement...)
	db := shop(t, c)
	client, events := working(t, db, nil, river.EventKindJobCompleted, river.EventKindQueuePaused, river.EventKindQueueResumed)
	require.NoError(t, client.QueuePause(t.Context(), river.QueueDefault, nil))
	assert.Equal(t, river.EventKindQueuePaused, next(t, events).Kind)
	_, err := client.Insert(t.Context(), ship{N: 1}, nil)
	require.NoError(t, err)
	require.NoError(t, client.QueueResume(t.Context(), river.QueueDefault, nil))
	assert.Equal(t, river.EventKindQueueResumed, next(t, events).Kind)
	assert.Equal(t, river.EventKindJobCompleted, next(t, events).Kind)
	client.PeriodicJobs().Add(river.NewPeriodicJob(river.PeriodicInterval(time.Hour), func() (river.JobArgs, *river.InsertOpts) {
		return ship{N: 2}, nil
	}, &river.PeriodicJobOpts{RunOnStart: true}))
	periodic := next(t, events)
	assert.Equal(t, river.EventKindJobCompleted, periodic.Kind)
	assert.JSONEq(t, `{"customers": null, "n": 2}`, string(periodic.Job.EncodedArgs))
}
