package xamysql_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xamysql"
)

// The child of a crash test: it commits one transfer, and is killed, or stopped, at a
// given point of the second.
const (
	childDSN   = "XAPG_XAMYSQL_DSN"
	childMySQL = "XAPG_XAMYSQL_MYSQL"
	childAt    = "XAPG_XAMYSQL_AT" // a point, with the name of the shard or resource after a slash
	childRun   = "XAPG_XAMYSQL_RUN"
	childFrom  = "XAPG_XAMYSQL_FROM"  // the account it sends from
	childStops = "XAPG_XAMYSQL_STOPS" // it is stopped instead of killed
)

var errDied = errors.New("its program died before it was told")

func child() {
	die := func(err error) {
		fmt.Println("error", err)
		os.Exit(3)
	}
	var armed atomic.Bool
	account, err := strconv.Atoi(os.Getenv(childFrom))
	if err != nil {
		die(err)
	}
	at, end, run := os.Getenv(childAt), syscall.SIGKILL, []string{"-a", "-b"}
	var options xamysql.Options
	if os.Getenv(childStops) != "" {
		end, run, options.Silence = syscall.SIGSTOP, run[1:], time.Second
	}
	goOn := make(chan os.Signal, 1)
	signal.Notify(goOn, syscall.SIGCONT)
	pool, err := sql.Open("mysql", os.Getenv(childMySQL))
	if err != nil {
		die(err)
	}
	// It does not resolve: whoever is killed or stopped beside it is not its business, and
	// a program that stands still must not have the log's file locked meanwhile, which
	// would then be locked for everybody.
	db, stock, err := openShop(os.Getenv(childDSN), pool, options, leaves, func(cfg *xadriver.Config) {
		cfg.OnStep = func(step xadriver.Step) {
			if (at == string(step.Point) || at == string(step.Point)+"/"+step.Shard) && armed.CompareAndSwap(true, false) {
				_ = syscall.Kill(os.Getpid(), end)
				<-goOn // a stop reaches the threads one after the other: this one must not get as far as the log
			}
		}
	})
	if err != nil {
		die(err)
	}
	for _, id := range run {
		id = os.Getenv(childRun) + id
		fmt.Println("begin", id)
		armed.Store(strings.HasSuffix(id, "-b"))
		err := send(context.Background(), db, stock, id, account)
		fmt.Printf("told %s %v\n", id, err)
	}
	os.Exit(0)
}

// startChild runs a child, and notes in the history what it was told.
func (s *shop) startChild(t *testing.T, at, run string, account int, stops bool) (cmd *exec.Cmd, wait func(history map[string]error) error) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd = exec.Command(exe)
	cmd.Env = append(os.Environ(), childDSN+"="+s.DSN, childMySQL+"="+s.dsn, childAt+"="+at, childRun+"="+run, childFrom+"="+strconv.Itoa(account))
	if stops {
		cmd.Env = append(cmd.Env, childStops+"=yes")
	}
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, func(history map[string]error) error {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			f := strings.SplitN(lines.Text(), " ", 3)
			switch {
			case f[0] == "begin":
				history[f[1]] = errDied
			case f[0] == "told" && f[2] == "<nil>":
				history[f[1]] = nil
			case f[0] == "told":
				history[f[1]] = errors.New(f[2])
			default:
				t.Error(lines.Text())
			}
		}
		return cmd.Wait()
	}
}

// points are where a two-phase commit over the first shard and MySQL can be cut off.
func points() (list []string) {
	for _, where := range []string{"s1", "stock"} {
		for _, p := range []xadriver.Point{xadriver.BeforePrepare, xadriver.AfterPrepare, xadriver.BeforeFinish, xadriver.AfterFinish} {
			list = append(list, string(p)+"/"+where)
		}
	}
	return append(list, string(xadriver.BeforeDecide), string(xadriver.AfterDecide), string(xadriver.BeforeForget))
}

// decided reports whether the decision is stored at a point.
func decided(at string) bool {
	point, _, _ := strings.Cut(at, "/")
	switch xadriver.Point(point) {
	case xadriver.AfterDecide, xadriver.BeforeFinish, xadriver.AfterFinish, xadriver.BeforeForget:
		return true
	default:
		return false
	}
}

func TestAKilledProgramLeavesEveryTransferWhole(t *testing.T) {
	s := newShop(t, 1, leaves)
	all := make(map[string]error)
	var group errgroup.Group
	group.SetLimit(3)
	var mu sync.Mutex
	for i, at := range points() {
		group.Go(func() error { // each from an account of its own: what is prepared keeps others waiting
			_, wait := s.startChild(t, at, at, 1+i, false)
			history := make(map[string]error)
			if err := wait(history); err == nil || !strings.Contains(err.Error(), "killed") {
				return fmt.Errorf("at %s: %w", at, err)
			}
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, history)
			return nil
		})
	}
	require.NoError(t, group.Wait())
	s.heal(t)
	assert.Empty(t, s.violations(t, all))
	sent := ids(t, s.DB, "sent")
	for _, at := range points() {
		assert.Equal(t, decided(at), sent[at+"-b"], "killed at %s", at)
	}
	t.Logf("%d programs killed, %d transfers whole", len(points()), len(all))
}

// standsStill waits until the last thread of a child has stopped, or the child has ended.
func standsStill(pid int) bool {
	for {
		var status syscall.WaitStatus
		if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); !errors.Is(err, syscall.EINTR) {
			return err == nil && status.Stopped()
		}
	}
}

func TestAFrozenProgramIsOverruledAndToldTheTruth(t *testing.T) {
	s := newShop(t, 1, leaves)
	history := make(map[string]error)
	cmd, wait := s.startChild(t, string(xadriver.BeforeDecide), "frozen", 1, true)
	if !standsStill(cmd.Process.Pid) {
		_ = wait(history) // which tells what it said
		t.Fatal("it has ended instead")
	}
	require.Len(t, prepared(t, s.mysql), 1)
	s.heal(t) // MySQL lets go of the branch when its connection has been silent for a second
	require.NoError(t, cmd.Process.Signal(syscall.SIGCONT))
	require.NoError(t, wait(history))
	require.ErrorContains(t, history["frozen-b"], "presumed dead")
	assert.Empty(t, s.violations(t, history))
}
