package shardmap

import "strings"

// Type is a type that a key column can have.
type Type uint8

// The types of key columns. A domain counts as its base type.
const (
	Int2 Type = iota + 1
	Int4
	Int8
	Text
	Varchar
	Bpchar
	UUID
	Date
	Timestamp
	Timestamptz
	Bool
	Bytea
	Numeric
)

// family holds together the types whose equal values are equal keys.
type family uint8

const (
	integers family = iota + 1
	texts
	paddedTexts
	uuids
	dates
	timestamps
	instants
	bools
	byteas
	numerics
)

var types = [...]struct {
	name   string
	oid    uint32
	family family
	hash   string
}{
	Int2:        {"smallint", 21, integers, "hashint2extended"},
	Int4:        {"integer", 23, integers, "hashint4extended"},
	Int8:        {"bigint", 20, integers, "hashint8extended"},
	Text:        {"text", 25, texts, "hashtextextended"},
	Varchar:     {"character varying", 1043, texts, "hashtextextended"},
	Bpchar:      {"character", 1042, paddedTexts, "hashbpcharextended"},
	UUID:        {"uuid", 2950, uuids, "uuid_hash_extended"},
	Date:        {"date", 1082, dates, ""},
	Timestamp:   {"timestamp without time zone", 1114, timestamps, "timestamp_hash_extended"},
	Timestamptz: {"timestamp with time zone", 1184, instants, ""},
	Bool:        {"boolean", 16, bools, ""},
	Bytea:       {"bytea", 17, byteas, ""},
	Numeric:     {"numeric", 1700, numerics, "hash_numeric_extended"},
}

// TypeOf tells which type an OID of pg_type is; false if it cannot be a key's.
func TypeOf(oid uint32) (Type, bool) {
	for t := range types {
		if types[t].oid == oid && oid != 0 {
			return Type(t), true
		}
	}
	return 0, false
}

// String is the name that PostgreSQL's format_type gives the type.
func (t Type) String() string {
	if int(t) < len(types) && t != 0 {
		return types[t].name
	}
	return "unknown type"
}

// HashFunction is the SQL function that computes Key.Hash for a column of this
// type. It is empty for date, timestamptz, boolean and bytea, whose function SQL
// cannot call with such an argument; the formula in the package comment serves
// for every type.
func (t Type) HashFunction() string {
	if int(t) < len(types) {
		return types[t].hash
	}
	return ""
}

func (t Type) family() family {
	if int(t) < len(types) {
		return types[t].family
	}
	return 0
}

func typeNames() []string {
	names := make([]string, 0, len(types))
	for t := Int2; int(t) < len(types); t++ {
		names = append(names, t.String())
	}
	return names
}

// otherTypes names types of pg_type that people do try to shard by.
var otherTypes = map[uint32]string{
	18: `"char"`, 19: "name", 26: "oid", 114: "json", 700: "real", 701: "double precision", 790: "money",
	829: "macaddr", 869: "inet", 650: "cidr", 1083: "time without time zone", 1186: "interval",
	1266: "time with time zone", 1560: "bit", 1562: "bit varying", 3802: "jsonb",
}

const blanks = " \t\n\v\f\r"

func trimBlanks(s string) string { return strings.Trim(s, blanks) }
