package shardmap

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultBuckets = 4096
	maxBuckets     = 65536
)

// Spec says which shards there are and which table is placed how. It is what a
// configuration file holds, before anything is known of the tables' columns.
type Spec struct {
	// Shards are the names of the shards, in the order that gives them their
	// buckets: another order is another placement.
	Shards []string
	// Home is the shard that holds what is unsharded. Default: the first one.
	Home string
	// Buckets is the number of hash buckets: a power of two from 1 to 65536, and
	// at least the number of shards. Default: 4096.
	Buckets int
	// Tables are the tables that are placed by name. They need not exist yet.
	Tables []TableSpec
	// Keys are column names. A table that is not in Tables is sharded by hash of
	// the first of these columns that it has. They follow the rules of Key.
	Keys []string
}

// TableSpec places one table. Exactly one of Reference, Unsharded and Key is
// given; Range and List, of which at most one is given, say that rows are placed
// by ranges or lists of keys instead of by hash.
type TableSpec struct {
	// Schema and Name are as the catalog has them, that is, as ParseName returns
	// them. An empty Schema is "public".
	Schema, Name string
	// Reference is a full copy on every shard.
	Reference bool
	// Unsharded lives on the home shard, even if it has one of the columns of Keys.
	Unsharded bool
	// Key is the column that decides the place of a row, written as in SQL: folded
	// to lower case unless it is in double quotes.
	Key string
	// Range holds the upper bounds of runs of keys, in ascending order.
	Range []RangeBound
	// List holds the keys of each shard.
	List []ListEntry
}

// RangeBound gives a shard the keys below a bound that the bounds before it have
// left. Text is compared byte by byte, whatever the column's collation.
type RangeBound struct {
	// Below is the text of a key, not part of the range. Empty, which only the last
	// bound can be, it takes every key that is left.
	Below string
	Shard string
}

// ListEntry gives a shard the listed keys. One entry may be the default: it takes
// every key that no entry lists.
type ListEntry struct {
	Shard   string
	Values  []string
	Default bool
}

// SpecError is a mistake in a Spec. New returns it for what can be seen without
// the catalog, Map.Table for bounds and values that are not of the key's type.
type SpecError struct {
	// Path is the place of the mistake, for instance tables.events.range[1].shard.
	Path string
	// Table is the index of the table in Spec.Tables, -1 if it is in none of them.
	Table int
	// Problem says what is wrong and what to do about it.
	Problem string
	// Valid are the values that would be right, where there is a list of them.
	Valid []string
	// Err is the cause, if there is one: a *ConversionError for bounds and values.
	Err error
}

func (e *SpecError) Error() string {
	msg := e.Path + ": " + e.Problem
	if len(e.Valid) > 0 {
		msg += " (valid: " + strings.Join(e.Valid, ", ") + ")"
	}
	return msg
}

// Unwrap gives the cause.
func (e *SpecError) Unwrap() error { return e.Err }

func (s *Spec) validate() error {
	fail := func(path, format string, args ...any) error {
		return &SpecError{Path: path, Table: -1, Problem: fmt.Sprintf(format, args...)}
	}
	if len(s.Shards) == 0 {
		return fail("shards", "no shard is given; name at least one")
	}
	for i, name := range s.Shards {
		path := "shards[" + strconv.Itoa(i) + "]"
		if name == "" {
			return fail(path, "a shard needs a name")
		}
		if slices.Contains(s.Shards[:i], name) {
			return fail(path, "shard %q is given twice", name)
		}
	}
	if s.Home != "" && !slices.Contains(s.Shards, s.Home) {
		return &SpecError{Path: "home", Table: -1, Problem: fmt.Sprintf("there is no shard %q", s.Home), Valid: s.Shards}
	}
	if n := s.Buckets; n != 0 {
		if n < 1 || n > maxBuckets || n&(n-1) != 0 {
			return fail("buckets", "%d is not a power of two from 1 to %d", n, maxBuckets)
		}
		if n < len(s.Shards) {
			return fail("buckets", "%d buckets are too few for %d shards", n, len(s.Shards))
		}
	} else if len(s.Shards) > defaultBuckets {
		return fail("buckets", "the default of %d is too few for %d shards; set it to a greater power of two", defaultBuckets, len(s.Shards))
	}
	for i, name := range s.Keys {
		path := "keys[" + strconv.Itoa(i) + "]"
		column, err := parseColumn(name)
		if err != nil {
			return &SpecError{Path: path, Table: -1, Problem: err.Error(), Err: err}
		}
		for _, before := range s.Keys[:i] {
			if c, _ := parseColumn(before); c == column {
				return fail(path, "column %q is given twice", column)
			}
		}
	}
	seen := make(map[relation]bool, len(s.Tables))
	for i := range s.Tables {
		t := &s.Tables[i]
		if err := s.validateTable(i); err != nil {
			return err
		}
		if seen[t.relation()] {
			return &SpecError{Path: t.path(), Table: i, Problem: "the table is given twice"}
		}
		seen[t.relation()] = true
	}
	return nil
}

func (s *Spec) validateTable(i int) error {
	t := &s.Tables[i]
	fail := func(element, format string, args ...any) error {
		return &SpecError{Path: t.path() + element, Table: i, Problem: fmt.Sprintf(format, args...)}
	}
	if t.Name == "" {
		return &SpecError{Path: "tables[" + strconv.Itoa(i) + "]", Table: i, Problem: "a table needs a name"}
	}
	given := 0
	for _, is := range []bool{t.Reference, t.Unsharded, t.Key != ""} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return &SpecError{Path: t.path(), Table: i, Problem: "it is not said how the table is placed",
			Valid: []string{"a key column", "reference", "unsharded"}}
	case given > 1:
		return &SpecError{Path: t.path(), Table: i, Problem: "the table is placed in more than one way; give one of them",
			Valid: []string{"a key column", "reference", "unsharded"}}
	}
	if t.Key == "" {
		if t.Range != nil {
			return fail(".range", "only a table with a key has ranges")
		}
		if t.List != nil {
			return fail(".list", "only a table with a key has lists")
		}
		return nil
	}
	if _, err := parseColumn(t.Key); err != nil {
		return &SpecError{Path: t.path() + ".key", Table: i, Problem: err.Error(), Err: err}
	}
	if t.Range != nil && t.List != nil {
		return fail("", "range and list are both given; give one of them, or neither for hash")
	}
	if err := s.validateRange(i); err != nil {
		return err
	}
	return s.validateList(i)
}

func (s *Spec) validateRange(i int) error {
	t := &s.Tables[i]
	if t.Range != nil && len(t.Range) == 0 {
		return &SpecError{Path: t.path() + ".range", Table: i, Problem: "no range is given; leave it out for placement by hash"}
	}
	for j, bound := range t.Range {
		path := t.path() + ".range[" + strconv.Itoa(j) + "]"
		if bound.Below == "" && j < len(t.Range)-1 {
			return &SpecError{Path: path + ".below", Table: i, Problem: "only the last range may go without an upper bound"}
		}
		if err := s.validateShard(bound.Shard, path+".shard", i); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateList(i int) error {
	t := &s.Tables[i]
	if t.List != nil && len(t.List) == 0 {
		return &SpecError{Path: t.path() + ".list", Table: i, Problem: "no list is given; leave it out for placement by hash"}
	}
	fallback := -1
	for j, entry := range t.List {
		path := t.path() + ".list[" + strconv.Itoa(j) + "]"
		if err := s.validateShard(entry.Shard, path+".shard", i); err != nil {
			return err
		}
		if entry.Default {
			if fallback >= 0 {
				return &SpecError{Path: path + ".default", Table: i, Problem: fmt.Sprintf("list[%d] is the default already", fallback)}
			}
			fallback = j
		} else if len(entry.Values) == 0 {
			return &SpecError{Path: path + ".values", Table: i, Problem: "no values are given, and the entry is not the default"}
		}
	}
	return nil
}

func (s *Spec) validateShard(name, path string, table int) error {
	if slices.Contains(s.Shards, name) {
		return nil
	}
	problem := fmt.Sprintf("there is no shard %q", name)
	if name == "" {
		problem = "a shard must be named"
	}
	return &SpecError{Path: path, Table: table, Problem: problem, Valid: s.Shards}
}

// relation is the full name of a table.
type relation struct{ schema, name string }

func (t *TableSpec) relation() relation {
	if t.Schema == "" {
		return relation{publicSchema, t.Name}
	}
	return relation{t.Schema, t.Name}
}

func (t *TableSpec) path() string { return "tables." + t.relation().String() }

// String is the name as one would write it in SQL, the schema public left out.
func (r relation) String() string {
	if r.schema == publicSchema {
		return quoteIdent(r.name)
	}
	return quoteIdent(r.schema) + "." + quoteIdent(r.name)
}
