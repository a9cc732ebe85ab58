package xadriver_test

import (
	"context"
	"database/sql"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// The shards' configurations keep their hooks, and notices arrive.
func TestHooksAndNotices(t *testing.T) {
	b := newBank(t, 3)
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	var mu sync.Mutex
	var heard, reset, connected []string
	cfg.OnNotice = func(shard string, n *pgconn.Notice) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, shard+": "+n.Message)
	}
	cfg.Shards[0].Options = []stdlib.OptionOpenDB{
		stdlib.OptionAfterConnect(func(context.Context, *pgx.Conn) error {
			mu.Lock()
			defer mu.Unlock()
			connected = append(connected, "s1")
			return nil
		}),
		stdlib.OptionResetSession(func(context.Context, *pgx.Conn) error {
			mu.Lock()
			defer mu.Unlock()
			reset = append(reset, "s1")
			return nil
		}),
	}
	config, err := pgx.ParseConfig(cfg.Shards[1].DSN)
	require.NoError(t, err)
	config.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, "its own")
	}
	cfg.Shards[1] = xadriver.Shard{Name: "s2", Pgx: config}
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(c)
	defer db.Close()
	_, err = db.Exec(bankSchema)
	require.NoError(t, err)
	_, err = db.Exec("DROP TABLE IF EXISTS nothing")
	require.NoError(t, err)
	take := func(list *[]string) []string { // the driver's own connections have the same hooks
		mu.Lock()
		defer mu.Unlock()
		taken := *list
		*list = nil
		slices.Sort(taken)
		return taken
	}
	assert.Equal(t, []string{`its own`, `s1: table "nothing" does not exist, skipping`, `s2: table "nothing" does not exist, skipping`, `s3: table "nothing" does not exist, skipping`}, take(&heard))
	assert.NotEmpty(t, take(&connected))
	assert.NotEmpty(t, take(&reset), "a connection was used again")
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for sql, want := range map[string]string{"COMMIT": "there is no transaction in progress", "SET LOCAL work_mem = 99": "SET LOCAL can only be used in transaction blocks"} {
		take(&heard)
		_, err = conn.ExecContext(t.Context(), sql)
		require.NoError(t, err)
		assert.Equal(t, []string{"s1: " + want}, take(&heard))
	}
}

// Notifications of a transaction over several shards are sent with its commit.
func TestNotificationsAreSentWhenTheTransactionIsCommitted(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	listener, err := pgx.Connect(t.Context(), b.urls[0])
	require.NoError(t, err)
	defer listener.Close(context.Background())
	_, err = listener.Exec(t.Context(), "LISTEN news")
	require.NoError(t, err)
	for _, end := range []func(*sql.Tx) error{(*sql.Tx).Rollback, (*sql.Tx).Commit} {
		tx, err := b.Begin()
		require.NoError(t, err)
		for i, name := range names {
			_, err = tx.Exec("UPDATE accounts SET balance = balance + 1 WHERE owner = $1", name)
			require.NoError(t, err)
			if i == 0 {
				_, err = tx.Exec("NOTIFY news, 'first'")
				require.NoError(t, err)
				_, err = tx.Exec("SAVEPOINT s")
				require.NoError(t, err)
				_, err = tx.Exec("SELECT pg_notify('news', $1)", "undone")
				require.NoError(t, err)
				_, err = tx.Exec("ROLLBACK TO s")
				require.NoError(t, err)
				_, err = tx.Exec("SELECT pg_notify('news', p) FROM unnest($1::text[]) p", []string{"second", "third"})
				require.NoError(t, err)
			}
		}
		require.NoError(t, end(tx))
	}
	for _, want := range []string{"first", "second", "third"} {
		n, err := listener.WaitForNotification(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, n.Payload)
	}
	_, err = listener.Exec(t.Context(), "NOTIFY news, 'end'")
	require.NoError(t, err)
	n, err := listener.WaitForNotification(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "end", n.Payload, "nothing else was sent")
	var sum int
	require.NoError(t, b.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
	assert.Equal(t, 303, sum)
	// What was read from tables cannot be sent beside the transaction.
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("SELECT pg_notify('news', owner) FROM accounts WHERE owner = $1", names[0])
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 0")
	require.NoError(t, err)
	var unsupported *xadriver.UnsupportedError
	require.ErrorAs(t, tx.Commit(), &unsupported)
	assert.Contains(t, unsupported.Error(), "pg_notify")
}
