package command

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// transfer commits a transaction that spans both shards.
func transfer(db *sql.DB, owner string) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	for _, suffix := range []string{"a", "b", "c", "d", "e", "f"} {
		if _, err := tx.Exec("INSERT INTO accounts VALUES ($1)", owner+suffix); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

func TestTheDecisionLogIsMovedToAnotherStoreAndBack(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos", "log"))
	dir := t.TempDir()
	dsn := func(log string) string {
		return "cluster=bank log=" + xatest.Quote(log) + " shard.athos=" + xatest.Quote(c.Server("athos").DSN()) +
			" shard.porthos=" + xatest.Quote(c.Server("porthos").DSN()) + " key.accounts=owner resolve_after=1h resolve_every=1h"
	}
	from, to, back := "sqlite:"+filepath.Join(dir, "old.db"), c.Server("log").DSN(), "sqlite:"+filepath.Join(dir, "back.db")
	file := filepath.Join(dir, "log.jsonl")

	cfg, err := xadriver.ParseDSN(dsn(from))
	require.NoError(t, err)
	var hang atomic.Bool
	hung, awake, gone := make(chan string, 1), make(chan struct{}), make(chan struct{})
	cfg.OnStep = func(s xadriver.Step) {
		if s.Point == xadriver.BeforeDecide && hang.CompareAndSwap(true, false) {
			hung <- s.Txn.String()
			<-awake // a coordinator that hangs
		}
	}
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	_, err = db.Exec("CREATE TABLE accounts (owner text PRIMARY KEY)")
	require.NoError(t, err)
	require.NoError(t, transfer(db, "Alice"))

	// In doubt, it stays, and goes on.
	hang.Store(true)
	go func() {
		_ = transfer(db, "Bob")
		close(gone)
	}()
	defer func() {
		close(awake)
		<-gone
		_ = db.Close()
	}()
	id := <-hung
	code, _, errs := xapg("log", "export", dsn(from), file)
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, id)
	assert.NoFileExists(t, file)
	require.NoError(t, transfer(db, "Carol"))
	code, _, errs = xapg("resolve", dsn(from), "--older-than", "0s")
	require.Zero(t, code, errs)

	// Others that commit all the time are not in its way.
	told := make(chan error, 1)
	go func() {
		for n := 0; ; n++ {
			if err := transfer(db, fmt.Sprint("load", n)); err != nil {
				told <- err
				return
			}
		}
	}()
	code, out, errs := xapg("log", "export", dsn(from), file, "--to", "postgres://app:s3cret@log/x")
	require.Zero(t, code, errs)
	var sealed *txlog.SealedError
	require.ErrorAs(t, <-told, &sealed)
	assert.Empty(t, out)
	assert.Contains(t, errs, "exported ")
	err = transfer(db, "Dave")
	require.ErrorAs(t, err, &sealed, "an application that goes on with the old place")
	assert.Contains(t, err.Error(), "postgres://app@log/x: restart the application")
	assert.NotContains(t, err.Error(), "s3cret")
	_, err = xadriver.NewConnector(*must(xadriver.ParseDSN(dsn(from))))
	require.ErrorAs(t, err, &sealed, "and one that opens it")
	code, _, errs = xapg("log", "export", dsn(from), file)
	assert.Zero(t, code, errs)
	assert.Contains(t, errs, "once more")

	// Given up, and done again.
	code, _, errs = xapg("log", "export", dsn(from), "--undo")
	require.Zero(t, code, errs)
	require.NoError(t, transfer(db, "Dave"))
	code, out, errs = xapg("log", "export", dsn(from))
	require.Zero(t, code, errs)
	require.NoError(t, os.WriteFile(file, []byte(out), 0o600))

	code, _, errs = xapg("log", "import", file, to)
	require.Zero(t, code, errs)
	assert.Contains(t, errs, "restart the applications")
	for _, pair := range [][2]string{{file, to}, {from, to}, {file, from}} {
		code, out, errs = xapg("log", "verify", pair[0], pair[1], "--cluster", "bank")
		assert.Zero(t, code, out+errs)
		assert.Contains(t, out, "records")
	}
	code, _, errs = xapg("log", "import", file, to)
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "there is a log already")

	moved, err := sql.Open("xapg", dsn(to))
	require.NoError(t, err)
	defer moved.Close()
	require.NoError(t, transfer(moved, "Eve"))
	code, _, errs = xapg("log", "export", dsn(from), "--undo")
	assert.Equal(t, exitProblem, code, "the shards know the new log")
	assert.Contains(t, errs, "the seal stays")
	code, out, errs = xapg("log", "verify", file, to)
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, out, "is missing in the first", errs)

	var n int
	require.NoError(t, moved.QueryRow("SELECT count(*) FROM accounts").Scan(&n))
	assert.Zero(t, n%6, "nothing is half done")
	require.NoError(t, moved.QueryRow("SELECT count(*) FROM accounts WHERE owner NOT LIKE 'load%'").Scan(&n))
	assert.Equal(t, 4*6, n)

	// And back, into a file.
	code, _, errs = xapg("log", "export", dsn(to), file)
	require.Zero(t, code, errs)
	code, _, errs = xapg("log", "import", file, back)
	require.Zero(t, code, errs)
	code, out, errs = xapg("--json", "log", "verify", to, back, "--cluster", "bank")
	require.Zero(t, code, out+errs)
	assert.Contains(t, out, `"total": 0`)
	again, err := sql.Open("xapg", dsn(back))
	require.NoError(t, err)
	defer again.Close()
	require.NoError(t, transfer(again, "Frank"))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestAFileThatIsNotWholeIsNotImported(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	log, err := txlog.Open(ctx, "sqlite:"+filepath.Join(dir, "log.db"), txlog.OpenOptions{Cluster: "bank"})
	require.NoError(t, err)
	var text strings.Builder
	_, _, err = txlog.WriteContents(&text, txlog.ContentsOf(ctx, log), must(log.Openings(ctx, 0, 1))[0].At)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	whole := text.String()
	lines := strings.SplitAfter(whole, "\n")
	for name, content := range map[string]string{
		"empty":         "",
		"no log":        "{}\n",
		"no JSON":       "once upon a time\n",
		"cut":           strings.Join(lines[:len(lines)-2], ""),
		"cut in a line": whole[:len(whole)-10],
		"changed":       strings.Replace(whole, `"seq":1`, `"seq":2`, 1),
		"goes on":       whole + "more",
		"newer":         strings.Replace(whole, `"xapg_log":1`, `"xapg_log":9`, 1),
	} {
		file, place := filepath.Join(dir, "file"), filepath.Join(dir, "new.db")
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		code, _, errs := xapg("log", "import", file, "sqlite:"+place)
		assert.NotZero(t, code, name)
		assert.Contains(t, errs, "txlog: ", name)
		again, err := txlog.Open(ctx, "sqlite:"+place, txlog.OpenOptions{Cluster: "bank"})
		require.NoError(t, err)
		assert.NotEqual(t, log.Identity(), again.Identity(), "%s: nothing of it is there", name)
		require.NoError(t, again.Close())
		require.NoError(t, os.Remove(place))
	}
	for _, args := range [][]string{
		{"log", "import", "no such file", "sqlite:x"}, {"log", "verify", "no such file", "sqlite:x"}, {"log", "verify", "sqlite:x", "sqlite:y"},
		{"log", "import", filepath.Join(dir, "log.db")}, {"log", "export", "cluster=x shard.a=host=h"}, {"log", "export", "--undo"},
	} {
		code, _, errs := xapg(args...)
		assert.Equal(t, exitUsage, code, "%s: %s", args, errs)
	}
}
