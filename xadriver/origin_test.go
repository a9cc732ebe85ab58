package xadriver_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

func TestErrorsTellTheirShard(t *testing.T) {
	b := openBank(t, 3)
	names := fill(t, b)
	for i, name := range names {
		shard := fmt.Sprint("s", i+1)
		_, err := b.Exec("INSERT INTO accounts VALUES ($1)", name)
		_, bare := err.(*pgconn.PgError) //nolint:errorlint // clients do this
		assert.True(t, bare, "%T", err)
		assert.Equal(t, shard, xadriver.ShardOf(err))
		assert.Equal(t, shard, xadriver.ShardOf(fmt.Errorf("opening an account: %w", err)))
		tx, err := b.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("UPDATE accounts SET balance = balance / 0 WHERE owner = $1", name)
		assert.Equal(t, shard, xadriver.ShardOf(err))
		require.NoError(t, tx.Rollback())
		rows, err := b.Query("SELECT 1 / (10000 - n) FROM accounts, generate_series(1, 20000) n WHERE owner = $1", name)
		require.NoError(t, err)
		for rows.Next() {
		}
		assert.Equal(t, shard, xadriver.ShardOf(rows.Err()), "%v", rows.Err())
		_, err = b.Query("SELECT CASE WHEN owner = $1 THEN 1 / (balance - 100) END FROM accounts", name)
		assert.Equal(t, shard, xadriver.ShardOf(err), "of a scattered statement: the shard that failed")
	}
	_, err := b.Exec("SELEC")
	assert.Empty(t, xadriver.ShardOf(err), "nobody was asked")
	// At the prepare.
	_, err = b.Exec("ALTER TABLE ledger ADD CONSTRAINT late FOREIGN KEY (owner) REFERENCES accounts DEFERRABLE INITIALLY DEFERRED")
	require.NoError(t, err)
	tx, err := b.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("ALTER TABLE ledger DROP CONSTRAINT ledger_owner_fkey")
	require.NoError(t, err)
	orphan := bucketMate(t, b, 1)
	_, err = tx.Exec("INSERT INTO ledger VALUES ($1, 1, 1)", orphan)
	require.NoError(t, err)
	err = tx.Commit()
	assert.Equal(t, "23503", codeOf(t, err))
	assert.Equal(t, "s2", xadriver.ShardOf(err))
}

// bucketMate is a name that lives on a shard and is nobody's.
func bucketMate(t *testing.T, b *bank, shard int) string {
	for i := 0; ; i++ {
		if name := fmt.Sprint("nobody", i); bucketOf(t, b, name)*len(b.urls)/4096 == shard {
			return name
		}
	}
}

func TestAShardThatIsDownIsNamed(t *testing.T) {
	b := newBank(t, 2)
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	cfg.Shards[1].DSN = "host=127.0.0.1 port=1 user=nobody password=secret dbname=x"
	cfg.Logger, _ = logged()
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(c)
	defer db.Close()
	err = db.Ping()
	assert.Equal(t, "s2", xadriver.ShardOf(err))
	assert.NotContains(t, err.Error(), "secret")
	_, err = db.Exec(bankSchema)
	assert.Equal(t, "s2", xadriver.ShardOf(err), "%v", err)
	cfg.Ping = "home"
	c, err = xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	other := sql.OpenDB(c)
	defer other.Close()
	require.NoError(t, other.Ping(), "only home is asked")
}
