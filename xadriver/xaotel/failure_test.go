package xaotel_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"

	"github.com/xapg/xapg/xadriver/xaotel"
	"github.com/xapg/xapg/xadriver/xatest"
)

const statusCode = attribute.Key("db.response.status_code")

func TestErrorsCarryTheirSQLSTATE(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	_, err := b.ExecContext(ctx, "INSERT INTO accounts VALUES ($1, 1)", owners[1])
	require.Error(t, err)
	end()
	assert.Equal(t, lines(`
		application
		  INSERT 23505 23505
		    INSERT s2 23505 23505`), b.tree(statusCode, "error.type"))
	for _, name := range []string{"INSERT", "INSERT s2"} {
		s := b.named(name)[0]
		assert.Equal(t, codes.Error, s.Status().Code)
		assert.Equal(t, "SQLSTATE 23505", s.Status().Description)
		_, ok := value(s, xaotel.RefusedKey)
		assert.False(t, ok, "PostgreSQL failed, the driver did not refuse")
	}
}

func TestARefusedStatementIsMarked(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	_, err := b.ExecContext(ctx, "COPY accounts FROM STDIN")
	require.Error(t, err)
	end()
	assert.Equal(t, "application\n  COPY true 0A000", b.tree(xaotel.RefusedKey, statusCode), "and no shard was asked")
	assert.Equal(t, codes.Error, b.named("COPY")[0].Status().Code)
}

func TestAVoteOfNoIsSeenWhereItWasGiven(t *testing.T) {
	b := openBank(t)
	ctx, end := b.root(t)
	tx, err := b.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(ctx, "UPDATE accounts SET balance = balance + 1 WHERE owner = $1", owners[0])
	require.NoError(t, err)
	_, err = tx.ExecContext(ctx, "INSERT INTO payments VALUES ($1, 1)", owners[1]+"x") // of nobody: a foreign key that is looked at last
	require.NoError(t, err)
	require.Error(t, tx.Commit())
	end()
	commit := b.named("commit")[0]
	assert.Equal(t, codes.Error, commit.Status().Code)
	outcome, _ := value(commit, xaotel.OutcomeKey)
	assert.Equal(t, "rolled_back", outcome)
	state, _ := value(commit, statusCode)
	assert.Equal(t, "23503", state)
	votes := 0
	for _, s := range b.spans.Ended() {
		if op, _ := value(s, xaotel.OperationKey); op == "prepare" && s.Status().Code == codes.Error {
			state, _ := value(s, statusCode)
			assert.Equal(t, "23503", state)
			votes++
		}
	}
	assert.Equal(t, 1, votes)
	assert.Empty(t, b.named("decide"))
}

// deadlineAsleep is a context whose deadline comes when the first server sleeps in a
// statement.
func deadlineAsleep(t *testing.T) context.Context {
	t.Helper()
	d := xatest.NewDeadline(context.Background())
	watch, err := pgx.Connect(t.Context(), cluster.Shards[0].DSN())
	require.NoError(t, err)
	var done sync.WaitGroup
	ended, end := context.WithCancel(context.Background())
	done.Go(func() {
		defer d.Pass()
		for asleep := false; !asleep && ended.Err() == nil; time.Sleep(time.Millisecond) {
			err := watch.QueryRow(ended, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')").Scan(&asleep)
			asleep = asleep || err != nil
		}
	})
	t.Cleanup(func() {
		end()
		done.Wait()
		assert.NoError(t, watch.Close(context.Background()))
	})
	return d
}

func TestErrorsWithoutSQLSTATEHaveATypeAllTheSame(t *testing.T) {
	b := openBank(t)
	require.NoError(t, b.PingContext(t.Context()))
	tx, err := b.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer tx.Rollback() //nolint:errcheck // it has failed
	_, err = tx.ExecContext(deadlineAsleep(t), "SELECT pg_sleep(60)")
	require.Error(t, err)
	require.ErrorContains(t, tx.Commit(), "rollback")
	assert.Contains(t, b.tree("error.type"), "SELECT context.DeadlineExceeded")
	assert.Contains(t, b.tree("error.type"), "commit pgx.ErrTxCommitRollback", "what was asked for is not what was done")
}

func TestMessagesAreRecordedOnRequest(t *testing.T) {
	b := openBank(t, xaotel.WithErrorMessages(true))
	_, err := b.ExecContext(t.Context(), "SELECT 1/0")
	require.Error(t, err)
	assert.Contains(t, b.named("SELECT")[0].Status().Description, "division by zero")
}
