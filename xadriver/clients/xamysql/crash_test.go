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

// stopTakes is more than a process needs to stand still once it has been told to.
const stopTakes = time.Second

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
	at, signal := os.Getenv(childAt), syscall.SIGKILL
	if os.Getenv(childStops) != "" {
		signal = syscall.SIGSTOP
	}
	pool, err := sql.Open("mysql", os.Getenv(childMySQL))
	if err != nil {
		die(err)
	}
	db, stock, err := openShop(os.Getenv(childDSN), pool, func(step xadriver.Step) {
		if (at == string(step.Point) || at == string(step.Point)+"/"+step.Shard) && armed.CompareAndSwap(true, false) {
			_ = syscall.Kill(os.Getpid(), signal)
			// A stop reaches the threads one after the other. This one must not get as far
			// as the log, and stand still with the file's lock in its hands.
			time.Sleep(stopTakes)
		}
	})
	if err != nil {
		die(err)
	}
	run := []string{"-a", "-b"}
	if signal == syscall.SIGSTOP {
		run = run[1:]
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
	s := newShop(t, 1)
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
	s.settle(t) // by this process, which has never heard of these transactions
	assert.Empty(t, s.violations(t, all))
	sent := ids(t, s.DB, "sent")
	for _, at := range points() {
		assert.Equal(t, decided(at), sent[at+"-b"], "killed at %s", at)
	}
	t.Logf("%d programs killed, %d transfers whole", len(points()), len(all))
}

func TestAFrozenProgramIsOverruledAndToldTheTruth(t *testing.T) {
	s := newShop(t, 1)
	history := make(map[string]error)
	cmd, wait := s.startChild(t, string(xadriver.BeforeDecide), "frozen", 1, true)
	require.Eventually(t, func() bool { return len(prepared(t, s.mysql)) == 1 }, 20*time.Second, 10*time.Millisecond)
	s.settle(t) // MySQL lets go of the branch when its connection has been silent for a second
	ended := make(chan error)
	go func() { ended <- wait(history) }()
	for thawed := false; !thawed; {
		_ = cmd.Process.Signal(syscall.SIGCONT) // again and again: it may not have come to its point yet
		select {
		case err := <-ended:
			require.NoError(t, err)
			thawed = true
		case <-time.After(tick):
		}
	}
	require.ErrorContains(t, history["frozen-b"], "presumed dead")
	assert.Empty(t, s.violations(t, history))
}
