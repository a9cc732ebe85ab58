package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

func xapg(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(args, &o, &e)
	return code, o.String(), e.String()
}

func TestOperatorsSeeAndHealACluster(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos"))
	dsn := c.DSN("bank", filepath.Join(t.TempDir(), "xapg.db"), "key.accounts=owner", "resolve_after=1h", "resolve_every=1h")
	cfg, err := xadriver.ParseDSN(dsn)
	require.NoError(t, err)
	var armed atomic.Bool
	gids := make(chan string, 2)
	cfg.OnStep = func(s xadriver.Step) {
		if s.Point == xadriver.BeforeDecide && armed.Load() {
			gids <- s.Txn.String()
			select {} // a coordinator that hangs for ever
		}
	}
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	_, err = db.Exec("CREATE TABLE accounts (owner text PRIMARY KEY)")
	require.NoError(t, err)

	code, out, errs := xapg("check", dsn, "--rows")
	assert.Zero(t, code, out+errs)
	assert.Contains(t, out, "max_prepared_transactions")
	assert.Contains(t, out, "0 on the wrong shard")

	code, out, errs = xapg("route", dsn, "SELECT * FROM accounts WHERE owner = $1", "Alice")
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "porthos")
	code, out, errs = xapg("route", dsn, "SELECT count(*) FROM accounts")
	assert.Zero(t, code, errs)
	assert.Contains(t, out, "partial aggregates")
	assert.Contains(t, out, "porthos")
	assert.Contains(t, out, "then: by PostgreSQL")
	code, _, errs = xapg("route", dsn, "COPY accounts FROM STDIN")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "COPY")
	code, _, errs = xapg("route", dsn, "SELEC 1")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "syntax error")

	armed.Store(true)
	go func() {
		tx, _ := db.Begin()
		_, _ = tx.Exec("INSERT INTO accounts VALUES ('Alice')")
		_, _ = tx.Exec("INSERT INTO accounts VALUES ('Bob')")
		_ = tx.Commit()
	}()
	id := <-gids
	code, out, _ = xapg("--json", "txns", dsn)
	assert.Equal(t, exitProblem, code)
	var list []xadriver.InDoubt
	require.NoError(t, json.Unmarshal([]byte(out), &list))
	require.Len(t, list, 1)
	assert.Equal(t, id, list[0].ID.String())
	assert.Equal(t, "unknown", list[0].Decision)
	assert.ElementsMatch(t, []string{"athos", "porthos"}, list[0].Shards)

	code, out, _ = xapg("resolve", dsn)
	assert.Equal(t, exitProblem, code, "too young: %s", out)
	code, out, errs = xapg("resolve", dsn, "--older-than", "0s")
	assert.Zero(t, code, out+errs)
	code, out, _ = xapg("txns", dsn)
	assert.Zero(t, code, out)
	for _, s := range c.Shards {
		conn, err := pgx.Connect(context.Background(), s.DSN())
		require.NoError(t, err)
		var n int
		require.NoError(t, conn.QueryRow(context.Background(), "SELECT count(*) FROM accounts").Scan(&n))
		assert.Zero(t, n)
		require.NoError(t, conn.Close(context.Background()))
	}

	require.NoError(t, c.Server("porthos").Stop(context.Background(), xatest.Fast))
	code, out, _ = xapg("check", dsn)
	assert.Equal(t, exitUnreachable, code)
	assert.Contains(t, out, "WRONG")
}

func TestWhatCannotBeUnderstoodSaysSo(t *testing.T) {
	for _, args := range [][]string{{"check"}, {"check", "cluster=x shard.a=host=h"}, {"route"}, {"nonsense"}, {"txns", "postgres://localhost/one"}} {
		code, _, errs := xapg(args...)
		assert.Equal(t, exitUsage, code, args)
		assert.NotEmpty(t, errs)
	}
}
