package differential_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/differential"
)

func TestStatementsAreSplitWherePostgreSQLWouldEndThem(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"plain", "SELECT 1;\nSELECT 2;\n", []string{"SELECT 1", "SELECT 2"}},
		{"over several lines", "SELECT 1,\n  2\n;\nSELECT 3;", []string{"SELECT 1,\n  2", "SELECT 3"}},
		{"in a string", "SELECT ';\n;\n', 'it''s;\n';\nSELECT 2;", []string{"SELECT ';\n;\n', 'it''s;\n'", "SELECT 2"}},
		{"backslashes are plain in plain strings", "SELECT 'a\\';\nSELECT 2;", []string{"SELECT 'a\\'", "SELECT 2"}},
		{"and escape in E strings", "SELECT E'a\\';\n';\nSELECT 2;", []string{"SELECT E'a\\';\n'", "SELECT 2"}},
		{"a name may end in e", "SELECT 1 AS e, name'a\\';\nSELECT 2;", []string{"SELECT 1 AS e, name'a\\'", "SELECT 2"}},
		{"in a name", "SELECT 1 AS \"a;\n\"\"b\";\nSELECT 2;", []string{"SELECT 1 AS \"a;\n\"\"b\"", "SELECT 2"}},
		{"in dollars", "DO $$ BEGIN;\n END $$;\nSELECT $q$ $$;\n $q$;\n", []string{"DO $$ BEGIN;\n END $$", "SELECT $q$ $$;\n $q$"}},
		{"parameters are no dollar quotes", "SELECT $1, a$b$c;\nSELECT $2;", []string{"SELECT $1, a$b$c", "SELECT $2"}},
		{"in nested comments", "SELECT 1 /* a /* ;\n */ ;\n */;\nSELECT 2;", []string{"SELECT 1 /* a /* ;\n */ ;\n */", "SELECT 2"}},
		{"in a line comment", "SELECT 1 -- one;\n+ 1;\nSELECT 2;", []string{"SELECT 1 -- one;\n+ 1", "SELECT 2"}},
		{"before a comment", "SELECT 1; -- one;\nSELECT 2; /* two */\n", []string{"SELECT 1", "SELECT 2"}},
		{"in parentheses", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1;\nSELECT 2);\nSELECT 3;", []string{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1;\nSELECT 2)", "SELECT 3"}},
		{"one parenthesis too many", "SELECT 1);\nSELECT 2;", []string{"SELECT 1)", "SELECT 2"}},
		{"several on a line are one", "BEGIN; SELECT 1; COMMIT;\nSELECT 2;", []string{"BEGIN; SELECT 1; COMMIT", "SELECT 2"}},
		{"comments before are left out, but for hints", "-- one\nSELECT 1;\n/* xapg:shard=s1 */ SELECT 2;\n-- xapg:shard=s1\nSELECT 3;", []string{"SELECT 1", "/* xapg:shard=s1 */ SELECT 2", "-- xapg:shard=s1\nSELECT 3"}},
		{"letters beyond ASCII", "SELECT 'é;\n' AS größe;\nSELECT 2;", []string{"SELECT 'é;\n' AS größe", "SELECT 2"}},
		{"escapes by U&", "SELECT U&'\\00e9;\n', U&\"a;\n\";\nSELECT 2;", []string{"SELECT U&'\\00e9;\n', U&\"a;\n\"", "SELECT 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := differential.Parse("test.sql", c.text)
			require.NoError(t, err)
			var got []string
			for _, step := range s.Steps {
				got = append(got, step.SQL)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestCommentsDirectSteps(t *testing.T) {
	s, err := differential.Parse("test.sql", `-- Orders, by customer.
-- shard: key.orders=customer_id
-- shard: reference=a,b

-- args: 1 | 'it''s | here' | NULL | -2.5 | true | '{1,2}' | 1e3
-- ties
SELECT $1;

-- ties are not meant here
-- expect: refused
SELECT 2
  ;
SELECT 3;
`)
	require.NoError(t, err)
	assert.Equal(t, []string{"key.orders=customer_id", "reference=a,b"}, s.Settings)
	require.Len(t, s.Steps, 3)
	assert.Equal(t, []any{int64(1), "it's | here", nil, -2.5, true, "{1,2}", 1000.0}, s.Steps[0].Args)
	assert.True(t, s.Steps[0].Ties)
	assert.False(t, s.Steps[0].Refused)
	assert.Equal(t, 7, s.Steps[0].Line)
	assert.True(t, s.Steps[1].Refused)
	assert.False(t, s.Steps[1].Ties)
	assert.Equal(t, 11, s.Steps[1].Line)
	assert.Nil(t, s.Steps[2].Args)
	assert.Equal(t, 13, s.Steps[2].Line)
}

func TestScriptsWithMistakesAreNotRun(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1;\nSELECT 2":                             "test.sql: line 2: the statement has no semicolon",
		"SELECT 1;\n\nSELECT (2;\nSELECT 3;":              "test.sql: line 3: the statement has no semicolon at the end of a line, or an open parenthesis",
		"SELECT 1;\nSELECT 'a;\n":                         "test.sql: line 2: the string has no end",
		"SELECT E'a\\';":                                  "line 1: the string has no end",
		"SELECT $a$ x $b$;":                               "line 1: the string after $a$ has no end",
		"SELECT \"a;":                                     "line 1: the quoted name has no end",
		"/* /* */ SELECT 1;":                              "line 1: the comment has no end",
		";\n":                                             "line 1: there is nothing before the semicolon",
		"-- expect: success\nSELECT 1;":                   "line 1: cannot understand",
		"-- arg: 1\nSELECT $1;":                           "line 1: cannot understand",
		"-- args: 1 | one\nSELECT $1;":                    `line 1: "one" is no argument`,
		"-- args: 'a\nSELECT $1;":                         "line 1: an argument has no closing quote",
		"-- args: \nSELECT $1;":                           `line 1: "" is no argument`,
		"SELECT 1;\n-- shard: key.a=b\nSELECT 1;":         "line 2: settings of the cluster come before the first statement",
		"SELECT 1;\n-- ties\n":                            "test.sql: a comment at its end directs a statement that is not there",
		"-- shard: key.a=b\n-- shard: what\n SELECT 1;\n": "line 2: cannot understand",
	} {
		_, err := differential.Parse("test.sql", text)
		if assert.Error(t, err, "%q", text) {
			assert.Contains(t, err.Error(), want)
		}
	}
}
