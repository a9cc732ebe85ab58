package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// told is what the application was told of a transaction.
type told string

const (
	toldCommitted  told = "committed"
	toldRolledBack told = "rolled back"
	toldDoubt      told = "in doubt"
	toldNothing    told = "nothing" // it died before
)

func tellOf(err error) told {
	var doubt *xadriver.InDoubtError
	switch {
	case err == nil:
		return toldCommitted
	case errors.As(err, &doubt):
		return toldDoubt
	default:
		return toldRolledBack
	}
}

// moves is what the crash tests write: each transaction writes one row, with its
// id, on every shard.
const movesSchema = `CREATE TABLE moves (owner text, id text, PRIMARY KEY (owner, id))`

// move writes a transaction's rows and commits.
func move(ctx context.Context, db *sql.DB, names []string, id string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, err := tx.ExecContext(ctx, "INSERT INTO moves VALUES ($1, $2)", name, id); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// violations compares what each transaction was told with its rows on each shard.
func violations(t testing.TB, urls []string, history map[string]told, single ...string) (bad []string) {
	t.Helper()
	on := make(map[string]int)
	for _, url := range urls {
		conn, err := pgx.Connect(context.Background(), url)
		require.NoError(t, err)
		rows, err := conn.Query(context.Background(), "SELECT id FROM moves")
		require.NoError(t, err)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for _, id := range ids {
			on[id]++
		}
		var left []string
		rows, err = conn.Query(context.Background(), "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()")
		require.NoError(t, err)
		left, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for _, gid := range left {
			bad = append(bad, "left prepared: "+gid)
		}
		require.NoError(t, conn.Close(context.Background()))
	}
	for id, what := range history {
		n := on[id]
		switch {
		case n != 0 && n != len(urls):
			bad = append(bad, fmt.Sprintf("%s is on %d of %d shards (told: %s)", id, n, len(urls), what))
		case what == toldCommitted && n == 0:
			bad = append(bad, id+" was told committed, and is not there")
		case what == toldRolledBack && n != 0:
			bad = append(bad, id+" was told rolled back, and is there")
		}
	}
	for id := range on {
		if _, ok := history[id]; !ok && !slices.Contains(single, id) {
			bad = append(bad, id+" is there, and nobody wrote it")
		}
	}
	return bad
}

// heal waits until nothing is prepared on the shards any more.
func heal(t testing.TB, urls []string) {
	t.Helper()
	require.Eventually(t, func() bool {
		for _, url := range urls {
			conn, err := pgx.Connect(context.Background(), url)
			if err != nil {
				return false
			}
			var n int
			err = conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()").Scan(&n)
			_ = conn.Close(context.Background())
			if err != nil || n > 0 {
				return false
			}
		}
		return true
	}, time.Minute, 20*time.Millisecond, "something stays prepared")
}

// requireWhole checks a history; the rows of single transactions are let be.
func requireWhole(t testing.TB, urls []string, history map[string]told, single ...string) {
	t.Helper()
	bad := violations(t, urls, history, single...)
	require.Empty(t, bad, strings.Join(bad, "\n"))
}
