package plan_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAColumnIsTheSameWithAndWithoutItsTable(t *testing.T) {
	checkAnswered(t, "merge by PostgreSQL", []answered{
		{"SELECT u.n, array_agg(amount ORDER BY amount) FROM bills AS u GROUP BY n", "SELECT u.n AS c1, amount AS c2 FROM bills u",
			"SELECT c1 AS n, array_agg(c2 ORDER BY c2) AS array_agg FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT note, array_agg(amount) FROM bills u GROUP BY note ORDER BY u.note", "SELECT note AS c1, amount AS c2 FROM bills u",
			"SELECT c1 AS note, array_agg(c2) AS array_agg FROM pg_temp.xapg_part GROUP BY c1 ORDER BY c1"},
		{"SELECT lower(u.note), array_agg(amount) FROM bills u GROUP BY lower(note)", "SELECT u.note AS c1, amount AS c2 FROM bills u",
			"SELECT lower(c1) AS lower, array_agg(c2) AS array_agg FROM pg_temp.xapg_part GROUP BY lower(c1)"},
		{"SELECT DISTINCT u.n AS x FROM bills u ORDER BY n", "SELECT DISTINCT u.n AS x FROM bills u", "SELECT DISTINCT c1 AS x FROM pg_temp.xapg_part ORDER BY c1"},
	})
	checkAnswered(t, "partial aggregates", []answered{
		{"SELECT lower(u.note), count(*) FROM bills u GROUP BY lower(note)", "SELECT lower(note) AS c1, count(*) AS c2 FROM bills u GROUP BY 1",
			"SELECT c1 AS lower, pg_catalog.sum(c2)::bigint AS count FROM pg_temp.xapg_part GROUP BY c1"},
		{"SELECT DISTINCT sum(u.amount) FROM bills u ORDER BY sum(amount)", "SELECT sum(u.amount) AS c1 FROM bills u",
			"SELECT DISTINCT pg_catalog.sum(c1) AS sum FROM pg_temp.xapg_part ORDER BY pg_catalog.sum(c1)"},
	})
	p, _, _ := program(t, "SELECT DISTINCT ON (u.note) amount FROM bills u ORDER BY note, u.n", 0)
	assert.Equal(t, "SELECT DISTINCT ON (u.note) amount, note AS xapg_sort_1, u.n AS xapg_sort_2 FROM bills u ORDER BY note, u.n", each(t, p))
	assert.Equal(t, "SELECT DISTINCT ON (c2) c1 AS amount FROM pg_temp.xapg_part ORDER BY c2, c3", final(p))
}
