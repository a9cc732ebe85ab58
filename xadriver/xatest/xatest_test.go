package xatest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

const childEnv = "XATEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		c, err := xatest.Open(context.Background(), xatest.Shards(2))
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		fmt.Println(c.Shards[0].Port(), c.Shards[1].Port(), c.Shards[0].DataDir())
		select {}
	}
	os.Exit(m.Run())
}

func query(t *testing.T, dsn, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	var out string
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&out))
	return out
}

func TestServersAnswerWithTheSettingsAsked(t *testing.T) {
	c := xatest.Start(t, xatest.Names("athos", "porthos"), xatest.Set("work_mem", "5MB"), xatest.SetOn("porthos", "max_prepared_transactions", "0"))
	assert.Equal(t, "5MB", query(t, c.Server("athos").DSN(), "SHOW work_mem"))
	assert.Equal(t, "100", query(t, c.Server("athos").DSN(), "SHOW max_prepared_transactions"))
	assert.Equal(t, "0", query(t, c.Server("porthos").DSN(), "SHOW max_prepared_transactions"))
	dsn, err := c.Server("athos").CreateDatabase(t.Context(), "second")
	require.NoError(t, err)
	assert.Equal(t, "second", query(t, dsn, "SELECT current_database()"))
	assert.Contains(t, c.DSN("bank", "/tmp/it's.db"), `log='sqlite:/tmp/it\'s.db'`)
}

func TestServersSurviveStopsAndFreezes(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	s := c.Shards[0]
	port := s.Port()
	for _, mode := range []xatest.Mode{xatest.Fast, xatest.Immediate} {
		require.NoError(t, s.Restart(t.Context(), mode))
		assert.Equal(t, port, s.Port())
		assert.Equal(t, "1", query(t, s.DSN(), "SELECT '1'"))
	}
	conn, err := pgx.Connect(t.Context(), s.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, s.Freeze())
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err = conn.Exec(ctx, "SELECT 1")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, s.Thaw())
	assert.Equal(t, "1", query(t, s.DSN(), "SELECT '1'"))
}

func TestAStandbyCanBePromoted(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	standby, err := c.Shards[0].AddStandby(t.Context(), "replica")
	require.NoError(t, err)
	assert.Equal(t, "true", query(t, standby.DSN(), "SELECT pg_is_in_recovery()::text"))
	require.NoError(t, c.Shards[0].Stop(t.Context(), xatest.Immediate))
	require.NoError(t, standby.Promote(t.Context()))
	assert.Equal(t, "false", query(t, standby.DSN(), "SELECT pg_is_in_recovery()::text"))
}

func TestAStandbyGetsWhatItIsLetHave(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	primary := c.Shards[0]
	standby, err := primary.AddStandby(t.Context(), "replica")
	require.NoError(t, err)
	conn, err := pgx.Connect(t.Context(), primary.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	create := func(table string) {
		_, err := conn.Exec(t.Context(), "CREATE TABLE "+table+"()")
		require.NoError(t, err)
	}
	const tables = "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relname LIKE 'made%'"
	create("made1")
	require.NoError(t, standby.CatchUp(t.Context(), primary))
	assert.Equal(t, "made1", query(t, standby.DSN(), tables))
	require.NoError(t, standby.Detach(t.Context()))
	create("made2")
	assert.Equal(t, "made1", query(t, standby.DSN(), tables))
	require.NoError(t, standby.Attach(t.Context()))
	require.NoError(t, standby.CatchUp(t.Context(), primary))
	assert.Equal(t, "made1 made2", query(t, standby.DSN(), tables))
	require.NoError(t, primary.Synchronous(t.Context(), "replica"))
	assert.Equal(t, "sync", query(t, primary.DSN(), "SELECT sync_state FROM pg_stat_replication"))
	require.NoError(t, primary.Synchronous(t.Context()))
	assert.Contains(t, xatest.AnyOf(primary, standby), "target_session_attrs=read-write")
}

func TestServersDieWithTheProcessThatStartedThem(t *testing.T) {
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	f := strings.Fields(line)
	require.Len(t, f, 3, line)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	for _, p := range f[:2] {
		port, err := strconv.Atoi(p)
		require.NoError(t, err)
		assert.Eventually(t, func() bool {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		}, 20*time.Second, 50*time.Millisecond)
	}
	assert.Eventually(t, func() bool {
		_, err := os.Stat(f[2])
		return errors.Is(err, os.ErrNotExist)
	}, 20*time.Second, 50*time.Millisecond, "the data folder is removed")
}

func TestProxyCutsBeforeTheAnswer(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	p, err := xatest.NewProxy(fmt.Sprintf("127.0.0.1:%d", c.Shards[0].Port()))
	require.NoError(t, err)
	defer p.Close()
	for name, arm := range map[string]func(string){"done": p.CutBeforeReply, "undone": p.CutBeforeForward} {
		conn, err := pgx.Connect(t.Context(), p.Rewrite(c.Shards[0].DSN()))
		require.NoError(t, err)
		arm("CREATE TABLE " + name)
		_, err = conn.Exec(t.Context(), "CREATE TABLE "+name+"()")
		require.Error(t, err)
		assert.False(t, p.Armed())
	}
	assert.Equal(t, "done", query(t, c.Shards[0].DSN(), "SELECT string_agg(relname, ',') FROM pg_class WHERE relname IN ('done', 'undone')"))
}

func ExampleStart() {
	var t *testing.T // of the test at hand
	cluster := xatest.Start(t, xatest.Shards(2))
	_ = cluster.DSN("test", "xapg.db", "key.accounts=owner")
}
