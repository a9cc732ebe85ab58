package plan

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// piece of a text: SQL, or a parameter.
type piece struct {
	sql   string
	param int
}

// pieces are texts in which not everything that looks like a parameter is one.
func pieces() *rapid.Generator[[]piece] {
	sql := rapid.SampledFrom([]string{
		"SELECT ", " + ", ", ", " '$1' ", " E'\\'$2' ", ` "$3" `, " $$ $4 $$ ", " $x$ $5 $$ $x$ ", " /* $6 /* $7 */ */ ", " -- $8\n", " a$9 ", " ü$1 ", "(", ")", " ", "\n", " 1.5 ", " U&'\\0024' ",
	})
	return rapid.Map(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) piece {
		if rapid.Bool().Draw(t, "parameter") {
			return piece{param: rapid.IntRange(1, 12).Draw(t, "n")}
		}
		return piece{sql: sql.Draw(t, "sql")}
	}), 1, 20), func(list []piece) []piece {
		var out []piece // parameters stand apart
		for _, p := range list {
			if p.param > 0 {
				out = append(out, piece{sql: " "}, p, piece{sql: " "})
				continue
			}
			out = append(out, p)
		}
		return out
	})
}

// spell writes pieces as SQL, where each parameter is what name says.
func spell(list []piece, name func(int) string) string {
	var b strings.Builder
	for _, p := range list {
		if p.param > 0 {
			b.WriteString(name(p.param))
			continue
		}
		b.WriteString(p.sql)
	}
	return b.String()
}

func dollar(n int) string { return fmt.Sprintf("$%d", n) }

func values(n int) []driver.NamedValue {
	args := make([]driver.NamedValue, n)
	for i := range args {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: fmt.Sprintf("value %d", i+1)}
	}
	return args
}

// renumbered is what a text should become: its parameters numbered by their first
// places, with the arguments that they stand for.
func renumbered(list []piece, args []driver.NamedValue) (string, []driver.NamedValue) {
	order := make(map[int]int)
	var used []driver.NamedValue
	sql := spell(list, func(n int) string {
		if order[n] == 0 {
			order[n] = len(order) + 1
			v := driver.NamedValue{Ordinal: order[n]}
			if n <= len(args) {
				v.Value = args[n-1].Value
			}
			used = append(used, v)
		}
		return dollar(order[n])
	})
	return sql, used
}

func TestATextUsesOnlyTheArgumentsThatItNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := pieces().Draw(t, "pieces")
		args := values(rapid.IntRange(0, 12).Draw(t, "arguments"))
		sql := spell(list, dollar)
		text, err := parameterised(sql)
		require.NoError(t, err)
		assert.Equal(t, sql, text.String())
		assert.False(t, text.Empty())
		want, used := renumbered(list, args)
		got, bound := text.Bind(args)
		assert.Equal(t, want, got)
		assert.Equal(t, used, bound)
		again, _ := text.Bind(args)
		assert.Equal(t, got, again, "binding does not change the text")
	})
}

func TestJoinedTextsShareTheirArguments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lists := rapid.SliceOfN(pieces(), 1, 5).Draw(t, "texts")
		separator := rapid.SampledFrom([]string{"", ", ", " UNION ALL "}).Draw(t, "separator")
		var all []piece
		texts := make([]Text, len(lists))
		before := make([]string, len(lists))
		for i, l := range lists {
			var err error
			texts[i], err = parameterised(spell(l, dollar))
			require.NoError(t, err)
			before[i] = texts[i].String()
			if i > 0 {
				all = append(all, piece{sql: separator})
			}
			all = append(all, l...)
		}
		args := values(12)
		joined := Join(separator, texts...)
		assert.Equal(t, spell(all, dollar), joined.String())
		want, used := renumbered(all, args)
		got, bound := joined.Bind(args)
		assert.Equal(t, want, got)
		assert.Equal(t, used, bound)
		_ = Join(separator, texts...)
		for i := range texts {
			assert.Equal(t, before[i], texts[i].String(), "joining does not change the parts")
		}
	})
	assert.True(t, Join(", ").Empty())
	assert.True(t, Text{}.Empty())
}

// asArray writes an array as PostgreSQL's array_out does: an element is quoted if
// it is empty, reads as NULL, or has a character that means something.
func asArray(list []*string) string {
	out := make([]string, len(list))
	for i, e := range list {
		switch {
		case e == nil:
			out[i] = "NULL"
		case *e == "" || strings.EqualFold(*e, "null") || strings.ContainsAny(*e, "{}\",\\ \t\n\r\v\f"):
			out[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(*e) + `"`
		default:
			out[i] = *e
		}
	}
	return "{" + strings.Join(out, ",") + "}"
}

// notSpaced leaves out strings that begin or end with blanks that are not ASCII:
// see TestBlanksThatAreNotASCIIBelongToAnElement.
func notSpaced(s string) bool {
	return strings.TrimFunc(s, func(r rune) bool { return r > 127 && unicode.IsSpace(r) }) == s
}

func TestBlanksThatAreNotASCIIBelongToAnElement(t *testing.T) {
	for _, e := range []string{"a\u00a0", "\u3000a", "\u0085"} {
		got, ok := arrayElements(asArray([]*string{&e}))
		assert.True(t, ok, "%q", e)
		assert.Equal(t, []string{e}, got)
	}
}

func TestArraysAreReadAsPostgreSQLWritesThem(t *testing.T) {
	element := rapid.OneOf(rapid.String().Filter(notSpaced), rapid.StringOf(rapid.SampledFrom([]rune(`{}",\ nulNUL`+"\t\n\r\v\fü"))), rapid.StringMatching(`[a-z0-9 -]*`))
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.Ptr(element, true)).Draw(t, "elements")
		var want []string
		for _, e := range list {
			if e != nil {
				want = append(want, *e)
			}
		}
		text := asArray(list)
		got, ok := arrayElements(text)
		require.True(t, ok, "%q", text)
		assert.Equal(t, want, got, "%q", text)
	})
}

func TestArraysThatPeopleWrite(t *testing.T) {
	for text, want := range map[string][]string{
		"{}": nil, " { } ": nil, "{a}": {"a"}, "{ a , b }": {"a", "b"}, `{"a" , b}`: {"a", "b"}, "{a b}": {"a b"}, "{NULL,null,Null}": nil, `{"NULL"}`: {"NULL"},
		`{"a\"b","c\\d"}`: {`a"b`, `c\d`}, "{1,-2}": {"1", "-2"}, `{""}`: {""}, `{"\a"}`: {"a"},
	} {
		got, ok := arrayElements(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "a", "{", "}", "{a", "a}", "{a,}", "{,a}", "{,}", `{"a}`, `{"a"b}`, `{a"b"}`, "{{a},{b}}", "[1:2]={a,b}", `{a\}`, `{"a\"}`, "{a}}", "{{}"} {
		_, ok := arrayElements(text)
		assert.False(t, ok, text)
	}
}

func TestAnyTextMayBeTakenForAnArray(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune(`{}",\ aN`)))).Draw(t, "text")
		list, ok := arrayElements("{" + text + "}")
		if ok {
			again := make([]*string, len(list))
			for i := range list {
				again[i] = &list[i]
			}
			back, ok := arrayElements(asArray(again))
			require.True(t, ok)
			assert.Equal(t, list, back)
		}
	})
}
