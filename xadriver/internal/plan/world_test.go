package plan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// The world of these tests: three shards, s0 is home. Keys are placed by list, so
// that a test can say where they are: text keys a… are on s0, b… on s1, c… on s2,
// and numbers 1x, 2x, 3x likewise.
const (
	boolOID, byteaOID, int8OID, int2OID, int4OID, textOID, oidOID = 16, 17, 20, 21, 23, 25, 26
	float4OID, float8OID, bpcharOID, varcharOID, dateOID          = 700, 701, 1042, 1043, 1082
	timestampOID, timestamptzOID, intervalOID, numericOID         = 1114, 1184, 1186, 1700
	recordOID, uuidOID                                            = 2249, 2950
)

var typeNames = map[uint32]string{
	boolOID: "boolean", byteaOID: "bytea", int8OID: "bigint", int2OID: "smallint", int4OID: "integer", textOID: "text", oidOID: "oid",
	float4OID: "real", float8OID: "double precision", bpcharOID: "bpchar", varcharOID: "character varying", dateOID: "date",
	timestampOID: "timestamp without time zone", timestamptzOID: "timestamp with time zone", intervalOID: "interval", numericOID: "numeric",
	uuidOID: "uuid",
}

func column(name string, oid uint32) catalog.Column {
	return catalog.Column{Name: name, TypeOID: oid, Typmod: -1, Type: typeNames[oid], Declared: typeNames[oid]}
}

func relation(name string, kind byte, cols ...catalog.Column) *catalog.Relation {
	return &catalog.Relation{Name: catalog.Name{Schema: "public", Name: name}, Kind: kind, Columns: cols}
}

// keyed gives a relation a primary key.
func keyed(r *catalog.Relation, columns ...string) *catalog.Relation {
	for i, c := range r.Columns {
		r.Columns[i].NotNull = slices.Contains(columns, c.Name)
	}
	r.Unique = append(r.Unique, catalog.Unique{Index: r.Name.Name + "_pkey", Constraint: r.Name.Name + "_pkey", Columns: columns, Primary: true})
	return r
}

func layout(t testing.TB) *shardmap.Map {
	t.Helper()
	owners := []shardmap.ListEntry{
		{Shard: "s0", Values: []string{"a", "a2", "a3"}}, {Shard: "s1", Values: []string{"b", "b2", "b3"}}, {Shard: "s2", Values: []string{"c"}, Default: true},
	}
	ids := []shardmap.ListEntry{{Shard: "s0", Values: []string{"1", "11"}}, {Shard: "s1", Values: []string{"2", "22"}}, {Shard: "s2", Values: []string{"3"}, Default: true}}
	tables := []shardmap.TableSpec{
		{Name: "accounts", Key: "owner", List: owners}, {Name: "ledger", Key: "owner", List: owners},
		{Name: "items", Key: "id", List: ids}, {Name: "hashed", Key: "id"},
		{Name: "currencies", Reference: true}, {Name: "counted", Reference: true}, {Name: "rates", Reference: true},
	}
	for _, own := range []string{"typed", "bills", "stamped", "gapped", "guarded", "linked", "computed"} {
		tables = append(tables, shardmap.TableSpec{Name: own, Key: "owner", List: owners})
	}
	m, err := shardmap.New(shardmap.Spec{Shards: []string{"s0", "s1", "s2"}, Tables: tables, Keys: []string{"tenant_id"}})
	require.NoError(t, err)
	return m
}

func tables() []*catalog.Relation {
	counted := relation("counted", 'r', column("id", int8OID), column("at", timestamptzOID))
	counted.Columns[0].Default, counted.Columns[0].Sequence = "nextval('counted_id_seq'::regclass)", "public.counted_id_seq"
	numbered := relation("numbered", 'r', column("tenant_id", int4OID), column("id", int8OID))
	numbered.Columns[1].Identity, numbered.Columns[1].Sequence = true, "public.numbered_id_seq"
	spread := relation("spread", 'r', column("tenant_id", int4OID), column("id", int8OID))
	spread.Columns[1].Identity, spread.Columns[1].Sequence = true, "public.spread_id_seq"
	child := relation("accounts_2026", 'r', column("owner", textOID), column("balance", int8OID), column("note", textOID))
	accounts := relation("accounts", 'p', column("owner", textOID), column("balance", int8OID), column("note", textOID))
	child.Parent = accounts
	view := relation("rich", 'v', column("owner", textOID), column("balance", int8OID))
	view.ViewDef = " SELECT accounts.owner,\n    accounts.balance\n   FROM accounts\n  WHERE (accounts.balance > 100);"
	top := relation("top", 'v', column("owner", textOID))
	top.ViewDef = "SELECT accounts.owner FROM accounts ORDER BY accounts.balance LIMIT 3"
	return append([]*catalog.Relation{
		accounts, child, view, top, counted, numbered, spread,
		relation("ledger", 'r', column("owner", textOID), column("n", int8OID), column("amount", int8OID)),
		keyed(relation("items", 'r', column("id", int8OID), column("owner", textOID), column("price", numericOID)), "id"),
		relation("hashed", 'r', column("id", int8OID), column("v", textOID)),
		relation("currencies", 'r', column("code", textOID), column("name", textOID)),
		relation("audit", 'r', column("id", int8OID), column("what", textOID)),
		relation("orders", 'r', column("id", int8OID), column("tenant_id", int4OID)),
		{Name: catalog.Name{Schema: "pg_catalog", Name: "pg_class"}, Kind: 'r'},
		relation("spread_id_seq", 'S'), relation("counted_id_seq", 'S'),
	}, writable()...)
}

// writable are the tables that the tests of programs and writes use besides.
func writable() []*catalog.Relation {
	typed := relation("typed", 'r', column("owner", textOID), column("b", boolOID), column("raw", byteaOID), column("i", int4OID), column("f", float8OID),
		column("g", float4OID), column("d", dateOID), column("ts", timestampOID), column("tz", timestamptzOID), column("u", uuidOID),
		column("num", numericOID), column("iv", intervalOID), column("c", textOID), column("v", varcharOID), column("fixed", bpcharOID))
	typed.Columns[12].Bytewise, typed.Columns[12].Declared = true, `text COLLATE pg_catalog."C"`
	typed.Columns[14].Declared = "character(8)"
	bills := keyed(relation("bills", 'r', column("owner", textOID), column("n", int8OID), column("amount", int8OID), column("note", textOID)), "owner", "n")
	bills.Columns[3].Default = "'none'::text"
	stamped := keyed(relation("stamped", 'r', column("owner", textOID), column("n", int8OID), column("at", timestamptzOID)), "owner", "n")
	stamped.Columns[2].Default = "now()"
	gapped := keyed(relation("gapped", 'r', column("owner", textOID), column("n", int8OID), column("at", timestamptzOID)), "owner")
	gapped.Columns[2].Default = "now()"
	guarded := keyed(relation("guarded", 'r', column("owner", textOID), column("n", int8OID)), "owner", "n")
	guarded.Triggers = true
	linked := keyed(relation("linked", 'r', column("owner", textOID), column("n", int8OID)), "owner")
	linked.Referenced = true
	linked.Unique = append(linked.Unique, catalog.Unique{Index: "linked_n_key", Constraint: "linked_n_key", Columns: []string{"n"}})
	computed := keyed(relation("computed", 'r', column("owner", textOID), column("n", int8OID), column("twice", int8OID)), "owner")
	computed.Columns[0].Default = "upper('b'::text)"
	computed.Columns[2].Generated, computed.Columns[2].Default = true, "n * 2"
	rates := keyed(relation("rates", 'r', column("code", textOID), column("n", int8OID), column("at", timestamptzOID)), "code")
	rates.Columns[2].Default = "now()"
	return []*catalog.Relation{typed, bills, stamped, gapped, guarded, linked, computed, rates, keyed(relation("notes", 'r', column("id", int8OID), column("what", textOID)), "id")}
}

func functions() map[catalog.Name]catalog.Function {
	out := map[catalog.Name]catalog.Function{
		{Schema: "pg_catalog", Name: "row_number"}: {Window: true}, {Schema: "pg_catalog", Name: "random"}: {Volatile: true},
		{Schema: "pg_catalog", Name: "now"}: {Volatile: true}, {Schema: "pg_catalog", Name: "nextval"}: {Volatile: true},
		{Schema: "pg_catalog", Name: "generate_series"}: {Set: true}, {Schema: "pg_catalog", Name: "pg_notify"}: {Volatile: true, Notifies: true},
		{Schema: "public", Name: "peek"}: {Volatile: true, Opaque: true}, {Schema: "public", Name: "pure"}: {},
		{Schema: "public", Name: "get_balance"}: {Volatile: true, Opaque: true, Body: "SELECT balance FROM accounts WHERE owner = who", Args: []string{"who"}},
	}
	for _, name := range []string{
		"count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every", "bit_and", "bit_or", "bit_xor", "string_agg", "array_agg", "stddev",
		"percentile_cont",
	} {
		out[catalog.Name{Schema: "pg_catalog", Name: name}] = catalog.Function{Aggregate: true}
	}
	for _, name := range []string{
		"set_config", "current_setting", "pg_advisory_lock", "pg_advisory_xact_lock", "currval", "setval", "lastval", "pg_backend_pid", "clock_timestamp",
		"statement_timestamp", "transaction_timestamp", "lo_create", "pg_get_serial_sequence",
	} {
		out[catalog.Name{Schema: "pg_catalog", Name: name}] = catalog.Function{Volatile: true}
	}
	for _, name := range []string{"upper", "lower", "length", "abs", "concat", "unnest"} {
		out[catalog.Name{Schema: "pg_catalog", Name: name}] = catalog.Function{}
	}
	return out
}

func world(t testing.TB) (*plan.Planner, *catalog.Catalog) {
	t.Helper()
	return plan.New(layout(t), 100), load(t, tables(), functions(), []catalog.Sequence{
		{Name: catalog.Name{Schema: "public", Name: "numbered_id_seq"}, Start: 1, Increment: 1},
		{Name: catalog.Name{Schema: "public", Name: "spread_id_seq"}, Start: 1, Increment: plan.DefaultStride},
		{Name: catalog.Name{Schema: "public", Name: "counted_id_seq"}, Start: 1, Increment: 1},
	})
}

// load makes a catalog of what the tests know.
func load(t testing.TB, rels []*catalog.Relation, funcs map[catalog.Name]catalog.Function, seqs []catalog.Sequence) *catalog.Catalog {
	t.Helper()
	return loaded(rels, funcs, seqs)
}

func loaded(rels []*catalog.Relation, funcs map[catalog.Name]catalog.Function, seqs []catalog.Sequence) *catalog.Catalog {
	byName := make(map[string]catalog.Sequence, len(seqs))
	for _, s := range seqs {
		byName[s.String()] = s
	}
	return catalog.Of(catalog.Known{User: "app", SearchPath: []string{"public"}, Relations: rels, Functions: funcs, Types: typeNames, Sequences: byName})
}
