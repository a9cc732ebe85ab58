package failover_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		_ = shared.cluster.Close()
	}
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString("leaked: " + err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// shared are the servers of all tests, which run one after the other: each leaves
// another primary of s1 behind.
var shared struct {
	cluster  *xatest.Cluster
	primary  *xatest.Server
	keys     []string
	standbys int
}

// bank is a cluster of two shards, the first of which has a standby, with a decision
// log of its own.
type bank struct {
	t       *testing.T
	primary *xatest.Server // of s1
	standby *xatest.Server
	old     *xatest.Server // the primary before
	other   *xatest.Server // s2
	log     string
	keys    []string // one that lives on s1, one on s2
	role    string   // of the programs; the superuser by default

	mu   sync.Mutex
	told map[string]error
}

func newBank(t *testing.T) *bank {
	t.Helper()
	first := shared.cluster == nil
	if first {
		var err error
		shared.cluster, err = xatest.Open(context.Background())
		require.NoError(t, err)
		shared.primary = shared.cluster.Server("s1")
	}
	b := &bank{t: t, primary: shared.primary, other: shared.cluster.Server("s2"), log: filepath.Join(t.TempDir(), "xapg.db"), told: make(map[string]error)}
	for _, s := range []*xatest.Server{b.primary, b.other} {
		_, err := exec(s, "SET lock_timeout = '10s'; DROP TABLE IF EXISTS moves; CREATE TABLE moves (owner text, id text, PRIMARY KEY (owner, id))")
		require.NoError(t, err)
	}
	if first {
		shared.keys = make([]string, 2)
		for i := 0; shared.keys[0] == "" || shared.keys[1] == ""; i++ {
			key := fmt.Sprint("o", i)
			shared.keys[ask[int](t, b.primary, "SELECT (hashtextextended($1, 8816678312871386365) & 4095)::int / 2048", key)] = key
		}
	}
	b.keys = shared.keys
	b.addStandby()
	return b
}

// addStandby gives the present primary of s1 a standby that has all there is.
func (b *bank) addStandby() {
	b.t.Helper()
	shared.standbys++
	var err error
	b.standby, err = b.primary.AddStandby(b.t.Context(), fmt.Sprintf("replica%d", shared.standbys))
	require.NoError(b.t, err)
	require.NoError(b.t, b.standby.CatchUp(b.t.Context(), b.primary))
}

// fail kills the primary of s1, and lets the standby take over.
func (b *bank) fail() {
	assert.NoError(b.t, b.primary.Stop(context.Background(), xatest.Immediate))
	assert.NoError(b.t, b.standby.Promote(context.Background()))
	b.old, b.primary, b.standby = b.primary, b.standby, nil
	shared.primary = b.primary
}

// open is a program: its database and its connector.
func (b *bank) open(s *stepper, change ...func(*xadriver.Config)) (*sql.DB, *xadriver.Connector) {
	hosts := []*xatest.Server{b.primary}
	if b.standby != nil {
		hosts = append(hosts, b.standby)
	}
	return b.openAt(hosts, s, change...)
}

// dsn leads to s1 by some of its servers.
func (b *bank) dsn(hosts ...*xatest.Server) string {
	dsn := fmt.Sprintf("cluster=bank log=%s shard.s1=%s shard.s2=%s key.moves=owner resolve_after=20s resolve_every=100ms finish_wait=1m",
		xatest.Quote("sqlite:"+b.log), xatest.Quote(xatest.AnyOf(hosts...)), xatest.Quote(b.other.DSN()))
	if b.role != "" {
		dsn = strings.ReplaceAll(dsn, "//postgres@", "//"+b.role+"@")
	}
	return dsn
}

func (b *bank) openAt(hosts []*xatest.Server, s *stepper, change ...func(*xadriver.Config)) (*sql.DB, *xadriver.Connector) {
	b.t.Helper()
	cfg, err := xadriver.ParseDSN(b.dsn(hosts...))
	require.NoError(b.t, err)
	if s != nil {
		cfg.OnStep = s.step
	}
	cfg.Logger = discard
	for _, f := range change {
		f(cfg)
	}
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(b.t, err)
	db := sql.OpenDB(c)
	b.t.Cleanup(func() { _ = db.Close() })
	return db, c
}

// move writes a row on each shard in one transaction.
func (b *bank) move(db *sql.DB, id string) error {
	err := func() error {
		tx, err := db.Begin()
		if err != nil {
			return err
		}
		for _, key := range b.keys {
			if _, err := tx.Exec("INSERT INTO moves VALUES ($1, $2)", key, id); err != nil {
				_ = tx.Rollback()
				return err
			}
		}
		return tx.Commit()
	}()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told[id] = err
	return err
}

// goOn commits something on the new primary. As after any restart of a server, each
// connection of which nobody has noticed that it is dead may cost a statement.
func (b *bank) goOn(db *sql.DB, id string) {
	b.t.Helper()
	tries := 0
	require.Eventually(b.t, func() bool {
		tries++
		return b.move(db, fmt.Sprint(id, "#", tries)) == nil
	}, wait, tick, "the program goes on, on the new primary")
}

// timeline is that of s1 now.
func (b *bank) timeline() uint32 {
	return ask[uint32](b.t, b.primary, "SELECT (('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::bigint)")
}

// on lists the ids on a server.
func (b *bank) on(s *xatest.Server) []string {
	return strings.Fields(ask[string](b.t, s, "SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM moves"))
}

// settle waits until nothing is prepared on the shards.
func (b *bank) settle() {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		for _, s := range []*xatest.Server{b.primary, b.other} {
			if ask[int](b.t, s, "SELECT count(*)::int FROM pg_prepared_xacts") > 0 {
				return false
			}
		}
		return true
	}, wait, tick, "something stays prepared")
}

// halves lists the transactions that are on one shard only; all others must be where
// their programs were told.
func (b *bank) halves() (out []string) {
	b.t.Helper()
	first, second := b.on(b.primary), b.on(b.other)
	for id, err := range b.told {
		on1, on2 := slices.Contains(first, id), slices.Contains(second, id)
		switch {
		case on1 != on2:
			out = append(out, id)
		case err == nil:
			assert.True(b.t, on1, "%s was told committed and is not there", id)
		default:
			assert.False(b.t, on1, "%s was told %v and is there", id, err)
		}
	}
	slices.Sort(out)
	return out
}

func ask[T any](t testing.TB, s *xatest.Server, sql string, args ...any) (out T) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.DSN())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(context.Background(), sql, args...).Scan(&out))
	return out
}

// discard is for those who do not look at what is logged.
var discard = slog.New(slog.DiscardHandler)

const (
	callTimeout = 10 * time.Second
	wait, tick  = 20 * time.Second, 20 * time.Millisecond
)

func exec(s *xatest.Server, sql string) (string, error) {
	conn, err := pgx.Connect(context.Background(), s.DSN())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	results, err := conn.PgConn().Exec(context.Background(), sql).ReadAll()
	if err != nil {
		return "", err
	}
	return results[len(results)-1].CommandTag.String(), nil
}

// stepper acts once at a step of the commit protocol.
type stepper struct {
	mu   sync.Mutex
	at   string
	skip int // how often the step is passed before
	act  func(xadriver.Step)
}

func (s *stepper) arm(at string, act func(xadriver.Step)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.act = at, act
}

func (s *stepper) step(step xadriver.Step) {
	s.mu.Lock()
	var act func(xadriver.Step)
	if at := string(step.Point); s.act != nil && (s.at == at || s.at == at+"/"+step.Shard) {
		if s.skip--; s.skip < 0 {
			act, s.act = s.act, nil
		}
	}
	s.mu.Unlock()
	if act != nil {
		act(step)
	}
}

// lines collects what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), what)
}

func (l *lines) into(cfg *xadriver.Config) { cfg.Logger = slog.New(slog.NewTextHandler(l, nil)) }
