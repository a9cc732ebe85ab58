package catalog

import "strings"

// What is asked of a server is one statement, so that all of it is of one moment, and
// its answer one JSON object. None of it calls a function that takes a lock on a table:
// defaults are written out without their table (pg_get_expr with 0), which they cannot
// name anyway.

// question asks for one member of the answer, a list.
type question struct{ name, sql string }

// object puts questions together, after what they have in common.
func object(with string, members ...string) string {
	return "WITH " + with + " SELECT json_build_object(" + strings.Join(members, ", ") + ")::text"
}

// list asks for all rows of a question.
func list(q question) string {
	return "'" + q.name + "', (SELECT json_agg(r) FROM (" + q.sql + ") AS r)"
}

// value asks for a single value.
func value(name, sql string) string { return "'" + name + "', (" + sql + ")" }

// The relations that questions are about, as "own". OIDs from 16384 on are not
// PostgreSQL's own (FirstNormalObjectId).
const (
	newer, older = ">= 16384", "< 16384"

	relation = "SELECT c.oid, c.relname, c.relkind, c.relhasrules, c.relrowsecurity, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
	kinds    = " AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')"
	lasting  = " AND n.nspname !~ '^pg_(toast|temp)'"

	systems  = "own AS MATERIALIZED (" + relation + " WHERE c.oid " + older + kinds + lasting + ")"
	users    = "own AS MATERIALIZED (" + relation + " WHERE c.oid " + newer + kinds + lasting + ")"
	numbered = "own AS MATERIALIZED (" + relation + " WHERE c.oid " + newer + kinds + lasting + " AND (c.relkind IN ('S', 'p') OR c.oid IN (" + numbers + ")))"
	sessions = "own AS MATERIALIZED (" + relation + " WHERE c.relnamespace = pg_my_temp_schema()" + kinds + ")"
)

const session = `SELECT row_to_json(s) FROM (SELECT current_user::text AS "user", to_json(current_schemas(false)) AS path,
  (SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()) AS bytewise,
  EXISTS (SELECT FROM pg_trigger WHERE tgdeferrable) AS deferrable,
  json_build_object('search_path', current_setting('search_path'), 'extra_float_digits', current_setting('extra_float_digits'),
    'datestyle', current_setting('DateStyle'), 'array_nulls', current_setting('array_nulls'), 'xmloption', current_setting('xmloption'),
    'standard_conforming_strings', current_setting('standard_conforming_strings'),
    'transform_null_equals', current_setting('transform_null_equals')) AS settings) AS s`

// busy are tables that somebody else keeps all others from using, or waits to; those
// who have prepared their transaction have no pid any more. What the session itself has
// locked is nobody else's to change.
const busy = `SELECT json_agg(l.relation::int8) FROM pg_locks l JOIN pg_database b ON b.oid = l.database AND b.datname = current_database()
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation >= 16384 AND l.pid IS DISTINCT FROM pg_backend_pid()
  AND NOT EXISTS (SELECT FROM pg_locks m WHERE m.locktype = 'relation' AND m.database = l.database AND m.relation = l.relation AND m.pid = pg_backend_pid() AND m.granted)`

var relations = question{"relations", `SELECT c.oid::int8 AS oid, c.nspname AS schema, c.relname AS name, c.relkind AS kind, i.inhparent::int8 AS parent,
  c.oid IN (SELECT confrelid FROM pg_constraint WHERE contype = 'f') AS referenced,
  c.oid IN (SELECT tgrelid FROM pg_trigger WHERE NOT tgisinternal) OR c.relhasrules AND c.relkind IN ('r', 'p') AS triggers,
  c.relrowsecurity AS rowsecurity
FROM own c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND i.inhseqno = 1`}

// typeName is a type's name, under which it is found whatever the search_path.
const typeName = `CASE WHEN tn.nspname = 'pg_catalog' THEN format_type(t.oid, -1) ELSE quote_ident(tn.nspname) || '.' || quote_ident(t.typname) END`

var columns = question{"columns", `SELECT a.attrelid::int8 AS relation, a.attnum AS number, a.attname AS name,
  (CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END)::int8 AS typeoid,
  CASE WHEN t.typtype = 'd' AND a.atttypmod = -1 THEN t.typtypmod ELSE a.atttypmod END AS typmod,
  a.attnotnull AS notnull, a.attgenerated <> '' AS generated, a.attidentity AS kind,
  coalesce(NOT co.collisdeterministic, false) AS nondeterministic, ` + typeName + ` AS type,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, CASE WHEN a.atttypmod = -1 THEN t.typtypmod ELSE a.atttypmod END)
    WHEN tn.nspname = 'pg_catalog' THEN format_type(a.atttypid, a.atttypmod) ELSE ` + typeName + ` END ||
    CASE WHEN a.attcollation NOT IN (0, 100) THEN (SELECT ' COLLATE ' || quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
      FROM pg_namespace cn WHERE cn.oid = co.collnamespace) ELSE '' END AS declared,
  coalesce(co.collprovider = 'c' AND co.collcollate IN ('C', 'POSIX') OR co.collname = 'default' AND co.collnamespace = 'pg_catalog'::regnamespace
    AND (SELECT datlocprovider = 'c' AND datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database()), false) AS bytewise
FROM own c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace LEFT JOIN pg_collation co ON co.oid = a.attcollation
WHERE c.relkind <> 'S' AND c.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY a.attrelid, a.attnum`}

// defaults are those of columns. To write out values of composite types takes locks on
// the tables that the types belong to, so the text of what depends on such types is
// left out.
var defaults = question{"defaults", `SELECT d.adrelid::int8 AS relation, d.adnum AS number,
  CASE WHEN d.oid NOT IN (SELECT objid FROM composite) THEN pg_get_expr(d.adbin, 0) END AS text
FROM own c JOIN pg_attrdef d ON d.adrelid = c.oid JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated = ''`}

const composite = `composite AS MATERIALIZED (SELECT d.objid FROM pg_depend d
  JOIN pg_type t ON t.oid = d.refobjid LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_type e ON e.oid = t.typelem
  WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_type'::regclass
    AND (t.typtype NOT IN ('b', 'e', 'd') OR b.typtype NOT IN ('b', 'e') OR b.typelem <> 0 OR e.typtype NOT IN ('b', 'e'))
  UNION SELECT d.objid FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid JOIN pg_class c ON c.oid = d.refobjid
  WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass AND c.relkind <> 'S' AND c.oid <> f.adrelid)`

// numbers are tables with columns that sequences number, and those that others inherit
// from.
const numbers = `SELECT refobjid FROM pg_depend WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND deptype = 'i' AND refobjsubid > 0
  UNION SELECT f.adrelid FROM pg_attrdef f JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S'
  UNION SELECT inhparent FROM pg_inherits`

// numbering says which sequences number which columns: those of identities, and those
// that defaults name.
var numbering = question{"numbering", `SELECT d.refobjid::int8 AS relation, d.refobjsubid AS number, quote_ident(s.nspname) || '.' || quote_ident(s.relname) AS sequence
FROM own s JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
WHERE s.relkind = 'S'
UNION ALL SELECT f.adrelid::int8, f.adnum, quote_ident(n.nspname) || '.' || quote_ident(s.relname)
FROM pg_attrdef f JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
JOIN pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' JOIN pg_namespace n ON n.oid = s.relnamespace`}

var uniques = question{"uniques", `SELECT i.indrelid::int8 AS relation, x.relname AS index, coalesce(k.conname::text, '') AS constraint, i.indisprimary AS primary,
  i.indpred IS NOT NULL OR 0 = ANY (i.indkey::int2[]) AS partial,
  (SELECT json_agg(a.attname ORDER BY p.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS p(col, n)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = p.col WHERE p.n <= i.indnkeyatts) AS columns
FROM own c JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') AND k.conrelid = i.indrelid
WHERE (i.indisunique OR k.contype = 'x') AND c.nspname NOT IN ('pg_catalog', 'information_schema')`}

func types(of string) question {
	return question{"types", `SELECT t.oid::int8 AS oid, ` + typeName + ` AS name FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace
WHERE t.oid ` + of + ` AND t.typtype <> 'p' AND (t.typrelid = 0 OR EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relpersistence <> 't'))`}
}

var sequences = question{"sequences", `SELECT c.nspname AS schema, c.relname AS name, quote_ident(c.nspname) || '.' || quote_ident(c.relname) AS quoted,
  s.seqstart AS start, s.seqincrement AS increment FROM own c JOIN pg_sequence s ON s.seqrelid = c.oid`}

// functions puts the functions of a name together. An aggregate is as opaque as the
// functions that it consists of.
func functions(of string) question {
	return question{"functions", `SELECT schema, name, bool_or(aggregate) AS aggregate, bool_or(windowed) AS window, bool_or(set) AS set, bool_or(volatile) AS volatile,
  bool_or(opaque) AS opaque, coalesce(string_agg(source, ' '), '') AS source,
  CASE WHEN count(1) = 1 THEN min(body) END AS body, CASE WHEN count(1) = 1 THEN min(args) END AS args
FROM (SELECT n.nspname AS schema, p.proname AS name, p.prokind = 'a' AS aggregate, p.prokind = 'w' AS windowed, p.proretset AS set, p.provolatile <> 'i' AS volatile,
    l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
      OR p.prokind = 'a' AND EXISTS (SELECT FROM pg_aggregate g JOIN pg_proc f ON f.oid IN (g.aggtransfn, g.aggfinalfn) JOIN pg_language fl ON fl.oid = f.prolang
        WHERE g.aggfnoid = p.oid AND fl.lanname NOT IN ('c', 'internal') AND f.provolatile <> 'i') AS opaque,
    CASE WHEN l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN ('pg_catalog', 'information_schema') THEN p.prosrc END AS source,
    CASE WHEN l.lanname = 'sql' AND p.provolatile <> 'v' AND p.prosqlbody IS NULL AND p.proconfig IS NULL THEN p.prosrc END AS body,
    array_to_string(p.proargnames[1:p.pronargs], chr(1), '') AS args
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang WHERE p.oid ` + of + `) AS f
GROUP BY schema, name`}
}

// casts are types that have casts to text of their users' making.
const casts = `SELECT json_agg(castsource::int8) FROM pg_cast WHERE casttarget = 'text'::regtype AND castfunc <> 0 AND oid >= 16384`

// opaque are functions that may read tables.
const opaque = `opaque AS (SELECT p.oid FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
  WHERE l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i' AND p.oid >= 16384)`

// operators are those whose functions may read tables.
const operators = `SELECT json_agg(DISTINCT o.oprname) FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode JOIN pg_language l ON l.oid = p.prolang
WHERE o.oid >= 16384 AND l.lanname NOT IN ('c', 'internal') AND p.provolatile <> 'i'`

// opaqueTypes are types to which a cast runs a function that may read tables: a cast's
// own, or one in a domain's constraint.
const opaqueTypes = `SELECT json_agg(t.typname) FROM pg_type t WHERE t.oid IN (SELECT c.casttarget FROM pg_cast c JOIN opaque p ON p.oid = c.castfunc)
OR t.oid IN (SELECT k.contypid FROM pg_constraint k JOIN pg_depend d ON d.classid = 'pg_constraint'::regclass AND d.objid = k.oid
  JOIN opaque p ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid WHERE k.contypid <> 0)`

// everything is all that Load asks for each time.
var everything = object(users+", "+composite+", "+opaque,
	value("busy", busy), value("mark", fingerprint), value("system", systemMark), value("session", session),
	list(relations), list(columns), list(defaults), list(numbering), list(uniques), list(types(newer)), list(sequences), list(functions(newer)),
	value("casts", casts), value("operators", operators), value("opaquetypes", opaqueTypes))

// theSystem is what Load asks once: what is PostgreSQL's own.
var theSystem = object(systems, value("system", systemMark), list(relations), list(types(older)), list(functions(older)))

// ofNumbers asks for the tables that sequences number.
var ofNumbers = object(numbered, list(relations), list(columns), list(numbering), list(sequences))

// ofTheSession asks for the temporary relations of a session.
var ofTheSession = object(sessions+", "+composite, list(relations), list(columns), list(defaults), list(numbering))
