package deadlock_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/deadlock"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

// client is a session of a test.
type client struct {
	*pgx.Conn
	t   *testing.T
	pid int
}

func connect(t *testing.T, s *xatest.Server) *client {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return &client{conn, t, int(conn.PgConn().PID())}
}

func (c *client) exec(sql string) {
	c.t.Helper()
	_, err := c.Exec(context.Background(), sql)
	require.NoError(c.t, err)
}

func (c *client) later(sql string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Exec(context.Background(), sql)
		done <- err
	}()
	return done
}

// look asks until somebody waits.
func look(t *testing.T, s deadlock.Server) *deadlock.View {
	t.Helper()
	for {
		v, err := s.Look(t.Context())
		require.NoError(t, err)
		if len(v.Waits) > 0 && v.Waits[0].Since != "" {
			return v
		}
	}
}

func TestWhatAServerSays(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	sh, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	defer sh.Close()
	s := deadlock.Server{Shard: sh}
	one, two := connect(t, c.Shards[0]), connect(t, c.Shards[0])
	one.exec("CREATE TABLE t (k int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 0), (2, 0)")

	t.Run("a wait is cancelled while it is that wait", func(t *testing.T) {
		one.exec("BEGIN; UPDATE t SET a = 1 WHERE k = 1")
		two.exec("BEGIN")
		done := two.later("UPDATE t SET a = 2 WHERE k = 1")
		v := look(t, s)
		require.Len(t, v.Waits, 1)
		w := v.Waits[0]
		assert.Equal(t, []int{two.pid, one.pid}, []int{w.PID, w.Blockers[0]})
		assert.Equal(t, "UPDATE t SET a = 2 WHERE k = 1", v.Session(two.pid).Query)
		assert.Equal(t, v.Session(two.pid).VXID, w.VXID)
		require.NotNil(t, v.Session(one.pid).Began)
		waits, err := s.Waits(t.Context(), []int{two.pid, 1})
		require.NoError(t, err)
		assert.True(t, waits)
		waits, err = s.Waits(t.Context(), []int{one.pid})
		require.NoError(t, err)
		assert.False(t, waits)

		for name, change := range map[string]func(*deadlock.Waiting){
			"another wait":        func(w *deadlock.Waiting) { w.Since = "2026-11-21T12:00:00+00:00" },
			"another transaction": func(w *deadlock.Waiting) { w.VXID = "3/1" },
			"another session":     func(w *deadlock.Waiting) { w.PID = one.pid },
		} {
			other := w
			change(&other)
			ok, err := s.Cancel(t.Context(), &other)
			require.NoError(t, err)
			assert.False(t, ok, name)
		}
		one.exec("ROLLBACK")
		require.NoError(t, <-done)
		ok, err := s.Cancel(t.Context(), &w)
		require.NoError(t, err)
		assert.False(t, ok, "it does not wait any more")
		two.exec("ROLLBACK")

		one.exec("BEGIN; UPDATE t SET a = 1 WHERE k = 1")
		done = two.later("UPDATE t SET a = 2 WHERE k = 1")
		v = look(t, s)
		ok, err = s.Cancel(t.Context(), &v.Waits[0])
		require.NoError(t, err)
		assert.True(t, ok)
		require.ErrorContains(t, <-done, "57014")
		one.exec("ROLLBACK")
	})

	t.Run("keys are read as they were made", func(t *testing.T) {
		for _, id := range []string{"0192f6a0-0000-7000-8000-00007fffffff", "0192f6a0-0000-7000-8000-0000ffffffff", "0192f6a0-0000-7000-8000-000080000000"} {
			key := deadlock.MakeKey(uuid.MustParse(id), 1023, 1<<22-1)
			one.exec("BEGIN; " + key.Take())
			v, err := s.Look(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []deadlock.Holding{{PID: one.pid, VXID: v.Session(one.pid).VXID, Key: key}}, v.Keys)
			one.exec("ROLLBACK")
		}
		assert.Zero(t, deadlock.MakeKey(uuid.Max, 1024, 1))
		assert.Zero(t, deadlock.MakeKey(uuid.Max, 1, 1<<22))
		one.exec("BEGIN; SELECT pg_advisory_xact_lock(77), pg_advisory_xact_lock_shared(7, 7)")
		v, err := s.Look(t.Context())
		require.NoError(t, err)
		assert.Empty(t, v.Keys, "an application's locks of other kinds")
		one.exec("ROLLBACK")
	})

	t.Run("what is prepared is found behind a wait", func(t *testing.T) {
		id := uuid.MustParse("0192f6a0-0000-7000-8000-0000deadbeef")
		name := gid.ID{Cluster: "bank", Log: "log", Txn: id, Shard: "s1"}.String()
		key := deadlock.MakeKey(id, 0, 1)
		for held, wanted := range map[string]string{
			"UPDATE t SET a = 1 WHERE k = 2":              "UPDATE t SET a = 2 WHERE k = 2",
			"LOCK TABLE t IN SHARE MODE":                  "UPDATE t SET a = 2 WHERE k = 2",
			"SELECT FROM t WHERE k = 2":                   "ALTER TABLE t ADD COLUMN b int",
			"SELECT FROM t WHERE k = 2 FOR SHARE":         "DELETE FROM t WHERE k = 2",
			"SELECT pg_advisory_xact_lock(5)":             "SELECT pg_advisory_xact_lock_shared(5)",
			"INSERT INTO t VALUES (3, 0)":                 "INSERT INTO t VALUES (3, 1)",
			"SAVEPOINT s; UPDATE t SET a = 1 WHERE k = 2": "UPDATE t SET a = 3 WHERE k = 2",
		} {
			one.exec("BEGIN; " + key.Take() + ";" + held + "; PREPARE TRANSACTION '" + name + "'")
			done := two.later(wanted)
			v := look(t, s)
			g := deadlock.NewGraph([]*deadlock.View{v}, []string{"s1"})
			if assert.Len(t, g.Edges, 1, held) {
				assert.Equal(t, id, g.Edges[0].To.ID, held)
				assert.Equal(t, "deadbeef", g.Edges[0].To.Name)
				assert.Equal(t, name, g.Edges[0].Part.GID)
			}
			if assert.Len(t, v.Keys, 1) {
				assert.Equal(t, deadlock.Holding{VXID: v.Prepared[0].VXID, Key: key}, v.Keys[0])
			}
			ok, err := s.Cancel(t.Context(), &v.Waits[0])
			require.NoError(t, err)
			require.True(t, ok)
			require.Error(t, <-done)
			one.exec("ROLLBACK PREPARED '" + name + "'")
		}
	})
}
