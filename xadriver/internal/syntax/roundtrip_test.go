package syntax_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/xadriver/internal/syntax"
	"github.com/xapg/xapg/xadriver/xatest/differential"
)

var scripts = sync.OnceValues(func() ([]syntax.Statement, error) {
	var all []syntax.Statement
	files, err := filepath.Glob("../../xatest/differential/testdata/*.sql")
	for _, f := range files {
		text, rerr := os.ReadFile(f)
		script, perr := differential.Parse(f, string(text))
		if err = errors.Join(err, rerr, perr); err != nil {
			break
		}
		for _, step := range script.Steps {
			list, err := syntax.Parse(step.SQL)
			if err != nil {
				continue // scripts have errors too
			}
			all = append(all, list...)
		}
	}
	return all, err
})

// statements are those of the scripts with which xapg is compared to PostgreSQL.
func statements(t testing.TB) []syntax.Statement {
	t.Helper()
	all, err := scripts()
	require.NoError(t, err)
	require.Greater(t, len(all), 1000)
	var some []syntax.Statement
	for i := 0; i < len(all); i += every {
		some = append(some, all[i])
	}
	return some
}

// selects is a statement that shards are asked for rows or changes by.
func selects(n *syntax.Node) bool {
	return n.GetSelectStmt() != nil || n.GetInsertStmt() != nil || n.GetUpdateStmt() != nil || n.GetDeleteStmt() != nil
}

func TestWhatIsWrittenReadsAsTheSameStatement(t *testing.T) {
	written, queries, unwritten := 0, 0, 0
	for _, s := range statements(t) {
		before := syntax.Clone(s.Node)
		text, err := syntax.Deparse(s.Node)
		assert.True(t, proto.Equal(before, s.Node), "writing does not change the tree: %s", s.SQL)
		if selects(s.Node) {
			queries++
		}
		if err != nil {
			assert.ErrorIs(t, err, syntax.ErrWriting, s.SQL)
			assert.Empty(t, text)
			if selects(s.Node) {
				t.Logf("cannot be written: %s", s.SQL)
				unwritten++
			}
			continue
		}
		written++
		again, err := syntax.Parse(text)
		require.NoError(t, err, text)
		require.Len(t, again, 1, text)
		assert.True(t, syntax.Same(s.Node, again[0].Node), "%s\n  became: %s", s.SQL, text)
	}
	t.Logf("%d statements written; of %d queries and writes, %d were not", written, queries, unwritten)
	assert.Less(t, unwritten*100, queries, "nearly all queries can be written")
}

func TestTreesAreTheSameWhereverTheyStand(t *testing.T) {
	for _, s := range statements(t) {
		moved, err := syntax.Parse("  /* further down */\n\n " + s.SQL)
		require.NoError(t, err, s.SQL)
		assert.True(t, syntax.Same(s.Node, moved[0].Node), s.SQL)
	}
	one, err := syntax.Parse("SELECT a FROM t WHERE b = 1")
	require.NoError(t, err)
	for _, other := range []string{"SELECT a FROM t WHERE b = 2", "SELECT b FROM t WHERE b = 1", "SELECT a FROM t", "SELECT a FROM ONLY t WHERE b = 1", "SELECT a FROM t WHERE b = $1"} {
		list, err := syntax.Parse(other)
		require.NoError(t, err)
		assert.False(t, syntax.Same(one[0].Node, list[0].Node), other)
	}
	assert.True(t, syntax.Same(nil, nil))
	assert.False(t, syntax.Same(one[0].Node, nil))
}

func TestParametersAreFoundWhereTheyStand(t *testing.T) {
	for _, s := range statements(t) {
		places, err := syntax.Parameters(s.SQL)
		require.NoError(t, err, s.SQL)
		var inTree []int32
		syntax.Walk(s.Node, func(m proto.Message) bool {
			if p, ok := m.(*syntax.ParamRef); ok {
				inTree = append(inTree, p.Number)
			}
			return true
		})
		var inText []int32
		for _, p := range places {
			assert.Equal(t, "$", s.SQL[p.Start:p.Start+1], s.SQL)
			inText = append(inText, int32(p.Number))
		}
		assert.ElementsMatch(t, inTree, inText, s.SQL)
	}
}

func TestTheRowsOfAnInsertAreItsRows(t *testing.T) {
	inserts := 0
	for _, s := range statements(t) {
		in := s.Node.GetInsertStmt()
		lists := in.GetSelectStmt().GetSelectStmt().GetValuesLists()
		if in == nil || in.WithClause != nil || len(lists) == 0 {
			continue
		}
		rows, places, ok := syntax.Rows(s.SQL)
		sel := in.SelectStmt.GetSelectStmt()
		if len(sel.SortClause) > 0 || sel.LimitCount != nil || sel.WithClause != nil {
			continue
		}
		inserts++
		require.True(t, ok, s.SQL)
		require.Len(t, rows, len(lists), s.SQL)
		params, err := syntax.Parameters(s.SQL)
		require.NoError(t, err)
		assert.Equal(t, params, places, s.SQL)
		head, tail := s.SQL[:rows[0].Start], s.SQL[rows[len(rows)-1].End:]
		texts := make([]string, len(rows))
		for i, r := range rows {
			texts[i] = s.SQL[r.Start:r.End]
			// One row by itself.
			one := parsed(t, head+texts[i]+tail)
			want := syntax.Clone(s.Node)
			want.GetInsertStmt().SelectStmt.GetSelectStmt().ValuesLists = lists[i : i+1]
			assert.True(t, syntax.Same(want, one), "%s", head+texts[i]+tail)
		}
		assert.True(t, syntax.Same(s.Node, parsed(t, head+strings.Join(texts, ", ")+tail)), "all of them: %s", s.SQL)
	}
	assert.Greater(t, inserts*every, 100)
}

func parsed(t testing.TB, sql string) *syntax.Node {
	t.Helper()
	list, err := syntax.Parse(sql)
	require.NoError(t, err, sql)
	require.Len(t, list, 1, sql)
	return list[0].Node
}

func TestRowsAreNotFoundWhereThereAreNone(t *testing.T) {
	for _, sql := range []string{"INSERT INTO t DEFAULT VALUES", "SELECT 1", "", "INSERT INTO t SELECT * FROM (VALUES (1)) AS x", `INSERT INTO "values" SELECT 1`, "INSERT INTO t VALUES"} {
		rows, _, ok := syntax.Rows(sql)
		assert.False(t, ok, sql)
		assert.Empty(t, rows, sql)
	}
	rows, places, ok := syntax.Rows("INSERT INTO t (a, \"b)\") VALUES /* ( */ ($1, 'x)'), -- (\n((SELECT max(v) FROM (VALUES (2)) AS q(v)), $12) ON CONFLICT (a) DO UPDATE SET b = (($3))")
	require.True(t, ok)
	assert.Len(t, rows, 2)
	assert.Equal(t, []int{1, 12, 3}, []int{places[0].Number, places[1].Number, places[2].Number})
}

func TestWhatIsTooDeepToBeWrittenIsErrWriting(t *testing.T) {
	for _, n := range []*syntax.Node{{}, parsed(t, "SELECT 1"+strings.Repeat("+1", 20_000))} {
		_, err := syntax.Deparse(n)
		require.Error(t, err)
		assert.ErrorIs(t, err, syntax.ErrWriting, "so that another way is tried")
	}
}
