package plan

import (
	"strings"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// function takes notice of a call.
func (a *analysis) function(f *pg.FuncCall, sc *scope) {
	list := names(f.Funcname)
	if len(list) == 0 {
		return
	}
	schema, name := "", list[len(list)-1]
	if len(list) > 1 {
		schema = list[len(list)-2]
	}
	info, known := a.cat.Function(schema, name)
	if !known {
		info = catalog.Function{Volatile: true} // a cast in function's clothing, or an error to come
	}
	own := a.builtin(f)
	a.userFunc = a.userFunc || own == ""
	a.volatile = a.volatile || info.Volatile && !info.Aggregate && !info.Window
	if _, own := a.cat.Function("pg_catalog", name); info.Volatile && !own || strings.HasPrefix(name, "lo_") {
		a.foreign = true
	}
	a.notifies = a.notifies || info.Notifies
	for _, prefix := range []string{"pg_logical_", "pg_replication_", "pg_export_", "pg_create_", "pg_drop_", "pg_copy_", "pg_advisory_", "pg_try_advisory_", "lo_"} {
		a.effects = a.effects || strings.HasPrefix(name, prefix)
	}
	switch own {
	case "now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "timeofday":
		a.now = true
	case "pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared", "pg_advisory_unlock",
		"pg_advisory_unlock_all", "pg_advisory_unlock_shared":
		a.session = true
	case "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared", "pg_try_advisory_xact_lock", "pg_try_advisory_xact_lock_shared":
		a.unsharded, a.homeOnly, a.holds = true, true, true // home's locks are everybody's
	case "current_setting":
		if len(f.Args) > 0 && strings.HasPrefix(f.Args[0].GetAConst().GetSval().GetSval(), "transaction_") {
			a.homeOnly = true
		}
	case "query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml", "cursor_to_xmlschema", "table_to_xml", "table_to_xmlschema",
		"table_to_xml_and_xmlschema", "schema_to_xml", "schema_to_xmlschema", "schema_to_xml_and_xmlschema", "database_to_xml", "database_to_xmlschema",
		"database_to_xml_and_xmlschema", "ts_stat", "pg_relation_size", "pg_total_relation_size", "pg_table_size", "pg_indexes_size", "pg_database_size":
		info.Opaque = true // tables are named in text
	case "string_agg", "array_agg", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg", "xmlagg":
		a.chooses = true // the order in which they take their values
	case "set_config":
		a.refuse("set_config", "settings must hold on every shard", "use SET or SET LOCAL", f.Location)
	case "nextval", "setval", "currval", "lastval":
		a.sequence(own, f)
	case "pg_backend_pid", "txid_current", "pg_current_xact_id", "pg_current_wal_lsn", "inet_server_addr", "inet_server_port":
		a.shows = true
	}
	if !info.Opaque {
		return
	}
	c := call{name: name, body: info.Body, position: int(pg.Position(a.sql, f.Location))}
	places, harmless := a.keyed(info)
	if harmless {
		return
	}
	for i, arg := range f.Args {
		if places[i] == nil {
			continue // what it reads is not bound by this argument
		}
		if k := a.keyOf(arg, sc); k != nil && k.table.Colocated(places[i]) {
			c.keys = append(c.keys, k)
		} else if k == nil {
			c.consts = append(c.consts, arg)
		}
	}
	a.calls = append(a.calls, c)
}

// operator takes notice of an operator whose function may read tables.
func (a *analysis) operator(e *pg.A_Expr) {
	list := names(e.Name)
	if len(list) == 0 || !a.cat.OpaqueOperator(list[len(list)-1]) {
		return
	}
	a.calls = append(a.calls, call{name: "of operator " + list[len(list)-1], position: int(pg.Position(a.sql, e.Location))})
}

// momentary notices a literal that PostgreSQL reads as the time, such as 'now' cast
// to a timestamp.
func (a *analysis) momentary(n *pg.Node, oid uint32) {
	switch oid {
	case 1082, 1083, 1114, 1184, 1266: // date, time, timestamp, timestamptz, timetz
	default:
		return
	}
	word := strings.ToLower(strings.TrimSpace(n.GetAConst().GetSval().GetSval()))
	for _, w := range []string{"now", "today", "tomorrow", "yesterday"} {
		if strings.HasPrefix(word, w) {
			a.literal, a.volatile = true, true
		}
	}
}

// timeTypes are the types whose literals may stand for the time.
var timeTypes = map[string]uint32{"date": 1082, "time": 1083, "timestamp": 1114, "timestamptz": 1184, "timetz": 1266}
