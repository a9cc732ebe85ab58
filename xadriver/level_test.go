package xadriver_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// levelOn is the level that the driver takes a connection's transaction to have, and,
// where one is open, the one that it has on each shard.
func levelOn(t *testing.T, conn *sql.Conn, shards int) string {
	t.Helper()
	var level string
	require.NoError(t, conn.Raw(func(raw any) error { level = xadriver.LevelOf(raw); return nil }))
	for i := range shards {
		var got string
		require.NoError(t, conn.QueryRowContext(t.Context(), "/* xapg:shard=s"+string(rune('1'+i))+" */ SHOW transaction_isolation").Scan(&got))
		assert.Equal(t, strings.ToLower(level), got, "shard %d", i)
	}
	return level
}

func TestTheLevelOfATransactionIsKnownHoweverItIsSaid(t *testing.T) {
	b := openBank(t, 2)
	for _, test := range []struct {
		say  string
		want string
	}{
		{"BEGIN", "READ COMMITTED"},
		{"BEGIN ISOLATION LEVEL READ UNCOMMITTED", "READ UNCOMMITTED"},
		{"BEGIN ISOLATION LEVEL REPEATABLE READ", "REPEATABLE READ"},
		{"START TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE", "SERIALIZABLE"},
		{"BEGIN; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SERIALIZABLE"},
		{"BEGIN; SET LOCAL TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "REPEATABLE READ"},
		{"BEGIN; SET LOCAL work_mem = '7MB'; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SERIALIZABLE"},
		{"BEGIN; SET transaction_isolation = 'repeatable read'", "REPEATABLE READ"},
		{"BEGIN; SET LOCAL transaction_isolation TO serializable", "SERIALIZABLE"},
		{"BEGIN ISOLATION LEVEL SERIALIZABLE; SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "READ COMMITTED"},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE; BEGIN", "SERIALIZABLE"},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE; BEGIN", "REPEATABLE READ"},
		{"SET default_transaction_isolation = serializable; BEGIN", "SERIALIZABLE"},
		{"SET default_transaction_isolation = 'Repeatable Read'; BEGIN READ ONLY", "REPEATABLE READ"},
		{"SET default_transaction_isolation = serializable; BEGIN ISOLATION LEVEL READ COMMITTED", "READ COMMITTED"},
		{"SET default_transaction_isolation = serializable; SET default_transaction_isolation TO DEFAULT; BEGIN", "READ COMMITTED"},
		{"SET default_transaction_isolation = serializable; RESET default_transaction_isolation; BEGIN", "READ COMMITTED"},
		{"SET default_transaction_isolation = serializable; RESET ALL; BEGIN", "READ COMMITTED"},
		{"SET default_transaction_isolation = serializable; DISCARD ALL; BEGIN", "READ COMMITTED"},
		{"BEGIN; SET default_transaction_isolation = serializable", "READ COMMITTED"},
		{"BEGIN; SET default_transaction_isolation = serializable; COMMIT; BEGIN", "SERIALIZABLE"},
		{"BEGIN; SET default_transaction_isolation = serializable; ROLLBACK; BEGIN", "READ COMMITTED"},
		{"BEGIN; SET LOCAL default_transaction_isolation = serializable; COMMIT; BEGIN", "READ COMMITTED"},
		{"BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT AND CHAIN", "SERIALIZABLE"},
		{"BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; ROLLBACK AND CHAIN", "REPEATABLE READ"},
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SERIALIZABLE"},
		{"SET default_transaction_isolation = 'repeatable read'", "REPEATABLE READ"},
	} {
		t.Run(test.say, func(t *testing.T) {
			conn, err := b.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			open := 0
			for _, one := range strings.Split(test.say, ";") {
				_, err := conn.ExecContext(t.Context(), strings.TrimSpace(one))
				require.NoError(t, err)
				if strings.Contains(one, "BEGIN") || strings.Contains(one, "START") || strings.Contains(one, "CHAIN") {
					open = 2
				}
			}
			if test.want == "READ UNCOMMITTED" { // to PostgreSQL only a name
				assert.Equal(t, "READ COMMITTED", levelOn(t, conn, 0))
			} else {
				assert.Equal(t, test.want, levelOn(t, conn, open))
			}
			if open > 0 {
				_, err = conn.ExecContext(t.Context(), "ROLLBACK")
				require.NoError(t, err)
			}
			_, err = conn.ExecContext(t.Context(), "DISCARD ALL")
			require.NoError(t, err)
		})
	}
	for level, want := range map[sql.IsolationLevel]string{
		sql.LevelDefault: "READ COMMITTED", sql.LevelReadUncommitted: "READ COMMITTED", sql.LevelReadCommitted: "READ COMMITTED",
		sql.LevelRepeatableRead: "REPEATABLE READ", sql.LevelSnapshot: "REPEATABLE READ", sql.LevelSerializable: "SERIALIZABLE",
	} {
		conn, err := b.Conn(t.Context())
		require.NoError(t, err)
		tx, err := conn.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
		require.NoError(t, err)
		assert.Equal(t, want, levelOn(t, conn, 0), level)
		require.NoError(t, tx.Rollback())
		require.NoError(t, conn.Close())
	}
}

func TestTheLevelCannotBeChangedTooLate(t *testing.T) {
	b := openBank(t, 2)
	names := fill(t, b)
	for _, test := range []struct{ say, code string }{
		{"SAVEPOINT s; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "25001"},
		{"SELECT balance FROM accounts WHERE owner = '" + names[1] + "'; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "25001"},
		{"SELECT balance FROM accounts; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "25001"},
		{"SET TRANSACTION SNAPSHOT '00000003-0000001B-1'", "0A000"},
	} {
		for _, begin := range []string{"BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"} {
			conn, err := b.Conn(t.Context())
			require.NoError(t, err)
			for _, one := range append([]string{begin}, strings.Split(test.say, ";")...) {
				_, err = conn.ExecContext(t.Context(), strings.TrimSpace(one))
				if err != nil {
					break
				}
			}
			assert.Equal(t, test.code, codeOf(t, err), "%s; %s", begin, test.say)
			_, err = conn.ExecContext(t.Context(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
		}
	}
}

// What the servers give to those who say nothing: it may be said in the connection
// string, by the database and for the role, and on one shard only.
func TestTheServersOwnLevelIsKnown(t *testing.T) {
	b := openBank(t, 2)
	level := func(dsn string, shards int) string {
		db := openDB(t, dsn)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		_, err = conn.ExecContext(t.Context(), "BEGIN")
		require.NoError(t, err)
		got := levelOn(t, conn, shards)
		_, err = conn.ExecContext(t.Context(), "ROLLBACK")
		require.NoError(t, err)
		return got
	}
	assert.Equal(t, "READ COMMITTED", level(b.dsn, 2))
	option := strings.Replace(b.dsn, xatest.Quote(b.urls[1]), xatest.Quote(withOption(b.urls[1], "-c default_transaction_isolation=serializable")), 1)
	assert.Equal(t, "SERIALIZABLE", level(option, 2), "as the connection string of one shard says")

	name := b.on(t, 1, "SELECT quote_ident(current_database())")
	b.direct(t, 1, "ALTER DATABASE "+name+" SET default_transaction_isolation = 'repeatable read'")
	assert.Equal(t, "REPEATABLE READ", level(b.dsn, 2), "as one shard's database says")
	assert.Equal(t, "SERIALIZABLE", level(option, 2), "the connection string comes before the database")
	b.direct(t, 1, "ALTER ROLE CURRENT_USER IN DATABASE "+name+" SET default_transaction_isolation = 'serializable'")
	assert.Equal(t, "SERIALIZABLE", level(b.dsn, 2), "the role's in the database comes before the database's own")

	t.Run("of a shard that could not be reached before", func(t *testing.T) {
		cfg, err := xadriver.ParseDSN(b.dsn + " schema_check=off") // which would ask in the background
		require.NoError(t, err)
		connector, err := xadriver.NewConnector(*cfg)
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		defer db.Close()
		require.NoError(t, db.Ping())
		xadriver.ForgetLevels(connector, 1)
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		_, err = tx.Exec("/* xapg:shard=s2 */ SELECT 1")
		assert.Equal(t, "40001", codeOf(t, err), "it began as one of a weaker level")
		require.NoError(t, tx.Rollback())

		xadriver.ForgetLevels(connector, 1)
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		var n int
		require.NoError(t, conn.QueryRowContext(context.Background(), "SELECT count(*) FROM accounts").Scan(&n))
		assert.Equal(t, "SERIALIZABLE", levelOn(t, conn, 0), "a statement over several shards asks")
	})
}

// direct runs something on one shard.
func (b *bank) direct(t *testing.T, shard int, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), b.urls[shard])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql)
	require.NoError(t, err)
}

// withOption adds an option to a connection string's URL.
func withOption(url, option string) string {
	return url + "&options=" + strings.NewReplacer(" ", "%20", "=", "%3D").Replace(option)
}
