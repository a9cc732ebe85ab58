package differential_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// envErrors makes TestIdentity list each step that fails, as it may be meant to.
const envErrors = "XAPG_DIFF_ERRORS"

// shuffled is what makes a plain PostgreSQL shuffle its tables, and go other ways
// than it would: whatever comes in an order by chance comes in another.
const shuffled = "&options=-c%20diff.shuffle%3Don%20-c%20enable_hashagg%3Doff%20-c%20enable_hashjoin%3Doff"

// shuffle moves half of the rows of each table to another place, where the
// session is told to. Whoever relies on the order in which rows lie, finds out.
const shuffle = `DO $shuffle$
DECLARE
	was text := current_setting('session_replication_role');
	one record;
BEGIN
	IF current_setting('diff.shuffle', true) IS DISTINCT FROM 'on' THEN
		RETURN;
	END IF;
	PERFORM set_config('session_replication_role', 'replica', true);
	FOR one IN
		SELECT c.oid::regclass AS tab, (
			SELECT a.attname FROM pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
			ORDER BY a.attnum LIMIT 1) AS col
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'
	LOOP
		IF one.col IS NOT NULL THEN
			EXECUTE format('UPDATE ONLY %s SET %I = %I WHERE hashtext(ctid::text) & 1 = 1', one.tab, one.col, one.col);
		END IF;
	END LOOP;
	PERFORM set_config('session_replication_role', was, true);
EXCEPTION WHEN OTHERS THEN
	NULL; -- a transaction that may not write
END
$shuffle$;`

// withShuffles is a script with a shuffle after each step that may have written.
func withShuffles(t *testing.T, s *differential.Script) *differential.Script {
	t.Helper()
	one, err := differential.Parse(s.Name, shuffle)
	require.NoError(t, err)
	more := &differential.Script{Name: s.Name, Settings: s.Settings}
	for _, step := range s.Steps {
		more.Steps = append(more.Steps, step)
		switch first, _, _ := strings.Cut(strings.ToUpper(step.SQL), " "); first {
		case "SELECT", "VALUES", "TABLE", "SHOW", "SET", "SAVEPOINT", "RELEASE", "EXPLAIN", "FETCH", "DECLARE":
		default:
			more.Steps = append(more.Steps, one.Steps...)
		}
	}
	return more
}

// Two plain PostgreSQLs that answer differently have been asked something that has
// no one answer: nothing could be learned from such a script.
func TestIdentity(t *testing.T) {
	list := servers(t)
	for _, s := range scripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			report, err := differential.Run(t.Context(), plainDB(t, list[4], ""), plainDB(t, list[0], shuffled), withShuffles(t, s))
			require.NoError(t, err)
			for _, d := range report.Wrong {
				t.Error(d) // the shuffled one is called xapg
			}
			assert.Zero(t, report.RefusedSteps()+report.Expected)
			assert.Zero(t, report.Skipped, "%s", report.Total())
			if os.Getenv(envErrors) != "" {
				for _, d := range report.Failed {
					t.Log(d)
				}
			}
		})
	}
}

// The comparison sees what differs between two real servers.
func TestDifferencesAreFound(t *testing.T) {
	list := servers(t)
	script := func(text string) *differential.Script {
		s, err := differential.Parse("test.sql", text)
		require.NoError(t, err)
		return withShuffles(t, s)
	}
	for text, want := range map[string]string{
		"SELECT current_database();": "the rows differ (1 and 1)",
		"SELECT 1 / (CASE current_setting('diff.shuffle', true) WHEN 'on' THEN 0 ELSE 1 END);":                                          "xapg fails [22012]",
		"CREATE TABLE t (a int, b int);\nINSERT INTO t SELECT i, 0 FROM generate_series(1, 50) i;\nSELECT a FROM t ORDER BY b;":         "order differs",
		"CREATE TABLE t (a int, b int);\nINSERT INTO t SELECT i, 0 FROM generate_series(1, 50) i;\nSELECT a FROM t ORDER BY b LIMIT 7;": "the rows differ (7 and 7)",
		"CREATE TABLE t (a int);\nINSERT INTO t SELECT 1 WHERE current_setting('diff.shuffle', true) = 'on';":                           "affected differ\nPostgreSQL: 0\nxapg: 1",
	} {
		report, err := differential.Run(t.Context(), plainDB(t, list[4], ""), plainDB(t, list[0], shuffled), script(text))
		require.NoError(t, err)
		if assert.Len(t, report.Wrong, 1, text) {
			assert.Contains(t, report.Wrong[0].What, want)
		}
	}
}
