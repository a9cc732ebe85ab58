package shardmap

import (
	"fmt"
	"maps"
	"slices"
	"sort"
)

// Kind is how a table is spread.
type Kind uint8

// The kinds of tables.
const (
	Unsharded Kind = iota // on the home shard
	Reference             // a full copy on every shard
	Sharded               // each row on the shard of its key
)

func (k Kind) String() string {
	switch k {
	case Unsharded:
		return "unsharded"
	case Reference:
		return "reference"
	case Sharded:
		return "sharded"
	default:
		return "unknown"
	}
}

// Strategy is how the key of a sharded table decides its place.
type Strategy uint8

// The strategies.
const (
	ByHash Strategy = iota
	ByRange
	ByList
)

func (s Strategy) String() string {
	switch s {
	case ByHash:
		return "hash"
	case ByRange:
		return "range"
	case ByList:
		return "list"
	default:
		return "unknown"
	}
}

// Table is a placed table. It must not be changed.
type Table struct {
	Schema, Name string
	Kind         Kind
	// Strategy, Key and Type are of meaning for a sharded table only.
	Strategy Strategy
	Key      string
	// KeyColumn is the index of Key in the columns given to Map.Table; -1 without one.
	KeyColumn int
	// Domain says that Key's type is a domain, which client libraries do not know:
	// they write an argument for it by its Go type alone.
	Domain bool
	Type   Type

	typmod                int32
	home, shards, buckets int
	ranges                []keyRange
	list                  map[Key]int
	fallback              int // takes what no range or list does, or nowhere
}

type keyRange struct {
	below Key
	shard int
}

const nowhere = -1

// Shard is the index of the shard that holds the rows with this key. For a table
// without a key it is the home shard, which has all of its rows. Errors are
// ErrNullKey, ErrNoPlace and ErrWrongType, by errors.Is.
func (t *Table) Shard(k Key) (int, error) {
	if t.Kind != Sharded {
		return t.home, nil
	}
	shard, err := t.place(k)
	if err != nil {
		return 0, fmt.Errorf("table %s, key %s = %s: %w", relation{t.Schema, t.Name}, quoteIdent(t.Key), k, err)
	}
	return shard, nil
}

func (t *Table) place(k Key) (int, error) {
	switch {
	case k.null:
		return 0, ErrNullKey
	case k.family != t.Type.family():
		return 0, ErrWrongType
	}
	shard := t.fallback
	switch t.Strategy {
	case ByHash:
		return t.bucket(k) * t.shards / t.buckets, nil
	case ByRange:
		i := sort.Search(len(t.ranges), func(i int) bool { return k.compare(t.ranges[i].below) < 0 })
		if i < len(t.ranges) {
			shard = t.ranges[i].shard
		}
	case ByList:
		if listed, ok := t.list[k]; ok {
			shard = listed
		}
	}
	if shard == nowhere {
		return 0, ErrNoPlace
	}
	return shard, nil
}

// Bucket is the key's hash bucket; false if the table is not placed by hash, or
// the key is none that it can have.
func (t *Table) Bucket(k Key) (int, bool) {
	if t.Kind != Sharded || t.Strategy != ByHash || k.null || k.family != t.Type.family() {
		return 0, false
	}
	return t.bucket(k), true
}

func (t *Table) bucket(k Key) int { return int(k.Hash(Seed) & uint64(t.buckets-1)) }

// Shards are the indexes, ascending, of the shards that can hold rows of the
// table.
func (t *Table) Shards() []int {
	all := make([]int, t.shards)
	for i := range all {
		all[i] = i
	}
	switch {
	case t.Kind == Unsharded:
		return []int{t.home}
	case t.Kind == Reference || t.Strategy == ByHash:
		return all
	}
	used := make([]bool, t.shards)
	for _, r := range t.ranges {
		used[r.shard] = true
	}
	for _, shard := range t.list {
		used[shard] = true
	}
	if t.fallback != nowhere {
		used[t.fallback] = true
	}
	return slices.DeleteFunc(all, func(i int) bool { return !used[i] })
}

// Colocated tells whether rows with equal keys of the two tables, which are of one
// Map, always live on one shard. Two unsharded tables are colocated, and so are
// two reference tables.
func (t *Table) Colocated(u *Table) bool {
	if t.Kind != u.Kind || t.Kind != Sharded {
		return t.Kind == u.Kind
	}
	return t.Type.family() == u.Type.family() &&
		t.Strategy == u.Strategy &&
		t.shards == u.shards && t.buckets == u.buckets && t.fallback == u.fallback &&
		slices.Equal(t.ranges, u.ranges) &&
		maps.Equal(t.list, u.list)
}
