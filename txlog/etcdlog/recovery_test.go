package etcdlog_test

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx", to look at shards one by one
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/cmd/xapg/command"
	"github.com/xapg/xapg/txlog/etcdlog"
	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// What tells a process of this test binary to be a coordinator that dies: the DSN and
// the point of the commit protocol.
const (
	coordinatorDSN = "XAPG_ETCDLOG_DSN"
	coordinatorAt  = "XAPG_ETCDLOG_AT"
)

// owners are enough that each shard has some.
const owners = 16

func write(ctx context.Context, db *sql.DB, id string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for owner := range owners {
		if _, err := tx.ExecContext(ctx, "INSERT INTO moves VALUES ($1, $2)", owner, id); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// coordinate commits one transaction, and dies in the middle of the next.
func coordinate() {
	dsn := os.Getenv(coordinatorDSN)
	if dsn == "" {
		return
	}
	fail := func(err error) {
		fmt.Println(err)
		os.Exit(1)
	}
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		fail(err)
	}
	at, armed := os.Getenv(coordinatorAt), false
	reach := func(point string) {
		if armed && point == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	cfg.NoResolver = true
	cfg.OnStep = func(s xadriver.Step) { reach(string(s.Point)) }
	cfg.DecisionLog, err = etcdlog.Open(context.Background(), cfg.Log, etcdlog.Options{Cluster: cfg.Cluster, Hook: reach})
	if err != nil {
		fail(err)
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		fail(err)
	}
	db := sql.OpenDB(connector)
	if err := write(context.Background(), db, at+"-whole"); err != nil {
		fail(err)
	}
	armed = true
	fail(write(context.Background(), db, at+"-cut"))
}

// operate runs an operator's command, and returns its exit status.
func operate(args ...string) int { return command.Main(args, io.Discard, io.Discard) }

// prepared are the transactions that a shard has prepared.
func prepared(t *testing.T, shards []*sql.DB) (n int) {
	t.Helper()
	for _, shard := range shards {
		var here int
		require.NoError(t, shard.QueryRowContext(t.Context(), "SELECT count(*) FROM pg_prepared_xacts").Scan(&here))
		n += here
	}
	return n
}

func rows(t *testing.T, shards []*sql.DB, id string) (list []int) {
	t.Helper()
	for _, shard := range shards {
		var here int
		require.NoError(t, shard.QueryRowContext(t.Context(), "SELECT count(*) FROM moves WHERE id = $1", id).Scan(&here))
		list = append(list, here)
	}
	return list
}

// A coordinator dies with its votes collected, or with its decision made. Another
// process with the same log ends what it has left, while a member of etcd is down and
// the coordinator stays dead.
func backup(t *testing.T, c *cluster) {
	servers := xatest.Start(t, xatest.Shards(2))
	place := c.place() + "?timeout=4s"
	dsn := fmt.Sprintf("cluster=bank log=%s key.moves=owner resolve_after=300ms resolve_every=200ms", xatest.Quote(place))
	var shards []*sql.DB
	for _, s := range servers.Shards {
		dsn += fmt.Sprintf(" shard.%s=%s", s.Name(), xatest.Quote(s.DSN()))
		db, err := sql.Open("pgx", s.DSN())
		require.NoError(t, err)
		defer db.Close()
		shards = append(shards, db)
	}
	db, err := sql.Open("xapg", dsn)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), "CREATE TABLE moves (owner int, id text)")
	require.NoError(t, err)
	require.NoError(t, db.Close())

	for _, r := range []struct {
		at        xadriver.Point
		committed bool
		lose      func(*member)
	}{
		{xadriver.BeforeDecide, false, (*member).kill},
		{"log.before_request", false, (*member).stop},
		{"log.after_request", true, (*member).stop},
		{xadriver.AfterDecide, true, (*member).kill},
		{xadriver.BeforeFinish, true, (*member).freeze},
	} {
		t.Run(string(r.at), func(t *testing.T) {
			defer c.back(t)
			self, err := os.Executable()
			require.NoError(t, err)
			coordinator := exec.Command(self)
			coordinator.Env = append(os.Environ(), coordinatorDSN+"="+dsn, coordinatorAt+"="+string(r.at))
			output, err := coordinator.CombinedOutput()
			require.ErrorContains(t, err, "killed", "%s", output)
			require.Equal(t, 2, prepared(t, shards), "it has left a transaction on both shards")

			assert.Equal(t, 1, operate("txns", dsn), "the operator is told of it")

			_, others := c.leader(t)
			r.lose(others[0])
			backup, err := sql.Open("xapg", dsn)
			require.NoError(t, err)
			defer backup.Close()
			require.NoError(t, backup.PingContext(t.Context()))
			require.Eventually(t, func() bool { return prepared(t, shards) == 0 }, patience, pause)

			whole, cut := rows(t, shards, string(r.at)+"-whole"), rows(t, shards, string(r.at)+"-cut")
			assert.Equal(t, owners, whole[0]+whole[1])
			assert.Positive(t, whole[0])
			assert.Positive(t, whole[1])
			if r.committed {
				assert.Equal(t, whole, cut)
			} else {
				assert.Equal(t, []int{0, 0}, cut)
			}
			require.NoError(t, write(t.Context(), backup, string(r.at)+"-next"), "and the locks are gone")
			// The log hears of what is finished a moment later.
			require.Eventually(t, func() bool { return operate("txns", dsn) == 0 }, patience, pause)
		})
	}
}

// Two processes' worth of connectors share a log, and a member comes and goes under
// their load: all that was acknowledged is there, and nothing stays prepared.
func connectors(t *testing.T, c *cluster) {
	if testing.Short() {
		t.Skip("takes its time")
	}
	defer c.back(t)
	servers := xatest.Start(t, xatest.Shards(2))
	dsn := fmt.Sprintf("cluster=bank log=%s key.moves=owner resolve_after=300ms resolve_every=200ms", xatest.Quote(c.place()+"?timeout=4s"))
	var shards []*sql.DB
	for _, s := range servers.Shards {
		dsn += fmt.Sprintf(" shard.%s=%s", s.Name(), xatest.Quote(s.DSN()))
		db, err := sql.Open("pgx", s.DSN())
		require.NoError(t, err)
		defer db.Close()
		shards = append(shards, db)
	}
	var wg sync.WaitGroup
	stop := make(chan struct{})
	acknowledged := make([][]string, 2)
	var commits [2]atomic.Int64
	for i := range acknowledged {
		db, err := sql.Open("xapg", dsn)
		require.NoError(t, err)
		defer db.Close()
		if i == 0 {
			_, err = db.ExecContext(t.Context(), "CREATE TABLE moves (owner int, id text)")
			require.NoError(t, err)
		}
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				id := fmt.Sprintf("%d-%d", i, n)
				if err := write(t.Context(), db, id); err == nil {
					acknowledged[i] = append(acknowledged[i], id)
					commits[i].Add(1)
				}
			}
		})
	}
	for _, lose := range []func(*member){(*member).kill, (*member).stop} {
		leader, _ := c.leader(t)
		lose(leader)
		c.leader(t)
		c.back(t)
	}
	require.Eventually(t, func() bool { return commits[0].Load() > 0 && commits[1].Load() > 0 }, patience, pause)
	close(stop)
	wg.Wait()
	require.Eventually(t, func() bool { return prepared(t, shards) == 0 }, patience, pause)
	for _, list := range acknowledged {
		require.NotEmpty(t, list)
		for _, id := range list {
			there := rows(t, shards, id)
			require.Equal(t, owners, there[0]+there[1], "acknowledged %s", id)
		}
	}
	t.Log(len(acknowledged[0])+len(acknowledged[1]), "commits acknowledged")
	var halves []string
	for _, shard := range shards {
		var ids string
		require.NoError(t, shard.QueryRowContext(t.Context(), "SELECT coalesce(string_agg(DISTINCT id, ',' ORDER BY id), '') FROM moves").Scan(&ids))
		halves = append(halves, ids)
	}
	assert.Equal(t, strings.Split(halves[0], ","), strings.Split(halves[1], ","), "the same transactions are on both shards")
}
