package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// stepper lets a test act at one passing of one point.
type stepper struct {
	mu  sync.Mutex
	at  string
	act func()
}

func (s *stepper) arm(at string, act func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.act = at, act
}

// armed reports whether the point is still to come.
func (s *stepper) armed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.act != nil
}

func (s *stepper) step(step xadriver.Step) {
	s.mu.Lock()
	var act func()
	if s.act != nil && (s.at == string(step.Point) || s.at == string(step.Point)+"/"+step.Shard) {
		act, s.act = s.act, nil
	}
	s.mu.Unlock()
	if act != nil {
		act()
	}
}

// openStepped opens a database whose commits can be stopped.
func openStepped(t *testing.T, dsn string, s *stepper, change func(*xadriver.Config)) *sql.DB {
	t.Helper()
	cfg, err := xadriver.ParseDSN(dsn)
	require.NoError(t, err)
	if s != nil {
		cfg.OnStep = s.step
	}
	if change != nil {
		change(cfg)
	}
	connector, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestAStoppedServerLeavesEveryTransactionWhole(t *testing.T) { //nolint:tparallel // beside nothing else
	for _, shards := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
			t.Parallel() // each has servers of its own, and mostly waits for them
			c := xatest.Start(t, xatest.Shards(shards))
			b := &bank{log: t.TempDir() + "/xapg.db"}
			b.dsn = c.DSN("bank", b.log, append([]string{"finish_wait=1s"}, fast...)...)
			var shardNames []string
			for _, s := range c.Shards {
				b.urls = append(b.urls, s.DSN())
				shardNames = append(shardNames, s.Name())
			}
			s := &stepper{}
			db := openStepped(t, b.dsn, s, nil)
			_, err := db.Exec(movesSchema)
			require.NoError(t, err)
			names := owners(t, b)
			history := make(map[string]told)
			runs := 0
			for _, at := range points(shardNames) {
				if len(at) > 4 && at[:4] == "log." {
					continue // points inside of the log, which a server does not see
				}
				for _, victim := range c.Shards {
					s.arm(at, func() { _ = victim.Stop(context.Background(), xatest.Immediate) })
					// One that finds a connection of before the last stop, or is taken for dead,
					// does not get there.
					for tries := 0; s.armed(); tries++ {
						require.Less(t, tries, 100, "%s is not reached", at)
						id := fmt.Sprintf("stop-%d-%d", runs, tries)
						history[id] = tellOf(move(t.Context(), db, names, id))
					}
					_ = victim.Stop(t.Context(), xatest.Immediate)
					require.NoError(t, victim.Start(t.Context()))
					heal(t, b.urls)
					requireWhole(t, b.urls, history)
					runs++
					// The next one finds a working cluster.
					require.Eventually(t, func() bool { return db.PingContext(t.Context()) == nil }, 10*time.Second, 20*time.Millisecond)
				}
			}
			count := map[told]int{}
			for _, w := range history {
				count[w]++
			}
			t.Logf("%d servers stopped, %d transactions whole: %v", runs, len(history), count)
		})
	}
}

func TestACutConnectionLeavesEveryTransactionWhole(t *testing.T) {
	for _, shards := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) { cutEverywhere(t, shards) })
	}
}

func cutEverywhere(t *testing.T, shards int) {
	b := newBank(t, shards, fast...)
	plain := openDB(t, b.dsn)
	_, err := plain.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)

	through := &bank{log: b.log, urls: b.urls, dsn: "cluster=bank log=" + xatest.Quote("sqlite:"+b.log)}
	var proxies []*xatest.Proxy
	for i, s := range servers(t).Shards[:shards] {
		p, err := xatest.NewProxy(fmt.Sprintf("127.0.0.1:%d", s.Port()))
		require.NoError(t, err)
		t.Cleanup(func() { _ = p.Close() })
		proxies = append(proxies, p)
		through.dsn += fmt.Sprintf(" shard.%s=%s", s.Name(), xatest.Quote(p.Rewrite(b.urls[i])))
	}
	for _, m := range fast {
		through.dsn += " " + m
	}
	db := openDB(t, through.dsn)
	looked(t, db) // for which it says BEGIN as well
	history := map[string]told{"warm": tellOf(move(t.Context(), db, names, "warm"))}
	runs := 0
	for _, needle := range []string{"BEGIN", "", "PREPARE TRANSACTION", "COMMIT PREPARED"} {
		for i, p := range proxies {
			for _, arm := range []func(string){p.CutBeforeReply, p.CutBeforeForward} {
				id := fmt.Sprintf("cut-%d", runs)
				if arm(needle); needle == "" {
					arm(id) // the statement itself, by its argument
				}
				history[id] = tellOf(move(t.Context(), db, names, id))
				assert.False(t, p.Armed(), "nothing was cut at %s on shard %d", needle, i)
				heal(t, b.urls)
				requireWhole(t, b.urls, history)
				if needle == "COMMIT PREPARED" {
					assert.Equal(t, toldCommitted, history[id], "it was decided")
				}
				runs++
			}
		}
	}
	t.Logf("%d connections cut, %d transactions whole", runs, len(history))
}

func TestTheAnswerToAOnePhaseCommitIsLost(t *testing.T) {
	b := newBank(t, 2, fast...)
	plain := openDB(t, b.dsn)
	_, err := plain.Exec(movesSchema)
	require.NoError(t, err)
	names := owners(t, b)
	p, err := xatest.NewProxy(fmt.Sprintf("127.0.0.1:%d", servers(t).Shards[0].Port()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	dsn := fmt.Sprintf("cluster=bank log=%s shard.s1=%s shard.s2=%s key.moves=owner", xatest.Quote("sqlite:"+b.log),
		xatest.Quote(p.Rewrite(b.urls[0])), xatest.Quote(b.urls[1]))
	db := openDB(t, dsn)
	looked(t, db) // the second opening of the log says COMMIT too, when it leaves its marks
	require.Equal(t, "2", b.on(t, 0, "SELECT max(seq)::text FROM _xapg.log_mark"))
	for i, arm := range []func(string){p.CutBeforeReply, p.CutBeforeForward} {
		tx, err := db.Begin()
		require.NoError(t, err)
		_, err = tx.Exec("INSERT INTO moves VALUES ($1, $2)", names[0], fmt.Sprint(i))
		require.NoError(t, err)
		arm("COMMIT")
		err = tx.Commit()
		var doubt *xadriver.InDoubtError
		require.ErrorAs(t, err, &doubt, "both look the same from here")
		assert.Equal(t, []string{"s1"}, doubt.Shards)
		assert.Equal(t, "08007", doubt.SQLState())
	}
	assert.Equal(t, "0", b.on(t, 0, "SELECT string_agg(id, ',') FROM moves"), "the first was done, the second was not")
}
