//go:build unix

package sqlitelog

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

func another(t testing.TB, path string) *Log {
	t.Helper()
	l, err := Open(t.Context(), path, Options{Cluster: "bank"})
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func decide(t testing.TB, l *Log) {
	t.Helper()
	_, err := l.Decide(context.Background(), uuid.Must(uuid.NewV7()), txlog.Commit, shards)
	assert.NoError(t, err)
}

// One log has the next decision at hand when it has stored one, as under load. Whoever
// waited meanwhile comes first all the same. Nobody acts out of turn here: where a
// processor is busy, he would be too slow now and then.
func TestWhoWaitedComesBeforeWhoHasJustWritten(t *testing.T) {
	var mu sync.Mutex
	var order []string
	note := func(who string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, who)
	}
	release := make(chan struct{})
	at := func(who string, then func()) func(string) {
		return func(point string) {
			if point == "log.before_commit" {
				note(who)
				then()
			}
		}
	}
	greedy := openHooked(t, at("greedy", func() { <-release }))
	patient, err := Open(t.Context(), greedy.path, Options{Cluster: "bank", Hook: at("patient", func() {})})
	require.NoError(t, err)
	defer patient.Close()
	greedy.turn.still, patient.turn.still = time.Minute, time.Minute
	probe := openTurn(greedy.path, 0o600)
	defer probe.close()
	const rounds = 20
	fair := 0
	for range rounds {
		order = nil
		var callers sync.WaitGroup
		callers.Go(func() { decide(t, greedy) })
		soon(t, func() bool { mu.Lock(); defer mu.Unlock(); return len(order) == 1 }, "it is about to commit")
		callers.Go(func() { decide(t, greedy) })
		soon(t, func() bool { return greedy.queue.Len() == 1 }, "and has another at hand")
		callers.Go(func() { decide(t, patient) })
		soon(t, func() bool {
			free := probe.take()
			if free {
				probe.give()
			}
			return !free
		}, "the other waits")
		release <- struct{}{}
		release <- struct{}{}
		callers.Wait()
		require.Len(t, order, 3)
		if order[1] == "patient" {
			fair++
		}
	}
	assert.Equal(t, rounds, fair, "who had waited came last")
}

// A process that was stopped while it had its turn does not keep others out, nor one
// that writes without turns.
func TestATurnThatIsNeverGivenUp(t *testing.T) {
	l := openHooked(t, nil)
	stopped := openTurn(l.path, 0o600)
	defer stopped.close()
	require.True(t, stopped.take())
	for range 3 {
		decide(t, l)
	}
	assert.False(t, l.turn.take())
	conn := stranger(t, l)
	exec(t, conn, "BEGIN IMMEDIATE")
	done := make(chan struct{})
	go func() { decide(t, l); close(done) }()
	time.Sleep(3 * outOfTurn) // so that it has looked in vain
	exec(t, conn, "COMMIT")
	<-done
	stopped.give()
	decide(t, l)
	assert.True(t, l.turn.take())
	assert.False(t, stopped.take(), "two have their turn at once")
}

func TestTheLastOneTakesTheTurnAway(t *testing.T) {
	l := openHooked(t, nil)
	link := filepath.Join(t.TempDir(), "link.db")
	require.NoError(t, os.Symlink(l.path, link))
	other := another(t, link)
	assert.True(t, l.turn.take())
	assert.False(t, other.turn.take(), "a log has one turn, by whatever name")
	l.turn.give()
	require.NoError(t, l.Close())
	require.FileExists(t, l.path+"-turn")
	decide(t, other)
	require.NoError(t, other.Close())
	assert.NoFileExists(t, l.path+"-turn")
	decide(t, another(t, l.path))
}

func TestALogWithoutATurn(t *testing.T) {
	for what, put := range map[string]func(name string) error{
		"a folder":          func(name string) error { return os.Mkdir(name, 0o700) },
		"somebody's file":   func(name string) error { return os.WriteFile(name, []byte("whose turn it is"), 0o600) },
		"a link to nowhere": func(name string) error { return os.Symlink("nowhere", name) },
		"a pipe":            func(name string) error { return syscall.Mkfifo(name, 0o600) },
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "log.db")
			require.NoError(t, put(path+"-turn"))
			before, err := os.Lstat(path + "-turn")
			require.NoError(t, err)
			l := another(t, path)
			assert.Nil(t, l.turn)
			decide(t, l)
			require.NoError(t, l.Close())
			after, err := os.Lstat(path + "-turn")
			require.NoError(t, err, "it was taken away")
			assert.True(t, os.SameFile(before, after))
			assert.NoFileExists(t, filepath.Join(filepath.Dir(path), "nowhere"))
		})
	}
}
