package differential

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

func TestValuesAreTheSameJustWhenTheirTextsAre(t *testing.T) {
	paris := time.FixedZone("", 7200)
	at := time.Date(2024, 2, 29, 12, 0, 0, 1000, time.UTC)
	same := [][2]any{
		{"a", []byte("a")}, {at, at.In(paris)}, {nil, nil}, {math.NaN(), -math.NaN()}, {int64(7), int64(7)}, {0.1, 0.1},
	}
	for _, c := range same {
		assert.Equal(t, canonical(c[0]), canonical(c[1]))
	}
	different := []any{
		nil, "NULL", "", "0", int64(0), 0.0, math.Copysign(0, -1), true, "true", math.NaN(), "NaN", math.Inf(1), math.Inf(-1),
		1.0, int64(1), 1e300, "1.50", "1.5", at, at.Add(time.Microsecond), at.Format(time.RFC3339Nano),
	}
	for i, a := range different {
		for j, b := range different {
			assert.Equal(t, i == j, canonical(a) == canonical(b), "%v and %v", a, b)
		}
	}
	assert.NotEqual(t, canonicalRow([]any{`a" | "b`, "c"}), canonicalRow([]any{"a", `b" | "c`}))
}

func TestAnswersAreCompared(t *testing.T) {
	rows := func(list ...string) answer {
		return answer{columns: []string{"a"}, types: []string{"INT8"}, rows: list}
	}
	failed := func(state string) answer { return answer{err: errors.New("no"), state: state} }
	named := rows("1")
	named.columns = []string{"b"}
	typed := rows("1")
	typed.types = []string{"INT4"}
	oids, others := rows("1"), rows("1")
	oids.types, others.types = []string{"16400"}, []string{"16999"}
	for _, c := range []struct {
		name    string
		step    Step
		plain   answer
		sharded answer
		want    string // nothing: they are the same
	}{
		{"same rows", Step{rows: true, ordered: true}, rows("1", "2"), rows("1", "2"), ""},
		{"any order will do", Step{rows: true}, rows("1", "2", "2"), rows("2", "1", "2"), ""},
		{"but not here", Step{rows: true, ordered: true}, rows("1", "2"), rows("2", "1"), "order differs from row 1 on"},
		{"a row is there twice", Step{rows: true}, rows("1", "2"), rows("1", "2", "2"), "the rows differ (2 and 3)\nonly PostgreSQL: none\nonly xapg: (2)"},
		{"a row is missing", Step{rows: true}, rows("1", "1"), rows("1"), "only PostgreSQL: (1)"},
		{"no rows", Step{rows: true}, rows(), rows(), ""},
		{"names", Step{rows: true}, rows("1"), named, "names differ"},
		{"types", Step{rows: true}, rows("1"), typed, "types differ"},
		{"types without a name", Step{rows: true}, oids, others, ""},
		{"same errors", Step{rows: true}, failed("22012"), failed("22012"), ""},
		{"other errors", Step{}, failed("22012"), failed("22003"), "PostgreSQL [22012]: no\nxapg [22003]: no"},
		{"the client fails", Step{}, failed(""), failed("08P01"), ""},
		{"xapg fails in its own way", Step{}, failed("08P01"), failed(""), "the errors differ"},
		{"only PostgreSQL fails", Step{rows: true}, failed("22012"), rows("1"), "PostgreSQL fails [22012]: no\nxapg: 1 rows: (1)"},
		{"only xapg fails", Step{}, answer{affected: 3}, failed(""), "xapg fails []: no\nPostgreSQL: 3 rows affected"},
		{"same counts", Step{}, answer{affected: 3}, answer{affected: 3}, ""},
		{"other counts", Step{}, answer{affected: 3}, answer{affected: 2}, "PostgreSQL: 3\nxapg: 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := difference(&c.step, c.plain, c.sharded)
			if c.want == "" {
				assert.Empty(t, got)
			} else {
				assert.Contains(t, got, c.want)
			}
		})
	}
}

// What is refused is run on neither side; in a transaction all of it is undone.
func TestRefusedStepsAreLeftOut(t *testing.T) {
	plain, onPlain, err := sqlmock.New(sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual))
	require.NoError(t, err)
	sharded, onSharded, err := sqlmock.New(sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual))
	require.NoError(t, err)
	refusal := &xadriver.UnsupportedError{Clause: "window", Reason: "r"}
	result := sqlmock.NewResult(0, 1)
	both := func(statement string) {
		onPlain.ExpectExec(statement).WillReturnResult(result)
		onSharded.ExpectExec(statement).WillReturnResult(result)
	}

	onSharded.ExpectExec("UPDATE 1").WillReturnError(refusal)
	both("BEGIN")
	both("UPDATE 2")
	onSharded.ExpectExec("UPDATE 3").WillReturnError(refusal)
	both("ROLLBACK")
	both("UPDATE 5")
	onSharded.ExpectQuery("SELECT 6").WillReturnError(refusal)
	onSharded.ExpectExec("UPDATE 7").WillReturnResult(result)
	onPlain.ExpectExec("UPDATE 7").WillReturnResult(sqlmock.NewResult(0, 2))
	onSharded.ExpectExec("UPDATE 8").WillReturnError(&pgconn.PgError{Code: "23505"})
	onPlain.ExpectExec("UPDATE 8").WillReturnError(&pgconn.PgError{Code: "23505"})
	both("UPDATE 9")
	both("ROLLBACK") // at the end, whether needed or not

	s, err := Parse("test.sql", `
UPDATE 1;
BEGIN;
UPDATE 2;
UPDATE 3;
ROLLBACK TO x;
UPDATE 4;
COMMIT;
UPDATE 5;
-- expect: refused
SELECT 6;
UPDATE 7;
UPDATE 8;
-- expect: refused
UPDATE 9;
`)
	require.NoError(t, err)
	r, err := Run(context.Background(), plain, sharded, s)
	require.NoError(t, err)
	require.NoError(t, onPlain.ExpectationsWereMet())
	require.NoError(t, onSharded.ExpectationsWereMet())
	assert.Equal(t, map[string]int{"window": 2}, r.Refused)
	assert.Equal(t, []int{4, 1, 3, 1, 1}, []int{r.Identical, r.Expected, r.Skipped, len(r.Wrong), len(r.Answered)})
	assert.Equal(t, len(s.Steps), r.Steps())
	assert.Equal(t, 12, r.Wrong[0].Line)
	assert.Equal(t, 15, r.Answered[0].Line)

	total := new(Report)
	total.Add(r)
	total.Add(r)
	assert.Equal(t, 2*len(s.Steps), total.Steps())
	assert.Contains(t, total.String(), "    4 refused: window")
	assert.Contains(t, total.String(), "wrong: test.sql:12: UPDATE 7\n  the numbers of rows affected differ")
}
