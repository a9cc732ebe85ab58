// Package shardmap says where a row lives.
//
// A table is a reference table (a full copy on every shard), unsharded (on the
// home shard) or sharded: then the value of one column, its key, decides the shard
// of each row. Keys are placed by hash unless ranges or lists of them are given.
//
// Hashing is PostgreSQL's own: the extended hash function of the key's type, with
// the seed that PARTITION BY HASH uses, so that a stock server can compute any
// row's place too. The hash's lowest bits are the bucket, of 4096 by default, and
// each shard has one run of buckets, all of the same length or one longer:
//
//	bucket = hash & (buckets - 1)
//	shard  = bucket * shards / buckets
//
// For a bigint key k that is, in SQL, hashint8extended(k, 8816678312871386365) & 4095.
// A key of any type:
//
//	((hash_array_extended(ARRAY[k], 8816678312871386365) & 4095) + 4096 - 31) & 4095
//
// What a key is, is the column's type to decide: 1, int32(1) and "1" are the same
// bigint. Type.Key reads Go arguments as pgx encodes them, Type.Parse reads
// literals as PostgreSQL's input functions do, and both refuse what they are not
// sure to read as the server would, since a key misread is a row not found.
// Text is taken to be UTF-8 on the server too.
//
// The package does no I/O and knows no SQL; of database/sql it uses driver.Valuer,
// the interface, and nothing else. All of it is safe for concurrent use.
package shardmap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Map is where tables live. It does not change.
type Map struct {
	shards  []string
	home    int
	buckets int
	tables  map[relation]placement
	keys    []string
}

// placement is the part of a Spec that is about one table; index is its place in
// Spec.Tables.
type placement struct {
	spec  TableSpec
	key   string
	index int
}

// New checks a Spec. Errors are *SpecError.
func New(s Spec) (*Map, error) {
	if err := s.validate(); err != nil {
		return nil, err
	}
	m := &Map{
		shards:  slices.Clone(s.Shards),
		home:    max(0, slices.Index(s.Shards, s.Home)),
		buckets: s.Buckets,
		tables:  make(map[relation]placement, len(s.Tables)),
	}
	if m.buckets == 0 {
		m.buckets = defaultBuckets
	}
	for _, key := range s.Keys {
		column, err := parseColumn(key)
		if err != nil {
			return nil, err
		}
		m.keys = append(m.keys, column)
	}
	for i, t := range s.Tables {
		p := placement{spec: t, index: i}
		if t.Key != "" {
			var err error
			if p.key, err = parseColumn(t.Key); err != nil {
				return nil, err
			}
		}
		// The caller keeps its slices; the map must not see them change.
		p.spec.Range = slices.Clone(t.Range)
		p.spec.List = slices.Clone(t.List)
		for j := range p.spec.List {
			p.spec.List[j].Values = slices.Clone(p.spec.List[j].Values)
		}
		m.tables[t.relation()] = p
	}
	return m, nil
}

// Shards are the names of the shards.
func (m *Map) Shards() []string { return slices.Clone(m.shards) }

// Index is the place of a shard in Shards.
func (m *Map) Index(name string) (int, bool) {
	i := slices.Index(m.shards, name)
	return i, i >= 0
}

// Home is the index of the shard that holds unsharded tables.
func (m *Map) Home() int { return m.home }

// Buckets is the number of hash buckets, a power of two.
func (m *Map) Buckets() int { return m.buckets }

// Column is a column as the catalog describes it.
type Column struct {
	Name string
	// TypeOID is the column's type, or the base type if that is a domain.
	TypeOID uint32
	// Typmod is atttypmod (or the domain's typtypmod): -1 for none.
	Typmod int32
	// NonDeterministic says that the column's collation may take different bytes
	// for equal text. Such a column cannot be a key.
	NonDeterministic bool
	// Domain says that the column's type is a domain over TypeOID.
	Domain bool
}

// TableError says why a table cannot be placed as the Spec asks.
type TableError struct {
	Schema, Name string
	// Column is the key column, and Type the name of its type if it has one.
	Column, Type string
	// Problem says what is wrong and what to do about it.
	Problem string
	// Valid are the columns or types that would do.
	Valid []string
}

func (e *TableError) Error() string {
	msg := fmt.Sprintf("table %s: %s", relation{e.Schema, e.Name}, e.Problem)
	if len(e.Valid) > 0 {
		msg += " (valid: " + strings.Join(e.Valid, ", ") + ")"
	}
	return msg
}

// Table places a relation, given its columns as the catalog describes them. An
// empty schema is public. The system's own tables are unsharded, whatever columns
// they have. Errors are *TableError (the key column is missing or cannot be a key)
// and *SpecError (a bound or value is not of the key's type, bounds do not ascend,
// a value is listed twice).
func (m *Map) Table(schema, name string, columns []Column) (*Table, error) {
	if schema == "" {
		schema = publicSchema
	}
	t := &Table{
		Schema: schema, Name: name, KeyColumn: -1,
		home: m.home, shards: len(m.shards), buckets: m.buckets, fallback: nowhere,
	}
	p, named := m.tables[relation{schema, name}]
	switch {
	case named && p.spec.Reference:
		t.Kind = Reference
		return t, nil
	case named && p.spec.Unsharded:
		return t, nil
	case named:
		if err := t.setKey(p.key, columns); err != nil {
			return nil, err
		}
		if err := m.setRanges(t, &p); err != nil {
			return nil, err
		}
		if err := m.setLists(t, &p); err != nil {
			return nil, err
		}
		return t, nil
	case systemSchema(schema):
		return t, nil
	}
	for _, key := range m.keys {
		if slices.ContainsFunc(columns, func(c Column) bool { return c.Name == key }) {
			if err := t.setKey(key, columns); err != nil {
				return nil, err
			}
			return t, nil
		}
	}
	return t, nil
}

func systemSchema(schema string) bool {
	return schema == "pg_catalog" || schema == "information_schema" || schema == "pg_toast"
}

func (t *Table) setKey(key string, columns []Column) error {
	t.Kind, t.Key = Sharded, key
	t.KeyColumn = slices.IndexFunc(columns, func(c Column) bool { return c.Name == key })
	if t.KeyColumn < 0 {
		var names []string
		for _, c := range columns {
			names = append(names, quoteIdent(c.Name))
		}
		return &TableError{Schema: t.Schema, Name: t.Name, Column: key, Valid: names,
			Problem: fmt.Sprintf("there is no column %s, which is to be its key; name another one, or write it in double quotes if it has capital letters", quoteIdent(key))}
	}
	c := columns[t.KeyColumn]
	var ok bool
	if t.Type, ok = TypeOf(c.TypeOID); !ok {
		typ := otherTypes[c.TypeOID]
		if typ == "" {
			typ = fmt.Sprintf("with OID %d", c.TypeOID)
		}
		return &TableError{Schema: t.Schema, Name: t.Name, Column: key, Type: typ, Valid: typeNames(),
			Problem: fmt.Sprintf("column %s cannot be its key, being of the type %s; choose a column of another type", quoteIdent(key), typ)}
	}
	if c.NonDeterministic {
		return &TableError{Schema: t.Schema, Name: t.Name, Column: key, Type: t.Type.String(),
			Problem: fmt.Sprintf("column %s cannot be its key: its collation is not deterministic, so equal values may have different bytes; give the column a deterministic collation or choose another one", quoteIdent(key))}
	}
	t.typmod, t.Domain = c.Typmod, c.Domain
	return nil
}

func (m *Map) setRanges(t *Table, p *placement) error {
	if p.spec.Range == nil {
		return nil
	}
	t.Strategy = ByRange
	for i, bound := range p.spec.Range {
		fail := func(problem string, err error) error {
			return &SpecError{Path: fmt.Sprintf("%s.range[%d].below", p.spec.path(), i), Table: p.index, Problem: problem, Err: err}
		}
		shard, _ := m.Index(bound.Shard)
		if bound.Below == "" {
			t.fallback = shard
			continue
		}
		below, err := t.Type.Parse(bound.Below)
		if err != nil {
			return fail(err.Error(), err)
		}
		if i > 0 && t.ranges[i-1].below.compare(below) >= 0 {
			return fail(fmt.Sprintf("%s is not greater than the bound before it, %s; bounds must ascend", below, t.ranges[i-1].below), nil)
		}
		t.ranges = append(t.ranges, keyRange{below, shard})
	}
	return nil
}

func (m *Map) setLists(t *Table, p *placement) error {
	if p.spec.List == nil {
		return nil
	}
	t.Strategy = ByList
	t.list = make(map[Key]int)
	for i, entry := range p.spec.List {
		shard, _ := m.Index(entry.Shard)
		if entry.Default {
			t.fallback = shard
		}
		for j, value := range entry.Values {
			fail := func(problem string, err error) error {
				return &SpecError{Path: fmt.Sprintf("%s.list[%d].values[%d]", p.spec.path(), i, j), Table: p.index, Problem: problem, Err: err}
			}
			k, err := t.Type.Parse(value)
			if err != nil {
				return fail(err.Error(), err)
			}
			if other, listed := t.list[k]; listed {
				return fail(fmt.Sprintf("%s is listed already, for shard %q", k, m.shards[other]), nil)
			}
			t.list[k] = shard
		}
	}
	return nil
}

// Errors of Table.Shard.
var (
	// ErrNoPlace: no range or list takes the key, so no row can have it.
	ErrNoPlace = errors.New("no range or list of the table takes this key; add one for it, or a last one for all others")
	// ErrNullKey: the key is NULL.
	ErrNullKey = errors.New("the key of a sharded table must not be NULL")
	// ErrWrongType: the key was made by another type than the table's.
	ErrWrongType = errors.New("the key is not of the table's key type")
)
