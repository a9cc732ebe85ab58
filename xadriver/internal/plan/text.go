package plan

import (
	"database/sql/driver"
	"strconv"
	"strings"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Text is a statement made for a shard. It may use some of the arguments only,
// which are numbered anew when it is bound.
type Text struct {
	parts  []string // between the parameters: one more than there are of them
	params []int    // the arguments' numbers, from 1
}

// textOf writes a statement.
func textOf(n *pg.Node) (Text, error) {
	sql, err := pg.Deparse(n)
	if err != nil {
		return Text{}, err
	}
	return parameterised(sql)
}

func parameterised(sql string) (Text, error) {
	places, err := pg.Parameters(sql)
	if err != nil {
		return Text{}, err
	}
	var t Text
	at := 0
	for _, p := range places {
		t.parts, t.params = append(t.parts, sql[at:p.Start]), append(t.params, p.Number)
		at = p.End
	}
	t.parts = append(t.parts, sql[at:])
	return t, nil
}

// cut is a part of a text whose parameters are at places.
func cut(sql string, places []pg.Place, at pg.Span) Text {
	var t Text
	from := at.Start
	for _, p := range places {
		if p.Start >= at.Start && p.End <= at.End {
			t.parts, t.params = append(t.parts, sql[from:p.Start]), append(t.params, p.Number)
			from = p.End
		}
	}
	t.parts = append(t.parts, sql[from:at.End])
	return t
}

// Join puts texts one after the other.
func Join(separator string, texts ...Text) Text {
	var out Text
	for i, t := range texts {
		if i == 0 {
			out.parts = append(out.parts, t.parts...)
		} else {
			out.parts[len(out.parts)-1] += separator + t.parts[0]
			out.parts = append(out.parts, t.parts[1:]...)
		}
		out.params = append(out.params, t.params...)
	}
	return out
}

// Empty reports whether there is no text.
func (t Text) Empty() bool { return len(t.parts) == 0 }

// Bind gives the SQL and the arguments that it uses.
func (t Text) Bind(args []driver.NamedValue) (string, []driver.NamedValue) {
	if len(t.params) == 0 {
		return strings.Join(t.parts, ""), nil
	}
	numbers := make(map[int]int, len(t.params))
	var (
		b    strings.Builder
		used []driver.NamedValue
	)
	for i, p := range t.params {
		n, ok := numbers[p]
		if !ok {
			n = len(numbers) + 1
			numbers[p] = n
			v := driver.NamedValue{Ordinal: n}
			if p <= len(args) {
				v.Value = args[p-1].Value
			}
			used = append(used, v)
		}
		b.WriteString(t.parts[i])
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
	}
	b.WriteString(t.parts[len(t.parts)-1])
	return b.String(), used
}

// String is the SQL with the arguments' own numbers.
func (t Text) String() string {
	var b strings.Builder
	for i, p := range t.params {
		b.WriteString(t.parts[i])
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(p))
	}
	if len(t.parts) > 0 {
		b.WriteString(t.parts[len(t.parts)-1])
	}
	return b.String()
}
