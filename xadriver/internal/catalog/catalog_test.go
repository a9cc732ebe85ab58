package catalog_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/xatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tables = `
CREATE SCHEMA "Odd";
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN mail AS text CHECK (value ~ '@');
CREATE TABLE plain (id serial PRIMARY KEY, n int DEFAULT 1, twice int GENERATED ALWAYS AS (n * 2) STORED, m mail DEFAULT 'a@b', at timestamptz DEFAULT now(),
  i bigint GENERATED ALWAYS AS IDENTITY, c text COLLATE "C", v varchar(10), UNIQUE (n, c));
CREATE UNIQUE INDEX ON plain ((n + 1));
CREATE TABLE "Odd"."T x" (id int REFERENCES plain, p pair DEFAULT '(1,a)', q plain DEFAULT NULL::plain);
CREATE VIEW one AS SELECT id, n FROM plain;
CREATE VIEW two AS SELECT id FROM one WHERE EXISTS (SELECT FROM "Odd"."T x");
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parts1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE FUNCTION told() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM pg_notify(''a'', ''b''); END';
CREATE FUNCTION tells() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM told(); END';
CREATE FUNCTION lower(pair) RETURNS text LANGUAGE sql STABLE AS 'SELECT ($1).y'`

// server is a connection to a database of its own.
type server struct {
	t *testing.T
	driver.Conn
}

func start(t *testing.T) (c *xatest.Cluster, one *server) {
	t.Helper()
	c = xatest.Start(t, xatest.Shards(1))
	one = connect(t, c)
	one.run(tables)
	return c, one
}

func connect(t *testing.T, c *xatest.Cluster) *server {
	t.Helper()
	conn, err := stdlib.GetDefaultDriver().Open(c.Shards[0].DSN())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return &server{t, conn}
}

func (s *server) QueryContext(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error) {
	return s.Conn.(driver.QueryerContext).QueryContext(ctx, sql, args)
}

func (s *server) run(sql string) {
	s.t.Helper()
	_, err := s.Conn.(driver.ExecerContext).ExecContext(s.t.Context(), sql, nil)
	require.NoError(s.t, err, sql)
}

func (s *server) ask(sql string) any {
	s.t.Helper()
	rows, err := s.QueryContext(s.t.Context(), sql, nil)
	require.NoError(s.t, err)
	defer rows.Close()
	v := make([]driver.Value, 1)
	require.NoError(s.t, rows.Next(v))
	return v[0]
}

func (s *server) mark() string {
	s.t.Helper()
	mark, err := catalog.Fingerprint(s.t.Context(), s)
	require.NoError(s.t, err)
	return mark
}

func load(t *testing.T, r *catalog.Reader, s *server) *catalog.Catalog {
	t.Helper()
	c, err := r.Load(t.Context(), s)
	require.NoError(t, err)
	return c
}

func TestACatalogTellsWhatThereIs(t *testing.T) {
	_, s := start(t)
	var r catalog.Reader
	for range 2 { // the second one with what is PostgreSQL's own from the first
		c := load(t, &r, s)
		assert.Equal(t, []string{"public"}, c.SearchPath)
		assert.Equal(t, "postgres", c.User)
		assert.True(t, c.Bytewise, "the servers of tests have the locale C")

		plain := c.Resolve(c.SearchPath, "", "plain")
		require.NotNil(t, plain)
		assert.False(t, plain.Lacks())
		assert.True(t, plain.Referenced)
		assert.Equal(t, []string{"id"}, plain.PrimaryKey())
		require.Len(t, plain.Unique, 3)
		byName := make(map[string]catalog.Column)
		for _, column := range plain.Columns {
			byName[column.Name] = column
		}
		assert.Equal(t, catalog.Column{
			Name: "id", TypeOID: 23, Typmod: -1, NotNull: true, Default: "nextval('plain_id_seq'::regclass)", Type: "integer", Declared: "integer", Sequence: "public.plain_id_seq",
		}, byName["id"])
		assert.Equal(t, catalog.Column{Name: "twice", TypeOID: 23, Typmod: -1, Type: "integer", Declared: "integer", Generated: true}, byName["twice"])
		assert.Equal(t, "'a@b'::text", byName["m"].Default)
		assert.Equal(t, []string{"public.mail", "text"}, []string{byName["m"].Type, byName["m"].Declared})
		assert.Equal(t, "now()", byName["at"].Default)
		assert.True(t, byName["i"].Identity && byName["i"].IdentityAlways)
		assert.Equal(t, "public.plain_i_seq", byName["i"].Sequence)
		assert.Equal(t, `text COLLATE pg_catalog."C"`, byName["c"].Declared)
		assert.True(t, byName["c"].Bytewise)
		assert.Equal(t, "character varying(10)", byName["v"].Declared)

		assert.Same(t, c.Resolve(c.SearchPath, "", "parts"), c.Resolve(c.SearchPath, "", "parts1").Root())
		assert.True(t, c.Resolve(c.SearchPath, "", "pg_class").System())
		for _, own := range c.Relations() {
			assert.False(t, own.System(), own)
		}
		assert.Equal(t, "bigint", c.Type(20))
		seq, ok := c.Sequence("public.plain_id_seq")
		assert.True(t, ok)
		assert.Equal(t, catalog.Sequence{Name: catalog.Name{Schema: "public", Name: "plain_id_seq"}, Start: 1, Increment: 1}, seq)

		for name, notifies := range map[string]bool{"told": true, "tells": true, "pg_notify": true, "now": false} {
			f, known := c.Function("", name)
			assert.True(t, known, name)
			assert.Equal(t, notifies, f.Notifies, name)
		}
		assert.True(t, c.Builtin("upper"))
		assert.False(t, c.Builtin("lower"), "users have one, too")
		f, _ := c.Function("pg_catalog", "lower")
		assert.False(t, f.Volatile)
		f, _ = c.Function("", "lower")
		assert.True(t, f.Volatile && f.Opaque, "an unqualified name may be either")
	}
}

func TestTextsAreReadWhenTheyAreWanted(t *testing.T) {
	_, s := start(t)
	c := load(t, new(catalog.Reader), s)
	two, odd := c.Relation("public", "two"), c.Relation("Odd", "T x")
	require.True(t, two.Lacks() && odd.Lacks())
	fit, err := c.Complete(t.Context(), s, []*catalog.Relation{two}, time.Second, false)
	require.NoError(t, err)
	assert.True(t, fit)
	assert.Empty(t, two.ViewDef, "a relation that somebody has does not change")
	assert.Contains(t, c.Relation("public", "two").ViewDef, `FROM "Odd"."T x"`)
	assert.Contains(t, c.Relation("public", "one").ViewDef, "FROM public.plain", "what it reads comes with it")
	assert.True(t, odd.Lacks())

	fit, err = c.Complete(t.Context(), s, []*catalog.Relation{odd}, 0, false)
	require.NoError(t, err)
	assert.True(t, fit)
	assert.Equal(t, "'(1,a)'::public.pair", c.Relation("Odd", "T x").Columns[1].Default)

	c = load(t, new(catalog.Reader), s)
	one := c.Relation("public", "one")
	s.run("CREATE OR REPLACE VIEW one AS SELECT id, n FROM plain WHERE n = 7")
	fit, err = c.Complete(t.Context(), s, []*catalog.Relation{one}, 0, false)
	require.NoError(t, err)
	assert.False(t, fit, "the schema has changed since")
	assert.True(t, c.Relation("public", "one").Lacks())
	_, err = c.Complete(t.Context(), s, []*catalog.Relation{one}, 0, true)
	require.NoError(t, err)
	assert.Contains(t, c.Relation("public", "one").ViewDef, "7")
}

func TestReadingTakesNoLocksAndLeavesNoSettings(t *testing.T) {
	cluster, s := start(t)
	s.run("SET search_path TO \"Odd\", public; SET lock_timeout TO '7s'; CREATE TEMPORARY TABLE own (id serial, p pair DEFAULT '(1,a)'); CREATE TEMPORARY VIEW mine AS SELECT own.id FROM own, one")
	const settings, locks = "SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings", `SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()
		AND locktype = 'relation' AND relation >= 16384`
	other := connect(t, cluster)
	other.run("BEGIN; LOCK TABLE plain; LOCK TABLE one")
	for _, begin := range []string{"", "BEGIN"} {
		s.run(begin)
		before := s.ask(settings)
		c := load(t, new(catalog.Reader), s)
		_, err := catalog.Numbers(t.Context(), s)
		require.NoError(t, err)
		own, err := catalog.Temporaries(t.Context(), s)
		require.NoError(t, err)
		assert.Equal(t, s.ask("SELECT 0::bigint"), s.ask(locks))
		assert.True(t, c.Relation("public", "plain").Busy && c.Relation("public", "one").Busy)
		assert.False(t, c.Relation("Odd", "T x").Busy)

		with := c.With(own)
		mine := with.Resolve(nil, "", "mine")
		require.True(t, mine.Lacks())
		assert.True(t, with.Resolve(nil, "", "own").Lacks())
		_, err = c.Complete(t.Context(), s, []*catalog.Relation{c.Relation("Odd", "T x")}, time.Millisecond, true)
		require.NoError(t, err)
		if begin == "" {
			_, err = c.Complete(t.Context(), s, []*catalog.Relation{c.Relation("public", "two")}, time.Millisecond, true)
			require.ErrorContains(t, err, "55P03")
			require.ErrorContains(t, catalog.Settled(t.Context(), s, c.Relation("public", "plain"), time.Millisecond), "55P03")
			require.NoError(t, catalog.Settled(t.Context(), s, c.Relation("Odd", "T x"), time.Millisecond))
		} else {
			s.run("COMMIT")
		}
		assert.Equal(t, before, s.ask(settings))
	}
	other.run("COMMIT")
	c := load(t, new(catalog.Reader), s)
	assert.False(t, c.Relation("public", "plain").Busy)
	s.run("BEGIN; LOCK TABLE plain")
	assert.False(t, load(t, new(catalog.Reader), s).Relation("public", "plain").Busy, "it is the session's own lock")
	own, err := catalog.Temporaries(t.Context(), s)
	require.NoError(t, err)
	with := c.With(own)
	before := s.ask(settings)
	require.NoError(t, with.CompleteTemporary(t.Context(), s, []*catalog.Relation{with.Resolve(nil, "", "mine"), with.Resolve(nil, "", "own")}))
	assert.Equal(t, before, s.ask(settings))
	assert.Contains(t, with.Resolve(nil, "", "mine").ViewDef, "public.one")
	assert.Equal(t, "'(1,a)'::public.pair", with.Resolve(nil, "", "own").Columns[1].Default)
	assert.True(t, with.Relation("public", "one").Lacks(), "it is everybody's")
	s.run("COMMIT")
}

func TestAFingerprintChangesWithTheSchema(t *testing.T) {
	_, s := start(t)
	for _, change := range []string{
		"CREATE TABLE t (id int)", "ALTER TABLE t ADD COLUMN n int", "ALTER TABLE t ALTER COLUMN n SET DEFAULT 4", "ALTER TABLE t ALTER COLUMN n SET NOT NULL", "ALTER TABLE t RENAME COLUMN n TO m",
		"CREATE UNIQUE INDEX ON t (m)", "ALTER TABLE t ADD FOREIGN KEY (id) REFERENCES plain", "ALTER TABLE t RENAME TO u", "CREATE VIEW v AS SELECT id FROM u",
		"CREATE OR REPLACE VIEW v AS SELECT id FROM u WHERE id > 1", "ALTER TABLE u ENABLE ROW LEVEL SECURITY", "CREATE SCHEMA more", "ALTER TABLE u SET SCHEMA more", "ALTER SCHEMA more RENAME TO less",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql STABLE AS 'SELECT 2'", "ALTER SEQUENCE plain_id_seq INCREMENT BY 64",
		"CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'", "CREATE TRIGGER g BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION g()", "CREATE TYPE mood AS ENUM ('fine')",
		"CREATE DOMAIN digits AS text", "ALTER DOMAIN digits ADD CHECK (value <> '')", "CREATE CAST (pair AS text) WITH FUNCTION lower(pair)", "ALTER TABLE parts DETACH PARTITION parts1", "DROP TABLE less.u CASCADE",
		"ALTER FUNCTION pg_catalog.lower(text) VOLATILE",
	} {
		before := s.mark()
		s.run(change)
		assert.NotEqual(t, before, s.mark(), change)
	}
	before := s.mark()
	for _, nothing := range []string{
		"INSERT INTO plain (n) VALUES (1)", "TRUNCATE plain CASCADE", "ANALYZE plain", "VACUUM plain", "CREATE TEMPORARY TABLE own (id serial PRIMARY KEY, n int DEFAULT 1)", "CREATE TEMPORARY VIEW mine AS SELECT id FROM own",
		"CREATE INDEX ON plain (n)", "SELECT nextval('plain_id_seq')",
	} {
		s.run(nothing)
		assert.Equal(t, before, s.mark(), nothing)
	}
}

// What is PostgreSQL's own is read once, unless a superuser changes it.
func TestWhatIsPostgreSQLsOwnIsReadOnce(t *testing.T) {
	_, s := start(t)
	var r catalog.Reader
	counted := &counting{Queryer: s}
	ask := func() *catalog.Catalog {
		c, err := r.Load(t.Context(), counted)
		require.NoError(t, err)
		return c
	}
	ask()
	assert.Equal(t, 2, counted.n)
	s.run("ALTER TABLE plain ADD COLUMN more int")
	assert.Equal(t, 9, len(ask().Relation("public", "plain").Columns))
	assert.Equal(t, 3, counted.n)
	f, _ := ask().Function("", "upper")
	assert.False(t, f.Volatile)
	s.run("ALTER FUNCTION pg_catalog.upper(text) VOLATILE")
	counted.n = 0
	f, _ = ask().Function("", "upper")
	assert.True(t, f.Volatile)
	assert.Equal(t, 2, counted.n)
}

type counting struct {
	catalog.Queryer
	n int
}

func (c *counting) QueryContext(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error) {
	c.n++
	return c.Queryer.QueryContext(ctx, sql, args)
}
