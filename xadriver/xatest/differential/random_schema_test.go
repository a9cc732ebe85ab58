package differential_test

import (
	"fmt"
	"slices"
	"strings"
)

// settings are the cluster's: the names of tables, and where they are, never change.
var settings = []string{
	"key.b1=k", "key.b2=k", "key.b3=k", "key.t1=k", "key.t2=k", "key.u1=k", "key.u2=k",
	"key.d1=k", "key.d2=k", "key.i1=k", "reference=r1,r2",
}

// kind is a type of values.
type kind int

const (
	integer kind = iota
	bigint
	numeric
	text
	textC
	boolean
	date
	timestamptz
	interval
	jsonb
	integers
	mood
	uuid
	float
)

// types says how each kind is declared, and some of its values. Those that are
// equal also look the same, and floats are exact in binary.
var types = [...]struct {
	declared string
	values   []string
}{
	integer:     {"int", []string{"1", "2", "3", "0", "-1", "7", "42", "100", "2147483647", "-2147483648"}},
	bigint:      {"bigint", []string{"1", "2", "3", "4", "5", "6", "10", "0", "-1", "2147483648", "9223372036854775807", "-9223372036854775808"}},
	numeric:     {"numeric(12,2)", []string{"1.00", "2.50", "0.00", "-3.25", "0.01", "10.00", "99999.99", "-0.50"}},
	text:        {"text", []string{"a", "A", "b", "B", "", "ab", "aB", "é", "e", "z", "Z", "10", "9", "a b", "_", "-a", "ß", "ss", "e\u0301", "it''s"}},
	textC:       {`text COLLATE "C"`, []string{"a", "A", "b", "B", "", "ab", "é", "z", "Z", "10", "9", "_", "~"}},
	boolean:     {"boolean", []string{"true", "false"}},
	date:        {"date", []string{"2024-01-01", "2024-02-29", "2023-12-31", "1970-01-01", "1999-12-31", "0001-01-01", "9999-12-31", "2024-03-01"}},
	timestamptz: {"timestamptz", []string{"2024-01-01 00:00:00+00", "2024-01-01 00:00:00.000001+00", "2024-02-29 23:59:59+00", "1969-12-31 23:59:59.999999+00", "2024-01-01 12:00:00+00", "1900-01-01 00:00:00+00"}},
	interval:    {"interval", []string{"1 day", "0", "-1 day", "36:30:00", "00:00:00.000001", "1 mon", "1 year 2 days", "-00:00:01"}},
	jsonb:       {"jsonb", []string{"null", "1", "-5", "[]", "{}", `"a"`, `{"a": 1}`, `{"a": 2, "b": [1, 2]}`, "[1, 2]", `{"a": null}`, "true"}},
	integers:    {"int[]", []string{"{}", "{1}", "{1,2}", "{2,1}", "{NULL}", "{3,3,3}", "{1,NULL,2}"}},
	mood:        {"mood", []string{"low", "high", "Mid"}},
	uuid: {"uuid", []string{"00000000-0000-0000-0000-000000000001", "ffffffff-ffff-ffff-ffff-ffffffffffff", "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
		"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "123e4567-e89b-12d3-a456-426614174000"}},
	float: {"float8", []string{"1", "0.5", "-0.25", "2.75", "0", "100", "1024.125"}},
}

// column is one of a table or of a query.
type column struct {
	name string
	kind kind
	null bool
	key  bool // its values are those of a table's key
}

// relation is a table.
type relation struct {
	name    string
	sharded bool
	cols    []column // the key first, the id second
	pk      []string // what makes rows unique; empty when nothing does
}

func (r *relation) key() column { return r.cols[0] }

// schema draws tables and their rows.
func (g *gen) schema() []statement {
	list := []statement{{text: "CREATE TYPE mood AS ENUM ('low', 'Mid', 'high');"}}
	type family struct {
		key   kind
		names []string
	}
	families := []family{
		{bigint, []string{"b1", "b2", "b3"}}, {text, []string{"t1", "t2"}}, {uuid, []string{"u1", "u2"}},
		{date, []string{"d1", "d2"}}, {textC, []string{"t1", "t2"}},
	}
	first := pick(g, families...)
	add := func(name string, key kind, sharded bool) {
		t := g.table(name, key, sharded)
		g.tables = append(g.tables, t)
		list = append(list, statement{text: t.create()})
		if rows := g.rows(t); len(rows) > 0 {
			list = append(list, statement{text: "INSERT INTO " + t.name + " (" + strings.Join(t.names(), ", ") + ") VALUES", rows: rows})
		}
	}
	for _, name := range first.names[:1+g.n(len(first.names))] {
		add(name, first.key, true)
	}
	if g.chance(3) {
		other := pick(g, families...)
		if other.key == bigint {
			other.names = []string{"i1"}
			other.key = integer
		}
		if !slices.ContainsFunc(g.tables, func(t *relation) bool { return t.name == other.names[0] }) {
			add(other.names[0], other.key, true)
		}
	}
	if g.chance(4) {
		add(pick(g, "r1", "r2"), pick(g, first.key, integer, text), false)
	}
	if g.chance(4) || len(g.tables) == 1 {
		add(pick(g, "h1", "h2"), pick(g, first.key, integer, text), false)
	}
	if g.chance(4) {
		g.begin()
		g.params = false
		q := g.query(nil, 1, nil, false)
		g.views = append(g.views, &source{alias: "v1", cols: q.cols, total: allNames(q.cols)})
		list = append(list, statement{text: "CREATE VIEW v1 AS " + q.sql + ";"})
	}
	return list
}

func (g *gen) table(name string, key kind, sharded bool) *relation {
	t := &relation{name: name, sharded: sharded, cols: []column{{"k", key, !sharded, sharded}, {"id", bigint, false, false}}}
	for i := range 1 + g.n(6) {
		t.cols = append(t.cols, column{name: fmt.Sprintf("c%d", i+1), kind: kind(g.n(len(types))), null: g.chance(6)})
	}
	switch {
	case !sharded:
		t.pk = []string{"id"}
	case g.chance(2):
		t.pk = []string{"k"}
	case !g.chance(1):
		t.pk = []string{"k", "id"}
	}
	return t
}

func (r *relation) names() []string {
	var list []string
	for _, c := range r.cols {
		list = append(list, c.name)
	}
	return list
}

func (r *relation) create() string {
	var cols []string
	for _, c := range r.cols {
		col := c.name + " " + types[c.kind].declared
		if !c.null {
			col += " NOT NULL"
		}
		cols = append(cols, col)
	}
	if len(r.pk) > 0 {
		cols = append(cols, "PRIMARY KEY ("+strings.Join(r.pk, ", ")+")")
	}
	return "CREATE TABLE " + r.name + " (" + strings.Join(cols, ", ") + ");"
}

// rows draws a table's first rows. Few keys have most of them.
func (g *gen) rows(t *relation) []string {
	keys := types[t.key().kind].values
	n := 0
	if !g.chance(1) {
		n = 3 + g.n(14)
	}
	if len(t.pk) == 1 && t.pk[0] == "k" {
		n = min(n, len(keys))
	}
	var list []string
	for i := range n {
		key := keys[g.n(min(6, len(keys)))]
		if len(t.pk) == 1 && t.pk[0] == "k" {
			key = keys[i]
		}
		row := []string{"'" + key + "'", fmt.Sprint(i + 1)}
		if t.key().null && g.chance(1) {
			row[0] = "NULL"
		}
		for _, c := range t.cols[2:] {
			row = append(row, g.datum(c))
		}
		list = append(list, "("+strings.Join(row, ", ")+")")
	}
	return list
}

// value is one of a kind: most of the time one that others have too.
func (g *gen) value(k kind) string {
	list := types[k].values
	if !g.chance(2) {
		list = list[:min(4, len(list))]
	}
	return pick(g, list...)
}

// datum is a value for a column.
func (g *gen) datum(c column) string {
	if c.null && g.chance(2) {
		return "NULL"
	}
	return "'" + g.value(c.kind) + "'"
}
