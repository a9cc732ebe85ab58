package xadriver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver"
)

func TestADSNForOneServerIsPassedOnUntouched(t *testing.T) {
	for _, dsn := range []string{
		"postgres://app@db/one?default_query_exec_mode=exec&pool_x=1", "host=shard.example.com dbname=x", "", "registeredConnConfig7",
	} {
		cfg, err := xadriver.ParseDSN(dsn)
		if strings.Contains(dsn, "pool_x") {
			require.NoError(t, err, "it is a runtime parameter to PostgreSQL")
		}
		require.NoError(t, err, dsn)
		require.Len(t, cfg.Shards, 1)
		assert.Equal(t, dsn, cfg.Shards[0].DSN)
	}
}

func TestKeywordsDescribeACluster(t *testing.T) {
	cfg, err := xadriver.ParseDSN(`cluster = bank log='sqlite:/tmp/it\'s.db' shard.athos='host=db1 dbname=athos password=\'x y\'' shard.porthos=host=db2
		key.accounts=owner key.sales.orders=user_id reference=currencies,countries unsharded=audit keys=tenant_id,org home=porthos
		list.branches='athos:Kisii,Kilgoris;porthos:Nairobi' key.branches=city range.events='athos<2026-01-01;porthos' key.events=at lock_wait=off retain=1h`)
	require.NoError(t, err)
	assert.Equal(t, "bank", cfg.Cluster)
	assert.Equal(t, "sqlite:/tmp/it's.db", cfg.Log)
	assert.Equal(t, []xadriver.Shard{{Name: "athos", DSN: "host=db1 dbname=athos password='x y'"}, {Name: "porthos", DSN: "host=db2"}}, cfg.Shards)
	assert.Equal(t, "owner", cfg.Tables["accounts"].Key)
	assert.Equal(t, "user_id", cfg.Tables["sales.orders"].Key)
	assert.True(t, cfg.Tables["countries"].Reference)
	assert.True(t, cfg.Tables["audit"].Unsharded)
	assert.Equal(t, []string{"tenant_id", "org"}, cfg.Keys)
	assert.Equal(t, []xadriver.List{{Shard: "athos", Values: []string{"Kisii", "Kilgoris"}}, {Shard: "porthos", Values: []string{"Nairobi"}}}, cfg.Tables["branches"].List)
	assert.Equal(t, []xadriver.Range{{Shard: "athos", Below: "2026-01-01"}, {Shard: "porthos"}}, cfg.Tables["events"].Range)
	assert.Negative(t, cfg.LockWait)
	assert.Equal(t, time.Hour, cfg.Retain)
	assert.Equal(t, 10*time.Second, cfg.ResolveAfter)
}

const yamlFile = `cluster: bank
log: sqlite:/var/lib/app/xapg.db
shards:
  athos:   postgres://app:${XAPG_TEST_PW}@db1/athos
  porthos: {dsn: "postgres://app@${XAPG_TEST_HOST:-db2}/porthos", replicas: ["postgres://app@db2b/porthos"]}
tables:
  accounts:  {key: owner}
  events:    {key: at, range: [{below: 2026-01-01, shard: athos}, {shard: porthos}]}
  branches:  {key: city, list: {athos: [Kisii], porthos: [Nairobi]}}
  currencies: reference
keys: [tenant_id]
home: porthos
`

func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "xapg.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestAFileDescribesACluster(t *testing.T) {
	t.Setenv("XAPG_TEST_PW", "se: cret#1")
	path := write(t, strings.Replace(yamlFile, "${XAPG_TEST_PW}@", "x@", 1))
	for _, dsn := range []string{path + "?log=sqlite:/tmp/other.db&lock_wait=2s", "file:" + path + "?log=sqlite:/tmp/other.db&lock_wait=2s"} {
		cfg, err := xadriver.ParseDSN(dsn)
		require.NoError(t, err)
		assert.Equal(t, "sqlite:/tmp/other.db", cfg.Log)
		assert.Equal(t, 2*time.Second, cfg.LockWait)
		assert.Equal(t, "postgres://app@db2/porthos", cfg.Shards[1].DSN)
		assert.Equal(t, []string{"postgres://app@db2b/porthos"}, cfg.Shards[1].Replicas)
		assert.Equal(t, "2026-01-01", cfg.Tables["events"].Range[0].Below)
		assert.True(t, cfg.Tables["currencies"].Reference)
		assert.Equal(t, "porthos", cfg.Home)
	}
}

func TestAFileSaysWhereItIsWrong(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"home: porthos", "home: aramis"}:                       `:12:1: home: no shard is named "aramis"; valid: athos, porthos`,
		{"{shard: porthos}]", "{shard: aramis}]"}:               `:8:`,
		{"cluster: bank", "clutser: bank"}:                      `did you mean "cluster"`,
		{"currencies: reference", "currencies: refrence"}:       `:10:15: tables.currencies: "refrence" says nothing about a table; valid: reference`,
		{"{key: owner}", "{kye: owner}"}:                        `did you mean "key"`,
		{"keys: [tenant_id]", "keys: tenant_id"}:                `:11:7: keys: a list is wanted`,
		{"home: porthos", "home: porthos\nlock_wait: soon"}:     `"soon" is not a duration; valid: such as 500ms`,
		{"home: porthos", "home: porthos\nhome: athos"}:         `:13:`,
		{"${XAPG_TEST_HOST:-db2}", "${XAPG_TEST_NOT_SET}"}:      `"XAPG_TEST_NOT_SET" is not set`,
		{"shards:", "shards: ["}:                                `this is not YAML`,
		{yamlFile[:len(yamlFile)-1], ""}:                        `empty`,
		{"log: sqlite:/var/lib/app/xapg.db", "log: etcd://h/x"}: `:2:1: log: logs in etcd are no part of this program: import _ "github.com/xapg/xapg/txlog/etcdlog" in it`,
	} {
		content := strings.Replace(strings.Replace(yamlFile, "${XAPG_TEST_PW}", "pw", 1), change[0], change[1], 1)
		_, err := xadriver.ParseDSN(write(t, content))
		if change[1] == "" {
			_, err = xadriver.ParseDSN(write(t, "\n"))
		}
		require.Error(t, err, change[1])
		assert.Contains(t, err.Error(), want)
		assert.Contains(t, err.Error(), "xapg.yaml")
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		secret := "S3" + rapid.StringMatching(`[a-zA-Z0-9:/@#%'\\ {}\[\]$&?=-]{6,20}`).Draw(rt, "secret") + "cr3t"
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret)
		inner := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace("host=h password='" + quoted + "' port=" + rapid.SampledFrom([]string{"1", "x"}).Draw(rt, "port"))
		dsn := "cluster=c log=sqlite:x shard.a='" + inner + "' shard.b='host=h' " + rapid.SampledFrom([]string{"", "bad", "lock_wait=x", "home=z", "shard.a=x", "x='"}).Draw(rt, "rest")
		if at := rapid.IntRange(-1, len(dsn)-1).Draw(rt, "corrupt"); at >= 0 {
			dsn = dsn[:at] + rapid.SampledFrom([]string{"", "'", "\\", "="}).Draw(rt, "by") + dsn[at+1:]
		}
		cfg, err := xadriver.ParseDSN(dsn)
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				rt.Fatalf("the secret is in %q", err)
			}
			return
		}
		for _, shown := range []string{cfg.String(), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), fmt.Sprint(cfg.Shards), cfg.LogValue().String()} {
			if strings.Contains(shown, secret) {
				rt.Fatalf("the secret is in %q", shown)
			}
		}
	})
}

func FuzzParseDSN(f *testing.F) {
	for _, s := range []string{"cluster=c log=sqlite:x shard.a='host=h' shard.b='host=i' key.t=k", "postgres://h/d", "x.yaml?a=b", "shard.a="} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, dsn string) { _, _ = xadriver.ParseDSN(dsn) })
}

func FuzzFile(f *testing.F) {
	f.Add(yamlFile)
	f.Add("shards: {a: &x postgres://h/d, b: *x}")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(dir, "f.yaml")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, _ = xadriver.ParseDSN(path)
	})
}

func TestTheReadmeKnowsEverySetting(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	for _, s := range xadriver.Settings() {
		line := fmt.Sprintf("| `%s` | %s | %s | %s | %s |", s.Name, s.Type, s.Valid, s.Default, s.Doc)
		assert.True(t, strings.Contains(string(readme), line), "missing: %s", line)
	}
}
