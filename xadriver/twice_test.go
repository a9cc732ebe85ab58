package xadriver_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// Nothing is done twice: database/sql runs a call again upon driver.ErrBadConn, and
// the driver runs some statements again by itself.

// loser is a connector of a driver that loses connections: before it sends a
// statement that contains "boom", or after it has sent COMMIT, as lib/pq reports it.
type loser struct {
	driver.Connector
	before, after *atomic.Int64
}

func (c loser) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &losing{Conn: conn.(*stdlib.Conn), loser: c}, nil
}

type losing struct {
	*stdlib.Conn
	loser loser
}

func (c *losing) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if strings.Contains(query, "boom") && c.loser.before.Add(-1) >= 0 {
		return nil, driver.ErrBadConn
	}
	res, err := c.Conn.ExecContext(ctx, query, args)
	if query == "COMMIT" && c.loser.after.Add(-1) == 0 {
		return nil, driver.ErrBadConn
	}
	return res, err
}

func openLosing(t *testing.T) (b *bank, before, after *atomic.Int64) {
	b = newBank(t, 3)
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	before, after = &atomic.Int64{}, &atomic.Int64{}
	for i, s := range cfg.Shards {
		inner, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(b.urls[i])
		require.NoError(t, err)
		cfg.Shards[i] = xadriver.Shard{Name: s.Name, Connector: loser{inner, before, after}}
	}
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	b.DB = sql.OpenDB(c)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	_, err = b.Exec(bankSchema)
	require.NoError(t, err)
	return b, before, after
}

const addLine = "INSERT INTO audit SELECT coalesce(max(id), 0) + 1, 'x' FROM audit"

func TestAScriptIsNotRunAgainWhenALaterStatementFindsNoConnection(t *testing.T) {
	b, before, _ := openLosing(t)
	before.Store(3)
	_, err := b.Exec("BEGIN; " + addLine + "; COMMIT; UPDATE audit SET what = 'boom'")
	require.Error(t, err)
	assert.NotErrorIs(t, err, driver.ErrBadConn)
	assert.Equal(t, "1", b.on(t, 0, "SELECT count(*)::text FROM audit"))
}

func TestACommitInDoubtIsNotRunAgain(t *testing.T) {
	b, _, after := openLosing(t)
	looked(t, b.DB) // whose marks are committed, too
	after.Store(1)
	_, err := b.Exec(addLine + "; " + addLine)
	var doubt *xadriver.InDoubtError
	require.ErrorAs(t, err, &doubt)
	assert.NotErrorIs(t, err, driver.ErrBadConn)
	assert.Equal(t, "2", b.on(t, 0, "SELECT count(*)::text FROM audit"))
}

func TestOnlyQueriesAreRunAgainWhenTheyAreOutdated(t *testing.T) {
	b := newBank(t, 1)
	conn, err := openDB(t, b.urls[0]).Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	exec := func(sql string) error { _, err := conn.ExecContext(t.Context(), sql); return err }
	require.NoError(t, exec("CREATE TABLE source (a int); CREATE TABLE done (a int)"))
	require.NoError(t, exec("PREPARE p AS SELECT * FROM source"))
	require.NoError(t, exec("ALTER TABLE source ADD COLUMN b int"))
	require.NoError(t, exec("CREATE PROCEDURE proc() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO done VALUES (2); COMMIT; EXECUTE 'EXECUTE p'; END $$"))
	assert.Equal(t, "0A000", codeOf(t, exec("BEGIN; INSERT INTO done VALUES (1); COMMIT; EXECUTE p")))
	assert.Equal(t, "0A000", codeOf(t, exec("CALL proc()")))
	assert.Equal(t, "2", b.on(t, 0, "SELECT count(*)::text FROM done"))
}

// Transactions that wait for each other through pgx's own connections do not wait
// for ever either.
func TestWaitingForLocksIsBoundedOnLentConnections(t *testing.T) {
	b, _ := openPool(t, 3, "lock_wait=200ms")
	names := fill(t, b)
	arrived, both, done := make(chan struct{}, 2), make(chan struct{}), make(chan error, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 2 {
		go func() {
			done <- func() error {
				conn, err := b.Conn(ctx)
				if err != nil {
					return err
				}
				defer conn.Close()
				tx, err := conn.BeginTx(ctx, nil)
				if err != nil {
					return err
				}
				defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
				update := func(at int) error {
					return conn.Raw(func(raw any) error {
						pg, err := raw.(*xadriver.Conn).Shard(ctx, []string{"s1", "s2", "s3"}[at])
						if err != nil {
							return err
						}
						_, err = pg.Conn().Exec(ctx, "UPDATE accounts SET balance = 0 WHERE owner = $1", names[at])
						return err
					})
				}
				if err := update(i); err != nil {
					return err
				}
				arrived <- struct{}{}
				<-both
				if err := update(1 - i); err != nil {
					return err
				}
				return tx.Commit()
			}()
		}()
	}
	<-arrived
	<-arrived
	close(both)
	failed := 0
	for range 2 {
		if err := <-done; err != nil {
			assert.Equal(t, "55P03", codeOf(t, err))
			failed++
		}
	}
	assert.Positive(t, failed, "they waited for each other")
}

// What yields its locks leaves alone a connection whose rows are still being read.
func TestRowsSurviveAFailureOnAnotherShard(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 1 WHERE owner = $1", names[0])
	require.NoError(t, err)
	_, err = tx.Exec("SAVEPOINT s")
	require.NoError(t, err)
	rows, err := tx.Query("SELECT generate_series(1, 100000) FROM accounts WHERE owner = $1", names[0])
	require.NoError(t, err)
	require.True(t, rows.Next())
	_, err = tx.Exec("UPDATE accounts SET balance = 1 / 0 WHERE owner = $1", names[1])
	require.Equal(t, "22012", codeOf(t, err))
	for rows.Next() {
	}
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
	_, err = tx.Exec("ROLLBACK TO s")
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 1 WHERE owner = $1", names[1])
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	var sum int
	require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
	assert.Equal(t, 102, sum)
}
