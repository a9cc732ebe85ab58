package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// In a rotation each of three accounts is overwritten with what another one has: the
// second with the first, the first with the third, the third with the second. Run one
// after the other, whatever the order, two of them have the same in the end. The second
// and the third account are on one shard, so that the transaction which copies between
// them is one of a single shard: it leads from the one of the other two to the other.
func rotation(t *testing.T, b *bank, who []string) {
	t.Helper()
	require.NoError(t, setBalance(t.Context(), b, who[2], 61))
	require.NoError(t, setBalance(t.Context(), b, who[3], 62))
}

func rotated(t *testing.T, b *bank, who []string) bool {
	t.Helper()
	got := balances(t, b, who[1:4]...)
	return got[0] != got[1] && got[1] != got[2] && got[0] != got[2]
}

func rotationIsStopped(t *testing.T, b *bank, who []string) {
	rotation(t, b, who)
	first := b.wide(t, serial, who[1])
	seen, err := balance(t.Context(), first, who[1])
	require.NoError(t, err)
	second := b.retried(func(ctx context.Context, tx *sql.Tx) error {
		n, err := balance(ctx, tx, who[3])
		if err != nil {
			return err
		}
		return setBalance(ctx, tx, who[1], n)
	})
	b.waiting(t)
	alone, err := b.BeginTx(keptOn(t.Context(), 2), serial)
	require.NoError(t, err)
	n, err := balance(t.Context(), alone, who[2])
	require.NoError(t, err)
	require.NoError(t, setBalance(t.Context(), alone, who[3], n))
	require.NoError(t, alone.Commit())
	require.NoError(t, setBalance(t.Context(), first, who[2], seen))
	require.NoError(t, first.Commit())
	require.NoError(t, <-second)
	assert.False(t, rotated(t, b, who), "nobody has seen what another did")
}

func rotationIsPossibleBelow(t *testing.T, b *bank, who []string) {
	rotation(t, b, who)
	var txs []*sql.Tx
	var seen []int
	for _, from := range who[1:4] {
		tx := b.wide(t, snapshot, from)
		n, err := balance(t.Context(), tx, from)
		require.NoError(t, err)
		txs, seen = append(txs, tx), append(seen, n)
	}
	for i, to := range []string{who[2], who[3], who[1]} {
		require.NoError(t, setBalance(t.Context(), txs[i], to, seen[i]))
		require.NoError(t, txs[i].Commit())
	}
	assert.True(t, rotated(t, b, who))
}

// Between a transaction of several shards and one of a single shard it is that shard's
// own detection that counts, whatever else the first of them has written.
func skewWithOneShardIsStopped(t *testing.T, b *bank, who []string) {
	for name, test := range map[string]struct {
		also     []int
		aloneEnd bool // the transaction of one shard is the last to commit
	}{
		"and nothing else": {nil, false}, "and on another": {[]int{1}, false}, "and on home": {[]int{0}, false}, "and everywhere": {[]int{0, 1}, false},
		"before the other": {[]int{1}, true}, "before the other, and nothing else": {nil, true},
	} {
		t.Run("written there "+name, func(t *testing.T) {
			b.reset(t)
			wide := b.wide(t, serial, who[1])
			alone, err := b.BeginTx(keptOn(t.Context(), 2), serial)
			require.NoError(t, err)
			for _, i := range test.also {
				require.NoError(t, setBalance(t.Context(), wide, who[i], 1))
			}
			run := func(tx *sql.Tx, from, other string, between func() error) error {
				if err := withdraw(t.Context(), tx, nothing, from, other); err != nil {
					return err
				}
				if err := between(); err != nil {
					return err
				}
				return tx.Commit()
			}
			wideLast := func() error { return run(wide, who[2], who[3], func() error { return nil }) }
			aloneLast := func() error { return run(alone, who[3], who[2], func() error { return nil }) }
			var inner error
			if test.aloneEnd {
				err = run(alone, who[3], who[2], func() error { inner = wideLast(); return inner })
			} else {
				err = run(wide, who[2], who[3], func() error { inner = aloneLast(); return inner })
			}
			require.NoError(t, inner)
			assert.Equal(t, "40001", codeOf(t, err))
			_, _ = wide.Rollback(), alone.Rollback()
			assert.Equal(t, 20, sumOf(balances(t, b, who[2:4]...)))
		})
	}
}

func sumOf(list []int) (sum int) {
	for _, n := range list {
		sum += n
	}
	return sum
}

// A withdrawal that would overdraw two accounts together costs a fee of 1. It has not
// seen a deposit, which is a transaction of one shard, and so comes before it; a report
// with the deposit has the fee as well. (Fekete, O'Neil, O'Neil: "A Read-Only Transaction
// Anomaly Under Snapshot Isolation", SIGMOD Record 2004.)
func report(t *testing.T, b *bank, who []string, opts *sql.TxOptions, read func() <-chan string) string {
	t.Helper()
	require.NoError(t, setBalance(t.Context(), b, who[1], 0))
	require.NoError(t, setBalance(t.Context(), b, who[2], 0))
	withdrawal := b.wide(t, opts, who[1])
	sum := 0
	for _, w := range who[1:3] {
		n, err := balance(t.Context(), withdrawal, w)
		require.NoError(t, err)
		sum += n
	}
	deposit, err := b.BeginTx(keptOn(t.Context(), 2), opts)
	require.NoError(t, err)
	require.NoError(t, setBalance(t.Context(), deposit, who[2], 20))
	require.NoError(t, deposit.Commit())
	got := read()
	require.NoError(t, setBalance(t.Context(), withdrawal, who[1], sum-10-1))
	require.NoError(t, withdrawal.Commit())
	return <-got
}

func (b *bank) report(ctx context.Context, opts *sql.TxOptions, who []string) string {
	tx, err := b.BeginTx(ctx, opts)
	if err != nil {
		return err.Error()
	}
	defer tx.Rollback() //nolint:errcheck // it only reads
	var all string
	if err := tx.QueryRowContext(ctx, "SELECT string_agg(balance::text, ' ' ORDER BY balance) FROM accounts WHERE owner IN ($1, $2)", who[1], who[2]).Scan(&all); err != nil {
		return err.Error()
	}
	return all
}

func reportsFitTheRest(t *testing.T, b *bank, who []string) {
	for _, readOnly := range []bool{true, false} {
		got := report(t, b, who, serial, func() <-chan string {
			got := make(chan string, 1)
			go func() {
				got <- b.report(context.Background(), &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: readOnly}, who)
			}()
			b.waiting(t)
			return got
		})
		assert.Equal(t, "-11 20", got, "read only: %v", readOnly)
	}
}

func reportsDoNotFitBelow(t *testing.T, b *bank, who []string) {
	got := report(t, b, who, snapshot, func() <-chan string {
		got := make(chan string, 1)
		got <- b.report(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, who)
		return got
	})
	assert.Equal(t, "0 20", got)
	assert.Equal(t, []int{-11, 20}, balances(t, b, who[1:3]...))
}

func readersKeepNobodyWaiting(t *testing.T, b *bank, who []string) {
	reader := b.wide(t, &sql.TxOptions{Isolation: sql.LevelSerializable, ReadOnly: true}, who[1])
	assert.Zero(t, b.turns(t, true))
	for i := range 3 {
		writer := b.wide(t, serial, who[1])
		require.NoError(t, setBalance(t.Context(), writer, who[1], i))
		require.NoError(t, setBalance(t.Context(), writer, who[2], i))
		require.NoError(t, writer.Commit())
	}
	var sum int
	require.NoError(t, reader.QueryRow("SELECT sum(balance) FROM accounts").Scan(&sum))
	assert.Equal(t, 4*60, sum)
	require.NoError(t, reader.Commit())
}

// The part on home holds the turn, and must not end before the others are decided, even
// where it has only read.
func theTurnLastsUntilTheDecision(t *testing.T, b *bank, who []string) {
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	var steps []string
	cfg.OnStep = func(s xadriver.Step) {
		switch s.Point {
		case xadriver.BeforePrepare, xadriver.AfterPrepare, xadriver.BeforeDecide, xadriver.AfterDecide:
			steps = append(steps, fmt.Sprintf("%s %d", s.Point, b.turns(t, true)))
		case xadriver.BeforeCommit:
			steps = append(steps, "before_commit/"+s.Shard)
		}
	}
	cfg.OnStep = inOrderOf(cfg.OnStep)
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	watched := &bank{DB: sql.OpenDB(connector), dsn: b.dsn, urls: b.urls, log: b.log}
	defer watched.Close()
	for _, wrote := range [][]int{{2}, {1, 2}, {0, 2}} {
		b.reset(t)
		tx := watched.wide(t, serial, who[1])
		for _, i := range wrote {
			require.NoError(t, setBalance(t.Context(), tx, who[i], 1))
		}
		steps = nil
		require.NoError(t, tx.Commit())
		assert.Contains(t, steps, "before_decide 1", "written on %v", wrote)
		assert.NotContains(t, steps, "before_commit/s1", "written on %v: home has read only", wrote)
		for _, s := range steps {
			assert.False(t, strings.HasSuffix(s, " 0"), "written on %v: %v", wrote, steps)
		}
	}
}

// inOrderOf calls f for one step at a time.
func inOrderOf(f func(xadriver.Step)) func(xadriver.Step) {
	var mu sync.Mutex
	return func(s xadriver.Step) {
		mu.Lock()
		defer mu.Unlock()
		f(s)
	}
}

// The program that has the turn dies. Whatever it had done is finished or undone, and
// whoever waits for his turn has it then.
func TestTheTurnOfAProgramThatDiedIsTakenByTheNext(t *testing.T) {
	b := newBank(t, 2, fast...)
	db := openDB(t, b.dsn)
	_, err := db.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	require.NoError(t, db.Close())
	dying := *b
	dying.dsn = "cluster=bank log=" + quoted("sqlite:"+b.log)
	for i, url := range b.urls {
		dying.dsn += fmt.Sprintf(" shard.s%d=%s", i+1, quoted(withOption(url, "-c default_transaction_isolation=serializable")))
	}
	for _, word := range fast {
		dying.dsn += " " + word
	}
	for i, at := range []string{"after_prepare/s1", "after_finish/s1"} {
		run := fmt.Sprintf("run%d", i)
		history := make(map[string]told)
		require.True(t, crash(t, &dying, names, at, run, history), "the child was not killed at %s", at)
		db := openDB(t, b.dsn) // not before, lest it takes a slow child for dead
		next, err := db.BeginTx(t.Context(), serial)
		require.NoError(t, err)
		var n int
		require.NoError(t, next.QueryRow("SELECT count(*) FROM moves WHERE id = $1", run+"-1").Scan(&n), "killed at %s", at)
		want := 0
		if decided(at) {
			want = len(names)
		}
		assert.Equal(t, want, n, "killed at %s", at)
		_, err = next.Exec("DELETE FROM moves")
		require.NoError(t, err)
		require.NoError(t, next.Commit())
		heal(t, b.urls)
		require.NoError(t, db.Close())
	}
}
