package differential

import (
	"fmt"
	"slices"
	"strings"
)

// difference says in what two answers to a step differ; empty when in nothing.
func difference(s *Step, plain, sharded answer) string {
	switch {
	case plain.err == nil && sharded.err != nil:
		return fmt.Sprintf("xapg fails [%s]: %s\nPostgreSQL: %s", sharded.state, excerpt(sharded.err.Error()), plain.outline())
	case plain.err != nil && sharded.err == nil:
		return fmt.Sprintf("PostgreSQL fails [%s]: %s\nxapg: %s", plain.state, excerpt(plain.err.Error()), sharded.outline())
	case plain.err != nil:
		// Without a SQLSTATE it was not PostgreSQL that failed, but its client, which
		// knows a mistake before the server is asked.
		if plain.state == sharded.state || plain.state == "" {
			return ""
		}
		return fmt.Sprintf("the errors differ\nPostgreSQL [%s]: %s\nxapg [%s]: %s",
			plain.state, excerpt(plain.err.Error()), sharded.state, excerpt(sharded.err.Error()))
	case !s.rows:
		if plain.affected == sharded.affected {
			return ""
		}
		return fmt.Sprintf("the numbers of rows affected differ\nPostgreSQL: %d\nxapg: %d", plain.affected, sharded.affected)
	case !slices.Equal(plain.columns, sharded.columns):
		return fmt.Sprintf("the columns' names differ\nPostgreSQL: %q\nxapg: %q", plain.columns, sharded.columns)
	case !slices.EqualFunc(plain.types, sharded.types, sameType):
		return fmt.Sprintf("the columns' types differ\nPostgreSQL: %q\nxapg: %q", plain.types, sharded.types)
	}
	return differentRows(s.ordered, plain.rows, sharded.rows)
}

// sameType compares types' names. Types that the client does not know are named by
// their OID, which each server gives out by itself.
func sameType(a, b string) bool {
	number := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return a == b || number(a) && number(b)
}

func differentRows(ordered bool, plain, sharded []string) string {
	if slices.Equal(plain, sharded) {
		return ""
	}
	missing, extra := multisetDifference(plain, sharded)
	if len(missing) == 0 && len(extra) == 0 {
		if !ordered {
			return ""
		}
		at := 0
		for plain[at] == sharded[at] {
			at++
		}
		return fmt.Sprintf("the rows' order differs from row %d on\nPostgreSQL: %s\nxapg: %s", at+1, several(plain[at:]), several(sharded[at:]))
	}
	return fmt.Sprintf("the rows differ (%d and %d)\nonly PostgreSQL: %s\nonly xapg: %s", len(plain), len(sharded), several(missing), several(extra))
}

// multisetDifference is what each list has more of than the other.
func multisetDifference(a, b []string) (onlyA, onlyB []string) {
	count := make(map[string]int)
	for _, s := range b {
		count[s]++
	}
	for _, s := range a {
		if count[s] == 0 {
			onlyA = append(onlyA, s)
			continue
		}
		count[s]--
	}
	for _, s := range b {
		if count[s] > 0 {
			count[s]--
			onlyB = append(onlyB, s)
		}
	}
	return onlyA, onlyB
}

// outline is an answer in short.
func (a *answer) outline() string {
	switch {
	case a.err != nil:
		return fmt.Sprintf("[%s] %s", a.state, excerpt(a.err.Error()))
	case a.columns == nil:
		return fmt.Sprintf("%d rows affected", max(a.affected, 0))
	}
	return fmt.Sprintf("%d rows: %s", len(a.rows), several(a.rows))
}

const (
	shownRows  = 4
	shownBytes = 240
)

func several(rows []string) string {
	if len(rows) == 0 {
		return "none"
	}
	var shown []string
	for _, r := range rows[:min(shownRows, len(rows))] {
		shown = append(shown, "("+excerpt(r)+")")
	}
	if len(rows) > shownRows {
		shown = append(shown, fmt.Sprintf("and %d more", len(rows)-shownRows))
	}
	return strings.Join(shown, " ")
}

func excerpt(s string) string {
	if len(s) <= shownBytes {
		return s
	}
	return strings.ToValidUTF8(s[:shownBytes], "") + "…"
}
