package merge_test

import (
	"bytes"
	"cmp"
	"database/sql/driver"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/internal/merge"
)

// part is a shard's result. It fails after its rows if err is set.
type part struct {
	columns []string
	rows    [][]driver.Value
	err     error
	read    int
	closed  int
}

func (p *part) Columns() []string { return p.columns }
func (p *part) Close() error      { p.closed++; return nil }

func (p *part) Next(dest []driver.Value) error {
	if p.read == len(p.rows) {
		if p.err != nil {
			return p.err
		}
		return io.EOF
	}
	copy(dest, p.rows[p.read])
	p.read++
	return nil
}

// kinds are the types that the driver puts in order, with values that are apt to
// be put in the wrong one.
var kinds = map[string]*rapid.Generator[driver.Value]{
	"integers": rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 2)), func(v int64) driver.Value { return v }),
	"floats": rapid.Map(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, math.MaxFloat64, math.SmallestNonzeroFloat64})),
		func(v float64) driver.Value { return v }),
	"booleans": rapid.Map(rapid.Bool(), func(v bool) driver.Value { return v }),
	"bytes":    rapid.Map(rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 4), rapid.SampledFrom([][]byte{{}, {0}, {0, 0}, {0xff}, {0xff, 0}})), func(v []byte) driver.Value { return v }),
	"text":     rapid.Map(rapid.OneOf(rapid.String(), rapid.StringMatching("[a-cA-C]{0,2}")), func(v string) driver.Value { return v }),
	"times": rapid.OneOf(
		rapid.Custom(func(t *rapid.T) driver.Value {
			zone := time.FixedZone("", rapid.IntRange(-12, 12).Draw(t, "zone")*3600)
			return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "s"), rapid.Int64Range(0, 999_999).Draw(t, "µs")*1000).In(zone)
		}),
		rapid.SampledFrom([]driver.Value{"infinity", "-infinity", time.Unix(0, 0).UTC(), time.Unix(0, 0).In(time.FixedZone("", 3600))}),
	),
}

// rank says in other words than the driver which of two values PostgreSQL puts
// first: each value is of a class, and within it Go compares.
func rank(kind string, x, y driver.Value) int {
	class := func(v driver.Value) int {
		switch f, isFloat := v.(float64); {
		case isFloat && math.IsNaN(f):
			return 3 // above all numbers, and equal to itself
		case kind == "times" && v == "infinity":
			return 2
		case kind == "times" && v == "-infinity":
			return 0
		default:
			return 1
		}
	}
	if n := cmp.Compare(class(x), class(y)); n != 0 || class(x) != 1 {
		return n
	}
	switch x := x.(type) {
	case int64:
		return cmp.Compare(x, y.(int64))
	case float64:
		if x == y.(float64) { // 0 and -0 are one number
			return 0
		}
		return cmp.Compare(x, y.(float64))
	case bool:
		return cmp.Compare(map[bool]int{true: 1}[x], map[bool]int{true: 1}[y.(bool)])
	case []byte:
		return bytes.Compare(x, y.([]byte))
	case time.Time:
		return cmp.Compare(x.UnixMicro(), y.(time.Time).UnixMicro())
	default:
		return strings.Compare(x.(string), y.(string))
	}
}

func order(keys []merge.Key, types []string) func(a, b []driver.Value) int {
	return func(a, b []driver.Value) int {
		for _, k := range keys {
			x, y := a[k.Column], b[k.Column]
			n := 0
			switch {
			case x == nil && y == nil:
			case x == nil:
				n = map[bool]int{true: -1, false: 1}[k.NullsFirst]
			case y == nil:
				n = map[bool]int{true: 1, false: -1}[k.NullsFirst]
			default:
				if n = rank(types[k.Column], x, y); k.Desc {
					n = -n
				}
			}
			if n != 0 {
				return n
			}
		}
		return 0
	}
}

func read(r driver.Rows) (rows [][]driver.Value, err error) {
	for {
		row := make([]driver.Value, len(r.Columns()))
		if err := r.Next(row); err != nil {
			if errors.Is(err, io.EOF) {
				return rows, nil
			}
			return rows, err
		}
		rows = append(rows, row)
	}
}

func TestAMergeIsAStableSortOfAllRows(t *testing.T) {
	names := []string{"integers", "floats", "booleans", "bytes", "text", "times"}
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "columns")
		types := make([]string, width)
		for i := range types {
			types[i] = rapid.SampledFrom(names).Draw(t, "type")
		}
		keys := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) merge.Key {
			return merge.Key{Column: rapid.IntRange(0, width-1).Draw(t, "column"), Desc: rapid.Bool().Draw(t, "desc"), NullsFirst: rapid.Bool().Draw(t, "nulls first")}
		}), 0, 3).Draw(t, "keys")
		parts := make([]*part, rapid.IntRange(1, 4).Draw(t, "parts"))
		var all [][]driver.Value
		number := int64(0)
		for i := range parts {
			parts[i] = &part{columns: append(slices.Clone(types), "number")} // which row it is, at the end
			for range rapid.IntRange(0, 8).Draw(t, "rows") {
				row := make([]driver.Value, 0, width+1)
				for _, typ := range types {
					var v driver.Value
					if rapid.IntRange(0, 4).Draw(t, "null") > 0 {
						v = kinds[typ].Draw(t, "value")
					}
					row = append(row, v)
				}
				parts[i].rows = append(parts[i].rows, append(row, number))
				number++
			}
			slices.SortStableFunc(parts[i].rows, order(keys, types))
			all = append(all, parts[i].rows...)
		}
		slices.SortStableFunc(all, order(keys, types))
		skip := rapid.Int64Range(0, 6).Draw(t, "skip")
		take := rapid.OneOf(rapid.Int64Range(0, 20), rapid.Just(int64(math.MaxInt64))).Draw(t, "take")
		want := all[min(skip, int64(len(all))):]
		want = want[:min(take, int64(len(want)))]

		list := make([]driver.Rows, len(parts))
		for i, p := range parts {
			list[i] = p
		}
		merged := merge.Ordered(list, keys, width+1, skip, take)
		got, err := read(merged)
		require.NoError(t, err)
		require.Len(t, got, len(want))
		for i := range got {
			assert.Equal(t, want[i][width], got[i][width], "row %d", i)
		}
		require.NoError(t, merged.Close())
		for _, p := range parts {
			assert.Equal(t, 1, p.closed)
			assert.LessOrEqual(t, int64(p.read), skip+min(take, 100)+1, "no more rows are read than are needed")
		}
	})
}

func TestOnlyTheVisibleColumnsAreShown(t *testing.T) {
	p := &part{columns: []string{"a", "xapg_sort_1"}, rows: [][]driver.Value{{"x", int64(1)}}}
	merged := merge.Ordered([]driver.Rows{p}, []merge.Key{{Column: 1}}, 1, 0, math.MaxInt64)
	assert.Equal(t, []string{"a"}, merged.Columns())
	row := make([]driver.Value, 1)
	require.NoError(t, merged.Next(row))
	assert.Equal(t, []driver.Value{"x"}, row)
	assert.ErrorIs(t, merged.Next(row), io.EOF)
	assert.ErrorIs(t, merged.Next(row), io.EOF, "the end stays the end")
}

func TestNoMoreIsReadThanIsTaken(t *testing.T) {
	p := &part{columns: []string{"a"}, rows: [][]driver.Value{{int64(1)}, {int64(2)}, {int64(3)}}}
	rows, err := read(merge.Ordered([]driver.Rows{p}, nil, 1, 0, 2))
	require.NoError(t, err)
	assert.Len(t, rows, 2)
	assert.LessOrEqual(t, p.read, 2)
}

func TestAnErrorOfAPartEndsTheMerge(t *testing.T) {
	failed := errors.New("the shard is gone")
	for name, parts := range map[string][]driver.Rows{
		"at once":  {&part{columns: []string{"a"}, err: failed}, &part{columns: []string{"a"}, rows: [][]driver.Value{{int64(1)}}}},
		"later":    {&part{columns: []string{"a"}, rows: [][]driver.Value{{int64(1)}, {int64(2)}}, err: failed}, &part{columns: []string{"a"}, rows: [][]driver.Value{{int64(9)}}}},
		"the last": {&part{columns: []string{"a"}}, &part{columns: []string{"a"}, rows: [][]driver.Value{{int64(1)}}, err: failed}},
	} {
		merged := merge.Ordered(parts, []merge.Key{{}}, 1, 0, math.MaxInt64)
		_, err := read(merged)
		require.ErrorIs(t, err, failed, name)
		assert.ErrorIs(t, merged.Next(make([]driver.Value, 1)), failed, "%s: it does not go on as if nothing had happened", name)
	}
}

func TestWhatCannotBeComparedIsAnErrorAndNoGuess(t *testing.T) {
	for _, pair := range [][2]driver.Value{
		{int64(1), 1.0}, {int64(1), "1"}, {true, int64(1)}, {[]byte("a"), "a"}, {time.Now(), "yesterday"}, {time.Now(), int64(1)}, {"infinity", int64(1)}, {int32(1), int32(2)},
	} {
		parts := []driver.Rows{&part{columns: []string{"a"}, rows: [][]driver.Value{{pair[0]}}}, &part{columns: []string{"a"}, rows: [][]driver.Value{{pair[1]}}}}
		merged := merge.Ordered(parts, []merge.Key{{}}, 1, 0, math.MaxInt64)
		_, err := read(merged)
		assert.ErrorContains(t, err, "in order", "%T and %T", pair[0], pair[1])
	}
}
