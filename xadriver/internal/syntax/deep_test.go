package syntax_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/syntax"
)

const million = 1_000_000

func code(t testing.TB, name, sql string) string {
	t.Helper()
	_, err := syntax.Parse(sql)
	if err == nil {
		return ""
	}
	var pgErr *pgconn.PgError
	require.ErrorAs(t, err, &pgErr, name)
	return pgErr.Code
}

func TestAMillionOfEachKindOfNestingIsRefused(t *testing.T) {
	deep := func(before, each, after string) string { return before + strings.Repeat(each, million) + after }
	for name, sql := range map[string]string{
		"subqueries":         deep("SELECT ", "(SELECT ", "1"),
		"derived tables":     deep("SELECT * FROM ", "(SELECT * FROM ", "a"),
		"exists":             deep("SELECT 1 WHERE ", "EXISTS (SELECT 1 WHERE ", "true"),
		"functions":          deep("SELECT ", "f(", "1"),
		"rows":               deep("SELECT ", "ROW(", "1"),
		"arrays":             deep("SELECT ARRAY", "[", ""),
		"array constructors": deep("SELECT ", "ARRAY[", "1"),
		"array subqueries":   deep("SELECT ", "ARRAY(SELECT ", "1"),
		"casts to int":       deep("SELECT 1", "::int", ""),
		"cast as":            deep("SELECT ", "CAST(", "1"),
		"or":                 deep("SELECT true", " OR true", ""),
		"not":                deep("SELECT ", "NOT ", "true"),
		"is null":            deep("SELECT a", " IS NULL", ""),
		"isnull":             deep("SELECT a", " ISNULL", ""),
		"in":                 deep("SELECT a", " IN (b)", ""),
		"like":               deep("SELECT a", " LIKE b", ""),
		"collate":            deep("SELECT a", ` COLLATE "C"`, ""),
		"at time zone":       deep("SELECT a", " AT TIME ZONE 'UTC'", ""),
		"case else":          deep("SELECT ", "CASE WHEN a THEN b ELSE ", "c"),
		"joins":              deep("SELECT * FROM a", " CROSS JOIN a", ""),
		"natural joins":      deep("SELECT * FROM a", " NATURAL JOIN a", ""),
		"join groups":        deep("SELECT * FROM ", "(a JOIN ", "b"),
		"unions":             deep("TABLE a", " UNION ALL TABLE a", ""),
		"excepts":            deep("TABLE a", " EXCEPT TABLE a", ""),
		"intersections":      deep("TABLE a", " INTERSECT TABLE a", ""),
		"with":               deep("", "WITH a AS (", "TABLE b"),
		"filters":            deep("SELECT ", "count(*) FILTER (WHERE ", "true"),
		"windows":            deep("SELECT ", "f() OVER (ORDER BY ", "1"),
		"grouping sets":      deep("SELECT 1 GROUP BY ", "GROUPING SETS (", "a"),
		"comparisons":        deep("SELECT a", " < a", ""),
		"concatenations":     deep("SELECT a", " || a", ""),
		"json":               deep("SELECT a", " ->> 'b'", ""),
		"powers":             deep("SELECT 2", "^2", ""),
		"signs":              deep("SELECT ", "+ ", "1"),
		"own operators":      deep("SELECT a", " @#@ b", ""),
		"comments":           deep("", "/* ", ""),
		"create schema":      deep("", "CREATE SCHEMA a ", ""),
		"explain":            deep("", "EXPLAIN ", "SELECT 1"),
		"prepare":            deep("", "PREPARE a AS ", "SELECT 1"),
	} {
		assert.Contains(t, []string{"54001", "42601"}, code(t, name, sql[:min(len(sql), syntax.MaxLength)]), name)
	}
}

func TestOperatorsCountWhateverTheyAreMadeOf(t *testing.T) {
	for name, sql := range map[string]string{
		"casts":           "SELECT 1" + strings.Repeat("::text", million),
		"question marks":  "SELECT 1" + strings.Repeat(" ? 1", million),
		"backquotes":      "SELECT 1" + strings.Repeat(" ` 1", million),
		"before operands": "SELECT " + strings.Repeat("? ", million) + "1",
		"qualified":       "SELECT 1" + strings.Repeat(" OPERATOR(a.?) 1", million-1),
	} {
		assert.Equal(t, "54001", code(t, name, sql), name)
	}
}

func TestNoMoreThan16MegabytesAreRead(t *testing.T) {
	for name, fill := range map[string]string{"a literal": "x", "blanks": " ", "quotes": "'", "words": "x ", "semicolons": ";", "numbers": "1", "dollars": "$$", "bytes": "\xff", "nothing": "\x00"} {
		long := "SELECT '" + strings.Repeat(fill, syntax.MaxLength/len(fill))
		assert.Equal(t, "54000", code(t, name, long), name)
	}
	assert.Empty(t, code(t, "just short enough", "SELECT '"+strings.Repeat("x", syntax.MaxLength-9)+"'"))
	assert.Equal(t, "54000", code(t, "one more", "SELECT '"+strings.Repeat("x", syntax.MaxLength-8)+"'"))
}

func TestWhatIsLongButFlatIsRead(t *testing.T) {
	const many = 10_000 / every
	for name, sql := range map[string]string{
		"columns":    "SELECT a" + strings.Repeat(",a", many),
		"parameters": "SELECT $1" + strings.Repeat(",$2", many),
		"rows":       "INSERT INTO a VALUES (1)" + strings.Repeat(",(1)", many),
		"a list":     "SELECT a IN (1" + strings.Repeat(",1", many) + ")",
		"subscripts": "SELECT a" + strings.Repeat("[1]", many),
		"fields":     "SELECT (a)" + strings.Repeat(".b", many),
		"whens":      "SELECT CASE" + strings.Repeat(" WHEN b THEN c", many/2) + " END",
		"statements": strings.Repeat("BEGIN;", many),
		"tables":     "SELECT 1 FROM a" + strings.Repeat(",a", many),
		"dimensions": "SELECT a::b" + strings.Repeat("[]", many),
	} {
		list, err := syntax.Parse(sql)
		require.NoError(t, err, name)
		assert.True(t, syntax.Same(list[0].Node, syntax.Clone(list[0].Node)), name)
	}
}

func TestTheDeepestThatIsReadCanBeCopiedComparedAndWritten(t *testing.T) {
	for name, sql := range map[string]string{
		"parentheses": "SELECT " + strings.Repeat("(", 4000) + "1" + strings.Repeat(")", 4000),
		"functions":   "SELECT " + strings.Repeat("f(", 4000) + "1" + strings.Repeat(")", 4000),
		"subqueries":  "SELECT " + strings.Repeat("(SELECT ", 4000) + "1" + strings.Repeat(")", 4000),
		"sums":        "SELECT 1" + strings.Repeat("+1", 5_000/every),
		"signs":       "SELECT " + strings.Repeat("- ", 5_000/every) + "1",
		"joins":       "SELECT 1 FROM a" + strings.Repeat(" NATURAL JOIN a", 5_000/every),
	} {
		list, err := syntax.Parse(sql)
		require.NoError(t, err, name)
		assert.True(t, syntax.Same(list[0].Node, syntax.Clone(list[0].Node)), name)
		if text, err := syntax.Deparse(list[0].Node); err == nil { // else it is too deep to be written
			again, err := syntax.Parse(text)
			require.NoError(t, err, name)
			assert.True(t, syntax.Same(list[0].Node, again[0].Node), name)
		}
	}
}
