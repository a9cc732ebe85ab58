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

const session = `SELECT current_user::text, coalesce(s::text, ''),
  (SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()),
  current_setting('search_path'), current_setting('extra_float_digits'), current_setting('DateStyle'), current_setting('array_nulls'),
  current_setting('xmloption'), current_setting('standard_conforming_strings'), current_setting('transform_null_equals')
FROM (SELECT 1) AS one LEFT JOIN unnest(current_schemas(false)) WITH ORDINALITY AS p(s, n) ON true ORDER BY n`

const relations = `SELECT c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text, coalesce(i.inhparent, 0)::int8,
'',
  EXISTS (SELECT FROM pg_constraint f WHERE f.confrelid = c.oid AND f.contype = 'f'),
  EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal) OR c.relhasrules AND c.relkind IN ('r', 'p'),
  c.relrowsecurity
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_(toast|temp)'`

const columnsFrom = `SELECT a.attrelid::int8, a.attname::text,
  (CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)::int8,
  (CASE WHEN t.typtype = 'd' AND a.atttypmod = -1 THEN t.typtypmod ELSE a.atttypmod END)::int8,
  a.attnotnull, coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attgenerated <> '', a.attidentity::text,
  coalesce(NOT co.collisdeterministic, false), ` + typeName + `,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, CASE WHEN a.atttypmod = -1 THEN t.typtypmod ELSE a.atttypmod END)
    WHEN tn.nspname = 'pg_catalog' THEN format_type(a.atttypid, a.atttypmod) ELSE ` + typeName + ` END ||
    CASE WHEN a.attcollation NOT IN (0, 100) THEN (SELECT ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
      FROM pg_namespace cn WHERE cn.oid = co.collnamespace) ELSE '' END,
  coalesce(co.collprovider = 'c' AND co.collcollate IN ('C', 'POSIX') OR co.collname = 'default' AND co.collnamespace = 'pg_catalog'::regnamespace
    AND (SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()), false),
  coalesce((SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.relname) FROM pg_depend e JOIN pg_class s ON s.oid = e.objid AND s.relkind = 'S'
    JOIN pg_namespace sn ON sn.oid = s.relnamespace WHERE e.classid = 'pg_class'::regclass AND e.refclassid = 'pg_class'::regclass
    AND e.refobjid = a.attrelid AND e.refobjsubid = a.attnum AND e.deptype = 'i' LIMIT 1),
   (SELECT quote_ident(sn.nspname) || '.' || quote_ident(s.relname) FROM pg_depend e JOIN pg_class s ON s.oid = e.refobjid AND s.relkind = 'S'
    JOIN pg_namespace sn ON sn.oid = s.relnamespace WHERE e.classid = 'pg_attrdef'::regclass AND e.objid = d.oid
    AND e.refclassid = 'pg_class'::regclass LIMIT 1), '')
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace LEFT JOIN pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

const columns = columnsFrom + ` AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
ORDER BY a.attrelid, a.attnum`

const uniques = `SELECT i.indrelid::int8, c.relname::text, coalesce(k.conname::text, ''), i.indisprimary, i.indpred IS NOT NULL OR 0 = ANY (i.indkey::int2[]),
  coalesce((SELECT string_agg(a.attname::text, chr(1) ORDER BY p.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS p(col, n)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.col WHERE p.n <= i.indnkeyatts), '')
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') AND k.conrelid = i.indrelid
WHERE (i.indisunique OR k.contype = 'x') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'`

const types = `SELECT t.oid::int8, ` + typeName + ` FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace
WHERE t.typtype <> 'p' AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relpersistence <> 't'))`

// typeName is a type's name, under which it is found whatever the search_path.
const typeName = `CASE WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, -1) ELSE quote_ident(tn.nspname) || '.' || quote_ident(t.typname) END`

const sequences = `SELECT n.nspname::text, c.relname::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), s.seqstart, s.seqincrement
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't'`

// views are read under an empty search_path, so that all names in them are full ones.
const views = `SELECT c.oid::int8, pg_get_viewdef(c.oid) FROM (SELECT set_config('search_path', 'pg_catalog', true) OFFSET 0) AS s(path),
  LATERAL (SELECT oid FROM pg_class WHERE relkind = 'v' AND oid >= 16384 AND relpersistence <> 't' AND s.path IS NOT NULL OFFSET 0) AS c`

// casts are types that have casts to text of their users' making.
const casts = `SELECT castsource::int8 FROM pg_cast WHERE casttarget = 'text'::regtype AND castfunc <> 0 AND oid >= 16384`

// operators are those whose functions may read tables.
const operators = `SELECT DISTINCT o.oprname::text FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_language l ON l.oid = p.prolang
WHERE o.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i'`

// opaqueTypes are types to which a cast runs a function that may read tables: a cast's
// own, or one in a domain's constraint.
const opaqueTypes = `SELECT DISTINCT t.typname::text FROM pg_type t JOIN pg_proc p ON true JOIN pg_language l ON l.oid = p.prolang
WHERE l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i' AND p.oid >= 16384 AND (
  EXISTS (SELECT FROM pg_cast c WHERE c.casttarget = t.oid AND c.castfunc = p.oid) OR
  EXISTS (SELECT FROM pg_constraint k JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
    WHERE k.contypid = t.oid AND d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid))`

// fingerprint changes whenever somebody changes what Load reads.
const fingerprint = `SELECT concat_ws(':',
  (SELECT sum(hashtext(c.oid || ' ' || c.xmin)::int8) FROM pg_class c WHERE c.oid >= 16384 AND relpersistence <> 't' AND relkind NOT IN ('t', 'i', 'I')),
  (SELECT sum(hashtext(a.attrelid || ' ' || a.attnum || ' ' || a.xmin)::int8) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid >= 16384 AND a.attnum > 0 AND c.relpersistence <> 't' AND c.relkind NOT IN ('t', 'i', 'I')),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_attrdef), (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_rewrite WHERE oid >= 16384),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_proc WHERE oid >= 16384), (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_namespace),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_type WHERE oid >= 16384 AND typrelid = 0 AND typelem = 0),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_constraint WHERE oid >= 16384),
  (SELECT sum(hashtext(i.indexrelid || ' ' || i.indrelid)::int8) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisunique AND i.indrelid >= 16384 AND c.relpersistence <> 't'),
  (SELECT sum(hashtext(inhrelid || ' ' || inhparent)::int8) FROM pg_inherits))`

// Fingerprint asks a shard for a text that differs from an earlier answer of the
// same shard if its schema was changed in between.
func Fingerprint(ctx context.Context, q Queryer) (string, error) {
	l := &loader{ctx: ctx, q: q}
	var mark string
	l.each(fingerprint, 1, func(v []driver.Value) { mark = text(v[0]) })
	return mark, l.err
}

const functions = `SELECT n.nspname::text, p.proname::text, bool_or(p.prokind = 'a'), bool_or(p.prokind = 'w'), bool_or(p.proretset),
  bool_or(p.provolatile <> 'i'),
  bool_or(l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    OR p.prokind = 'a' AND EXISTS (SELECT FROM pg_aggregate g JOIN pg_proc f ON f.oid IN (g.aggtransfn, g.aggfinalfn) JOIN pg_language fl ON fl.oid = f.prolang
      WHERE g.aggfnoid = p.oid AND fl.lanname NOT IN ('c', 'internal') AND f.provolatile <> 'i')),
  coalesce(string_agg(CASE WHEN l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema') THEN p.prosrc END, ' '), ''),
  coalesce(CASE WHEN count(*) = 1 AND bool_and(l.lanname = 'sql' AND p.provolatile <> 'v' AND p.prosqlbody IS NULL AND p.proconfig IS NULL) THEN min(p.prosrc) END, ''),
  coalesce(CASE WHEN count(*) = 1 THEN min(array_to_string(p.proargnames[1:p.pronargs], chr(1), '')) END, '')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
GROUP BY 1, 2`

// Load reads a catalog from a shard, in a dozen round trips.
func Load(ctx context.Context, q Queryer) (*Catalog, error) {
	l := &loader{ctx: ctx, q: q}
	var (
		user     string
		path     []string
		rels     []*Relation
		bytewise bool
	)
	settings := make(map[string]string)
	l.each(session, 10, func(v []driver.Value) {
		user, bytewise = text(v[0]), truth(v[2])
		for i, name := range []string{"search_path", "extra_float_digits", "datestyle", "array_nulls", "xmloption", "standard_conforming_strings", "transform_null_equals"} {
			settings[name] = text(v[3+i])
		}
		if s := text(v[1]); s != "" {
			path = append(path, s)
		}
	})
	byOID := make(map[int64]*Relation)
	parents := make(map[*Relation]int64)
	l.each(relations, 9, func(v []driver.Value) {
		r := &Relation{OID: number(v[0]), Name: Name{text(v[1]), text(v[2])}, Kind: text(v[3])[0], ViewDef: text(v[5]), Referenced: truth(v[6]), Triggers: truth(v[7]), RowSecurity: truth(v[8])}
		byOID[r.OID], parents[r] = r, number(v[4])
		rels = append(rels, r)
	})
	for r, oid := range parents {
		r.Parent = byOID[oid]
	}
	l.each(views, 2, func(v []driver.Value) {
		if r := byOID[number(v[0])]; r != nil {
			r.ViewDef = text(v[1])
		}
	})
	// Within a transaction, the setting would stay.
	l.each("SELECT set_config('search_path', '"+strings.ReplaceAll(settings["search_path"], "'", "''")+"', true)", 1, func([]driver.Value) {})
	ownCasts, ownOperators := make(map[uint32]bool), make(map[string]bool)
	l.each(casts, 1, func(v []driver.Value) { ownCasts[uint32(number(v[0]))] = true })
	opaque := make(map[string]bool)
	l.each(opaqueTypes, 1, func(v []driver.Value) { opaque[text(v[0])] = true })
	l.each(operators, 1, func(v []driver.Value) { ownOperators[text(v[0])] = true })
	l.each(columns, columnsWide, func(v []driver.Value) {
		if r := byOID[number(v[0])]; r != nil { // else it was made between two of our questions
			r.Columns = append(r.Columns, columnOf(v))
		}
	})
	l.each(uniques, 6, func(v []driver.Value) {
		if r := byOID[number(v[0])]; r != nil {
			r.Unique = append(r.Unique, Unique{
				Index: text(v[1]), Constraint: text(v[2]), Primary: truth(v[3]), Partial: truth(v[4]), Columns: strings.Split(text(v[5]), "\x01"),
			})
		}
	})
	typeNames, seqs := make(map[uint32]string), make(map[string]Sequence)
	l.each(types, 2, func(v []driver.Value) { typeNames[uint32(number(v[0]))] = text(v[1]) })
	l.each(sequences, 5, func(v []driver.Value) {
		seqs[text(v[2])] = Sequence{Name: Name{text(v[0]), text(v[1])}, Start: number(v[3]), Increment: number(v[4])}
	})
	funcs, sources := make(map[Name]Function), make(map[Name]string)
	l.each(functions, 10, func(v []driver.Value) {
		n, src := Name{text(v[0]), text(v[1])}, strings.ToLower(text(v[7]))
		funcs[n] = Function{
			Aggregate: truth(v[2]), Window: truth(v[3]), Set: truth(v[4]), Volatile: truth(v[5]), Opaque: truth(v[6]),
			Body: text(v[8]), Args: strings.Split(text(v[9]), "\x01"), Notifies: n == Name{"pg_catalog", "pg_notify"} || strings.Contains(src, "notify"),
		}
		if src != "" {
			sources[n] = src
			f := funcs[n]
			f.Source = src
			funcs[n] = f
		}
	})
	if l.err != nil {
		return nil, fmt.Errorf("reading the system catalogs: %w", l.err)
	}
	spreadNotifies(funcs, sources)
	c := New(user, path, rels, funcs)
	c.Bytewise, c.types, c.sequences = bytewise, typeNames, seqs
	c.settings, c.casts, c.operators, c.opaqueTypes = settings, ownCasts, ownOperators, opaque
	return c, nil
}

// columnsWide is how many columns the question for columns has.
const columnsWide = 13

func columnOf(v []driver.Value) Column {
	return Column{
		Name: text(v[1]), TypeOID: uint32(number(v[2])), Typmod: int32(number(v[3])), NotNull: truth(v[4]),
		Default: text(v[5]), Generated: truth(v[6]), Identity: text(v[7]) != "", IdentityAlways: text(v[7]) == "a",
		NonDeterministic: truth(v[8]), Type: text(v[9]), Declared: text(v[10]), Bytewise: truth(v[11]), Sequence: text(v[12]),
	}
}

const temporaries = `SELECT c.oid::int8, c.relname::text, c.relkind::text,
  CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) ELSE '' END FROM pg_class c
WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind IN ('r', 'p', 'v', 'S')`

// Temporaries reads the temporary relations of a connection's session.
func Temporaries(ctx context.Context, q Queryer) ([]*Relation, error) {
	l := &loader{ctx: ctx, q: q}
	byOID := make(map[int64]*Relation)
	var rels []*Relation
	l.each(temporaries, 4, func(v []driver.Value) {
		r := &Relation{OID: number(v[0]), Name: Name{Temp, text(v[1])}, Kind: text(v[2])[0], ViewDef: text(v[3])}
		byOID[r.OID] = r
		rels = append(rels, r)
	})
	if len(rels) == 0 {
		return nil, l.err
	}
	l.each(columnsFrom+" AND c.relnamespace = pg_my_temp_schema() ORDER BY a.attrelid, a.attnum", columnsWide, func(v []driver.Value) {
		if r := byOID[number(v[0])]; r != nil {
			r.Columns = append(r.Columns, columnOf(v))
		}
	})
	return rels, l.err
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
