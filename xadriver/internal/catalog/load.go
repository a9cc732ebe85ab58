package catalog

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Queryer runs a query on one shard.
type Queryer interface {
	QueryContext(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error)
}

const session = `SELECT current_user::text, coalesce(s::text, '')
FROM (SELECT 1) AS one LEFT JOIN unnest(current_schemas(false)) WITH ORDINALITY AS p(s, n) ON true ORDER BY n`

const relations = `SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, coalesce(i.inhparent, 0)::int8,
  CASE WHEN c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema') THEN pg_get_viewdef(c.oid) ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_(toast|temp)'`

const columns = `SELECT a.attrelid::int8, a.attname::text,
  (CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)::int8,
  (CASE WHEN t.typtype = 'd' AND a.atttypmod = -1 THEN t.typtypmod ELSE a.atttypmod END)::int8,
  a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attgenerated <> '', a.attidentity <> '',
  coalesce(NOT co.collisdeterministic, false)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY a.attrelid, a.attnum`

const functions = `SELECT n.nspname::text, p.proname::text, bool_or(p.prokind = 'a'), bool_or(p.prokind = 'w'), bool_or(p.proretset),
  bool_or(p.provolatile <> 'i'),
  bool_or(l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)),
  coalesce(string_agg(CASE WHEN l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema') THEN p.prosrc END, ' '), '')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
GROUP BY 1, 2`

// Load reads a catalog from a shard, in four round trips.
func Load(ctx context.Context, q Queryer) (*Catalog, error) {
	l := &loader{ctx: ctx, q: q}
	var (
		user string
		path []string
		rels []*Relation
	)
	l.each(session, 2, func(v []driver.Value) {
		user = text(v[0])
		if s := text(v[1]); s != "" {
			path = append(path, s)
		}
	})
	byOID := make(map[int64]*Relation)
	parents := make(map[*Relation]int64)
	l.each(relations, 6, func(v []driver.Value) {
		r := &Relation{OID: number(v[0]), Name: Name{text(v[1]), text(v[2])}, Kind: text(v[3])[0], ViewDef: text(v[5])}
		byOID[r.OID], parents[r] = r, number(v[4])
		rels = append(rels, r)
	})
	for r, oid := range parents {
		r.Parent = byOID[oid]
	}
	l.each(columns, 9, func(v []driver.Value) {
		r := byOID[number(v[0])]
		if r == nil {
			return // made between two of our questions
		}
		r.Columns = append(r.Columns, Column{
			Name: text(v[1]), TypeOID: uint32(number(v[2])), Typmod: int32(number(v[3])), NotNull: truth(v[4]),
			Default: text(v[5]), Generated: truth(v[6]), Identity: truth(v[7]), NonDeterministic: truth(v[8]),
		})
	})
	funcs, sources := make(map[Name]Function), make(map[Name]string)
	l.each(functions, 8, func(v []driver.Value) {
		n, src := Name{text(v[0]), text(v[1])}, strings.ToLower(text(v[7]))
		funcs[n] = Function{
			Aggregate: truth(v[2]), Window: truth(v[3]), Set: truth(v[4]), Volatile: truth(v[5]), Opaque: truth(v[6]),
			Notifies: n == Name{"pg_catalog", "pg_notify"} || strings.Contains(src, "notify"),
		}
		if src != "" {
			sources[n] = src
		}
	})
	if l.err != nil {
		return nil, fmt.Errorf("reading the system catalogs: %w", l.err)
	}
	spreadNotifies(funcs, sources)
	return New(user, path, rels, funcs), nil
}

// loader remembers the first error.
type loader struct {
	ctx context.Context
	q   Queryer
	err error
}

func (l *loader) each(sql string, columns int, f func([]driver.Value)) {
	if l.err != nil {
		return
	}
	rows, err := l.q.QueryContext(l.ctx, sql, nil)
	if err != nil {
		l.err = err
		return
	}
	for v := make([]driver.Value, columns); ; {
		if err := rows.Next(v); err != nil {
			if !errors.Is(err, io.EOF) {
				l.err = err
			}
			l.err = errors.Join(l.err, rows.Close())
			return
		}
		f(v)
	}
}

func text(v driver.Value) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	default:
		return ""
	}
}

func number(v driver.Value) int64 {
	n, _ := v.(int64)
	return n
}

func truth(v driver.Value) bool {
	b, _ := v.(bool)
	return b
}
