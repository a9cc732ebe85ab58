package xadriver_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
	"database/sql"
)

func TestProbeReopen(t *testing.T) {
	b := newBank(t, 3)
	var proxies []*xatest.Proxy
	dsn := "cluster=bank log=" + xatest.Quote("sqlite:"+b.log)+" key.accounts=owner key.ledger=owner reference=currencies"
	for i, s := range servers(t).Shards[:3] {
		p, err := xatest.NewProxy(fmt.Sprintf("127.0.0.1:%d", s.Port()))
		require.NoError(t, err)
		t.Cleanup(func() { _ = p.Close() })
		proxies = append(proxies, p)
		dsn += fmt.Sprintf(" shard.%s=%s", s.Name(), xatest.Quote(p.Rewrite(b.urls[i])))
	}
	db := openDB(t, dsn)
	_, err := db.Exec(bankSchema)
	require.NoError(t, err)
	b.DB = db
	names := fill(t, b)
	proxies[1].Cut()
	proxies[1].Refuse(true)
	tx, err := db.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("UPDATE accounts SET balance = 1 WHERE owner = $1", names[0])
	t.Log(err)
	_, err = tx.Exec("UPDATE accounts SET balance = 1 WHERE owner = $1", names[1])
	t.Log(err)
	t.Log(tx.Rollback())
}

func TestProbeFrozen(t *testing.T) {
	b, c := openPool(t, 3)
	names := fill(t, b)
	victim := servers(t).Shards[1]
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		_, err := b.ExecContext(ctx, "SELECT pg_sleep(10) FROM accounts WHERE owner = $1", names[1])
		t.Log(err)
		cancel()
	}
	require.NoError(t, victim.Freeze())
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		_, err := b.ExecContext(ctx, "UPDATE accounts SET balance = 1 WHERE owner = $1", names[1])
		t.Log(err)
		cancel()
	}
	for _, p := range c.Stats().Pools { t.Logf("%+v", p) }
	require.NoError(t, victim.Thaw())
	time.Sleep(time.Second)
	for _, p := range c.Stats().Pools { t.Logf("%+v", p) }
}

func TestProbeCatalog(t *testing.T) {
	b := openBank(t, 3)
	fill(t, b)
	db, err := sql.Open("xapg", b.dsn)
	require.NoError(t, err)
	require.NoError(t, db.Ping())
	home := servers(t).Shards[0]
	require.NoError(t, home.Freeze())
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := db.ExecContext(ctx, "UPDATE accounts SET balance = 1"); first <- err }()
	time.Sleep(100*time.Millisecond)
	second := make(chan error, 1)
	go func() {
	short, cancel2 := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel2()
	_, err := db.ExecContext(short, "UPDATE accounts SET balance = 1"); second <- err }()
	select {
	case err := <-second: t.Log("second:", err)
	case <-time.After(3*time.Second): t.Error("second waits")
	}
	cancel()
	t.Log(<-first)
	require.NoError(t, home.Thaw())
	db.Close()
}
func TestProbeCheck(t *testing.T) {
	b := openBank(t, 3)
	fill(t, b)
	db, err := sql.Open("xapg", b.dsn)
	require.NoError(t, err)
	home := servers(t).Shards[0]
	require.NoError(t, home.Freeze())
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := db.ExecContext(ctx, "UPDATE accounts SET balance = 1"); first <- err }()
	time.Sleep(100*time.Millisecond)
	second := make(chan error, 1)
	go func() {
	short, cancel2 := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel2()
	_, err := db.ExecContext(short, "UPDATE accounts SET balance = 1"); second <- err }()
	select {
	case err := <-second: t.Log("second:", err)
	case <-time.After(3*time.Second): t.Error("second waits")
	}
	cancel()
	t.Log(<-first)
	require.NoError(t, home.Thaw())
	db.Close()
}
func TestProbePrepare(t *testing.T) {
	b := openBank(t, 3)
	fill(t, b)
	home := servers(t).Shards[0]
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, home.Freeze())
	short, cancel2 := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel2()
	_, err = conn.PrepareContext(short, "SELECT * FROM accounts")
	t.Log("prepare:", err)
	require.NoError(t, home.Thaw())
	conn.Close()
}
var _ xadriver.Config
