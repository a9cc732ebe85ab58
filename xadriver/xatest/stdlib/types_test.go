package stdlib_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// sampled is a type with values of it, as PostgreSQL writes them. The n-th value
// of each type is in the n-th row of the tables of everything; shorter lists are
// filled up with NULL.
type sampled struct {
	name   string // in SQL
	values []string
}

// column is the type's column in the tables of everything.
func (s sampled) column() string {
	return "c_" + strings.NewReplacer("[]", "_array", "(", "_", ")", "", ",", "_", " ", "_", `"`, "").Replace(s.name)
}

// ownTypes are the types that the tests make.
var ownTypes = []string{
	`CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s, "fine"')`,
	`CREATE DOMAIN positive AS integer CHECK (VALUE > 0)`,
	`CREATE DOMAIN code AS varchar(3)`,
	`CREATE TYPE pair AS (n integer, s text)`,
	`CREATE TYPE texts AS RANGE (SUBTYPE = text)`,
}

// makeTypes makes the types, and tells which extensions and features the server
// does not have.
func makeTypes(ctx context.Context, db *sql.DB) (lacking []string, err error) {
	if _, err := db.ExecContext(ctx, strings.Join(ownTypes, "; ")); err != nil {
		return nil, err
	}
	for name, try := range map[string]string{"hstore": "CREATE EXTENSION hstore", "citext": "CREATE EXTENSION citext", "xml": "SELECT '<a/>'::xml"} {
		var pgErr *pgconn.PgError
		switch _, err := db.ExecContext(ctx, try); {
		case errors.As(err, &pgErr):
			lacking = append(lacking, name)
		case err != nil:
			return nil, err
		}
	}
	return lacking, nil
}

// types are all kinds of types that PostgreSQL has, with ordinary values and those
// at the edge.
var types = []sampled{
	{"smallint", []string{"0", "-32768", "32767"}},
	{"integer", []string{"0", "-2147483648", "2147483647"}},
	{"bigint", []string{"0", "-9223372036854775808", "9223372036854775807"}},
	{"real", []string{"1.5", "NaN", "-Infinity", "3.4028235e38"}},
	{"double precision", []string{"0.1", "NaN", "Infinity", "-1.7976931348623157e308"}},
	{"numeric", []string{"0", "NaN", "Infinity", "-123456789012345678901234567890.0123456789"}},
	{"numeric(9,2)", []string{"1.10", "-9999999.99"}},
	{"boolean", []string{"true", "false"}},
	{"text", []string{"", "a'b\"c\\d", "käse\n日本", "NULL"}},
	{"varchar", []string{"a", ""}},
	{"varchar(5)", []string{"abcde", "x "}},
	{"char(5)", []string{"ab", "abcde"}},
	{`"char"`, []string{"x"}},
	{"name", []string{"a_name"}},
	{"bytea", []string{``, `\x00ff10`, `\x5c27`}},
	{"uuid", []string{"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
	{"date", []string{"2024-02-29", "0001-01-01", "9999-12-31", "infinity"}},
	{"time", []string{"00:00:00", "23:59:59.999999", "24:00:00"}},
	{"timetz", []string{"12:00:00+02", "00:00:00-15:59"}},
	{"timestamp", []string{"2024-02-29 12:34:56.789012", "0001-01-01 00:00:00", "-infinity"}},
	{"timestamptz", []string{"2024-02-29 12:34:56.789012+02", "2024-07-01 00:00:00Z", "infinity"}},
	{"timestamp(0)", []string{"2024-02-29 12:34:56"}},
	{"interval", []string{"1 year 2 mons -3 days 04:05:06.789", "00:00:00", "-178000000 years"}},
	{"json", []string{`{"b":1,  "a":[1,null]}`, "null", `"x"`}},
	{"jsonb", []string{`{"b":1,  "a":[1,null]}`, "null", "9007199254740993"}},
	{"inet", []string{"192.168.0.1/24", "10.0.0.1", "::1"}},
	{"cidr", []string{"192.168.0.0/24", "2001:db8::/32"}},
	{"macaddr", []string{"08:00:2b:01:02:03"}},
	{"macaddr8", []string{"08:00:2b:01:02:03:04:05"}},
	{"bit(3)", []string{"101"}},
	{"varbit(8)", []string{"10101", ""}},
	{"varbit", []string{"1"}},
	{"money", []string{"12.34", "-0.01"}},
	{"mood", []string{"sad", `it's, "fine"`}},
	{"positive", []string{"7"}},
	{"code", []string{"abc"}},
	{"pair", []string{`(1,"a,b")`, `(,)`}},
	{"int4range", []string{"[1,5)", "empty", "(,)"}},
	{"int8range", []string{"[1,5)"}},
	{"numrange", []string{"(1.5,2.5]"}},
	{"daterange", []string{"[2024-01-01,2024-02-01)"}},
	{"tsrange", []string{`["2024-01-01 00:00:00",)`}},
	{"tstzrange", []string{`["2024-01-01 00:00:00+00","2024-01-02 00:00:00+00"]`}},
	{"texts", []string{"[a,b)"}},
	{"int4multirange", []string{"{[1,3),[5,9)}", "{}"}},
	{"tsvector", []string{"'a':1 'b':2A"}},
	{"tsquery", []string{"'a' & !'b'"}},
	{"point", []string{"(1.5,-2)"}},
	{"line", []string{"{1,-1,0}"}},
	{"lseg", []string{"[(0,0),(1,1)]"}},
	{"box", []string{"(1,1),(0,0)"}},
	{"path", []string{"((0,0),(1,1))"}},
	{"polygon", []string{"((0,0),(1,1),(1,0))"}},
	{"circle", []string{"<(0,0),1.5>"}},
	{"oid", []string{"4294967295", "0"}},
	{"xid", []string{"4294967295"}},
	{"cid", []string{"7"}},
	{"tid", []string{"(1,2)"}},
	{"pg_lsn", []string{"16/B374D848"}},
	{"regclass", []string{"pg_class"}},
	{"regtype", []string{"integer"}},
	{"jsonpath", []string{`$."a"[*]`}},
	{"xml", []string{"<a>b</a>"}},
	{"hstore", []string{`"a"=>"1", "b"=>NULL`}},
	{"citext", []string{"MiXed"}},
	{"smallint[]", []string{"{1,NULL,3}"}},
	{"integer[]", []string{"{1,2,3}", "{{1,2},{3,NULL}}", "{}", "[0:1]={5,6}"}},
	{"bigint[]", []string{"{-9223372036854775808}"}},
	{"real[]", []string{"{1.5,NaN}"}},
	{"double precision[]", []string{"{Infinity,NULL}"}},
	{"numeric[]", []string{"{1.10,NaN}"}},
	{"boolean[]", []string{"{t,f,NULL}"}},
	{"text[]", []string{`{a,NULL,"NULL","a\"b\\c,","{}"}`, `{{a,b},{c,d}}`, "{}"}},
	{"varchar(5)[]", []string{"{abc}"}},
	{"char(3)[]", []string{"{a}"}},
	{"bytea[]", []string{`{"\\x00","\\xff",NULL}`}},
	{"uuid[]", []string{"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,NULL}"}},
	{"date[]", []string{"{2024-02-29,infinity}"}},
	{"timestamp[]", []string{`{"2024-02-29 12:34:56",NULL}`}},
	{"timestamptz[]", []string{`{"2024-02-29 12:34:56+00"}`}},
	{"interval[]", []string{`{"1 day",00:00:01}`}},
	{"jsonb[]", []string{`{"{\"a\": 1}",NULL}`}},
	{"inet[]", []string{"{10.0.0.1}"}},
	{"mood[]", []string{`{sad,NULL,"it's, \"fine\""}`}},
	{"pair[]", []string{`{"(1,\"a,b\")",NULL}`}},
	{"int4range[]", []string{`{"[1,3)",empty}`}},
	{"point[]", []string{`{"(1,2)"}`}},
}

// present are the types that the servers have.
func present() (out []sampled) {
	for _, s := range types {
		missing := false
		for _, name := range stage.lacking {
			missing = missing || strings.HasPrefix(s.name, name)
		}
		if !missing {
			out = append(out, s)
		}
	}
	return out
}

// everythingRows is how many rows a table of everything has: the longest list of
// values, and one of NULLs.
const everythingRows = 5

// makeEverything makes a table with a column of each type, and fills it.
func makeEverything(ctx context.Context, db *sql.DB, name string) error {
	var all []sampled
	columns := []string{"id integer PRIMARY KEY"}
	for _, s := range present() {
		all = append(all, s)
		columns = append(columns, s.column()+" "+s.name)
	}
	if _, err := db.ExecContext(ctx, "CREATE TABLE "+name+" ("+strings.Join(columns, ", ")+")"); err != nil {
		return err
	}
	var script strings.Builder
	for id := range everythingRows {
		values := []string{fmt.Sprint(id)}
		for _, s := range all {
			value := "NULL"
			if id < len(s.values) {
				value = "'" + strings.ReplaceAll(s.values[id], "'", "''") + "'"
			}
			values = append(values, value)
		}
		script.WriteString("INSERT INTO " + name + " VALUES (" + strings.Join(values, ", ") + ");")
	}
	_, err := db.ExecContext(ctx, script.String())
	return err
}
