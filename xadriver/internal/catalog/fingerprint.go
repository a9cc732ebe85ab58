package catalog

import "context"

// fingerprint changes whenever somebody changes what Load reads. It does not when a
// table is emptied or analysed, nor by temporary tables.
const fingerprint = `SELECT concat_ws(':', (` + systemMark + `),
  (SELECT sum(hashtext(concat_ws(' ', oid, relname, relnamespace, relkind, relhasrules, relrowsecurity))::int8) FROM pg_class
    WHERE oid >= 16384 AND relpersistence <> 't' AND relkind NOT IN ('t', 'i', 'I')),
  (SELECT sum(hashtext(a.attrelid || ' ' || a.attnum || ' ' || a.xmin)::int8) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE a.attrelid >= 16384 AND a.attnum > 0 AND c.relpersistence <> 't' AND c.relkind NOT IN ('t', 'i', 'I')),
  (SELECT sum(hashtext(d.oid || ' ' || d.xmin)::int8) FROM pg_attrdef d JOIN pg_class c ON c.oid = d.adrelid WHERE c.relpersistence <> 't'),
  (SELECT sum(hashtext(r.oid || ' ' || r.xmin)::int8) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE r.oid >= 16384 AND c.relpersistence <> 't'),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_proc WHERE oid >= 16384),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_namespace WHERE nspname !~ '^pg_(toast|temp)'),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_type WHERE oid >= 16384 AND typrelid = 0 AND typelem = 0),
  (SELECT sum(hashtext(k.oid || ' ' || k.xmin)::int8) FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.oid >= 16384 AND c.relpersistence IS DISTINCT FROM 't'),
  (SELECT sum(hashtext(i.indexrelid || ' ' || i.indrelid)::int8) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE i.indisunique AND i.indrelid >= 16384 AND c.relpersistence <> 't'),
  (SELECT sum(hashtext(i.inhrelid || ' ' || i.inhparent)::int8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE c.relpersistence <> 't'),
  (SELECT sum(hashtext(s.seqrelid || ' ' || s.xmin)::int8) FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid WHERE c.relpersistence <> 't'),
  (SELECT sum(hashtext(g.oid || ' ' || g.xmin)::int8) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND c.relpersistence <> 't'),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_cast WHERE oid >= 16384),
  (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_operator WHERE oid >= 16384))`

// systemMark changes when somebody replaces one of PostgreSQL's own functions, or the
// server. Most of those functions are as old as the first transaction, and are not
// looked at: what replaces one is younger.
const systemMark = `SELECT concat_ws('/', current_setting('server_version_num'), (SELECT sum(hashtext(oid || ' ' || xmin)::int8) FROM pg_proc
  WHERE oid < 16384 AND NOT xmin = 1))`

// Fingerprint asks a shard for a text that differs from an earlier answer of the
// same shard if its schema was changed in between.
func Fingerprint(ctx context.Context, q Queryer) (string, error) {
	return one(ctx, q, fingerprint, nil)
}
