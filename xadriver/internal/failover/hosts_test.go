package failover_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// file writes a configuration in which s1 has a DSN and replicas.
func (b *bank) file(dsn string, replicas ...string) string {
	path := filepath.Join(b.t.TempDir(), "xapg.yaml")
	for i := range replicas {
		replicas[i] = strconv.Quote(replicas[i])
	}
	require.NoError(b.t, os.WriteFile(path, fmt.Appendf(nil, `
cluster: bank
log: sqlite:%s
shards:
  s1: {dsn: %q, replicas: [%s]}
  s2: %q
tables:
  moves: {key: owner}
`, b.log, dsn, strings.Join(replicas, ", "), b.other.DSN()), 0o600))
	return path
}

func TestTheShardIsWhicheverOfItsServersTakesWrites(t *testing.T) {
	b := newBank(t)
	primary, standby := b.primary.DSN(), b.standby.DSN()
	open := func(dsn string) *sql.DB {
		db, err := sql.Open("xapg", dsn)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	first := open(b.file(primary, standby))
	second := open(b.file(standby, primary)) // the standby is asked first
	without := open(b.file(standby))
	single := filepath.Join(t.TempDir(), "single.yaml")
	require.NoError(t, os.WriteFile(single, fmt.Appendf(nil, "shards:\n  s1: {dsn: %q, replicas: [%q]}\n", standby, primary), 0o600))
	alone := open(single)

	require.NoError(t, b.move(first, "first"))
	require.NoError(t, b.move(second, "second"))
	assert.ErrorContains(t, b.move(without, "without"), "standby")
	for _, db := range []*sql.DB{first, second, alone} {
		var recovering bool
		require.NoError(t, db.QueryRow("/* xapg:shard=s1 */ SELECT pg_is_in_recovery()").Scan(&recovering))
		assert.False(t, recovering, "a standby answers nothing")
	}
	require.NoError(t, b.standby.CatchUp(t.Context(), b.primary))
	b.fail()
	b.goOn(first, "first")
	b.goOn(second, "second")
	require.Eventually(t, func() bool { _, err := alone.Exec("SELECT 1"); return err == nil }, wait, tick)
	b.settle()
	assert.Empty(t, b.halves())
}

func TestReplicasDifferFromTheirPrimaryByTheirHostOnly(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://app@db2/other":           "must differ in its host and port only",
		"postgres://other@db2/app":           "must differ in its host and port only",
		"postgres://app:secret@db2:port/app": "cannot be read",
	} {
		path := filepath.Join(t.TempDir(), "xapg.yaml")
		require.NoError(t, os.WriteFile(path, fmt.Appendf(nil, "shards:\n  s1: {dsn: \"postgres://app@db1/app\", replicas: [%q]}\n", dsn), 0o600))
		_, err := xadriver.ParseDSN(path)
		var bad *xadriver.ConfigError
		require.ErrorAs(t, err, &bad, dsn)
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, err.Error(), "replicas[0]")
		assert.NotContains(t, err.Error(), "secret")
	}
}

func TestCheckWarnsOfReplicationThatMayLoseVotes(t *testing.T) {
	b := newBank(t)
	if _, err := exec(b.primary, "CREATE ROLE viewer LOGIN; GRANT ALL ON DATABASE postgres TO viewer"); err == nil {
		_, err = exec(b.other, "CREATE ROLE viewer LOGIN; GRANT ALL ON DATABASE postgres TO viewer")
		require.NoError(t, err)
	}
	db, _ := b.open(nil)
	require.NoError(t, b.move(db, "first")) // which makes the tables
	check := func(role string, options string) map[string]xadriver.Finding {
		b.role = role
		_, c := b.open(nil, quiet, func(cfg *xadriver.Config) { cfg.Shards[0].DSN += options })
		list, err := c.Check(t.Context(), false)
		require.NoError(t, err)
		require.NoError(t, c.Close())
		out := make(map[string]xadriver.Finding)
		for _, f := range list {
			out[f.Shard+"/"+f.What] = f
		}
		return out
	}
	f := check("", "")
	assert.False(t, f["s1/replication"].OK)
	assert.Contains(t, f["s1/replication"].Note, "none is synchronous")
	assert.Contains(t, f["s1/replication"].Note, "FIRST 1 ("+b.standby.Name()+")")
	assert.True(t, f["s2/replication"].OK, "there is none")
	assert.Contains(t, f["s2/replication"].Note, "no standby is attached")
	assert.True(t, f["s1/durability"].OK && f["s1/durability"].Warning, "the tests' servers do not force their writes")
	assert.NotContains(t, f, "s1/lost")

	require.NoError(t, b.primary.Synchronous(t.Context(), b.standby.Name()))
	f = check("", "")
	assert.True(t, f["s1/replication"].OK, f["s1/replication"].Note)
	assert.Contains(t, f["s1/replication"].Note, "1 synchronous")
	for _, off := range []string{"off", "local"} {
		f = check("", "&synchronous_commit="+off)
		assert.False(t, f["s1/replication"].OK)
		assert.Contains(t, f["s1/replication"].Note, "synchronous_commit is "+off)
	}
	assert.Contains(t, check("", "&synchronous_commit=remote_write")["s1/replication"].Note, "fail together")
	f = check("viewer", "")
	require.Contains(t, f, "s1/failover tables")
	assert.True(t, f["s1/replication"].OK)
	assert.Contains(t, f["s1/replication"].Note, "pg_monitor")
	assert.False(t, f["s1/failover tables"].OK, "it may not make them in somebody else's schema")
	assert.Contains(t, f["s1/failover tables"].Note, "grant")

	require.NoError(t, b.standby.Detach(t.Context()))
	require.Eventually(t, func() bool {
		return ask[int](t, b.primary, "SELECT count(*)::int FROM pg_stat_replication WHERE application_name = $1", b.standby.Name()) == 0
	}, wait, tick, "the primary notices it later")
	f = check("", "")
	assert.False(t, f["s1/replication"].OK)
	assert.Contains(t, f["s1/replication"].Note, "waits for one")
	require.NoError(t, b.primary.Synchronous(t.Context()))
	b.fail()
}

func TestAServerThatDoesNotTellWhereItIsCommitsAllTheSame(t *testing.T) {
	b := newBank(t)
	for _, s := range []*xatest.Server{b.primary, b.other} {
		_, err := exec(s, `DO $$ BEGIN CREATE ROLE mute LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$; GRANT ALL ON DATABASE postgres TO mute;
			GRANT ALL ON SCHEMA public TO mute; ALTER TABLE moves OWNER TO mute; DROP SCHEMA IF EXISTS _xapg CASCADE; REVOKE EXECUTE ON FUNCTION pg_walfile_name FROM PUBLIC`)
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := exec(s, "GRANT EXECUTE ON FUNCTION pg_walfile_name TO PUBLIC; DROP SCHEMA _xapg CASCADE")
			assert.NoError(t, err)
		})
	}
	b.role = "mute"
	out := &lines{}
	db, connector := b.openAt([]*xatest.Server{b.primary}, nil, quiet, out.into)
	several, _ := b.openAt([]*xatest.Server{b.standby, b.primary}, nil, quiet)
	require.NoError(t, b.move(db, "first"))
	require.NoError(t, b.move(several, "third"))
	require.NoError(t, b.move(db, "second"))
	look(t, connector)
	assert.Equal(t, 2, out.count("does not tell where in its history it is"), "once for each shard")
	assert.Empty(t, b.halves())
}
