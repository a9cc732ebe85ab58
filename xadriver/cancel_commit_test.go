package xadriver_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// commits are transactions that end in each of the ways in which one can, by the
// shards that they write and read on.
var commits = []struct {
	name        string
	write, read []int
	autocommit  bool // a statement that is a transaction of its own
	text        bool // COMMIT is said as a statement
}{
	{name: "two-phase", write: []int{0, 1, 2}},
	{name: "two-phase with a reader", write: []int{0, 2}, read: []int{1}, text: true},
	{name: "one-phase with readers", write: []int{1}, read: []int{0, 2}},
	{name: "one-phase", write: []int{1}, text: true},
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
	if c.text {
		_, err = conn.ExecContext(t.Context(), "BEGIN")
	} else {
		var tx *sql.Tx
		if tx, err = conn.BeginTx(ctx, nil); err == nil {
			on, commit = tx, tx.Commit
			defer tx.Rollback() //nolint:errcheck // over already, but where the test fails
		}
	}
	require.NoError(t, err)
	for _, at := range c.write {
		_, err := on.ExecContext(t.Context(), "INSERT INTO past VALUES ($1)", j.names[at])
		require.NoError(t, err)
	}
	for _, at := range c.read {
		_, err := read(t.Context(), on, "SELECT balance FROM accounts WHERE owner = $1", j.names[at])
		require.NoError(t, err)
	}
	ready()
	return commit()
}

// judge compares what Commit said with what is on the shards.
func (j journey) judge(t *testing.T, how string, err error) told {
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
	j.next(t, how, func() error { _, err := read(t.Context(), j.DB, "SELECT owner, balance FROM accounts"); return err })
	return what
}

func TestCommitTellsTheTruthWhereverItIsStopped(t *testing.T) {
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
		mu.Lock() // who finishes late may still pass the last point
		seen = nil
		mu.Unlock()
		err := j.run(t, t.Context(), func() { w.arm(0, nil) })
		moments := w.disarm()
		mu.Lock()
		points := seen
		mu.Unlock()
		require.Equal(t, toldCommitted, j.judge(t, "", err))
		for n := range len(points) + moments {
			point, message := "", n-len(points)+1
			name := fmt.Sprintf("message %d of %d", message, moments)
			if n < len(points) {
				point = points[n]
				name = strings.ReplaceAll(point, "/", " ")
			}
			for h, how := range ways {
				if !every && (n+at+h)%len(ways) != 0 && (point == "" || how != "cancel") {
					continue
				}
				t.Run(c.name+"/"+how+"/"+name, func(t *testing.T) {
					w.reset(t)
					var stop func()
					ctx := (&attempt{world: w}).by(t, how, func(f func()) { stop = f })
					what := j.judge(t, how, j.run(t, ctx, func() {
						if point == "" {
							w.arm(message, stop)
							return
						}
						steps.arm(strings.TrimSuffix(point, "/"), func() {
							stop()
							time.Sleep(2 * time.Millisecond) // whoever watches the context hears of it
						})
					}))
					steps.arm("", nil)
					count[what]++
					if strings.HasPrefix(how, "pg_") {
						return
					}
					if (decided(point) || strings.HasPrefix(point, "before_decide")) && len(c.write) > 1 {
						assert.Equal(t, toldCommitted, what, "it was decided")
					}
					if point != "" {
						assert.NotEqual(t, toldDoubt, what, "nothing was lost")
					}
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
	change := func(cfg *xadriver.Config) { cfg.OnStep, cfg.FinishWait = steps.step, 20*time.Second }
	w := openWorld(t, change)
	short := openWorld(t, func(cfg *xadriver.Config) {
		change(cfg)
		cfg.CommitTimeout = 500 * time.Millisecond
	})
	victim := servers(t).Shards[1]
	for _, c := range []struct {
		*world
		commit, point string
		want          told
	}{
		{w, "two-phase", "before_prepare/s2", toldRolledBack},
		{w, "two-phase", "before_finish/s2", toldCommitted},
		{w, "autocommit", "before_prepare/s2", toldRolledBack},
		{w, "autocommit", "before_finish/s2", toldCommitted},
		{short, "one-phase", "before_commit/s2", toldDoubt}, // it may be done by now: commit_timeout ends the wait
		{w, "read-only", "before_commit/s2", toldRolledBack},
	} {
		t.Run(c.commit+"/"+strings.ReplaceAll(c.point, "/", " "), func(t *testing.T) {
			c.reset(t)
			var j journey
			for at := range commits {
				if commits[at].name == c.commit {
					j = journey{c.world, at}
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
			j.judge(t, "", err)
		})
	}
}

func TestNothingIsDoneInAContextThatHasEnded(t *testing.T) {
	w := openWorld(t, nil)
	for _, kind := range kinds {
		for _, mode := range modes {
			if kind.only != "" && !strings.Contains(kind.only, mode.name) {
				continue
			}
			t.Run(kind.name+"/"+mode.name, func(t *testing.T) {
				w.reset(t)
				kind.apart = true // a transaction does not hear of it
				a := &attempt{world: w, kind: kind, before: w.state(t), after: w.state(t), pastOn: []int{0, 1, 2}, stopped: true, keeps: true}
				ctx := a.by(t, "deadline", func(stop func()) { a.obstruct = stop })
				_, err := mode.run(t, a, ctx)
				require.Error(t, err)
				_, err = w.BeginTx(ctx, nil)
				require.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
	}
}

// impatient is a context that mostly lasts, and sometimes ends within a moment.
func impatient(ctx context.Context, r *rand.Rand) (context.Context, func()) {
	if r.IntN(3) > 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(r.IntN(8000))*time.Microsecond)
}

// anything runs some statement; none changes the sum of balances.
func (w *world) anything(ctx context.Context, r *rand.Rand, on runner) error {
	ctx, cancel := impatient(ctx, r)
	defer cancel()
	from, to, n := w.names[r.IntN(3)], fmt.Sprint("c", 1+r.IntN(12)), 1+r.IntN(9)
	writes := []struct {
		query string
		args  []any
	}{
		{"UPDATE accounts SET balance = balance + CASE owner WHEN $1 THEN -$3 ELSE $3 END::bigint WHERE owner IN ($1, $2)", []any{from, to, n}},
		{"UPDATE items SET id = id + 1000 WHERE id % 8 = $1", []any{n % 8}},
		{"UPDATE currencies SET name = name", nil},
		{"UPDATE accounts a SET note = u.what FROM audit u WHERE u.id = a.balance % 7", nil},
		{"SELECT pg_notify('channel', 'x')", nil},
	}
	if at := r.IntN(2 * len(writes)); at < len(writes) {
		_, err := on.ExecContext(ctx, writes[at].query, writes[at].args...)
		return err
	}
	_, err := kinds[r.IntN(6)].run(ctx, w, session{on, nil}) // those that read
	return err
}

// marked runs a transaction of some statements that marks every shard, and tells
// how it ended.
func (w *world) marked(r *rand.Rand, mark int) told {
	ctx, cancel := impatient(context.Background(), r)
	defer cancel()
	tx, err := w.BeginTx(ctx, &sql.TxOptions{Isolation: []sql.IsolationLevel{0, 0, sql.LevelRepeatableRead}[r.IntN(3)]})
	if err != nil {
		return toldRolledBack
	}
	defer tx.Rollback() //nolint:errcheck // over already, or nothing to be done
	for _, name := range w.names {
		_, err := tx.ExecContext(ctx, "INSERT INTO ledger VALUES ($1, $2, 0)", name, mark)
		switch r.IntN(4) {
		case 0:
			err = errors.Join(err, w.anything(ctx, r, tx))
		case 1: // and back, whatever comes of it
			_, before := tx.ExecContext(ctx, "SAVEPOINT s; SET LOCAL work_mem = '3MB'")
			_ = w.anything(ctx, r, tx)
			_, back := tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT s")
			err = errors.Join(err, before, back)
		}
		if err != nil {
			return toldRolledBack
		}
	}
	if r.IntN(5) == 0 {
		return toldRolledBack
	}
	return tellOf(tx.Commit())
}

func TestACrowdOfLittlePatienceLeavesNothingBehind(t *testing.T) {
	w := openWorld(t, func(cfg *xadriver.Config) { cfg.LockWait = 300 * time.Millisecond }, "shard_conns=3")
	const sum = "SELECT (SELECT sum(balance)::bigint FROM accounts), (SELECT count(*) FROM items)"
	before, err := read(t.Context(), w.DB, sum)
	require.NoError(t, err)
	w.settled(t, "before")
	goroutines := runtime.NumGoroutine()
	var history sync.Map
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(7, uint64(i)))
			for n := range 15 {
				history.Store(1+i*1000+n, w.marked(r, 1+i*1000+n))
				_ = w.anything(context.Background(), r, w.DB)
			}
		})
	}
	clients.Wait()
	w.settled(t, "afterwards")
	after, err := read(t.Context(), w.DB, sum)
	require.NoError(t, err)
	assert.Equal(t, before, after)
	require.Eventually(t, func() bool {
		return w.count(t, "SELECT count(*) FROM pg_locks WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid IS DISTINCT FROM pg_backend_pid()") == 0
	}, 10*time.Second, time.Millisecond, "locks are left")
	on := make(map[string]int)
	for _, list := range w.everywhere(t, "SELECT string_agg(n::text, ' ') FROM ledger") {
		for _, n := range strings.Fields(list) {
			on[n]++
		}
	}
	count := make(map[told]int)
	for mark, what := range history.Range {
		count[what.(told)]++
		want := map[told][]int{toldCommitted: {3}, toldRolledBack: {0}, toldDoubt: {0, 3}}[what.(told)]
		assert.Contains(t, want, on[fmt.Sprint(mark)], "transaction %d: %s", mark, what)
	}
	for range 3 { // whichever connections they get
		mem, err := read(t.Context(), w.DB, "SELECT DISTINCT current_setting('work_mem') FROM accounts")
		require.NoError(t, err)
		assert.Equal(t, "[{4MB true}]", mem)
	}
	left := runtime.NumGoroutine()
	for end := time.Now().Add(10 * time.Second); left > goroutines && time.Now().Before(end); left = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond)
	}
	assert.LessOrEqual(t, left, goroutines, "goroutines have leaked")
	t.Log(count)
	assert.Positive(t, count[toldCommitted])
	assert.Positive(t, count[toldRolledBack])
}
