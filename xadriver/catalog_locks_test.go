package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/xapg/xapg/xadriver/xatest"
)

// twoTables have everything that PostgreSQL writes out under a lock on its table:
// defaults, generated columns, constraints and views.
const twoTables = `
CREATE TABLE a (id int PRIMARY KEY, n int DEFAULT 1, twice int GENERATED ALWAYS AS (n * 2) STORED, CHECK (n < 1000));
CREATE TABLE b (id int PRIMARY KEY, n int DEFAULT 1, twice int GENERATED ALWAYS AS (n * 2) STORED, CHECK (n < 1000));
CREATE VIEW of_a AS SELECT id, n FROM a WHERE n > 0;
CREATE VIEW of_b AS SELECT id, n FROM b WHERE n > 0;
CREATE VIEW over_b AS SELECT id FROM of_b`

// openTwoTables opens a database in which nobody waits for a lock for long.
func openTwoTables(t *testing.T, more ...string) *bank {
	t.Helper()
	b := newBank(t, 3, append([]string{"key.a=id", "key.b=id", "schema_check=1ms"}, more...)...)
	b.DB = openDB(t, b.dsn)
	_, err := b.Exec(twoTables)
	require.NoError(t, err)
	_, err = b.Exec("INSERT INTO a (id) SELECT generate_series(1, 9); INSERT INTO b (id) SELECT generate_series(1, 9)")
	require.NoError(t, err)
	return b
}

// elsewhere runs statements in a transaction on each shard that xapg knows nothing of,
// and returns what ends them all.
func elsewhere(t *testing.T, b *bank, statements ...string) (end func(statement string)) {
	t.Helper()
	conns := make([]*pgx.Conn, len(b.urls))
	for i, url := range b.urls {
		conn, err := pgx.Connect(context.Background(), url)
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		for _, s := range append([]string{"BEGIN"}, statements...) {
			_, err = conn.Exec(t.Context(), s)
			require.NoError(t, err)
		}
		conns[i] = conn
	}
	return func(statement string) {
		t.Helper()
		for _, conn := range conns {
			_, err := conn.Exec(context.Background(), statement)
			require.NoError(t, err)
		}
	}
}

func TestTransactionsThatChangeDifferentTablesDoNotWaitForEachOther(t *testing.T) {
	b := openTwoTables(t, "lock_wait=2s")
	var txs [2]*sql.Tx
	for i := range txs {
		var err error
		txs[i], err = b.Begin()
		require.NoError(t, err)
	}
	for step := range 3 {
		for i, table := range []string{"a", "b"} {
			for _, s := range []string{
				"ALTER TABLE %s ADD COLUMN x%d int DEFAULT 1", "CREATE VIEW v%s%d AS SELECT id FROM of_%[1]s", "INSERT INTO %s (id) VALUES (1%d)",
			} {
				_, err := txs[i].Exec(fmt.Sprintf(s, table, step))
				require.NoError(t, err, "%s, step %d", table, step)
			}
			var n int
			require.NoError(t, txs[i].QueryRow(fmt.Sprintf("SELECT count(*) FROM v%s%d", table, step)).Scan(&n))
			assert.Equal(t, 10+step, n)
		}
	}
	for i := range txs {
		require.NoError(t, txs[i].Commit())
	}
	var n int
	require.NoError(t, b.QueryRow("SELECT sum(a.x2 + b.x2) FROM a JOIN b USING (id)").Scan(&n))
	assert.Equal(t, 24, n)
}

func TestMigrationsOfSeveralProgramsDoNotWaitForEachOther(t *testing.T) {
	b := openTwoTables(t, "lock_wait=15s")
	other := openDB(t, b.dsn)
	var group errgroup.Group
	for i, db := range []*sql.DB{b.DB, other} {
		group.Go(func() error {
			for n := range 5 {
				tx, err := db.Begin()
				if err != nil {
					return err
				}
				defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to roll back
				for _, s := range []string{
					"CREATE TABLE m%[1]d_%[2]d (id int PRIMARY KEY, n bigserial, at timestamptz DEFAULT now())",
					"ALTER TABLE m%[1]d_%[2]d ADD COLUMN x int DEFAULT 1",
					"CREATE VIEW w%[1]d_%[2]d AS SELECT id, x FROM m%[1]d_%[2]d",
					"CREATE INDEX ON m%[1]d_%[2]d (x)",
					"INSERT INTO m%[1]d_%[2]d (id) VALUES (1), (2)",
				} {
					if _, err := tx.Exec(fmt.Sprintf(s, i, n)); err != nil {
						return fmt.Errorf(s+": %[3]w", i, n, err)
					}
				}
				if err := tx.Commit(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	for i := range 2 {
		for n := range 5 {
			var sum int
			require.NoError(t, b.QueryRow(fmt.Sprintf("SELECT sum(x) FROM w%d_%d", i, n)).Scan(&sum))
			assert.Equal(t, 2, sum)
		}
	}
	assert.Zero(t, b.prepared(t))
}

// Whoever names other tables does not notice that a table is locked, though nothing is
// known of the tables yet, and it is forgotten time and again.
func TestNobodyWaitsForALockOnATableThatIsNotNamed(t *testing.T) {
	b := openTwoTables(t, "lock_wait=2s")
	number := 0
	for name, hold := range map[string]func(*testing.T, *bank) (end func()){
		"a transaction that altered it": func(t *testing.T, b *bank) func() {
			end := elsewhere(t, b, "ALTER TABLE a ADD COLUMN x int DEFAULT 5")
			return func() { end("ROLLBACK") }
		},
		"a transaction that empties it": func(t *testing.T, b *bank) func() {
			end := elsewhere(t, b, "TRUNCATE a")
			return func() { end("ROLLBACK") }
		},
		"a prepared transaction": func(t *testing.T, b *bank) func() {
			end := elsewhere(t, b, "ALTER TABLE a ADD COLUMN x int DEFAULT 5", "PREPARE TRANSACTION 'held'")
			return func() { end("ROLLBACK PREPARED 'held'") }
		},
		"somebody who waits himself": func(t *testing.T, b *bank) func() {
			reader := elsewhere(t, b, "SELECT FROM a")
			done := make(chan error)
			conn, err := pgx.Connect(t.Context(), b.urls[0])
			require.NoError(t, err)
			go func() {
				_, err := conn.Exec(context.Background(), "ALTER TABLE a ALTER COLUMN n SET DEFAULT 5")
				done <- err
			}()
			waitsFor(t, b, "a")
			return func() {
				reader("ROLLBACK")
				require.NoError(t, <-done)
				require.NoError(t, conn.Close(context.Background()))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			end := hold(t, b)
			defer end()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			fresh := openDB(t, b.dsn)
			for range 2 {
				number++
				var n int
				require.NoError(t, fresh.QueryRowContext(ctx, "SELECT count(*) FROM b").Scan(&n))
				assert.Equal(t, 9, n)
				require.NoError(t, fresh.QueryRowContext(ctx, "SELECT count(*) FROM over_b").Scan(&n))
				assert.Equal(t, 9, n)
				_, err := fresh.ExecContext(ctx, fmt.Sprintf("ALTER TABLE b ADD COLUMN y%d int DEFAULT 3", number))
				require.NoError(t, err)
				tx, err := fresh.BeginTx(ctx, nil)
				require.NoError(t, err)
				for _, s := range []string{
					fmt.Sprintf("CREATE TABLE c%d (id int PRIMARY KEY, n bigserial)", number), fmt.Sprintf("UPDATE b SET n = 2, y%d = 4", number), "SELECT * FROM of_b ORDER BY n",
				} {
					_, err = tx.ExecContext(ctx, s)
					require.NoError(t, err, s)
				}
				require.NoError(t, tx.Commit())
			}
		})
	}
}

// ungranted counts those who wait for a lock on a table.
const ungranted = "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation = $1::text::regclass"

// waitsFor waits until somebody waits for a lock on a table on home.
func waitsFor(t *testing.T, b *bank, table string) {
	t.Helper()
	require.Eventually(t, func() bool { return b.on(t, 0, ungranted, table) != "0" }, 20*time.Second, 5*time.Millisecond)
}

// A statement that names a table that somebody is changing waits, and is answered by
// what has come of it: by one server, that would be so.
func TestWhoNamesATableThatIsBeingChangedSeesTheChange(t *testing.T) {
	b := openTwoTables(t, "lock_wait=30s")
	_, err := b.Exec("CREATE TABLE currencies (id int PRIMARY KEY)")
	require.NoError(t, err)
	for _, c := range []struct {
		statement, check, want string
	}{
		{statement: "SELECT * FROM a ORDER BY n, id"},
		{statement: "SELECT * FROM a"},
		{statement: "SELECT * FROM a WHERE id = 3"},
		{statement: "SELECT x, count(*) FROM a GROUP BY x"},
		{statement: "INSERT INTO a VALUES (11, 1, DEFAULT, 7) RETURNING x"},
		{statement: "UPDATE a SET x = x + 1 WHERE x = 5"},
		{statement: "SELECT id, n FROM of_a"},
		{statement: "INSERT INTO currencies (id) VALUES (1)", check: "SELECT x::text FROM currencies"},
	} {
		t.Run(c.statement, func(t *testing.T) {
			end := elsewhere(t, b, "ALTER TABLE a ADD COLUMN x int DEFAULT 5", "ALTER TABLE currencies ADD COLUMN x timestamptz DEFAULT clock_timestamp()",
				"CREATE OR REPLACE VIEW of_a AS SELECT id, n FROM a WHERE x = 5 AND id < 9")
			fresh := openDB(t, b.dsn)
			var columns []string
			n := 0
			done := make(chan error)
			go func() {
				rows, err := fresh.Query(c.statement)
				if err == nil {
					defer rows.Close()
					columns, _ = rows.Columns()
					for rows.Next() {
						n++
					}
					err = rows.Err()
				}
				done <- err
			}()
			table := "a"
			if c.check != "" {
				table = "currencies"
			}
			waitsForAny(t, b, table, "of_a")
			end("COMMIT")
			require.NoError(t, <-done)
			switch {
			case c.check != "":
				for i := range b.urls {
					assert.Equal(t, b.on(t, 0, c.check), b.on(t, i, c.check), "the value of a default is the same on every shard")
				}
			case c.statement == "SELECT * FROM a ORDER BY n, id" || c.statement == "SELECT * FROM a":
				assert.Equal(t, []string{"id", "n", "twice", "x"}, columns)
			case c.statement == "SELECT id, n FROM of_a":
				assert.Equal(t, 8, n)
			}
			behind(t, b, "CREATE OR REPLACE VIEW of_a AS SELECT id, n FROM a WHERE n > 0; ALTER TABLE a DROP COLUMN x; ALTER TABLE currencies DROP COLUMN x")
		})
	}
}

// waitsForAny is waitsFor for one of two tables.
func waitsForAny(t *testing.T, b *bank, one, other string) {
	t.Helper()
	const waiting = "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation IN ($1::text::regclass, $2::text::regclass)"
	require.Eventually(t, func() bool { return b.on(t, 0, waiting, one, other) != "0" }, 20*time.Second, 5*time.Millisecond)
}

func TestTheWaitForAChangeEndsWithTheContext(t *testing.T) {
	b := openTwoTables(t, "lock_wait=30s")
	end := elsewhere(t, b, "ALTER TABLE a ADD COLUMN x int DEFAULT 5")
	defer end("ROLLBACK")
	for _, statement := range []string{"SELECT id, n FROM of_a", "UPDATE a SET n = 3"} {
		t.Run(statement, func(t *testing.T) {
			// What the statement before has begun to read waits for longer than its context.
			require.Eventually(t, func() bool { return b.on(t, 0, ungranted, "a") == "0" }, 20*time.Second, 5*time.Millisecond)
			fresh := openDB(t, b.dsn)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() {
				_, err := fresh.ExecContext(ctx, statement)
				done <- err
			}()
			waitsFor(t, b, "a")
			cancel()
			require.ErrorIs(t, <-done, context.Canceled)
			_, err := fresh.Exec("UPDATE b SET n = 3")
			require.NoError(t, err, "nobody else is concerned")
		})
	}
}

// A transaction that holds locks does not wait for whom it keeps waiting.
func TestATransactionThatIsWaitedForGoesOn(t *testing.T) {
	b := openTwoTables(t, "lock_wait=30s")
	all := []string{"UPDATE a SET n = 5 WHERE id = 1", "SELECT * FROM a ORDER BY n", "SELECT * FROM of_a", "INSERT INTO a (id) VALUES (20) ON CONFLICT DO NOTHING"}
	for first, then := range map[string][]string{
		"UPDATE a SET n = 4": all, "SELECT count(*) FROM of_a": all, "TRUNCATE a": all, "ALTER TABLE a ADD COLUMN y int": all,
		"UPDATE a SET n = 4 WHERE id = 1": {"UPDATE a SET n = 5 WHERE id = 1", "SELECT * FROM a WHERE id = 1"},
	} {
		t.Run(first, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
			defer cancel()
			tx, err := b.BeginTx(ctx, nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(ctx, first)
			require.NoError(t, err)
			done := make(chan error)
			go func() {
				_, err := b.ExecContext(ctx, "ALTER TABLE a ADD COLUMN x int; CREATE TABLE IF NOT EXISTS other (id int); ALTER TABLE a DROP COLUMN x")
				done <- err
			}()
			require.Eventually(t, func() bool {
				for i := range b.urls {
					if b.on(t, i, "SELECT count(*)::text FROM pg_locks WHERE NOT granted AND relation = 'a'::regclass") != "0" {
						return true
					}
				}
				return false
			}, 20*time.Second, 5*time.Millisecond)
			behind(t, b, "CREATE TABLE noticed (id int)")
			for _, s := range append([]string{"SELECT count(*) FROM noticed"}, then...) { // which is not known: the catalog is read
				_, err = tx.ExecContext(ctx, s)
				require.NoError(t, err, s)
			}
			require.NoError(t, tx.Rollback())
			require.NoError(t, <-done)
			behind(t, b, "DROP TABLE noticed")
		})
	}
}

// A transaction that keeps all others from a table reads the catalog all the same.
func TestATransactionDoesNotWaitForItself(t *testing.T) {
	b := openTwoTables(t)
	for _, lock := range []string{"TRUNCATE a", "LOCK TABLE a", "ALTER TABLE a ADD COLUMN x int DEFAULT 2"} {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		tx, err := b.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, lock)
		require.NoError(t, err)
		behind(t, b, "CREATE TABLE made_elsewhere (id int)")
		for _, s := range []string{"UPDATE a SET n = 2 WHERE id = 1", "SELECT * FROM of_a ORDER BY n", "SELECT count(*) FROM made_elsewhere", "INSERT INTO a (id) VALUES (30) ON CONFLICT DO NOTHING"} {
			_, err = tx.ExecContext(ctx, s)
			require.NoError(t, err, "%s, then %s", lock, s)
		}
		require.NoError(t, tx.Rollback())
		cancel()
		behind(t, b, "DROP TABLE made_elsewhere")
	}
}

// Each waits for the catalog by his own context, though it is read once for all.
func TestAContextEndsTheWaitForTheCatalog(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(2))
	db := openDB(t, c.DSN("bank", t.TempDir()+"/xapg.db")+" key.accounts=owner")
	require.NoError(t, db.Ping())
	require.NoError(t, c.Shards[0].Freeze())
	patient := make(chan error)
	go func() {
		var n int
		patient <- db.QueryRow("SELECT count(*) FROM pg_class WHERE false").Scan(&n)
	}()
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := db.ExecContext(ctx, "SELECT 1")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()
	}
	require.NoError(t, c.Shards[0].Thaw())
	require.NoError(t, <-patient)
}
