package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// commits are transactions that end in each of the ways in which one can, by the
// shards that they write and read on.
var commits = []struct {
	name         string
	write, read  []int
	autocommit   bool // a statement that is a transaction of its own
	withText     bool // COMMIT is said as a statement
	afterOutcome []string
}{
	{name: "two-phase", write: []int{0, 1, 2}},
	{name: "two-phase with a reader", write: []int{0, 2}, read: []int{1}, withText: true},
	{name: "one-phase with readers", write: []int{1}, read: []int{0, 2}},
	{name: "one-phase", write: []int{1}, withText: true},
	{name: "read-only", read: []int{0, 1, 2}},
	{name: "autocommit", write: []int{0, 1, 2}, autocommit: true},
}

// journey runs one of the commits, in a context that may end on the way.
type journey struct {
	*world
	at int // of commits
}

// run does all of it; ready is called when nothing but the commit is left, or at
// once in autocommit.
func (j journey) run(t *testing.T, ctx context.Context, ready func()) error {
	t.Helper()
	c := commits[j.at]
	if c.autocommit {
		ready()
		_, err := j.ExecContext(ctx, "INSERT INTO past VALUES ($1), ($2), ($3)", j.names[0], j.names[1], j.names[2])
		return err
	}
	conn, err := j.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	commit := func() error { _, err := conn.ExecContext(ctx, "COMMIT"); return err }
	var on runner = conn
	if c.withText {
		_, err = conn.ExecContext(t.Context(), "BEGIN")
	} else {
		var tx *sql.Tx
		if tx, err = conn.BeginTx(ctx, nil); err == nil {
			on, commit = tx, tx.Commit
		}
	}
	require.NoError(t, err)
	for _, at := range c.write {
		_, err := on.ExecContext(t.Context(), "INSERT INTO past VALUES ($1)", j.names[at])
		require.NoError(t, err)
	}
	for _, at := range c.read {
		_, err := read(t.Context(), session{on, conn}, "SELECT balance FROM accounts WHERE owner = $1", j.names[at])
		require.NoError(t, err)
	}
	ready()
	return commit()
}

// judge compares what Commit said with what is on the shards.
func (j journey) judge(t *testing.T, err error) told {
	t.Helper()
	j.disarm()
	j.settled(t, fmt.Sprint("Commit said ", err))
	what, all, past := tellOf(err), len(commits[j.at].write), j.past(t)
	switch what {
	case toldCommitted:
		assert.Equal(t, all, past, "it said that it was committed")
	case toldRolledBack:
		assert.Zero(t, past, "it said %v", err)
	default:
		assert.Contains(t, []int{0, all}, past, "it must be whole")
	}
	_, err = read(t.Context(), session{j.DB, nil}, "SELECT owner, balance FROM accounts")
	assert.NoError(t, err, "whoever comes next")
	return what
}

// decidedAt are the points at which it is too late to turn back.
func decidedAt(point string) bool {
	for _, p := range []string{"before_decide", "after_decide", "before_finish", "after_finish", "before_forget"} {
		if strings.HasPrefix(point, p) {
			return true
		}
	}
	return false
}

func TestCommitTellsTheTruthAtEveryPoint(t *testing.T) {
	steps := &stepper{}
	var mu sync.Mutex
	var seen []string
	w := openWorld(t, func(cfg *xadriver.Config) {
		cfg.OnStep = func(s xadriver.Step) {
			mu.Lock()
			seen = append(seen, string(s.Point)+"/"+s.Shard)
			mu.Unlock()
			steps.step(s)
		}
	})
	count := make(map[told]int)
	for at, c := range commits {
		j := journey{w, at}
		w.reset(t)
		seen = nil
		require.Equal(t, toldCommitted, j.judge(t, j.run(t, t.Context(), func() {})))
		points := append([]string(nil), seen...)
		for n, point := range points {
			for h, how := range ways {
				if !every && h != (n+at)%len(ways) && how != "cancel" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%s", c.name, strings.ReplaceAll(point, "/", " "), how), func(t *testing.T) {
					w.reset(t)
					var stop func()
					ctx := (&attempt{world: w}).by(t, how, func(f func()) { stop = f })
					err := j.run(t, ctx, func() {
						steps.arm(strings.TrimSuffix(point, "/"), func() {
							stop()
							time.Sleep(2 * time.Millisecond) // whoever watches the context hears of it
						})
					})
					steps.arm("", nil)
					what := j.judge(t, err)
					count[what]++
					if strings.HasPrefix(how, "pg_") || len(c.write) == 0 {
						return
					}
					if decidedAt(point) && len(c.write) > 1 {
						assert.Equal(t, toldCommitted, what, "it was decided: %v", err)
					}
					assert.NotEqual(t, toldDoubt, what, "nothing was lost: %v", err)
				})
			}
		}
	}
	t.Log(count)
	assert.Positive(t, count[toldCommitted])
	assert.Positive(t, count[toldRolledBack])
}

func TestCommitTellsTheTruthAtAnyMessage(t *testing.T) {
	w := openWorld(t, nil)
	count := make(map[told]int)
	for at, c := range commits {
		j := journey{w, at}
		moments := 0
		w.reset(t)
		err := j.run(t, t.Context(), func() { w.arm(0, nil) })
		moments = w.disarm()
		require.Equal(t, toldCommitted, j.judge(t, err))
		for h, how := range ways {
			for n := 1; n <= moments; n++ {
				if !every && (n+h+at)%4 != 0 {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/moment %d of %d", c.name, how, n, moments), func(t *testing.T) {
					w.reset(t)
					var stop func()
					ctx := (&attempt{world: w}).by(t, how, func(f func()) { stop = f })
					count[j.judge(t, j.run(t, ctx, func() { w.arm(n, stop) }))]++
				})
			}
		}
	}
	t.Log(count)
	assert.Positive(t, count[toldCommitted])
	assert.Positive(t, count[toldRolledBack])
}

// A shard that does not answer holds up a commit for no longer than the context of
// its transaction, as long as it can still be turned back, and not at all afterwards.
func TestAContextEndsTheWaitForAFrozenShard(t *testing.T) {
	steps := &stepper{}
	w := openWorld(t, func(cfg *xadriver.Config) {
		cfg.OnStep = steps.step
		cfg.CommitTimeout, cfg.FinishWait = 500*time.Millisecond, 20*time.Second
	})
	victim := servers(t).Shards[1]
	for _, c := range []struct {
		commit, point string
		want          told
	}{
		{"two-phase", "before_prepare/s2", toldRolledBack},
		{"two-phase", "before_finish/s2", toldCommitted},
		{"autocommit", "before_prepare/s2", toldRolledBack},
		{"autocommit", "before_finish/s2", toldCommitted},
		{"one-phase", "before_commit/s2", toldDoubt}, // it may be done by now: commit_timeout ends the wait
		{"read-only", "before_commit/s2", toldRolledBack},
	} {
		t.Run(c.commit+"/"+strings.ReplaceAll(c.point, "/", " "), func(t *testing.T) {
			w.reset(t)
			var j journey
			for at := range commits {
				if commits[at].name == c.commit {
					j = journey{w, at}
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := j.run(t, ctx, func() {
				steps.arm(c.point, func() {
					assert.NoError(t, victim.Freeze())
					time.AfterFunc(20*time.Millisecond, cancel)
				})
			})
			require.NoError(t, victim.Thaw())
			assert.Equal(t, c.want, tellOf(err), "%v", err)
			j.judge(t, err)
		})
	}
}

var _ = errors.New
var _ xatest.Mode
