package shardmap_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
)

func TestParseNameFoldsAndQuotesAsPostgreSQLDoes(t *testing.T) {
	for _, tc := range []struct{ in, schema, name string }{
		{"accounts", "public", "accounts"},
		{"Accounts", "public", "accounts"},
		{`"Accounts"`, "public", "Accounts"},
		{"Sales.Orders", "sales", "orders"},
		{`"Sales"."Or.ders"`, "Sales", "Or.ders"},
		{`"say ""hi"""`, "public", `say "hi"`},
		{" sales . orders ", "sales", "orders"},
		{"_a1$", "public", "_a1$"},
		{"ÄRGER", "public", "Ärger"},
		{strings.Repeat("x", 63), "public", strings.Repeat("x", 63)},
	} {
		schema, name, err := shardmap.ParseName(tc.in)
		require.NoError(t, err, tc.in)
		assert.Equal(t, tc.schema, schema, tc.in)
		assert.Equal(t, tc.name, name, tc.in)
	}
}

func TestParseNameRefusesWhatPostgreSQLWouldReadDifferently(t *testing.T) {
	for in, says := range map[string]string{
		"":                      "missing",
		"  ":                    "missing",
		"a.":                    "missing",
		".a":                    `unexpected '.'`,
		"a.b.c":                 "schema.table",
		"my-table":              "double quotes",
		"1a":                    "double quotes",
		`"a`:                    "closing",
		`""`:                    "must not be empty",
		`U&"d\0061t"`:           "unexpected '&'",
		"a b":                   "unexpected 'b'",
		strings.Repeat("x", 64): "63 bytes",
		"\xff":                  "UTF-8",
		"\"a\x00\"":             "zero byte",
	} {
		_, _, err := shardmap.ParseName(in)
		require.Error(t, err, in)
		assert.Contains(t, err.Error(), says, in)
	}
}

// Whatever is read can be written down quoted and read again.
func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"a", "A.b", `"A"."b""c"`, " a . b ", "a..b", `"`, "é", "a-b"} {
		f.Add(seed)
	}
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	f.Fuzz(func(t *testing.T, in string) {
		schema, name, err := shardmap.ParseName(in)
		if err != nil {
			return
		}
		if name == "" || schema == "" || len(name) > 63 || len(schema) > 63 {
			t.Fatalf("%q gives %q, %q", in, schema, name)
		}
		s, n, err := shardmap.ParseName(quote(schema) + "." + quote(name))
		if err != nil || s != schema || n != name {
			t.Fatalf("%q, quoted, gives %q, %q, %v", in, s, n, err)
		}
	})
}
