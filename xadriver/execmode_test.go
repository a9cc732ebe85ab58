package xadriver_test

import (
	"database/sql"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

var execModes = []pgx.QueryExecMode{
	pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
}

// However pgx writes an argument, the row is where its stored key is looked for.
func TestRowsAreWhereTheirKeysAreInEveryExecMode(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 30, 0, 123456000, time.FixedZone("EAT", 3*3600))
	id := uuid.MustParse("a5a5a5a5-0000-4000-8000-0123456789ab")
	values := map[string][]any{
		"text":        {"plain", []byte("bytes"), at, time.Minute, netip.MustParseAddr("10.1.2.3"), netip.MustParsePrefix("10.0.0.0/8"), id, sql.NullString{String: "s", Valid: true}, int64(7)},
		"timestamptz": {at, at.UTC(), at.Format(time.RFC3339Nano), sql.NullTime{Time: at.Add(time.Hour), Valid: true}},
		"timestamp":   {at, at.UTC(), at.Add(time.Hour)},
		"date":        {at, at.UTC(), "2026-03-05"},
		"uuid":        {id, [16]byte(uuid.New()), uuid.New().String(), uuid.NullUUID{UUID: uuid.New(), Valid: true}},
		"bigint":      {int64(1), int32(2), "3", uint8(4), sql.NullInt64{Int64: 5, Valid: true}},
		"bytea":       {[]byte("bytes"), []byte{0, 1, 255}},
		"numeric":     {int64(1), "2.50", 3.25},
	}
	for kind, list := range values {
		b := newBank(t, 3, "key.k_"+kind+"=k")
		b.DB = openDB(t, b.dsn)
		_, err := b.Exec("CREATE TABLE k_" + kind + " (k " + kind + " PRIMARY KEY, n int)")
		require.NoError(t, err)
		for _, mode := range execModes {
			for n, v := range list {
				if _, err := b.Exec("INSERT INTO k_"+kind+" VALUES ($1, $2)", mode, v, n); err != nil {
					t.Logf("%s %v %T: %v", kind, mode, v, err)
					continue // what the server does not take, or the driver refuses: no row is in a wrong place
				}
				var k string
				require.NoError(t, b.QueryRow("SELECT k::text FROM k_"+kind).Scan(&k), "%s %v: %T", kind, mode, v)
				var found int
				require.NoError(t, b.QueryRow("SELECT count(*) FROM k_"+kind+" WHERE k = $1", k).Scan(&found))
				assert.Equal(t, 1, found, "%s %v: the row of a %T (%s) is not where it is looked for", kind, mode, v, k)
				res, err := b.Exec("DELETE FROM k_"+kind+" WHERE k = $1", mode, v)
				if assert.NoError(t, err, "%s %v: %T", kind, mode, v) {
					gone, _ := res.RowsAffected()
					assert.EqualValues(t, 1, gone, "%s %v: the row of a %T is not found by the same argument", kind, mode, v)
				}
				_, err = b.Exec("DELETE FROM k_" + kind)
				require.NoError(t, err)
			}
		}
	}
}

// The mode of a shard that is given as a connector is the connector's.
func TestTheExecModeOfAConnectorIsRespected(t *testing.T) {
	b := newBank(t, 3)
	cfg, err := xadriver.ParseDSN(b.dsn)
	require.NoError(t, err)
	for i, s := range cfg.Shards {
		config, err := pgx.ParseConfig(s.DSN)
		require.NoError(t, err)
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
		if i == 0 {
			cfg.Shards[i] = xadriver.Shard{Name: s.Name, Pgx: config}
			continue
		}
		if i == 1 {
			cfg.Shards[i].DSN = stdlib.RegisterConnConfig(config)
			defer stdlib.UnregisterConnConfig(cfg.Shards[i].DSN)
			continue
		}
		cfg.Shards[i] = xadriver.Shard{Name: s.Name, Connector: stdlib.GetConnector(*config)}
	}
	c, err := xadriver.NewConnector(*cfg)
	require.NoError(t, err)
	db := sql.OpenDB(c)
	defer db.Close()
	_, err = db.Exec(bankSchema)
	require.NoError(t, err)
	for n := range 20 {
		_, err := db.Exec("INSERT INTO accounts (owner) VALUES ($1)", []byte{byte(n), 'x'})
		require.NoError(t, err)
	}
	rows, err := db.Query("SELECT owner FROM accounts")
	require.NoError(t, err)
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var owner string
		require.NoError(t, rows.Scan(&owner))
		var found int
		require.NoError(t, db.QueryRow("SELECT count(*) FROM accounts WHERE owner = $1", owner).Scan(&found))
		assert.Equal(t, 1, found, owner)
	}
	require.NoError(t, rows.Err())
	assert.Equal(t, 20, n)
}

// pgx does not know domains, and writes an argument for one in different ways. What
// is accepted is found again; what is not is refused.
func TestRowsWhoseKeyIsADomainAreWhereTheirKeysAre(t *testing.T) {
	at := time.Date(2026, 3, 1, 23, 30, 0, 123456000, time.FixedZone("EAT", 3*3600))
	id := uuid.MustParse("a5a5a5a5-0000-4000-8000-0123456789ab")
	accepted := 0
	for kind, list := range map[string][]any{
		"text":      {"plain", []byte("bytes"), at, time.Minute, sql.NullString{String: "s", Valid: true}, id},
		"timestamp": {at, "2026-03-01 10:00:00"},
		"bigint":    {int64(1), "2", uint8(3), sql.NullInt64{Int64: 4, Valid: true}},
		"numeric":   {float32(0.1), "2.5", 3},
		"uuid":      {id, id.String()},
		"bytea":     {[]byte("bytes")},
	} {
		b := newBank(t, 3, "key.d_"+kind+"=k")
		b.DB = openDB(t, b.dsn)
		_, err := b.Exec("CREATE DOMAIN dom_" + kind + " AS " + kind + "; CREATE TABLE d_" + kind + " (k dom_" + kind + " PRIMARY KEY)")
		require.NoError(t, err)
		for _, v := range list {
			for range 8 { // other shards, with some luck
				if _, err := b.Exec("INSERT INTO d_"+kind+" VALUES ($1)", v); err != nil {
					break
				}
				accepted++
				var k string
				require.NoError(t, b.QueryRow("SELECT k::text FROM d_"+kind).Scan(&k))
				for _, by := range []any{k, v} {
					var found int
					require.NoError(t, b.QueryRow("SELECT count(*) FROM d_"+kind+" WHERE k = $1", by).Scan(&found), "%s %T", kind, by)
					assert.Equal(t, 1, found, "%s: the row of a %T (%s) is not found by a %T", kind, v, k, by)
				}
				_, err = b.Exec("DELETE FROM d_" + kind)
				require.NoError(t, err)
				if s, ok := v.(string); !ok || kind != "text" {
					break
				} else {
					v = s + "x"
				}
			}
		}
	}
	assert.Greater(t, accepted, 12)
}
