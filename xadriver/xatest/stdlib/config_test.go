package stdlib_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// heard collects what hooks hear, which may be called on any goroutine.
type heard struct {
	mu   sync.Mutex
	list []string
}

func (h *heard) add(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, what)
}

func (h *heard) count(what string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.list {
		if l == what {
			n++
		}
	}
	return n
}

func (h *heard) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	h.add("traced " + q.SQL)
	return ctx
}

func (h *heard) TraceQueryEnd(_ context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	h.add("ended " + q.CommandTag.String())
}

// hooked is a configuration with all hooks that pgx has, telling h.
func hooked(t *testing.T, url string, h *heard) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	require.NoError(t, err)
	config.Tracer = h
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { h.add("notice " + n.Message) }
	config.AfterConnect = func(context.Context, *pgconn.PgConn) error { h.add("connected"); return nil }
	return config
}

func TestRegisteredConfigurationsAreDataSourceNames(t *testing.T) {
	prepareStage(t)
	for _, driver := range []string{"pgx", "xapg"} {
		h := &heard{}
		name := stdlib.RegisterConnConfig(hooked(t, stage.url, h))
		t.Cleanup(func() { stdlib.UnregisterConnConfig(name) })
		db := openURL(t, driver, name)
		assert.Equal(t, "7", value(t, db, "SELECT 7"))
		_, err := db.ExecContext(t.Context(), "DO $$ BEGIN RAISE NOTICE 'look'; END $$")
		require.NoError(t, err)
		assert.Equal(t, []int{1, 1, 1, 1}, []int{h.count("connected"), h.count("traced SELECT 7"), h.count("ended SELECT 1"), h.count("notice look")}, "%s: %v", driver, h.list)
		stdlib.UnregisterConnConfig(name)
		_, err = openURL(t, driver, name).Conn(t.Context())
		assert.Error(t, err, "a name that is not registered any more")
	}
}

func TestRegisteredConfigurationsOfShards(t *testing.T) {
	prepareStage(t)
	h := &heard{}
	dsn := "cluster=hooks log=sqlite:" + filepath.Join(t.TempDir(), "xapg.db") + " keys=id,k"
	for i, s := range stage.servers.Shards {
		name := stdlib.RegisterConnConfig(hooked(t, s.Database("spread"), h))
		t.Cleanup(func() { stdlib.UnregisterConnConfig(name) })
		dsn += fmt.Sprintf(" shard.s%d=%s", i+1, name)
	}
	db := openURL(t, "xapg", dsn)
	assert.Equal(t, "5", value(t, db, "SELECT count(*) FROM everything_spread"))
	assert.GreaterOrEqual(t, h.count("connected"), 3)
	assert.Positive(t, len(h.list)-h.count("connected"), "statements are traced")
}

func TestHooksOfConnectors(t *testing.T) {
	prepareStage(t)
	h := &heard{}
	options := []stdlib.OptionOpenDB{
		stdlib.OptionBeforeConnect(func(_ context.Context, c *pgx.ConnConfig) error {
			h.add("before")
			c.RuntimeParams = map[string]string{"application_name": "hooked"} // a map of its own: the copy of the configuration is shallow
			return nil
		}),
		stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
			h.add("after")
			_, err := c.Exec(ctx, "SET work_mem = '6MB'")
			return err
		}),
		stdlib.OptionResetSession(func(context.Context, *pgx.Conn) error { h.add("reset"); return nil }),
		stdlib.OptionShouldPing(func(context.Context, stdlib.ShouldPingParams) bool { h.add("ping?"); return true }),
	}
	config := func(url string) pgx.ConnConfig {
		c, err := pgx.ParseConfig(url)
		require.NoError(t, err)
		return *c
	}
	several := xadriver.Config{Cluster: "hooks", Log: "sqlite:" + filepath.Join(t.TempDir(), "xapg.db"), Keys: []string{"id", "k"}}
	for _, s := range stage.servers.Shards {
		several.Shards = append(several.Shards, xadriver.Shard{Name: s.Name(), Connector: stdlib.GetConnector(config(s.Database("spread")), options...)})
	}
	for name, c := range map[string]xadriver.Config{
		"one shard":      {Shards: []xadriver.Shard{{Name: "main", Connector: stdlib.GetConnector(config(stage.url), options...)}}},
		"several shards": several,
	} {
		t.Run(name, func(t *testing.T) {
			h.list = nil
			connector, err := xadriver.NewConnector(c)
			require.NoError(t, err)
			db := sql.OpenDB(connector)
			defer db.Close()
			db.SetMaxOpenConns(1)
			for range 3 {
				assert.Equal(t, "hooked 6MB", value(t, db, "SELECT current_setting('application_name') || ' ' || current_setting('work_mem')"))
			}
			for _, what := range []string{"before", "after", "reset", "ping?"} {
				assert.Positive(t, h.count(what), what)
			}
		})
	}
}

func TestSettingsOfTheDataSourceName(t *testing.T) {
	for _, c := range []struct{ setting, query, want string }{
		{"application_name=" + url.PathEscape("it's me"), "SHOW application_name", "it's me"},
		{"search_path=pg_catalog", "SHOW search_path", "pg_catalog"},
		{"timezone=Asia/Tokyo", "SHOW timezone", "Asia/Tokyo"},
		{"options=-c%20work_mem%3D6MB", "SHOW work_mem", "6MB"},
		{"statement_timeout=12345", "SHOW statement_timeout", "12345ms"},
		{"statement_cache_capacity=0", "SELECT count(*) FROM pg_prepared_statements", "0"},
		{"statement_cache_capacity=1", "SELECT $1::text", "x"},
		{"description_cache_capacity=0", "SELECT 1", "1"},
	} {
		t.Run(c.setting, func(t *testing.T) {
			for _, mode := range []pgx.QueryExecMode{modes[2], modes[3], modes[4]} {
				seen := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) string {
					if strings.Contains(c.query, "$1") {
						return value(t, db, c.query, "x")
					}
					return value(t, db, c.query)
				}, c.setting)
				assert.Equal(t, c.want, seen)
			}
		})
	}
}

func TestWithoutCachesTheModesThatNeedThemSaySo(t *testing.T) {
	for mode, setting := range map[pgx.QueryExecMode]string{modes[0]: "statement_cache_capacity=0", modes[1]: "description_cache_capacity=0"} {
		seen := sameOnOneShard(t, mode, func(t *testing.T, db *sql.DB) outcome { return asked(t.Context(), db, "SELECT $1::int", 1) }, setting)
		assert.NotEmpty(t, seen.Error)
	}
}
