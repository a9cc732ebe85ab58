package scratch_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/internal/scratch"
	"github.com/xapg/xapg/xadriver/internal/shard"
	"github.com/xapg/xapg/xadriver/xatest"
)

// server is one server, as the shard that scratch sessions are opened on.
func server(t *testing.T) *shard.Shard {
	t.Helper()
	c := xatest.Start(t, xatest.Shards(1))
	cfg, err := pgx.ParseConfig(c.Shards[0].DSN())
	require.NoError(t, err)
	s, err := shard.NewPgx("s1", 0, cfg, shard.Options{MaxConns: 1})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func read(t require.TestingT, s *scratch.Session, sql string, args ...driver.NamedValue) (out [][]driver.Value) {
	rows, err := s.Query(context.Background(), sql, args)
	require.NoError(t, err, sql)
	defer rows.Close()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		err := rows.Next(row)
		if errors.Is(err, io.EOF) {
			return out
		}
		require.NoError(t, err, sql)
		out = append(out, row)
	}
}

// odd are strings that COPY's text format, or somebody's idea of it, could take
// for something else.
func odd() []string {
	list := []string{
		"", " ", `\N`, `\\N`, `\.`, `\`, `\\`, `\\\`, "NULL", "\t", "\n", "\r", "\r\n", "a\tb", "a\nb", "a\rb", `a\tb`, `a\nb`, `\t`, `\b`, `\x41`, `\101`, "\\\n", "\n\\.\n", "\v", "\f", "\b", "\a", "\x1b", "\x7f",
		"'", `"`, "$1", "{}", ",", ";", "--", "äöü", "漢字", "🙂", "e\u0301", "\u200b", "\u00a0", "\ufeff", "\U0010ffff",
		strings.Repeat("x", 1<<20), strings.Repeat(`\`, 300_000), strings.Repeat("\t\n", 200_000),
	}
	for b := 1; b < 0x250; b++ {
		list = append(list, string(rune(b)), "<"+string(rune(b))+">", string(rune(b))+string(rune(b)), `\`+string(rune(b)))
	}
	return list
}

func TestEveryStringSurvivesTheWayIntoAScratchSession(t *testing.T) {
	s := server(t)
	session, err := scratch.Open(t.Context(), s, nil, []string{
		`CREATE TEMPORARY TABLE "a ""table""" (n bigint, "the ""value""" text) ON COMMIT DROP`, "CREATE TEMPORARY TABLE b (v text, w text, n bigint) ON COMMIT DROP",
	})
	require.NoError(t, err)
	defer func() { assert.NoError(t, session.Close()) }()
	load := func(t require.TestingT, values []*string) {
		l := scratch.NewLoader(session, math.MaxInt64)
		a := l.Table(`a "table"`, []string{"n", `the "value"`})
		b := l.Table("b", []string{"v", "w", "n"})
		for i, v := range values {
			var text driver.Value
			if v != nil {
				text = *v
			}
			require.NoError(t, l.Add(context.Background(), a, []driver.Value{fmt.Sprint(i), text}))
			if v != nil {
				text = []byte(*v)
			}
			require.NoError(t, l.Add(context.Background(), b, []driver.Value{text, text, fmt.Sprint(i)}))
		}
		require.NoError(t, l.Flush(context.Background()))
		got := read(t, session, `SELECT a."the ""value""", b.v, b.w FROM "a ""table""" a JOIN b USING (n) ORDER BY n`)
		require.Len(t, got, len(values))
		for i, row := range got {
			var want driver.Value
			if values[i] != nil {
				want = *values[i]
			}
			assert.Equal(t, []driver.Value{want, want, want}, row)
		}
		read(t, session, `DELETE FROM "a ""table"""`)
		read(t, session, "DELETE FROM b")
	}
	values := []*string{nil}
	for _, v := range odd() {
		values = append(values, &v)
	}
	load(t, append(values, nil))
	text := rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("\\\t\n\rNnrtbx.0 '\"$")), rapid.Rune().Filter(func(r rune) bool { return r != 0 && r != 0xfffd })))
	rapid.Check(t, func(t *rapid.T) {
		load(t, rapid.SliceOfN(rapid.Ptr(text, true), 0, 50).Draw(t, "values"))
	})
}

func TestTablesAreFilledFromSeveralShardsAtOnce(t *testing.T) {
	session, err := scratch.Open(t.Context(), server(t), nil, []string{"CREATE TEMPORARY TABLE a (n bigint, v text) ON COMMIT DROP", "CREATE TEMPORARY TABLE b (n bigint) ON COMMIT DROP"})
	require.NoError(t, err)
	defer func() { assert.NoError(t, session.Close()) }()
	l := scratch.NewLoader(session, math.MaxInt64)
	a, b := l.Table("a", []string{"n", "v"}), l.Table("b", []string{"n"})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := range 5000 { // more than waits before it is sent
				assert.NoError(t, l.Add(t.Context(), a, []driver.Value{fmt.Sprint(n), strings.Repeat("v", 100)}))
				assert.NoError(t, l.Add(t.Context(), b, []driver.Value{fmt.Sprint(n)}))
			}
		})
	}
	wg.Wait()
	require.NoError(t, l.Flush(t.Context()))
	assert.Equal(t, [][]driver.Value{{int64(20_000), int64(20_000), int64(5000)}}, read(t, session, "SELECT (SELECT count(*) FROM a), count(*), count(DISTINCT n) FROM b"))
	assert.Equal(t, [][]driver.Value{{int64(4)}}, read(t, session, "SELECT count(*) FROM a WHERE n = $1", driver.NamedValue{Ordinal: 1, Value: int64(7)}))
}

func TestOnlySoManyRowsAreGathered(t *testing.T) {
	session, err := scratch.Open(t.Context(), server(t), nil, []string{"CREATE TEMPORARY TABLE a (n bigint) ON COMMIT DROP"})
	require.NoError(t, err)
	defer func() { assert.NoError(t, session.Close()) }()
	l := scratch.NewLoader(session, 2)
	a := l.Table("a", []string{"n"})
	require.NoError(t, l.Add(t.Context(), a, []driver.Value{"1"}))
	require.NoError(t, l.Add(t.Context(), a, []driver.Value{"2"}))
	var limit *scratch.LimitError
	require.ErrorAs(t, l.Add(t.Context(), a, []driver.Value{"3"}), &limit)
	assert.Equal(t, "54000", limit.SQLState())
	assert.ErrorContains(t, limit, "gather_limit")
	assert.NoError(t, scratch.NewLoader(session, 9).Flush(t.Context()), "nothing waits")
}

func TestNothingOfASessionStays(t *testing.T) {
	s := server(t)
	for _, end := range []string{"SELECT 1", "SELECT 1/0", "CREATE TABLE stays AS SELECT 1"} {
		session, err := scratch.Open(t.Context(), s, []string{"SET search_path TO pg_catalog", "SET work_mem TO '123kB'"}, []string{"CREATE TEMPORARY TABLE a (n bigint)"})
		require.NoError(t, err)
		assert.Equal(t, [][]driver.Value{{"123kB", "pg_catalog"}}, read(t, session, "SELECT current_setting('work_mem'), current_setting('search_path')"))
		if rows, err := session.Query(t.Context(), end, nil); err == nil {
			_, _ = rows.Columns(), rows.Close()
		}
		require.NoError(t, session.Close())
		require.NoError(t, session.Close(), "once more does no harm")
		session, err = scratch.Open(t.Context(), s, nil, nil)
		require.NoError(t, err, "the only connection was given back")
		assert.Equal(t, [][]driver.Value{{int64(0), "4MB", `"$user", public`}},
			read(t, session, "SELECT count(*), current_setting('work_mem'), current_setting('search_path') FROM pg_class WHERE relname IN ('a', 'stays')"), end)
		require.NoError(t, session.Close())
	}
}

func TestASessionThatCannotBeOpenedGivesItsConnectionBack(t *testing.T) {
	s := server(t)
	_, err := scratch.Open(t.Context(), s, nil, []string{"CREATE TEMPORARY TABLE a (n no_such_type)"})
	require.ErrorContains(t, err, "no_such_type")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = scratch.Open(ctx, s, nil, nil)
	require.Error(t, err)
	session, err := scratch.Open(t.Context(), s, nil, []string{"CREATE TEMPORARY TABLE a (n bigint)"})
	require.NoError(t, err)
	l := scratch.NewLoader(session, 9)
	bad := l.Table("a", []string{"n"})
	require.NoError(t, l.Add(t.Context(), bad, []driver.Value{"not a number"}))
	assert.ErrorContains(t, l.Flush(t.Context()), "22P02", "PostgreSQL reads the values")
	assert.ErrorContains(t, l.Add(t.Context(), bad, []driver.Value{int64(1)}), "int64", "text was asked for")
	require.NoError(t, session.Close())
	session, err = scratch.Open(t.Context(), s, nil, nil)
	require.NoError(t, err)
	require.NoError(t, session.Close())
}
