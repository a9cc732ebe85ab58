package shard_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

func TestACommandAndAQueryAreOneRoundTrip(t *testing.T) {
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	var trips atomic.Int64
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return counted{conn, &trips}, err
	}
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{Asking: true})
	require.NoError(t, err)
	defer s.Close()
	conn, err := s.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	require.True(t, conn.Several())
	assert.EqualValues(t, 1, conn.Timeline(), "asked when the connection was opened")
	exec := func(sql string) {
		_, err := conn.Exec(t.Context(), sql, nil)
		require.NoError(t, err)
	}
	exec("CREATE TABLE t (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)")
	exec("INSERT INTO t VALUES (1)")

	for _, p := range []struct {
		name, first, query, tag string
		row                     []string
		code                    string
	}{
		{name: "prepared", first: "INSERT INTO t VALUES (2)", query: "SELECT 'a', 2", tag: "PREPARE TRANSACTION", row: []string{"a", "2"}},
		{name: "prepared, and the query fails", first: "INSERT INTO t VALUES (3)", query: "SELECT 1/0", tag: "PREPARE TRANSACTION"},
		{name: "prepared, and the query has no row", first: "INSERT INTO t VALUES (4)", query: "SELECT 1 WHERE false", tag: "PREPARE TRANSACTION"},
		{name: "the transaction had failed", first: "SELECT 1/0", query: "SELECT 'a', 2", tag: "ROLLBACK", row: []string{"a", "2"}},
		{name: "refused", first: "CREATE TEMP TABLE x (i int)", query: "SELECT 'a', 2", code: "0A000"},
		{name: "a deferred constraint", first: "INSERT INTO t VALUES (1)", query: "SELECT 'a', 2", code: "23505"},
	} {
		t.Run(p.name, func(t *testing.T) {
			exec("BEGIN")
			_, _ = conn.Exec(t.Context(), p.first, nil)
			before := trips.Load()
			tag, row, err := conn.CommandAnd(t.Context(), "PREPARE TRANSACTION '"+p.name+"'", p.query)
			assert.EqualValues(t, 1, trips.Load()-before)
			assert.Equal(t, shard.Idle, conn.Status())
			assert.Equal(t, p.tag, tag)
			assert.Equal(t, p.row, row)
			if p.code != "" {
				require.ErrorContains(t, err, p.code)
			} else {
				require.NoError(t, err)
			}
			_, err = conn.Command(t.Context(), "ROLLBACK PREPARED '"+p.name+"'")
			assert.Equal(t, p.tag == "PREPARE TRANSACTION", err == nil, "the tag tells whether it is prepared")
		})
	}
}

// speak is a server that answers a query with some messages, and hangs up.
func speak(conn net.Conn, answer ...pgproto3.BackendMessage) {
	defer conn.Close()
	b := pgproto3.NewBackend(conn, conn)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
	if b.Flush() != nil {
		return
	}
	if _, err := b.Receive(); err != nil {
		return
	}
	for _, m := range answer {
		b.Send(m)
	}
	_ = b.Flush()
}

func TestACommandStandsEvenIfTheConnectionEndsBehindIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer []pgproto3.BackendMessage
		tag    string
	}{
		{"after the tag", []pgproto3.BackendMessage{&pgproto3.CommandComplete{CommandTag: []byte("PREPARE TRANSACTION")}}, "PREPARE TRANSACTION"},
		{"before it", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := pgx.ParseConfig("postgres://u@127.0.0.1:1/d?sslmode=disable")
			require.NoError(t, err)
			cfg.DialFunc = func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go speak(server, c.answer...)
				return client, nil
			}
			s, err := shard.NewPgx("s1", 0, cfg, shard.Options{})
			require.NoError(t, err)
			defer s.Close()
			conn, err := s.Acquire(t.Context())
			require.NoError(t, err)
			defer conn.Release()
			tag, row, err := conn.CommandAnd(t.Context(), "PREPARE TRANSACTION 'x'", "SELECT 1")
			assert.Equal(t, c.tag, tag)
			assert.Nil(t, row)
			assert.Equal(t, c.tag == "", err != nil, "%v", err)
			assert.NotErrorIs(t, err, shard.ErrNotSent)
			assert.Equal(t, shard.Broken, conn.Status())
		})
	}
}
