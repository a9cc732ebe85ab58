package tpc_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/tpc"
)

func TestDataAreAlwaysTheSame(t *testing.T) {
	assert.Equal(t, tpc.SmallScale.Tables(), tpc.SmallScale.Tables())
	assert.Equal(t, tpc.SmallCompany.Tables(), tpc.SmallCompany.Tables())
	one, other := tpc.SmallCompany.Mix(1), tpc.SmallCompany.Mix(1)
	kinds := make(map[string]bool)
	for range 100 {
		a, b := one.Next(), other.Next()
		require.Equal(t, a, b)
		kinds[fmt.Sprintf("%T", a)] = true
	}
	assert.Len(t, kinds, 5)
	assert.NotEqual(t, tpc.SmallCompany.Mix(2).Next(), tpc.SmallCompany.Mix(3).Next())
}

func TestDataGrowWithTheScale(t *testing.T) {
	rows := func(scale tpc.Scale) map[string]int {
		n := make(map[string]int)
		for _, table := range scale.Tables() {
			n[table.Name] = len(table.Rows)
			for _, row := range table.Rows {
				require.Len(t, row, len(table.Columns), table.Name)
			}
		}
		return n
	}
	small, large := rows(0.001), rows(0.002)
	assert.Equal(t, map[string]int{"region": 5, "nation": 25, "part": 200, "supplier": 100, "partsupp": 800, "customer": 150, "orders": 1500,
		"lineitem": small["lineitem"]}, small)
	assert.InDelta(t, 6000, small["lineitem"], 200)
	assert.Equal(t, 3000, large["orders"])
	assert.Equal(t, 1600, large["partsupp"])
}

// breaks is for each condition a change that goes against it.
var breaks = map[string]string{
	"c01": "UPDATE district SET d_ytd = d_ytd + 0.01 WHERE d_w_id = 2 AND d_id = 3",
	"c02": "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = 2 AND d_id = 3",
	"c03": "DELETE FROM new_order WHERE no_w_id = 2 AND no_d_id = 3 AND no_o_id = 11",
	"c04": "DELETE FROM order_line WHERE ol_w_id = 2 AND ol_d_id = 3 AND ol_o_id = 11 AND ol_number = 1",
	"c05": "UPDATE orders SET o_carrier_id = 1 WHERE o_w_id = 2 AND o_d_id = 3 AND o_id = 11",
	"c06": "UPDATE orders SET o_ol_cnt = o_ol_cnt + 1 WHERE o_w_id = 2 AND o_d_id = 3 AND o_id = 11",
	"c07": "UPDATE order_line SET ol_delivery_d = NULL WHERE ol_w_id = 2 AND ol_d_id = 3 AND ol_o_id = 5 AND ol_number = 1",
	"c08": "UPDATE warehouse SET w_ytd = w_ytd + 0.01 WHERE w_id = 2",
	"c09": "UPDATE history SET h_d_id = 4 WHERE h_w_id = 2 AND h_d_id = 3 AND h_c_id = 1",
	"c10": "UPDATE history SET h_c_id = 2 WHERE h_w_id = 2 AND h_d_id = 3 AND h_c_id = 1",
	"c12": "UPDATE customer SET c_ytd_payment = c_ytd_payment + 0.01 WHERE c_w_id = 2 AND c_d_id = 3 AND c_id = 1",
}

func TestConditionsNoticeWhatIsWrong(t *testing.T) {
	one := plain(t, "broken")
	fill(t, one, tpc.TPCCSchema, tpc.Company{Warehouses: 2, Customers: 12, Items: 20}.Tables())
	for _, c := range tpc.Conditions() {
		tx, err := one.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		result, err := tx.ExecContext(t.Context(), breaks[c.Name])
		require.NoError(t, err, c.Name)
		changed, err := result.RowsAffected()
		require.NoError(t, err)
		require.EqualValues(t, 1, changed, c.Name)
		a, err := ask(t.Context(), tx, c.SQL)
		require.NoError(t, err, c.Name)
		assert.NotEmpty(t, a.rows, c.Name)
		require.NoError(t, tx.Rollback())
	}
}

func TestDifferencesAreSeen(t *testing.T) {
	one := &answer{columns: []string{"n INT4"}, rows: []string{"1", "2", "2"}}
	assert.Empty(t, one.difference(&answer{columns: one.columns, rows: []string{"1", "2", "2"}}))
	for _, other := range []*answer{
		{columns: []string{"n INT8"}, rows: one.rows},
		{columns: []string{"n INT4", "m INT4"}, rows: one.rows},
		{columns: one.columns, rows: []string{"1", "2"}},
		{columns: one.columns, rows: []string{"1", "2", "2", "2"}},
		{columns: one.columns, rows: []string{"2", "1", "2"}},
	} {
		assert.NotEmpty(t, one.difference(other))
	}
	assert.Empty(t, one.sorted().difference((&answer{columns: one.columns, rows: []string{"2", "1", "2"}}).sorted()))
	assert.NotEqual(t, written([]any{nil, int64(1), "a"}), written([]any{"NULL", "1", "a"}))
}
