package differential

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStepsAreAskedForRowsAndOrderAsTheyGiveThem(t *testing.T) {
	type is struct {
		rows, ordered bool
		control       []control
	}
	for text, want := range map[string]is{
		"SELECT 1":                    {rows: true},
		"select a from t order\nby a": {rows: true, ordered: true},
		"SELECT * FROM (SELECT a FROM t ORDER BY a)":                          {rows: true},
		"SELECT sum(a) OVER (ORDER BY b) FROM t":                              {rows: true},
		`SELECT a AS "order" FROM t`:                                          {rows: true},
		"SELECT a INTO u FROM t":                                              {},
		"SELECT (SELECT 1 INTO STRICT)":                                       {rows: true},
		"(SELECT 1) UNION (SELECT 2) ORDER BY 1":                              {rows: true, ordered: true},
		"VALUES (1), (2)":                                                     {rows: true},
		"TABLE t ORDER BY a":                                                  {rows: true, ordered: true},
		"SHOW TimeZone":                                                       {rows: true, ordered: true},
		"EXPLAIN SELECT 1":                                                    {rows: true, ordered: true},
		"INSERT INTO t SELECT 1":                                              {},
		"INSERT INTO t SELECT 1 RETURNING a":                                  {rows: true},
		`UPDATE t SET "returning" = 1`:                                        {},
		"DELETE FROM t RETURNING *":                                           {rows: true},
		"WITH a AS (SELECT 1) SELECT * FROM a":                                {rows: true},
		"WITH a(x) AS (VALUES (1)) (SELECT x FROM a)":                         {rows: true},
		"WITH a AS (DELETE FROM t RETURNING a) INSERT INTO u SELECT a FROM a": {},
		"WITH RECURSIVE a AS MATERIALIZED (SELECT 1), b AS (TABLE a) TABLE b ORDER BY 1": {rows: true, ordered: true},
		"WITH a AS (SELECT 1) UPDATE t SET x = 1 FROM a RETURNING t.a":                   {rows: true},
		"CREATE TABLE t (a int)":             {},
		"CREATE VIEW v AS SELECT a FROM t":   {},
		"BEGIN ISOLATION LEVEL SERIALIZABLE": {control: []control{begins}},
		"start transaction":                  {control: []control{begins}},
		"COMMIT":                             {control: []control{ends}},
		"END WORK":                           {control: []control{ends}},
		"ROLLBACK AND CHAIN":                 {control: []control{chains}},
		"COMMIT AND NO CHAIN":                {control: []control{ends}},
		"ROLLBACK TO SAVEPOINT a":            {},
		"ROLLBACK TRANSACTION TO a":          {},
		"COMMIT PREPARED 'a'":                {},
		"SAVEPOINT a":                        {},
		"BEGIN; INSERT INTO t VALUES (1); COMMIT; SELECT a FROM t ORDER BY a":               {rows: true, ordered: true, control: []control{begins, ends}},
		"SELECT a FROM t ORDER BY a; COMMIT":                                                {control: []control{ends}},
		"SELECT json_agg(a ORDER BY a) FILTER (WHERE a > 0), percentile_cont(0.5) FROM t x": {rows: true},
	} {
		s, err := Parse("test.sql", text+";")
		require.NoError(t, err, text)
		require.Len(t, s.Steps, 1, text)
		assert.Equal(t, want, is{s.Steps[0].rows, s.Steps[0].ordered, s.Steps[0].control}, text)
	}
}

func TestCursorsAndPreparedStatementsKeepTheirOrder(t *testing.T) {
	s, err := Parse("test.sql", `
DECLARE one CURSOR FOR SELECT a FROM t ORDER BY a;
DECLARE two CURSOR FOR SELECT a FROM t;
FETCH 2 FROM one;
FETCH 2 FROM two;
PREPARE p(int) AS SELECT a FROM t ORDER BY a LIMIT $1;
EXECUTE P(3);
-- ties
EXECUTE p(3);
`)
	require.NoError(t, err)
	var ordered []int
	for i, step := range s.Steps {
		if step.ordered {
			ordered = append(ordered, i)
		}
	}
	assert.Equal(t, []int{2, 5}, ordered)
	assert.False(t, s.Steps[0].rows)
	assert.True(t, s.Steps[2].rows)
}
