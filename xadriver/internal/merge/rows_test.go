package merge_test

import (
	"database/sql/driver"
	"errors"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/internal/merge"
)

// told is a part that tells of its columns what a driver can tell.
type told struct{ part }

func (*told) ColumnTypeScanType(int) reflect.Type                { return reflect.TypeFor[int64]() }
func (*told) ColumnTypeDatabaseTypeName(int) string              { return "INT8" }
func (*told) ColumnTypeLength(int) (int64, bool)                 { return 8, true }
func (*told) ColumnTypeNullable(int) (nullable, ok bool)         { return true, true }
func (*told) ColumnTypePrecisionScale(int) (p, s int64, ok bool) { return 12, 2, true }

// tells checks that rows tell what told tells.
func tells(t *testing.T, r driver.Rows) {
	t.Helper()
	assert.Equal(t, reflect.TypeFor[int64](), merge.ScanType(r, 0))
	assert.Equal(t, "INT8", merge.TypeName(r, 0))
	length, ok := merge.Length(r, 0)
	assert.True(t, ok && length == 8)
	nullable, ok := merge.Nullable(r, 0)
	assert.True(t, ok && nullable)
	precision, scale, ok := merge.PrecisionScale(r, 0)
	assert.Equal(t, []any{int64(12), int64(2), true}, []any{precision, scale, ok})
}

func TestWhatTheShardsTellOfTheirColumnsIsPassedOn(t *testing.T) {
	fresh := func() *told {
		return &told{part{columns: []string{"a"}, rows: [][]driver.Value{{int64(1)}}}}
	}
	joined, err := merge.Concat([]driver.Rows{fresh(), fresh()})
	require.NoError(t, err)
	tells(t, joined)
	tells(t, merge.Ordered([]driver.Rows{fresh()}, nil, 1, 0, 1))
	buffered, err := merge.Buffer(fresh())
	require.NoError(t, err)
	tells(t, buffered)
	tells(t, merge.WithRows(buffered, nil))

	// What is not told is what database/sql assumes.
	silent := &part{columns: []string{"a"}}
	assert.Equal(t, reflect.TypeFor[any](), merge.ScanType(silent, 0))
	assert.Empty(t, merge.TypeName(silent, 0))
	_, ok := merge.Length(silent, 0)
	assert.False(t, ok)
	_, ok = merge.Nullable(silent, 0)
	assert.False(t, ok)
	_, _, ok = merge.PrecisionScale(silent, 0)
	assert.False(t, ok)
	assert.Empty(t, merge.None().Columns())
}

func TestConcatIsOnePartAfterTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := make([]*part, rapid.IntRange(1, 5).Draw(t, "parts"))
		list := make([]driver.Rows, len(parts))
		var want [][]driver.Value
		for i := range parts {
			parts[i] = &part{columns: []string{"n"}}
			for range rapid.IntRange(0, 4).Draw(t, "rows") {
				parts[i].rows = append(parts[i].rows, []driver.Value{int64(len(want))})
				want = append(want, []driver.Value{int64(len(want))})
			}
			list[i] = parts[i]
		}
		joined, err := merge.Concat(list)
		require.NoError(t, err)
		got, err := read(joined)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		require.NoError(t, joined.Close())
		for _, p := range parts {
			assert.Equal(t, 1, p.closed)
		}
	})
}

func TestPartsOfDifferentTablesAreNotJoined(t *testing.T) {
	a, b := &part{columns: []string{"a"}}, &part{columns: []string{"b"}}
	_, err := merge.Concat([]driver.Rows{a, b})
	assert.ErrorContains(t, err, "different columns")
	assert.Equal(t, []int{1, 1}, []int{a.closed, b.closed})
}

func TestABufferKeepsItsOwnCopyOfBytes(t *testing.T) {
	shared := []byte("one")
	p := &part{columns: []string{"a", "b"}, rows: [][]driver.Value{{shared, nil}, {shared, "x"}}}
	b, err := merge.Buffer(p)
	require.NoError(t, err)
	assert.Equal(t, 1, p.closed)
	copy(shared, "two") // as drivers do that read the next row into the same memory
	assert.Equal(t, [][]driver.Value{{[]byte("one"), nil}, {[]byte("one"), "x"}}, merge.RowsOf(b))
	other := merge.WithRows(b, [][]driver.Value{{[]byte("new"), nil}})
	rows, err := read(other)
	require.NoError(t, err)
	assert.Equal(t, [][]driver.Value{{[]byte("new"), nil}}, rows)
	rows, err = read(b)
	require.NoError(t, err)
	assert.Len(t, rows, 2, "the first is as it was")
}

func TestABufferOfRowsThatFailIsAnError(t *testing.T) {
	failed := errors.New("the shard is gone")
	p := &part{columns: []string{"a"}, rows: [][]driver.Value{{"x"}}, err: failed}
	_, err := merge.Buffer(p)
	assert.ErrorIs(t, err, failed)
	assert.Equal(t, 1, p.closed)
}
