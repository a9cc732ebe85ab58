package catalog

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// theTexts asks for what relations lack: the definitions of views, and of all views
// that these read, and defaults. This is where locks are waited for.
//
// Definitions are written out under a search_path of nothing but pg_catalog, so that
// all names in them are full ones. The setting is put back by the statement itself,
// since within a transaction it would stay until its end; the bound on waiting for
// locks is given outside of transactions only, where it ends with the statement.
const theTexts = `WITH RECURSIVE wanted(oid) AS (SELECT unnest(CAST(CAST($1 AS text) AS oid[])) UNION
  SELECT c.oid FROM wanted w JOIN pg_rewrite r ON r.ev_class = w.oid AND r.rulename = '_RETURN'
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class c ON c.oid = d.refobjid AND c.relkind = 'v' AND c.oid >= 16384)
SELECT json_build_object('views', v.views, 'defaults', v.defaults, 'path', set_config('search_path', s.path, true))::text
FROM (SELECT b.path, CASE WHEN CAST($2 AS text) <> '' THEN set_config('lock_timeout', CAST($2 AS text), true) END AS bound,
    set_config('search_path', 'pg_catalog', true) AS ready
  FROM (SELECT current_setting('search_path') AS path OFFSET 0) AS b OFFSET 0) AS s,
LATERAL (SELECT
  (SELECT json_agg(json_build_object('relation', c.oid::int8, 'text', pg_get_viewdef(c.oid))) FROM wanted w JOIN pg_class c ON c.oid = w.oid
    WHERE c.relkind = 'v' AND s.ready IS NOT NULL) AS views,
  (SELECT json_agg(json_build_object('relation', d.adrelid::int8, 'column', a.attname, 'text', pg_get_expr(d.adbin, 0)))
    FROM wanted w JOIN pg_attrdef d ON d.adrelid = w.oid JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.attgenerated = '' AND s.ready IS NOT NULL) AS defaults OFFSET 0) AS v`

// texts is the answer.
type texts struct {
	Views, Defaults []struct {
		Relation     int64
		Column, Text string
	}
}

func readTexts(ctx context.Context, q Queryer, list []*Relation, wait time.Duration) (t texts, err error) {
	bound := ""
	if wait > 0 {
		bound = milliseconds(wait)
	}
	answer, err := one(ctx, q, theTexts, []driver.NamedValue{{Ordinal: 1, Value: oids(list)}, {Ordinal: 2, Value: bound}})
	if err == nil {
		err = json.Unmarshal([]byte(answer), &t)
	}
	return t, err
}

// Complete reads what relations of the catalog lack. It waits for whoever keeps others
// from reading them, or the tables that a view names; outside of transactions, for so
// long at most, if that is not 0. When the schema has been changed since the catalog
// was read, the texts may not fit the rest of it: then they are kept only if they must
// do, and it reports false.
func (c *Catalog) Complete(ctx context.Context, q Queryer, list []*Relation, wait time.Duration, mustDo bool) (fit bool, err error) {
	t, err := readTexts(ctx, q, list, wait)
	if err != nil {
		return false, err
	}
	// A statement of its own, since the one before may have waited for somebody's change.
	mark, err := Fingerprint(ctx, q)
	if err != nil {
		return false, err
	}
	if fit = mark == c.Mark; fit || mustDo {
		c.adopt(t, false)
	}
	return fit, nil
}

// CompleteTemporary is Complete for temporary relations, on their session's connection.
func (c *Catalog) CompleteTemporary(ctx context.Context, q Queryer, list []*Relation) error {
	t, err := readTexts(ctx, q, list, 0)
	if err == nil {
		c.adopt(t, true)
	}
	return err
}

// adopt keeps texts of temporary relations, or of others.
func (c *Catalog) adopt(t texts, temporary bool) {
	full := make(map[int64]*Relation)
	of := func(oid int64) *Relation {
		r := c.lacking[oid]
		if r == nil || r.Temporary() != temporary {
			return nil
		}
		if full[oid] == nil {
			f := *r
			f.full, f.Columns = nil, append([]Column(nil), r.Columns...)
			full[oid] = &f
		}
		return full[oid]
	}
	for _, v := range t.Views {
		if r := of(v.Relation); r != nil {
			r.ViewDef = v.Text
		}
	}
	for _, d := range t.Defaults {
		if r := of(d.Relation); r != nil {
			if at := r.Column(d.Column); at >= 0 {
				r.Columns[at].Default = d.Text
			}
		}
	}
	for oid, r := range full {
		c.lacking[oid].full.Store(r)
	}
}

// settled waits until nobody else keeps a relation from being read, for so long at
// most. What has been dropped meanwhile is not waited for.
const settled = `SELECT sum(pg_relation_size(o.oid))::text FROM (SELECT set_config('lock_timeout', CAST($2 AS text), true) AS bound OFFSET 0) AS s,
LATERAL (SELECT unnest(CAST(CAST($1 AS text) AS oid[])) AS oid WHERE s.bound IS NOT NULL OFFSET 0) AS o`

// Settled waits until nobody else keeps others from using a relation. It must not be
// called within a transaction.
func Settled(ctx context.Context, q Queryer, r *Relation, wait time.Duration) error {
	_, err := one(ctx, q, settled, []driver.NamedValue{{Ordinal: 1, Value: oids([]*Relation{r})}, {Ordinal: 2, Value: milliseconds(wait)}})
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(max(1, d.Milliseconds()), 10) }

// oids writes an array of them.
func oids(list []*Relation) string {
	parts := make([]string, len(list))
	for i, r := range list {
		parts[i] = strconv.FormatInt(r.OID, 10)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
