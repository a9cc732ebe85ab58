package cut_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/cut"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

func server(t *testing.T, dsn string, change func(*cut.Server)) *cut.Server {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	c := &cut.Server{Shard: s, Prefix: gid.Prefix("bank", "log"), Patience: 50 * time.Millisecond, Idle: time.Minute}
	if change != nil {
		change(c)
	}
	return c
}

func client(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// pass sends what a writer sends before its last command.
func pass(t *testing.T, conn *pgx.Conn, end string) error {
	t.Helper()
	text := ""
	for _, sql := range cut.Pass {
		text += sql + ";"
	}
	_, err := conn.Exec(t.Context(), text+end)
	return err
}

func TestAWriterWaitsForAClosedGate(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	s := server(t, c.Shards[0].DSN(), nil)
	g, err := s.Close(t.Context())
	require.NoError(t, err)
	again, err := s.Close(t.Context())
	require.NoError(t, err, "readers do not exclude each other at the gate")
	writer := client(t, c.Shards[0].DSN())
	_, err = writer.Exec(t.Context(), "BEGIN; CREATE TABLE t (k int)")
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() { done <- pass(t, writer, "COMMIT") }()
	looker := client(t, c.Shards[0].DSN())
	require.Eventually(t, func() bool {
		var n int
		err := looker.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock' AND relation = '_xapg.gate'::regclass").Scan(&n)
		return err == nil && n == 1
	}, 10*time.Second, time.Millisecond)
	require.NoError(t, g.Open(t.Context()))
	require.NoError(t, again.Open(t.Context()))
	require.NoError(t, <-done)
}

func TestAWriterThatHoldsTheGateIsKnownAndNotWaitedForLong(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1), xatest.Set("max_prepared_transactions", "10"))
	s := server(t, c.Shards[0].DSN(), nil)
	g, err := s.Close(t.Context())
	require.NoError(t, err)
	require.NoError(t, g.Open(t.Context()))
	id := uuid.MustParse("01900000-0000-7000-8000-000000000001")
	name := gid.ID{Cluster: "bank", Log: "log", Txn: id, Shard: "s1"}.String()
	writer := client(t, c.Shards[0].DSN())
	_, err = writer.Exec(t.Context(), "BEGIN; CREATE TABLE t (k int)")
	require.NoError(t, err)
	require.NoError(t, pass(t, writer, "PREPARE TRANSACTION '"+name+"'"))
	looks := func() []cut.Holder {
		_, err := s.Close(t.Context())
		require.ErrorIs(t, err, cut.ErrHeld)
		held, err := s.Holders(t.Context())
		require.NoError(t, err)
		return held
	}
	held := looks()
	require.Len(t, held, 1)
	assert.Equal(t, id, held[0].ID)
	assert.Equal(t, held, looks(), "the same hold has the same token")

	// The lock survives the server.
	require.NoError(t, c.Shards[0].Stop(t.Context(), xatest.Immediate))
	require.NoError(t, c.Shards[0].Start(t.Context()))
	s = server(t, c.Shards[0].DSN(), nil)
	held = looks()
	require.Len(t, held, 1)
	assert.Equal(t, id, held[0].ID)
	writer = client(t, c.Shards[0].DSN())
	_, err = writer.Exec(t.Context(), "BEGIN; LOCK TABLE _xapg.gate IN ROW EXCLUSIVE MODE")
	require.NoError(t, err)
	assert.Len(t, looks(), 2)
	_, err = writer.Exec(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	_, err = writer.Exec(t.Context(), "COMMIT PREPARED '"+name+"'")
	require.NoError(t, err)
	g, err = s.Close(t.Context())
	require.NoError(t, err)
	ids, err := g.Prepared(t.Context())
	require.NoError(t, err)
	assert.Empty(t, ids)
	require.NoError(t, g.Open(t.Context()))
}

// A transaction that is prepared is listed, whether it passed this gate or another; those
// of other logs, and of other shards of the same server, are not.
func TestWhatIsPreparedIsListedWhileTheGateIsClosed(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1), xatest.Set("max_prepared_transactions", "10"))
	s := server(t, c.Shards[0].DSN(), nil)
	id := uuid.MustParse("01900000-0000-7000-8000-000000000001")
	writer := client(t, c.Shards[0].DSN())
	for i, name := range []gid.ID{
		{Cluster: "bank", Log: "log", Txn: id, Shard: "s1"}, {Cluster: "bank", Log: "log", Txn: id, Shard: "s2"}, {Cluster: "bank", Log: "another", Txn: id, Shard: "s1"},
	} {
		_, err := writer.Exec(t.Context(), "BEGIN; CREATE TABLE t"+string(rune('0'+i))+" (k int); PREPARE TRANSACTION '"+name.String()+"'")
		require.NoError(t, err)
	}
	g, err := s.Close(t.Context())
	require.NoError(t, err)
	ids, err := g.Prepared(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []uuid.UUID{id}, ids)
	require.NoError(t, g.Open(t.Context()))
}

// A reader that stands still keeps writers for a moment only, and learns that its cut
// was void.
func TestAGateOpensWhenItsReaderIsNotHeardOf(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	s := server(t, c.Shards[0].DSN(), func(s *cut.Server) { s.Idle = 50 * time.Millisecond })
	g, err := s.Close(t.Context())
	require.NoError(t, err)
	writer := client(t, c.Shards[0].DSN())
	_, err = writer.Exec(t.Context(), "BEGIN; CREATE TABLE t (k int)")
	require.NoError(t, err)
	require.NoError(t, pass(t, writer, "COMMIT"), "it had to wait for the server to miss the reader")
	require.Error(t, g.Open(t.Context()))
}

func TestReadersOfDifferentProcessesTakeTurns(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	s := server(t, c.Shards[0].DSN(), nil)
	first, err := s.Turn(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = s.Turn(ctx)
	require.Error(t, err)
	first.End(t.Context())
	second, err := s.Turn(t.Context())
	require.NoError(t, err)
	second.End(t.Context())
}

func TestAStandbyHasNoGate(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1), xatest.Set("max_prepared_transactions", "10"))
	g, err := server(t, c.Shards[0].DSN(), nil).Close(t.Context())
	require.NoError(t, err, "the tables are there")
	require.NoError(t, g.Open(t.Context()))
	standby, err := c.Shards[0].AddStandby(t.Context(), "s1b")
	require.NoError(t, err)
	_, err = server(t, standby.DSN(), nil).Close(t.Context())
	var refused *cut.StandbyError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "0A000", refused.SQLState())
}

func TestARoleThatMayNotIsToldWhatToDo(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	admin := client(t, c.Shards[0].DSN())
	_, err := admin.Exec(t.Context(), "CREATE ROLE app LOGIN")
	require.NoError(t, err)
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	dsn := "user=app host=" + cfg.Host + " port=" + strconv.Itoa(int(cfg.Port)) + " dbname=" + cfg.Database
	s := server(t, dsn, nil)
	_, err = s.Close(t.Context())
	var pgErr *pgconn.PgError
	require.ErrorAs(t, err, &pgErr)
	assert.Equal(t, "42501", pgErr.Code)
	assert.Contains(t, err.Error(), "GRANT")
	_, err = admin.Exec(t.Context(), cut.Setup+"; GRANT USAGE ON SCHEMA _xapg TO app; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA _xapg TO app")
	require.NoError(t, err)
	g, err := s.Close(t.Context())
	require.NoError(t, err)
	require.NoError(t, g.Open(t.Context()))
	_, err = client(t, dsn).Exec(t.Context(), cut.PassAlone)
	require.NoError(t, err)
}
