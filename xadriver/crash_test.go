package xadriver_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog/sqlitelog"
	"github.com/xapg/xapg/xadriver"
)

// fast makes recovery quick enough for tests.
var fast = []string{"resolve_after=300ms", "resolve_every=200ms", "key.moves=owner"}

// The child of a crash test: it commits two transactions, and is killed at a
// given point of the third.
const (
	crashDSN   = "XAPG_CRASH_DSN"
	crashLog   = "XAPG_CRASH_LOG"
	crashNames = "XAPG_CRASH_NAMES"
	crashAt    = "XAPG_CRASH_AT"   // a point, with the shard's name after a slash
	crashRun   = "XAPG_CRASH_RUN"  // prefix of the ids
	crashMore  = "XAPG_CRASH_MORE" // transactions to commit before the last
)

func crashChild() {
	die := func(err error) {
		fmt.Println("error", err)
		os.Exit(3)
	}
	at, armed := os.Getenv(crashAt), false
	kill := func(point string) {
		if armed && point == at {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	cfg, err := xadriver.ParseDSN(os.Getenv(crashDSN))
	if err != nil {
		die(err)
	}
	log, err := sqlitelog.Open(context.Background(), os.Getenv(crashLog), sqlitelog.Options{Cluster: cfg.Cluster, Hook: kill})
	if err != nil {
		die(err)
	}
	cfg.DecisionLog = log
	cfg.ResolveAfter = time.Minute // it does not take itself for dead
	cfg.OnStep = func(s xadriver.Step) {
		kill(string(s.Point))
		kill(string(s.Point) + "/" + s.Shard)
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		die(err)
	}
	db := sql.OpenDB(connector)
	names := strings.Split(os.Getenv(crashNames), ",")
	before, _ := strconv.Atoi(os.Getenv(crashMore))
	for i := range before + 1 {
		id := os.Getenv(crashRun) + "-" + strconv.Itoa(i)
		fmt.Println("begin", id)
		armed = i == before
		fmt.Printf("told %s %s\n", id, tellOf(move(context.Background(), db, names, id)))
	}
	os.Exit(0)
}

// crash runs a child that is killed at a point, and adds to the history what it
// was told.
func crash(t *testing.T, b *bank, names []string, at, run string, history map[string]told) (killed bool) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), crashDSN+"="+b.dsn, crashLog+"="+b.log, crashNames+"="+strings.Join(names, ","), crashAt+"="+at,
		crashRun+"="+run, crashMore+"=1", "PGAPPNAME="+run)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.SplitN(lines.Text(), " ", 3)
		switch {
		case f[0] == "begin":
			history[f[1]] = toldNothing
		case f[0] == "told" && len(f) == 3:
			history[f[1]] = told(f[2])
		default:
			t.Fatal(lines.Text())
		}
	}
	err = cmd.Wait()
	for i := range b.urls { // what it had sent may still be done
		require.Eventually(t, func() bool {
			return b.on(t, i, "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1", run) == "0"
		}, time.Minute, 5*time.Millisecond, "the child's sessions go on")
	}
	return err != nil && strings.Contains(err.Error(), "killed")
}

// points lists where a two-phase commit over the given shards can be interrupted.
func points(shards []string) (list []string) {
	for _, s := range shards {
		for _, p := range []xadriver.Point{xadriver.BeforePrepare, xadriver.AfterPrepare, xadriver.BeforeFinish, xadriver.AfterFinish} {
			list = append(list, string(p)+"/"+s)
		}
	}
	return append(list, string(xadriver.BeforeDecide), "log.before_insert", "log.before_commit", "log.after_commit", string(xadriver.AfterDecide), string(xadriver.BeforeForget))
}

// decided reports whether the decision to commit is durable at a point.
func decided(at string) bool {
	for _, p := range []string{"log.after_commit", "after_decide", "before_finish", "after_finish", "before_forget"} {
		if strings.HasPrefix(at, p) {
			return true
		}
	}
	return false
}

func TestAKilledProgramLeavesEveryTransactionWhole(t *testing.T) {
	for _, shards := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			b := newBank(t, shards, "resolve_after=1m", "resolve_every=200ms", "key.moves=owner") // a slow child is not taken for dead
			connector := backup(t, b.dsn)
			db := openDB(t, b.dsn)
			_, err := db.Exec(movesSchema)
			require.NoError(t, err)
			names := owners(t, b)
			history := make(map[string]told)
			var shardNames []string
			for i := range shards {
				shardNames = append(shardNames, fmt.Sprintf("s%d", i+1))
			}
			crashes := 0
			for i, at := range points(shardNames) {
				run := fmt.Sprintf("run%d", i)
				require.True(t, crash(t, b, names, at, run, history), "the child was not killed at %s", at)
				crashes++
				_, err := connector.Resolve(t.Context(), 0)
				require.NoError(t, err)
				heal(t, b.urls)
				requireWhole(t, b.urls, history)
				there := b.on(t, 0, "SELECT count(*)::text FROM moves WHERE id = $1", run+"-1") == "1"
				assert.Equal(t, decided(at), there, "killed at %s", at)
			}
			t.Logf("%d programs killed, %d transactions whole", crashes, len(history))
		})
	}
}
