package syntax_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/syntax"
)

func TestStatementsThatCouldExhaustTheStackAreRefused(t *testing.T) {
	const n = 1_000_000
	for name, sql := range map[string]string{
		"parentheses": "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"open only":   "SELECT " + strings.Repeat("(", n),
		"brackets":    "SELECT " + strings.Repeat("ARRAY[", n),
		"case":        "SELECT " + strings.Repeat("CASE WHEN true THEN ", n) + "1",
		"not":         "SELECT " + strings.Repeat("NOT ", n) + "true",
		"minus":       "SELECT " + strings.Repeat("- ", n) + "1",
		"plus":        "SELECT 1" + strings.Repeat("+1", n),
		"and":         "SELECT true" + strings.Repeat(" AND true", n),
		"union":       "SELECT 1" + strings.Repeat(" UNION SELECT 1", n),
		"join":        "SELECT * FROM a" + strings.Repeat(" JOIN a ON true", n),
		"casts":       "SELECT 1" + strings.Repeat("::int", n),
		"dots":        "SELECT a" + strings.Repeat(".b", n),
		"commas":      "SELECT 1" + strings.Repeat(",1", n),
		"with":        strings.Repeat("WITH a AS (", n),
		"explain":     strings.Repeat("EXPLAIN ", n) + "SELECT 1",
		"too long":    "SELECT '" + strings.Repeat("x", 17<<20) + "'",
		"comments":    strings.Repeat("/*", n),
	} {
		_, err := syntax.Parse(sql)
		if (name == "commas" || name == "dots") && err == nil {
			continue // flat, and fine
		}
		var pgErr *pgconn.PgError
		require.ErrorAs(t, err, &pgErr, name)
		assert.Contains(t, []string{"54000", "54001", "42601"}, pgErr.Code, name)
	}
}

func TestSyntaxErrorsAreThoseOfPostgreSQL(t *testing.T) {
	_, err := syntax.Parse("SELECT * FRM x")
	var pgErr *pgconn.PgError
	require.ErrorAs(t, err, &pgErr)
	assert.Equal(t, "42601", pgErr.Code)
	assert.Equal(t, `syntax error at or near "FRM"`, pgErr.Message)
	assert.EqualValues(t, 10, pgErr.Position)
}
