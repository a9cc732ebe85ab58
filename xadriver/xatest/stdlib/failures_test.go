package stdlib_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xatest"
)

// secret is a password that no error may show.
const secret = "hush-hush-4711"

func TestConnectingFails(t *testing.T) {
	prepareStage(t)
	u, err := url.Parse(stage.url)
	require.NoError(t, err)
	for name, c := range map[string]struct{ dsn, state string }{
		"nobody listens":       {"postgres://app:" + secret + "@127.0.0.1:1/app?sslmode=disable", ""},
		"no such database":     {strings.Replace(stage.url, "/alone", "/nosuch", 1), "3D000"},
		"no such role":         {"postgres://nosuch:" + secret + "@" + u.Host + "/alone?sslmode=disable", "28000"},
		"an unreadable URL":    {"postgres://app:" + secret + "@host:port/app", ""},
		"an unreadable word":   {"host=localhost password=" + secret + " port=abc", ""},
		"a bad setting":        {withSetting(stage.url, "default_query_exec_mode=fast&password="+secret), ""},
		"a setting not for us": {withSetting(stage.url, "no_such_setting=1"), "42704"},
		"no TLS there":         {strings.Replace(stage.url, "sslmode=disable", "sslmode=require", 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			see := func(driver string) (o outcome) {
				db, err := sql.Open(driver, c.dsn)
				if err == nil {
					defer db.Close()
					err = db.PingContext(t.Context())
				}
				require.Error(t, err)
				assert.NotContains(t, err.Error(), secret)
				o.fail(err)
				return o
			}
			want, got := see("pgx"), see("xapg")
			assert.Equal(t, c.state, want.State, want.Error)
			if _, reason, unread := strings.Cut(want.Error, "`: "); unread { // xapg says so when it is opened, and shows nothing of the DSN
				assert.Contains(t, got.Error, strings.Split(reason, " (")[0])
				return
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestConnectingToShardsFails(t *testing.T) {
	prepareStage(t)
	for name, shard := range map[string]string{"unreadable": "postgres://app:" + secret + "@host:port/app", "unreachable": "postgres://app:" + secret + "@127.0.0.1:1/app?sslmode=disable"} {
		dsn := "cluster=c log=" + xatest.Quote("sqlite:"+filepath.Join(t.TempDir(), "xapg.db")) + " shard.a=" + xatest.Quote(stage.url) + " shard.b=" + xatest.Quote(shard)
		db, err := sql.Open("xapg", dsn)
		if err == nil {
			err = db.PingContext(t.Context())
			require.NoError(t, db.Close())
		}
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), secret)
	}
}

// killed ends the sessions of an application on a server.
func killed(t *testing.T, server *xatest.Server, application string) {
	t.Helper()
	db := openURL(t, "pgx", server.DSN())
	_, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = $1", application)
	require.NoError(t, err)
}

func TestAConnectionThatDiedIdleIsReplaced(t *testing.T) {
	// A statement that was not sent may be sent again; database/sql does. One that was
	// sent is the caller's to repeat.
	prepareStage(t)
	private := "cluster=failing log=" + xatest.Quote("sqlite:"+filepath.Join(t.TempDir(), "xapg.db")) + " " + placement
	for _, s := range stage.servers.Shards {
		private += " shard." + s.Name() + "=" + xatest.Quote(withSetting(s.Database("spread"), "application_name=failing"))
	}
	for name, db := range map[string]*sql.DB{
		"everything":        openURL(t, "pgx", withSetting(stage.url, "application_name=failing")),
		"everything ":       openURL(t, "xapg", withSetting(stage.url, "application_name=failing")),
		"everything_spread": openURL(t, "xapg", private),
	} {
		t.Run(name, func(t *testing.T) {
			for range 3 {
				require.Len(t, asked(t.Context(), db, "SELECT id FROM "+name+" ORDER BY id").Rows, everythingRows)
				for _, s := range stage.servers.Shards {
					killed(t, s, "failing")
				}
				var err error
				for range 4 { // pgx notices a dead connection by its first failure, or by asking it when it was idle for a second
					if _, err = db.ExecContext(t.Context(), "UPDATE "+name+" SET c_integer = c_integer WHERE id < 5"); err == nil {
						break
					}
					assert.False(t, errors.Is(err, driver.ErrBadConn), "%v", err)
				}
				assert.NoError(t, err)
			}
		})
	}
}

func TestAStatementWhoseServerDiesIsNotRunAgain(t *testing.T) {
	// driver.ErrBadConn would make database/sql run it again, though it may be done.
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		check := func(t *testing.T, db *sql.DB) {
			_, err := db.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
			require.Error(t, err)
			assert.False(t, errors.Is(err, driver.ErrBadConn), "%v", err)
			var pgErr *pgconn.PgError
			if errors.As(err, &pgErr) {
				assert.Equal(t, "57P01", pgErr.Code)
			}
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
			require.Error(t, err)
			assert.Error(t, tx.Commit(), "a transaction without its connection is not committed")
			assert.Empty(t, asked(t.Context(), db, "SELECT 1").Error)
		}
		inBothDrivers(t, mode, check)
		t.Run("spread", func(t *testing.T) { check(t, spread(t, mode)) })
	})
}

func TestAServerThatDiesWhileRowsAreRead(t *testing.T) {
	inEachMode(t, func(t *testing.T, mode pgx.QueryExecMode) {
		see := func(t *testing.T, db *sql.DB) string {
			rows, err := db.QueryContext(t.Context(), "SELECT repeat('x', 10000) FROM generate_series(1, 20000)")
			require.NoError(t, err)
			defer rows.Close()
			require.True(t, rows.Next())
			killed(t, stage.servers.Shards[0], "reading")
			n := 0
			for rows.Next() {
				n++
			}
			assert.Less(t, n, 20000)
			require.Error(t, rows.Err())
			assert.False(t, errors.Is(rows.Err(), driver.ErrBadConn))
			return "failed"
		}
		sameOnOneShard(t, mode, see, "application_name=reading")
	})
}

func TestTheLastWordOnACommitThatWasCutOff(t *testing.T) {
	// The connection breaks before COMMIT's answer: pgx tells an error that says no
	// more than that. xapg, which knows several shards, says that it is in doubt.
	prepareStage(t)
	server := stage.servers.Shards[0]
	proxy, err := xatest.NewProxy(strings.TrimPrefix(strings.Split(strings.TrimPrefix(stage.url, "postgres://"), "/")[0], "postgres@"))
	require.NoError(t, err)
	defer proxy.Close()
	commit := func(db *sql.DB) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, "UPDATE everything SET c_integer = c_integer WHERE id = $1", 1)
		require.NoError(t, err)
		proxy.CutBeforeReply("commit")
		return tx.Commit()
	}
	for _, driverName := range []string{"pgx", "xapg"} {
		err := commit(openURL(t, driverName, proxy.Rewrite(server.Database("alone"))))
		require.Error(t, err)
		var doubt *xadriver.InDoubtError
		assert.False(t, errors.As(err, &doubt), "with one shard everything is pgx's")
		assert.False(t, errors.Is(err, driver.ErrBadConn), "%v", err)
	}
}
