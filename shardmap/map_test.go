package shardmap_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
)

func column(name string, typ shardmap.Type) []shardmap.Column {
	return []shardmap.Column{{Name: "other", TypeOID: 114, Typmod: -1}, {Name: name, TypeOID: oids[typ], Typmod: -1}}
}

func newMap(t *testing.T, spec shardmap.Spec) *shardmap.Map {
	t.Helper()
	if spec.Shards == nil {
		spec.Shards = []string{"athos", "porthos", "aramis"}
	}
	m, err := shardmap.New(spec)
	require.NoError(t, err)
	return m
}

func key(t *testing.T, typ shardmap.Type, v any) shardmap.Key {
	t.Helper()
	k, err := typ.Key(v)
	require.NoError(t, err)
	return k
}

func TestSpecErrorsNameTheElementAndWhatIsValid(t *testing.T) {
	two := []string{"a", "b"}
	table := func(ts shardmap.TableSpec) shardmap.Spec {
		return shardmap.Spec{Shards: two, Tables: []shardmap.TableSpec{{Name: "first", Reference: true}, ts}}
	}
	for _, tc := range []struct {
		name  string
		spec  shardmap.Spec
		path  string
		table int
		valid []string
	}{
		{"no shard", shardmap.Spec{}, "shards", -1, nil},
		{"shard without a name", shardmap.Spec{Shards: []string{""}}, "shards[0]", -1, nil},
		{"shard twice", shardmap.Spec{Shards: []string{"a", "a"}}, "shards[1]", -1, nil},
		{"unknown home", shardmap.Spec{Shards: two, Home: "c"}, "home", -1, two},
		{"buckets not a power of two", shardmap.Spec{Shards: two, Buckets: 1000}, "buckets", -1, nil},
		{"negative buckets", shardmap.Spec{Shards: two, Buckets: -4}, "buckets", -1, nil},
		{"too many buckets", shardmap.Spec{Shards: two, Buckets: 131072}, "buckets", -1, nil},
		{"fewer buckets than shards", shardmap.Spec{Shards: two, Buckets: 1}, "buckets", -1, nil},
		{"bad key name", shardmap.Spec{Shards: two, Keys: []string{"ok", "a-b"}}, "keys[1]", -1, nil},
		{"key twice", shardmap.Spec{Shards: two, Keys: []string{"a", "A"}}, "keys[1]", -1, nil},
		{"table without a name", table(shardmap.TableSpec{Key: "k"}), "tables[1]", 1, nil},
		{"table twice", table(shardmap.TableSpec{Schema: "public", Name: "first", Key: "k"}), "tables.first", 1, nil},
		{"not placed", table(shardmap.TableSpec{Name: "t"}), "tables.t", 1, []string{"a key column", "reference", "unsharded"}},
		{"placed twice", table(shardmap.TableSpec{Name: "t", Key: "k", Reference: true}), "tables.t", 1, []string{"a key column", "reference", "unsharded"}},
		{"bad key", table(shardmap.TableSpec{Schema: "S", Name: "t", Key: "1"}), `tables."S".t.key`, 1, nil},
		{"range without key", table(shardmap.TableSpec{Name: "t", Reference: true, Range: []shardmap.RangeBound{{Shard: "a"}}}), "tables.t.range", 1, nil},
		{"list without key", table(shardmap.TableSpec{Name: "t", Unsharded: true, List: []shardmap.ListEntry{{Shard: "a"}}}), "tables.t.list", 1, nil},
		{"range and list", table(shardmap.TableSpec{Name: "t", Key: "k", Range: []shardmap.RangeBound{{Shard: "a"}}, List: []shardmap.ListEntry{{Shard: "a", Default: true}}}), "tables.t", 1, nil},
		{"empty range", table(shardmap.TableSpec{Name: "t", Key: "k", Range: []shardmap.RangeBound{}}), "tables.t.range", 1, nil},
		{"unknown shard of a range", table(shardmap.TableSpec{Name: "events", Key: "k", Range: []shardmap.RangeBound{{Below: "1", Shard: "a"}, {Shard: "c"}}}), "tables.events.range[1].shard", 1, two},
		{"open range in the middle", table(shardmap.TableSpec{Name: "t", Key: "k", Range: []shardmap.RangeBound{{Shard: "a"}, {Below: "1", Shard: "b"}}}), "tables.t.range[0].below", 1, nil},
		{"empty list", table(shardmap.TableSpec{Name: "t", Key: "k", List: []shardmap.ListEntry{}}), "tables.t.list", 1, nil},
		{"unnamed shard of a list", table(shardmap.TableSpec{Name: "t", Key: "k", List: []shardmap.ListEntry{{Values: []string{"x"}}}}), "tables.t.list[0].shard", 1, two},
		{"two defaults", table(shardmap.TableSpec{Name: "t", Key: "k", List: []shardmap.ListEntry{{Shard: "a", Default: true}, {Shard: "b", Default: true}}}), "tables.t.list[1].default", 1, nil},
		{"list of nothing", table(shardmap.TableSpec{Name: "t", Key: "k", List: []shardmap.ListEntry{{Shard: "a"}}}), "tables.t.list[0].values", 1, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := shardmap.New(tc.spec)
			var spec *shardmap.SpecError
			require.ErrorAs(t, err, &spec)
			assert.Equal(t, tc.path, spec.Path)
			assert.Equal(t, tc.table, spec.Table)
			assert.Equal(t, tc.valid, spec.Valid)
			assert.Contains(t, err.Error(), tc.path+": ")
		})
	}
}

func TestBoundsAndValuesMustBeOfTheKeysType(t *testing.T) {
	for _, tc := range []struct {
		name string
		spec shardmap.TableSpec
		typ  shardmap.Type
		path string
		kind error
	}{
		{"no integer", shardmap.TableSpec{Range: []shardmap.RangeBound{{Below: "1", Shard: "athos"}, {Below: "x", Shard: "athos"}}}, shardmap.Int8, "tables.t.range[1].below", shardmap.ErrInvalid},
		{"instant without offset", shardmap.TableSpec{Range: []shardmap.RangeBound{{Below: "2026-01-01", Shard: "athos"}}}, shardmap.Timestamptz, "tables.t.range[0].below", shardmap.ErrAmbiguous},
		{"descending", shardmap.TableSpec{Range: []shardmap.RangeBound{{Below: "10", Shard: "athos"}, {Below: "9", Shard: "athos"}}}, shardmap.Int4, "tables.t.range[1].below", nil},
		{"equal", shardmap.TableSpec{Range: []shardmap.RangeBound{{Below: "1.0", Shard: "athos"}, {Below: "1", Shard: "athos"}}}, shardmap.Numeric, "tables.t.range[1].below", nil},
		{"too great", shardmap.TableSpec{List: []shardmap.ListEntry{{Shard: "athos", Values: []string{"1", "99999"}}}}, shardmap.Int2, "tables.t.list[0].values[1]", shardmap.ErrOutOfRange},
		{"listed twice", shardmap.TableSpec{List: []shardmap.ListEntry{{Shard: "athos", Values: []string{"7"}}, {Shard: "porthos", Values: []string{"8", "07"}}}}, shardmap.Int2, "tables.t.list[1].values[1]", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.spec.Name, tc.spec.Key = "t", "k"
			_, err := newMap(t, shardmap.Spec{Tables: []shardmap.TableSpec{tc.spec}}).Table("", "t", column("k", tc.typ))
			var spec *shardmap.SpecError
			require.ErrorAs(t, err, &spec)
			assert.Equal(t, tc.path, spec.Path)
			assert.Zero(t, spec.Table)
			if tc.kind != nil {
				require.ErrorIs(t, err, tc.kind)
			}
		})
	}
	// The same bounds ascend as numbers and not as text.
	bounds := []shardmap.RangeBound{{Below: "9", Shard: "athos"}, {Below: "10", Shard: "athos"}}
	m := newMap(t, shardmap.Spec{Tables: []shardmap.TableSpec{{Name: "t", Key: "k", Range: bounds}}})
	_, err := m.Table("", "t", column("k", shardmap.Int4))
	require.NoError(t, err)
	_, err = m.Table("", "t", column("k", shardmap.Text))
	require.Error(t, err)
}

func TestTheKeyColumnMustBeThereAndHaveAType(t *testing.T) {
	m := newMap(t, shardmap.Spec{Keys: []string{"tenant"}, Tables: []shardmap.TableSpec{{Schema: "s", Name: "T", Key: "Owner"}}})
	for _, tc := range []struct {
		name    string
		columns []shardmap.Column
		says    []string
	}{
		{"missing", []shardmap.Column{{Name: "Owner", TypeOID: 20}}, []string{`s."T"`, "owner", `valid: "Owner"`}},
		{"unsupported type", []shardmap.Column{{Name: "owner", TypeOID: 701}}, []string{`s."T"`, "owner", "double precision", "bigint", "uuid"}},
		{"unknown type", []shardmap.Column{{Name: "owner", TypeOID: 99999}}, []string{"OID 99999"}},
		{"collation", []shardmap.Column{{Name: "owner", TypeOID: 25, NonDeterministic: true}}, []string{"owner", "collation"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := m.Table("s", "T", tc.columns)
			var table *shardmap.TableError
			require.ErrorAs(t, err, &table)
			for _, s := range tc.says {
				assert.Contains(t, err.Error(), s)
			}
		})
	}
	_, err := m.Table("", "by_keys", []shardmap.Column{{Name: "tenant", TypeOID: 114}})
	require.ErrorContains(t, err, "json")
}

func TestTablesNamedNowhereFollowKeys(t *testing.T) {
	m := newMap(t, shardmap.Spec{Home: "porthos", Keys: []string{"tenant_id", "Owner"},
		Tables: []shardmap.TableSpec{{Name: "apart", Unsharded: true}, {Name: "everywhere", Reference: true}}})
	both := []shardmap.Column{{Name: "owner", TypeOID: 25}, {Name: "tenant_id", TypeOID: 20}}

	table, err := m.Table("any", "t", both)
	require.NoError(t, err)
	assert.Equal(t, shardmap.Sharded, table.Kind)
	assert.Equal(t, "tenant_id", table.Key, "the first of Keys, not of the columns")
	assert.Equal(t, 1, table.KeyColumn)

	table, err = m.Table("any", "t", both[:1])
	require.NoError(t, err)
	assert.Equal(t, "owner", table.Key)

	for _, tc := range []struct {
		schema, name string
		kind         shardmap.Kind
		shards       []int
		columns      []shardmap.Column
	}{
		{"", "apart", shardmap.Unsharded, []int{1}, both},
		{"public", "everywhere", shardmap.Reference, []int{0, 1, 2}, both},
		{"pg_catalog", "t", shardmap.Unsharded, []int{1}, both},
		{"", "keyless", shardmap.Unsharded, []int{1}, column("k", shardmap.Int8)},
	} {
		table, err = m.Table(tc.schema, tc.name, tc.columns)
		require.NoError(t, err)
		assert.Equal(t, tc.kind, table.Kind, tc.name)
		assert.Equal(t, -1, table.KeyColumn)
		assert.Equal(t, tc.shards, table.Shards(), tc.name)
		shard, err := table.Shard(shardmap.Key{})
		require.NoError(t, err)
		assert.Equal(t, 1, shard, "rows are read at home")
		_, ok := table.Bucket(shardmap.Key{})
		assert.False(t, ok)
	}
}

func TestMapDoesNotSeeTheSpecChange(t *testing.T) {
	spec := shardmap.Spec{Shards: []string{"a", "b"}, Tables: []shardmap.TableSpec{
		{Name: "t", Key: "k", List: []shardmap.ListEntry{{Shard: "b", Values: []string{"x"}}}}}}
	m, err := shardmap.New(spec)
	require.NoError(t, err)
	spec.Shards[0], spec.Tables[0].List[0].Values[0], spec.Tables[0].List[0].Shard = "z", "y", "a"
	m.Shards()[1] = "z"
	assert.Equal(t, []string{"a", "b"}, m.Shards())
	table, err := m.Table("", "t", column("k", shardmap.Text))
	require.NoError(t, err)
	shard, err := table.Shard(key(t, shardmap.Text, "x"))
	require.NoError(t, err)
	assert.Equal(t, 1, shard)
}

func TestShardOfARangeOrList(t *testing.T) {
	m := newMap(t, shardmap.Spec{Tables: []shardmap.TableSpec{
		{Name: "open", Key: "k", Range: []shardmap.RangeBound{{Below: "10", Shard: "athos"}, {Below: "20", Shard: "porthos"}, {Shard: "athos"}}},
		{Name: "closed", Key: "k", Range: []shardmap.RangeBound{{Below: "10", Shard: "aramis"}}},
		{Name: "listed", Key: "k", List: []shardmap.ListEntry{{Shard: "athos", Values: []string{"1", "2"}}, {Shard: "aramis", Values: []string{"3"}}}},
		{Name: "rest", Key: "k", List: []shardmap.ListEntry{{Shard: "athos", Values: []string{"1"}}, {Shard: "porthos", Values: []string{"2"}, Default: true}}},
	}})
	for _, tc := range []struct {
		table  string
		shards []int
		places map[int]int // -1: no place
	}{
		{"open", []int{0, 1}, map[int]int{-5: 0, 9: 0, 10: 1, 19: 1, 20: 0, 1000: 0}},
		{"closed", []int{2}, map[int]int{9: 2, 10: -1}},
		{"listed", []int{0, 2}, map[int]int{1: 0, 2: 0, 3: 2, 4: -1}},
		{"rest", []int{0, 1}, map[int]int{1: 0, 2: 1, 99: 1}},
	} {
		table, err := m.Table("", tc.table, column("k", shardmap.Int8))
		require.NoError(t, err)
		assert.Equal(t, tc.shards, table.Shards(), tc.table)
		for k, want := range tc.places {
			got, err := table.Shard(key(t, shardmap.Int8, k))
			if want < 0 {
				require.ErrorIs(t, err, shardmap.ErrNoPlace, "%s %d", tc.table, k)
				continue
			}
			require.NoError(t, err, "%s %d", tc.table, k)
			assert.Equal(t, want, got, "%s %d", tc.table, k)
		}
		_, err = table.Shard(key(t, shardmap.Int8, nil))
		require.ErrorIs(t, err, shardmap.ErrNullKey)
		_, err = table.Shard(key(t, shardmap.Text, "1"))
		require.ErrorIs(t, err, shardmap.ErrWrongType)
		_, ok := table.Bucket(key(t, shardmap.Int8, 1))
		assert.False(t, ok)
	}
}

func TestBucketsAreDealtInEvenRuns(t *testing.T) {
	for _, shards := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}, {"a", "b", "c", "d", "e", "f", "g"}} {
		m := newMap(t, shardmap.Spec{Shards: shards, Buckets: 64, Keys: []string{"k"}})
		table, err := m.Table("", "t", column("k", shardmap.Int8))
		require.NoError(t, err)
		shardOf := map[int]int{}
		for i := range 5000 {
			k := key(t, shardmap.Int8, i)
			bucket, ok := table.Bucket(k)
			require.True(t, ok)
			shardOf[bucket], err = table.Shard(k)
			require.NoError(t, err)
		}
		require.Len(t, shardOf, 64, "5000 keys should meet every bucket")
		count := make([]int, len(shards))
		for bucket := range 64 {
			count[shardOf[bucket]]++
			assert.GreaterOrEqual(t, shardOf[bucket], shardOf[max(0, bucket-1)], "runs are contiguous")
		}
		for _, n := range count {
			assert.InDelta(t, 64/len(shards), n, 1)
		}
	}
}

func TestColocatedTables(t *testing.T) {
	list := func(shard, value string) []shardmap.ListEntry {
		return []shardmap.ListEntry{{Shard: shard, Values: []string{value}}}
	}
	ranges := func(below string) []shardmap.RangeBound {
		return []shardmap.RangeBound{{Below: below, Shard: "athos"}, {Shard: "porthos"}}
	}
	specs := []shardmap.TableSpec{
		{Name: "ref", Reference: true}, {Name: "ref2", Reference: true}, {Name: "un", Unsharded: true}, {Name: "un2", Unsharded: true},
		{Name: "hash", Key: "k"}, {Name: "hash2", Key: "k"},
		{Name: "list", Key: "k", List: list("athos", "1")}, {Name: "list01", Key: "k", List: list("athos", "01")}, {Name: "listb", Key: "k", List: list("porthos", "1")},
		{Name: "range", Key: "k", Range: ranges("5")}, {Name: "range05", Key: "k", Range: ranges("05")}, {Name: "range6", Key: "k", Range: ranges("6")},
	}
	m := newMap(t, shardmap.Spec{Tables: specs})
	table := func(name string, typ shardmap.Type) *shardmap.Table {
		table, err := m.Table("", name, column("k", typ))
		require.NoError(t, err)
		return table
	}
	for _, tc := range []struct {
		a, b   string
		ta, tb shardmap.Type
		want   bool
	}{
		{"ref", "ref2", shardmap.Int8, shardmap.Text, true}, {"un", "un2", shardmap.Int8, shardmap.Int8, true}, {"ref", "un", shardmap.Int8, shardmap.Int8, false},
		{"hash", "ref", shardmap.Int8, shardmap.Int8, false}, {"hash", "hash2", shardmap.Int8, shardmap.Int8, true},
		{"hash", "hash2", shardmap.Int2, shardmap.Int8, true}, {"hash", "hash2", shardmap.Text, shardmap.Varchar, true},
		{"hash", "hash2", shardmap.Text, shardmap.Bpchar, false}, {"hash", "hash2", shardmap.Int8, shardmap.Numeric, false},
		{"hash", "hash2", shardmap.Timestamp, shardmap.Timestamptz, false},
		{"hash", "list", shardmap.Int8, shardmap.Int8, false}, {"list", "list01", shardmap.Int8, shardmap.Int4, true}, {"list", "list01", shardmap.Text, shardmap.Text, false},
		{"list", "listb", shardmap.Int8, shardmap.Int8, false},
		{"range", "range05", shardmap.Int8, shardmap.Int8, true}, {"range", "range6", shardmap.Int8, shardmap.Int8, false}, {"range", "list", shardmap.Int8, shardmap.Int8, false},
	} {
		a, b := table(tc.a, tc.ta), table(tc.b, tc.tb)
		assert.Equal(t, tc.want, a.Colocated(b), "%s %s, %s %s", tc.a, tc.ta, tc.b, tc.tb)
		assert.Equal(t, tc.want, b.Colocated(a), "%s %s, %s %s", tc.b, tc.tb, tc.a, tc.ta)
	}
}
