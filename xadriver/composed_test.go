package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// strategies are statements that are answered in each of the ways in which several
// shards can be read.
var strategies = map[string]string{
	"joined":     "SELECT owner, balance FROM accounts",
	"ordered":    "SELECT owner, balance FROM accounts ORDER BY balance",
	"aggregates": "SELECT note, count(*) FROM accounts GROUP BY note",
	"judged":     `SELECT owner, balance FROM accounts ORDER BY owner COLLATE "en-x-icu"`,
	"gathered":   "SELECT a.owner, b.balance FROM accounts a JOIN accounts b ON a.balance = b.balance",
}

func manyAccounts(t *testing.T, b *bank, n int) {
	t.Helper()
	for from := 1; from <= n; from += 50 {
		_, err := b.Exec("INSERT INTO accounts SELECT 'o' || g, g AS n, 'n' || g % 7 FROM generate_series($1::int, $2::int) g", from, min(n, from+49))
		require.NoError(t, err)
	}
}

// leftovers counts what sessions other than the asking one have left on home.
func leftovers(t *testing.T, b *bank) (open, temporary int) {
	t.Helper()
	db, err := sql.Open("pgx", b.urls[0])
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`).Scan(&open))
	require.NoError(t, db.QueryRow(`SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'`).Scan(&temporary))
	return open, temporary
}

func clean(t *testing.T, b *bank) {
	t.Helper()
	require.Eventually(t, func() bool {
		open, temporary := leftovers(t, b)
		return open == 0 && temporary == 0
	}, 10*time.Second, 20*time.Millisecond, "nothing stays of scratch sessions")
}

func TestNothingStaysOfAStatement(t *testing.T) {
	b := openBank(t, 3)
	manyAccounts(t, b, 3000)
	for name, query := range strategies {
		t.Run(name, func(t *testing.T) {
			t.Run("read to its end", func(t *testing.T) {
				rows, err := b.Query(query)
				require.NoError(t, err)
				for rows.Next() {
				}
				require.NoError(t, rows.Err())
				clean(t, b)
			})
			t.Run("left in the middle", func(t *testing.T) {
				rows, err := b.Query(query)
				require.NoError(t, err)
				require.True(t, rows.Next())
				require.NoError(t, rows.Close())
				clean(t, b)
			})
			t.Run("cancelled", func(t *testing.T) {
				for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
					ctx, cancel := context.WithTimeout(t.Context(), after)
					rows, err := b.QueryContext(ctx, query)
					if err == nil {
						for rows.Next() {
						}
						_ = rows.Close()
					}
					cancel()
				}
				clean(t, b)
				var n int
				require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
				assert.Equal(t, 3000, n)
			})
			t.Run("failing in the middle", func(t *testing.T) {
				// The error comes from one row, in whichever place the row is looked at.
				rows, err := b.Query("SELECT 1 / (balance - 1500), q.* FROM (" + query + ") q")
				if err == nil {
					for rows.Next() {
					}
					err = rows.Err()
					_ = rows.Close()
				}
				if name != "aggregates" {
					assert.Equal(t, "22012", codeOf(t, err))
				} else {
					assert.Equal(t, "42703", codeOf(t, err))
				}
				clean(t, b)
			})
		})
	}
}

func TestEveryStrategySeesItsOwnTransaction(t *testing.T) {
	for _, isolation := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable} {
		t.Run(isolation.String(), func(t *testing.T) {
			b := openBank(t, 3)
			manyAccounts(t, b, 30)
			for name, query := range strategies {
				tx, err := b.BeginTx(t.Context(), &sql.TxOptions{Isolation: isolation})
				require.NoError(t, err)
				count := func() (n int) {
					t.Helper()
					rows, err := tx.Query(query)
					require.NoError(t, err)
					for rows.Next() {
						n++
					}
					require.NoError(t, rows.Err())
					return n
				}
				before := count()
				_, err = tx.Exec("INSERT INTO accounts SELECT 'new' || g, 1000 + g, 'm' || g FROM generate_series(1, 10) g")
				require.NoError(t, err)
				assert.Equal(t, before+10, count(), name)
				_, err = tx.Exec("SAVEPOINT s")
				require.NoError(t, err)
				_, err = tx.Exec("DELETE FROM accounts")
				require.NoError(t, err)
				assert.Zero(t, count(), name)
				_, err = tx.Exec("ROLLBACK TO s")
				require.NoError(t, err)
				assert.Equal(t, before+10, count(), name)
				require.NoError(t, tx.Rollback())
			}
			clean(t, b)
		})
	}
}

func TestAStatementThatFailsAnywhereFailsItsTransaction(t *testing.T) {
	b := openBank(t, 3)
	manyAccounts(t, b, 30)
	for name, failing := range map[string]string{
		"on one shard":              "UPDATE accounts SET balance = 1 / (balance - 7)",
		"in the scratch session":    "SELECT 1 / (count(*) - 30) FROM accounts",
		"splitting":                 "INSERT INTO accounts VALUES ('x', 1), ('y', 2), ('z', 3), ('o1', 1)",
		"without a key":             "INSERT INTO accounts VALUES ('x', 1), (NULL, 2)",
		"gathering and applying":    "UPDATE accounts a SET balance = 1 / (b.balance - 7) FROM accounts b WHERE b.note = a.note",
		"not understood":            "SELECT ctid FROM accounts",
		"while rows are being read": "SELECT 1 / (balance - 7) FROM accounts ORDER BY balance",
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := b.Begin()
			require.NoError(t, err)
			_, err = tx.Exec("UPDATE accounts SET note = 'changed'")
			require.NoError(t, err)
			rows, err := tx.Query(failing)
			if err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				_ = rows.Close()
			}
			require.Error(t, err)
			_, err = tx.Exec("SELECT 1")
			assert.Equal(t, "25P02", codeOf(t, err))
			require.Error(t, tx.Commit())
			var n int
			require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts WHERE note = 'changed'").Scan(&n))
			assert.Zero(t, n)
			require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
			assert.Equal(t, 30, n)
		})
	}
}

func TestGatherLimitBoundsWhatIsBroughtTogether(t *testing.T) {
	b := openBank(t, 3, "gather_limit=100")
	manyAccounts(t, b, 101)
	var limit *xadriver.GatherLimitError
	for _, query := range []string{strategies["judged"], strategies["gathered"], "INSERT INTO ledger SELECT note, balance, 1 FROM accounts"} {
		_, err := b.Exec(query)
		require.ErrorAs(t, err, &limit, query)
		assert.EqualValues(t, 100, limit.Limit)
		assert.Equal(t, "54000", codeOf(t, err))
	}
	var n int
	require.NoError(t, b.QueryRow("SELECT count(*) FROM accounts").Scan(&n), "what is summed up on the shards is few rows")
	_, err := b.Exec("SELECT owner FROM accounts WHERE balance <= 100 ORDER BY owner COLLATE \"en-x-icu\"")
	require.NoError(t, err)
	clean(t, b)

	off := openDB(t, strings.Replace(b.dsn, "gather_limit=100", "gather_limit=0", 1))
	_, err = off.Exec(strategies["judged"])
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, err, &refused)
	assert.Contains(t, refused.Reason, "gather_limit")
	require.NoError(t, off.QueryRow("SELECT balance FROM accounts ORDER BY balance LIMIT 1").Scan(&n))
}

func TestTheTimeOfAStatementIsOne(t *testing.T) {
	b := openBank(t, 3)
	manyAccounts(t, b, 30)
	var n int
	require.NoError(t, b.QueryRow("SELECT count(DISTINCT at) FROM (SELECT now() AS at, owner FROM accounts) q").Scan(&n))
	assert.Equal(t, 1, n)
	_, err := b.Exec("UPDATE accounts SET note = now()::text")
	require.NoError(t, err)
	require.NoError(t, b.QueryRow("SELECT count(DISTINCT note) FROM accounts").Scan(&n))
	assert.Equal(t, 1, n)
	_, err = b.Exec("ALTER TABLE accounts ADD COLUMN made timestamptz; ALTER TABLE accounts ALTER COLUMN made SET DEFAULT now()")
	require.NoError(t, err)
	_, err = b.Exec("INSERT INTO accounts (owner) VALUES ('p1'), ('p2'), ('p3'), ('p4'), ('p5'), ('p6'), ('p7')")
	require.NoError(t, err)
	require.NoError(t, b.QueryRow("SELECT count(DISTINCT made) FROM accounts WHERE made IS NOT NULL").Scan(&n))
	assert.Equal(t, 1, n)

	tx, err := b.Begin()
	require.NoError(t, err)
	var first, second time.Time
	require.NoError(t, tx.QueryRow("SELECT max(t) FROM (SELECT now() AS t, owner FROM accounts) q").Scan(&first))
	require.NoError(t, tx.QueryRow("SELECT now() AS t FROM accounts ORDER BY balance LIMIT 1").Scan(&second))
	assert.Equal(t, first, second, "in a transaction, of all its statements over several shards")
	require.NoError(t, tx.Rollback())
}

func TestWhatRunsOnOneShardAfterTheOtherTellsHowFarItCame(t *testing.T) {
	b := openBank(t, 3)
	_, err := b.Exec("INSERT INTO accounts (owner, balance) SELECT 'o' || g, g FROM generate_series(1, 30) g")
	require.NoError(t, err)
	_, err = b.Exec("CREATE INDEX CONCURRENTLY by_balance ON accounts (balance)")
	require.NoError(t, err)
	for _, url := range b.urls {
		db, err := sql.Open("pgx", url)
		require.NoError(t, err)
		var n int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM pg_indexes WHERE indexname = 'by_balance'").Scan(&n))
		assert.Equal(t, 1, n)
		require.NoError(t, db.Close())
	}
	_, err = b.Exec("CREATE INDEX CONCURRENTLY by_balance ON accounts (balance)")
	assert.Equal(t, "42P07", codeOf(t, err))
	var partial *xadriver.PartialError
	assert.NotErrorAs(t, err, &partial, "home refused: nothing was done anywhere")

	db, err := sql.Open("pgx", b.urls[2])
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Exec("CREATE TABLE by_note (x int)")
	require.NoError(t, err)
	_, err = b.Exec("CREATE INDEX CONCURRENTLY by_note ON accounts (note)")
	require.ErrorAs(t, err, &partial)
	assert.Equal(t, []string{"s1", "s2"}, partial.Done)
	assert.Equal(t, "s3", partial.Failed)
	assert.Equal(t, "42P07", codeOf(t, err))

	_, err = b.Exec("BEGIN; VACUUM accounts; COMMIT")
	assert.Equal(t, "25001", codeOf(t, err))
}

func TestTemporaryTablesKeepTheirTransactionOnHome(t *testing.T) {
	b := openBank(t, 3)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	exec := func(query string) error {
		_, err := conn.ExecContext(t.Context(), query)
		return err
	}
	require.NoError(t, exec("CREATE TEMPORARY TABLE seen (owner text)"))
	require.NoError(t, exec("INSERT INTO seen VALUES ('a')"))
	require.NoError(t, exec("BEGIN"))
	require.NoError(t, exec("INSERT INTO seen VALUES ('b')"))
	for i := range 6 {
		require.NoError(t, exec(fmt.Sprintf("INSERT INTO accounts (owner) VALUES ('t%d')", i)))
	}
	var refused *xadriver.UnsupportedError
	require.ErrorAs(t, exec("COMMIT"), &refused)
	assert.Contains(t, refused.Clause, "temporary")
	var n int
	require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT count(*) FROM accounts").Scan(&n))
	assert.Zero(t, n, "rolled back everywhere")
	require.NoError(t, conn.QueryRowContext(t.Context(), "SELECT count(*) FROM seen").Scan(&n))
	assert.Equal(t, 1, n)
	require.Error(t, b.QueryRow("SELECT count(*) FROM seen").Scan(&n), "other connections do not see it")
}

func TestTheTimeOfATransactionIsOne(t *testing.T) {
	b := openBank(t, 3, "key.events=owner")
	_, err := b.Exec("CREATE TABLE events (owner text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), day date DEFAULT CURRENT_DATE, what text)")
	require.NoError(t, err)
	tx, err := b.Begin()
	require.NoError(t, err)
	for i := range 8 {
		_, err := tx.Exec("INSERT INTO events (owner, what) VALUES ($1, $2)", fmt.Sprint("a", i), "one by one")
		require.NoError(t, err)
	}
	_, err = tx.Exec("INSERT INTO events (owner) SELECT 'b' || g FROM generate_series(1, 6) g")
	require.NoError(t, err)
	_, err = tx.Exec("INSERT INTO events (owner, at) VALUES ('c1', DEFAULT), ('c2', now()), ('c3', CURRENT_TIMESTAMP), ('c4', transaction_timestamp())")
	require.NoError(t, err)
	var n, all, equal int
	require.NoError(t, tx.QueryRow("SELECT count(DISTINCT at), count(*), count(*) FILTER (WHERE at = now()) FROM events").Scan(&n, &all, &equal))
	assert.Equal(t, []int{1, 18, 18}, []int{n, all, equal})
	for i := range 8 {
		require.NoError(t, tx.QueryRow("SELECT count(*) FROM events WHERE owner = $1 AND at = now()", fmt.Sprint("a", i)).Scan(&n))
		assert.Equal(t, 1, n)
		_, err := tx.Exec("UPDATE events SET at = now() WHERE owner = $1", fmt.Sprint("a", i))
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	require.NoError(t, b.QueryRow("SELECT count(DISTINCT at) FROM events").Scan(&n))
	assert.Equal(t, 1, n)
	rows, err := b.Query("SELECT now(), CURRENT_DATE FROM events WHERE owner = 'a1'")
	require.NoError(t, err)
	names, err := rows.Columns()
	require.NoError(t, err)
	assert.Equal(t, []string{"now", "current_date"}, names)
	require.NoError(t, rows.Close())
}
