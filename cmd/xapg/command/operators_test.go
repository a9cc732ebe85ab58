package command

import (
	"context"
	"database/sql"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// shared are the servers of those tests that stop none.
var shared *xatest.Cluster

// house is a cluster with a table, on databases of its own.
type house struct {
	*xatest.Cluster
	dsn, log string
	urls     map[string]string
}

func newHouse(t *testing.T, more ...string) *house {
	t.Helper()
	if shared == nil {
		var err error
		shared, err = xatest.Open(context.Background(), xatest.Names("athos", "porthos"))
		require.NoError(t, err, "the tests need PostgreSQL: see package xatest")
	}
	return build(t, shared, more...)
}

func build(t *testing.T, c *xatest.Cluster, more ...string) *house {
	t.Helper()
	h := &house{Cluster: c, log: filepath.Join(t.TempDir(), "xapg.db"), urls: make(map[string]string)}
	h.dsn = "cluster=bank key.accounts=owner log=" + xatest.Quote("sqlite:"+h.log)
	for _, s := range c.Shards {
		url, err := s.CreateDatabase(context.Background(), strings.ToLower(t.Name())[:min(60, len(t.Name()))])
		require.NoError(t, err)
		h.urls[s.Name()] = url
		h.dsn += " shard." + s.Name() + "=" + xatest.Quote(url)
	}
	for _, m := range more {
		h.dsn += " " + m
	}
	db, err := sql.Open("xapg", h.dsn)
	require.NoError(t, err)
	_, err = db.Exec("CREATE TABLE accounts (owner text PRIMARY KEY)")
	require.NoError(t, err)
	require.NoError(t, db.Close())
	return h
}

// kill starts a coordinator that is killed at a point.
func (h *house) kill(t *testing.T, at string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), asCoordinator+"="+h.dsn, diesAt+"="+at)
	out, err := cmd.CombinedOutput()
	require.ErrorContains(t, err, "killed", "%s", out)
}

func (h *house) on(t *testing.T, shard, query string) (out string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), h.urls[shard])
	require.NoError(t, err)
	defer conn.Close(context.Background())
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&out))
	return out
}

func (h *house) prepared(t *testing.T, shard string) string {
	t.Helper()
	return h.on(t, shard, "SELECT coalesce(string_agg(gid, ' '), '') FROM pg_prepared_xacts WHERE database = current_database()")
}

// inDoubt is the one transaction that txns lists.
func (h *house) inDoubt(t *testing.T) xadriver.InDoubt {
	t.Helper()
	_, out, errs := xapg("--json", "txns", h.dsn)
	var list []xadriver.InDoubt
	require.NoError(t, json.Unmarshal([]byte(out), &list), errs)
	require.Len(t, list, 1)
	return list[0]
}

func TestOperatorsSeeWhoseATransactionIsAndWhatItWaitsFor(t *testing.T) {
	h := newHouse(t, "resolve_after=1h", "resolve_every=1h")
	h.kill(t, "before_decide")
	d := h.inDoubt(t)
	host, _ := os.Hostname()
	assert.Contains(t, d.Coordinator, host+", process ")
	assert.Contains(t, d.Coordinator, filepath.Base(os.Args[0]))
	assert.Equal(t, "unknown", d.Decision)
	assert.Len(t, d.Parts, 2)
	assert.Contains(t, d.WaitsFor, "its coordinator ("+d.Coordinator+"), until it is 1h0m0s old")
	code, out, _ := xapg("txns", h.dsn)
	assert.Equal(t, exitProblem, code)
	for _, want := range []string{"WAITS FOR", d.ID.String(), d.Coordinator, "athos,porthos", "its coordinator"} {
		assert.Contains(t, out, want)
	}
	d = old(t, h, "resolve_after=1ms")
	assert.Contains(t, d.WaitsFor, "if it stays, none is running: xapg resolve")

	code, out, errs := xapg("resolve", h.dsn, d.ID.String())
	assert.Equal(t, exitProblem, code, "its coordinator may be at work: %s", out)
	assert.Contains(t, errs, "so young")
	code, out, errs = xapg("resolve", h.dsn, d.ID.String()[:20], "--yes")
	assert.Zero(t, code, out+errs)
	assert.Empty(t, h.prepared(t, "athos")+h.prepared(t, "porthos"))
	code, out, _ = xapg("txns", "show", h.dsn, d.ID.String())
	assert.Zero(t, code, out)
	assert.Contains(t, out, "abort at")
	assert.Contains(t, out, "every shard has carried it out")
	assert.NotContains(t, out, "waits for")
}

// old lists by another configuration of the same cluster.
func old(t *testing.T, h *house, setting string) xadriver.InDoubt {
	t.Helper()
	other := *h
	other.dsn = strings.Replace(h.dsn, "resolve_after=1h", setting, 1)
	return other.inDoubt(t)
}

func TestOperatorsSeeWhatADecidedTransactionWaitsFor(t *testing.T) {
	h := build(t, xatest.Start(t, xatest.Names("athos", "porthos")), "resolve_after=1h", "resolve_every=1h")
	h.kill(t, "after_decide")
	d := h.inDoubt(t)
	assert.Equal(t, "commit", d.Decision)
	assert.Equal(t, d.Coordinator, d.DecidedBy)
	require.NotNil(t, d.DecidedAt)
	assert.Contains(t, d.WaitsFor, "to finish it on athos, porthos")

	require.NoError(t, h.Server("porthos").Stop(context.Background(), xatest.Immediate))
	d = h.inDoubt(t)
	assert.Equal(t, xadriver.PartPrepared, d.Parts[0].State)
	assert.Equal(t, xadriver.PartUnreachable, d.Parts[1].State)
	assert.Contains(t, d.WaitsFor, "shard porthos, which cannot be reached: ")
	code, _, errs := xapg("txns", h.dsn)
	assert.Equal(t, exitUnreachable, code)
	assert.Contains(t, errs, "shard porthos")
	code, out, _ := xapg("resolve", h.dsn, d.ID.String())
	assert.Equal(t, exitUnreachable, code, out)
	assert.Empty(t, h.prepared(t, "athos"), "the one that can be reached is done")
	d = h.inDoubt(t)
	assert.Equal(t, []xadriver.PartState{xadriver.PartFinished, xadriver.PartUnreachable}, []xadriver.PartState{d.Parts[0].State, d.Parts[1].State})
	code, out, _ = xapg("txns", "show", h.dsn, d.ID.String()[:24])
	assert.Equal(t, exitUnreachable, code)
	assert.Contains(t, out, "unreachable")

	require.NoError(t, h.Server("porthos").Start(context.Background()))
	code, out, errs = xapg("resolve", h.dsn)
	assert.Zero(t, code, out+errs)
	assert.Empty(t, h.prepared(t, "porthos"))
	code, out, errs = xapg("txns", h.dsn)
	assert.Zero(t, code, out+errs)
	assert.Equal(t, "1", h.on(t, "athos", "SELECT count(*)::text FROM accounts"))
	assert.Equal(t, "1", h.on(t, "porthos", "SELECT count(*)::text FROM accounts"))
}

// A record that is decided and not noted as finished is shown, though no shard has
// anything of it any more.
func TestARecordThatNobodyNotesAsFinishedIsShown(t *testing.T) {
	h := newHouse(t, "resolve_after=1h", "resolve_every=1h")
	h.kill(t, "before_forget")
	assert.Empty(t, h.prepared(t, "athos")+h.prepared(t, "porthos"))
	var d xadriver.InDoubt
	require.Eventually(t, func() bool {
		_, out, _ := xapg("--json", "txns", h.dsn)
		var list []xadriver.InDoubt
		return json.Unmarshal([]byte(out), &list) == nil && len(list) == 1 && len(list[0].Parts) == 2 && func() bool { d = list[0]; return true }()
	}, 20*time.Second, 200*time.Millisecond, "a moment later, since its coordinator may be about to note it")
	assert.Contains(t, d.WaitsFor, "nothing of it is prepared any more")
	assert.Empty(t, d.Shards)
	code, out, errs := xapg("resolve", h.dsn, d.ID.String())
	assert.Zero(t, code, out+errs)
	code, out, _ = xapg("txns", h.dsn)
	assert.Zero(t, code, out)
}

func TestATransactionThatOnlyAnotherRoleMayFinishWaitsForAnOperator(t *testing.T) {
	h := newHouse(t, "resolve_after=1h", "resolve_every=1h")
	h.kill(t, "before_decide")
	for _, url := range h.urls {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA _xapg TO clerk; GRANT ALL ON ALL TABLES IN SCHEMA _xapg TO clerk")
		require.NoError(t, err)
		require.NoError(t, conn.Close(context.Background()))
	}
	clerk := *h
	cfg, err := pgx.ParseConfig(h.urls["athos"])
	require.NoError(t, err)
	clerk.dsn = strings.ReplaceAll(h.dsn, "postgres://"+cfg.User+"@", "postgres://clerk@")
	if clerk.dsn == h.dsn {
		clerk.dsn = strings.ReplaceAll(h.dsn, "user="+cfg.User, "user=clerk")
	}
	require.NotEqual(t, h.dsn, clerk.dsn)
	d := clerk.inDoubt(t)
	assert.Contains(t, d.WaitsFor, "an operator: on shard athos, only its owner "+cfg.User+", or a superuser, may finish it")
	code, out, _ := xapg("resolve", clerk.dsn, d.ID.String(), "--yes")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, out, "permission denied")
	code, out, _ = xapg("resolve", h.dsn, d.ID.String(), "--yes")
	assert.Zero(t, code, out)
}

func TestWhatIsNotKnownIsSaid(t *testing.T) {
	h := newHouse(t)
	for _, args := range [][]string{
		{"txns", "show", h.dsn, "0192f6a0-0000-7000-8000-000000000001"},
		{"txns", "show", h.dsn, "0192f6a0-0000-7"},
		{"resolve", h.dsn, "0192f6a0-0000-7000-8000-000000000001"},
	} {
		code, _, errs := xapg(args...)
		assert.Equal(t, exitProblem, code, args)
		assert.Contains(t, errs, "nothing is known of a transaction", args)
	}
	for _, args := range [][]string{
		{"txns", "show", h.dsn}, {"txns", h.dsn, "--dsn", h.dsn}, {"check", h.dsn, "--dsn", h.dsn}, {"resolve", "--watch", h.dsn, "0192f6a0"},
		{"resolve", "--watch", h.dsn, "--log-format", "xml"}, {"resolve", "--watch", h.dsn, "--health", "nowhere:nothing"},
		{"resolve", h.dsn, "--force", "commit", "--reason", "x"}, {"resolve", h.dsn, "0192f6a0", "--force", "commit", "--reason", "x"},
		{"resolve", h.dsn, "0192f6a0-0000-7000-8000-000000000001", "--force", "maybe", "--reason", "x"},
		{"resolve", h.dsn, "0192f6a0-0000-7000-8000-000000000001", "--force", "abort"},
	} {
		code, _, errs := xapg(args...)
		assert.Equal(t, exitUsage, code, args)
		assert.NotEmpty(t, errs, args)
	}
	code, _, errs := xapg("txns", "show", h.dsn, "no-id")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, errs, "neither a transaction's id")
}

func TestATransactionOfALostLogIsForcedByThoseWhoHaveLooked(t *testing.T) {
	h := newHouse(t, "resolve_after=1h", "resolve_every=1h")
	h.kill(t, "after_decide")
	id := h.inDoubt(t).ID.String()
	code, _, errs := xapg("resolve", h.dsn, id, "--force", "abort", "--reason", "impatience")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "is there")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(h.log + suffix)
	}
	for _, command := range []string{"txns", "resolve"} {
		code, out, errs := xapg(command, h.dsn)
		assert.Equal(t, exitUnreachable, code)
		assert.Contains(t, errs, "none is made now", "a new log would say that nothing is in doubt")
		if command == "txns" {
			assert.Contains(t, out, id, "what is prepared can be seen all the same")
			assert.Contains(t, out, "xapg resolve "+id+" --force")
		}
	}
	code, out, errs := xapg("resolve", h.dsn, id, "--force", "commit", "--reason", "the disk of db-host died")
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, errs, "say --yes-i-have-looked")
	assert.Contains(t, out, "prepared at")
	assert.NotEmpty(t, h.prepared(t, "athos"))
	_, err := os.Stat(h.log)
	require.ErrorIs(t, err, os.ErrNotExist)

	code, out, errs = xapg("resolve", h.dsn, id, "--force", "commit", "--reason", "the disk of db-host died", "--yes-i-have-looked", "--who", "Wanjiru")
	assert.Zero(t, code, out+errs)
	assert.Contains(t, out, "porthos: commit done")
	assert.Equal(t, "Wanjiru: the disk of db-host died", h.on(t, "porthos", "SELECT who || ': ' || why FROM _xapg.forced"))
	assert.Equal(t, "1", h.on(t, "porthos", "SELECT count(*)::text FROM accounts"))
	db, err := sql.Open("xapg", h.dsn) // a new log
	require.NoError(t, err)
	require.NoError(t, db.Ping())
	require.NoError(t, db.Close())
	code, out, _ = xapg("txns", "show", h.dsn, id) // by a new log
	assert.Equal(t, exitProblem, code)
	assert.Contains(t, out, "Wanjiru")
}

// A new log does not make the old one's transactions invisible.
func TestWhatAnotherLogHasLeftIsListed(t *testing.T) {
	h := newHouse(t, "resolve_after=1ms", "resolve_every=1h")
	h.kill(t, "before_decide")
	id := h.inDoubt(t).ID.String()
	lost := *h
	lost.dsn = strings.Replace(h.dsn, h.log, h.log+".new", 1)
	db, err := sql.Open("xapg", lost.dsn)
	require.NoError(t, err)
	require.NoError(t, db.Ping())
	require.NoError(t, db.Close())
	d := lost.inDoubt(t)
	assert.Equal(t, id, d.ID.String())
	assert.Contains(t, d.WaitsFor, "a process that has it open")
	code, _, _ := xapg("resolve", lost.dsn, "--older-than", "0s")
	assert.Zero(t, code)
	assert.Len(t, lost.inDoubt(t).Parts, 2, "it is not touched")
	code, out, errs := xapg("resolve", lost.dsn, id, "--force", "abort", "--reason", "gone")
	assert.Equal(t, exitProblem, code, out)
	assert.Contains(t, errs, "the other one may still be somewhere")
	code, out, _ = xapg("resolve", h.dsn, "--older-than", "0s")
	assert.Zero(t, code, out)
}
