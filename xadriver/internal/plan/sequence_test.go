package plan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSequencesThatNumberShardedTablesAreSetOnEveryShard(t *testing.T) {
	check(t, []spec{
		{"SELECT setval('spread_id_seq', 100)", nil, "composed"},
		{"SELECT pg_catalog.setval('public.spread_id_seq', 100, true)", nil, "composed"},
		{"SELECT setval('spread_id_seq'::regclass, $1, $2)", a(100, false), "composed"},
		{"SELECT setval('spread_id_seq', (SELECT max(id) FROM spread))", nil, "composed"},
		{"SELECT setval('spread_id_seq', coalesce(max(id), 1)) FROM spread", nil, "composed"},
		{"SELECT setval(pg_get_serial_sequence('spread', 'id'), 100)", nil, "composed"},
		{`SELECT setval(pg_get_serial_sequence('public."spread"', 'id'), 100)`, nil, "composed"},
		// Sequences of other tables are home's, as is one that is not known.
		{"SELECT setval('counted_id_seq', 100)", nil, "s0"},
		{"SELECT setval('another', 100)", nil, "s0"},
		{"SELECT setval(pg_get_serial_sequence('audit', 'id'), 100)", nil, "s0"},
		{"SELECT nextval('spread_id_seq')", nil, "s0"},
		// It must be clear which is set, and that nothing else is done.
		{"SELECT setval($1, 100)", a("spread_id_seq"), "no setval"},
		{"SELECT setval(note, 100) FROM accounts WHERE owner = 'a'", nil, "no setval"},
		{"SELECT setval('spread_id_seq', 100), 1", nil, "no setval"},
		{"SELECT setval('spread_id_seq', 100) + 1", nil, "no setval"},
		{"SELECT setval('spread_id_seq', setval('spread_id_seq', 100))", nil, "no setval"},
		{"SELECT 1 WHERE setval('spread_id_seq', 100) > 0", nil, "no setval"},
		{"INSERT INTO audit VALUES (setval('spread_id_seq', 100))", nil, "no setval"},
		{"INSERT INTO accounts (owner, balance) VALUES ('b', setval('spread_id_seq', 100))", nil, "no setval"},
		{"WITH w AS (SELECT setval('spread_id_seq', 100)) SELECT * FROM w", nil, "no setval"},
		{"SELECT setval('spread_id_seq', 100) ORDER BY 1", nil, "no setval"},
	})
}

func TestWhatAShardNumberedLastIsNotGuessed(t *testing.T) {
	check(t, []spec{
		{"SELECT currval('spread_id_seq')", nil, "no currval"},
		{"SELECT currval(pg_get_serial_sequence('spread', 'id'))", nil, "no currval"},
		{"SELECT currval($1)", a("spread_id_seq"), "no currval"},
		{"SELECT lastval()", nil, "no lastval"},
		{"SELECT currval('counted_id_seq')", nil, "s0"},
	})
}

func TestASequenceGoesOnWithEachShardsNextNumber(t *testing.T) {
	for _, s := range []struct{ sql, source, called string }{
		{"SELECT setval('spread_id_seq', 100)", "SELECT 100::bigint AS c1", "true"},
		{"SELECT setval('spread_id_seq', max(id), false) AS done FROM spread", "SELECT max(id)::bigint AS c1, false::boolean AS c2 FROM spread", "x.xapg_2::boolean"},
		{"SELECT setval('spread_id_seq', $1)", "SELECT $1::bigint AS c1", "true"},
	} {
		w, _, err := written(t, s.sql, int8OID)
		require.NoError(t, err, s.sql)
		assert.Equal(t, "evaluate and copy", w.Strategy, s.sql)
		assert.Equal(t, s.source, short(w.Source.String()), s.sql)
		assert.True(t, w.Returning && w.Stay.Empty() && w.Leave.Empty(), s.sql)
		called := strings.ReplaceAll(s.called, "x.xapg_2::boolean", "CAST(x.xapg_2 AS boolean)")
		assert.Contains(t, w.Arrive.String(), "pg_catalog.setval('spread_id_seq'::pg_catalog.regclass, CAST(x.xapg_1 AS bigint), "+called+") IS NOT NULL", s.sql)
		assert.Contains(t, w.Arrive.String(), "CASE WHEN "+called+" THEN s.seqincrement / 64 ELSE 0 END", s.sql)
	}
}
