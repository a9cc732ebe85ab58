//go:build unix

package sqlitelog_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/sqlitelog"
)

const (
	contested     = 300 // transactions that all contenders decide
	crashID       = "01980000-0000-7000-8000-00000000000a"
	survivorID    = "01980000-0000-7000-8000-00000000000b"
	crashAtPrefix = "crash at "
)

func init() {
	childRoles["contend"] = contend
	for _, point := range []string{"log.before_insert", "log.before_commit", "log.after_commit"} {
		childRoles[crashAtPrefix+point] = func(path string) error { return crashAt(path, point) }
	}
}

// contend waits for the start, decides all contested transactions from four goroutines,
// some this way and some that way, and prints what it was told and its mark.
func contend(path string) error {
	l, err := sqlitelog.Open(context.Background(), path, sqlitelog.Options{Cluster: "bank"})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	answers := make([]txlog.Outcome, contested)
	errs := make([]error, contested)
	first := rand.IntN(contested)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := g; n < contested; n += 4 {
				i := (n + first) % contested // each begins elsewhere, so that each wins something
				want := txlog.Outcome(1 + (os.Getpid()+i)%2)
				answers[i], errs[i] = l.Decide(context.Background(), contestedID(i), want, named(fmt.Sprint("by ", os.Getpid())))
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(contention{l.Identity(), l.Mark(), answers}); err != nil {
		return err
	}
	return l.Close()
}

type contention struct {
	Identity txlog.Identity
	Mark     txlog.Mark
	Answers  []txlog.Outcome
}

func contestedID(i int) uuid.UUID { return uuid.UUID{6: 0x70, 8: 0x80, 14: byte(i >> 8), 15: byte(i)} }

func TestProcessesThatShareTheFileAgree(t *testing.T) {
	path := fresh(t) // which they also create at once
	children := make([]*exec.Cmd, 4)
	starts := make([]io.Closer, len(children))
	outputs := make([]*bufio.Reader, len(children))
	for i := range children {
		c := childProcess(t, "contend", path)
		c.Stderr = os.Stderr
		stdin, err := c.StdinPipe()
		require.NoError(t, err)
		stdout, err := c.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, c.Start())
		children[i], starts[i], outputs[i] = c, stdin, bufio.NewReader(stdout)
	}
	for _, output := range outputs {
		line, err := output.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "ready\n", line)
	}
	for _, start := range starts {
		require.NoError(t, start.Close())
	}
	told := make([]contention, len(children))
	for i, c := range children {
		err := json.NewDecoder(outputs[i]).Decode(&told[i])
		assert.NoError(t, c.Wait())
		require.NoError(t, err)
	}
	l := openLog(t, path)
	writers := make(map[string]bool)
	for i, c := range told {
		assert.Equal(t, l.Identity(), c.Identity)
		known, err := l.HasMark(t.Context(), c.Mark)
		require.NoError(t, err)
		assert.True(t, known)
		for n, answer := range c.Answers {
			d, err := l.Lookup(t.Context(), contestedID(n))
			require.NoError(t, err)
			require.Equal(t, d.Outcome, answer, "process %d, transaction %d", i, n)
			require.Len(t, d.Participants, 1)
			writers[d.Participants[0].Name] = true
		}
	}
	assert.Greater(t, len(writers), 1, "the processes should have met")
	list, err := l.Unfinished(t.Context(), uuid.Nil, 2*contested)
	require.NoError(t, err)
	assert.Len(t, list, contested)
}

// crashAt decides one transaction in peace, and is killed at a point of the next.
func crashAt(path, point string) error {
	armed := false
	l, err := sqlitelog.Open(context.Background(), path, sqlitelog.Options{Cluster: "bank", Hook: func(at string) {
		if armed && at == point {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err != nil {
		return err
	}
	if _, err := l.Decide(context.Background(), uuid.MustParse(survivorID), txlog.Commit, shards); err != nil {
		return err
	}
	armed = true
	_, err = l.Decide(context.Background(), uuid.MustParse(crashID), txlog.Commit, shards)
	return fmt.Errorf("survived %s: %w", point, err)
}

func TestCrashAtEachPointOfATransaction(t *testing.T) {
	for role := range childRoles {
		point, ok := strings.CutPrefix(role, crashAtPrefix)
		if !ok {
			continue
		}
		t.Run(point, func(t *testing.T) {
			path := fresh(t)
			output, err := childProcess(t, role, path).CombinedOutput()
			require.ErrorContains(t, err, "killed", "%s", output)

			l := openLog(t, path)
			d, err := l.Lookup(t.Context(), uuid.MustParse(survivorID))
			require.NoError(t, err)
			assert.Equal(t, txlog.Commit, d.Outcome)

			stored := point == "log.after_commit"
			_, err = l.Lookup(t.Context(), uuid.MustParse(crashID))
			if stored {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, txlog.ErrNoDecision)
			}
			got, err := l.Decide(t.Context(), uuid.MustParse(crashID), txlog.Abort, shards)
			require.NoError(t, err)
			if stored {
				assert.Equal(t, txlog.Commit, got)
			} else {
				assert.Equal(t, txlog.Abort, got)
			}
		})
	}
}
