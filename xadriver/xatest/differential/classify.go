package differential

import "strings"

// control is what a statement does to a transaction.
type control uint8

const (
	begins control = iota + 1
	ends
	chains // ends it, and begins another
)

// classify says how a step is run and compared. The cursors and prepared
// statements that came before are known by whether their rows are ordered.
func (s *Step) classify(code []token, ordered map[string]bool) {
	var statements [][]token
	from := 0
	for i, t := range code {
		if t.is(";") && t.depth == 0 {
			statements = append(statements, code[from:i])
			from = i + 1
		}
	}
	statements = append(statements, code[from:])
	for _, st := range statements {
		if len(st) == 0 {
			continue
		}
		if c := controlOf(st); c != 0 {
			s.control = append(s.control, c)
		}
		s.rows, s.ordered = returnsRows(st), hasOrder(st)
		switch {
		case st[0].is("DECLARE") || st[0].is("PREPARE"):
			ordered[second(st)] = s.ordered
			s.ordered = false
		case st[0].is("EXECUTE"):
			s.ordered = ordered[second(st)]
		case st[0].is("FETCH"):
			s.ordered = ordered[strings.ToLower(st[len(st)-1].text)]
		case st[0].is("SHOW") || st[0].is("EXPLAIN"):
			s.ordered = true
		}
	}
	s.ordered = s.ordered && !s.Ties
}

func second(st []token) string {
	if len(st) < 2 {
		return ""
	}
	return strings.ToLower(st[1].text)
}

func controlOf(st []token) control {
	has := func(s string) bool {
		for _, t := range st {
			if t.is(s) {
				return true
			}
		}
		return false
	}
	first := st[0]
	switch {
	case first.is("BEGIN") || first.is("START") && has("TRANSACTION"):
		return begins
	case has("TO") || has("PREPARED"):
		return 0
	case first.is("COMMIT") || first.is("END") || first.is("ROLLBACK") || first.is("ABORT"):
		if has("CHAIN") && !has("NO") {
			return chains
		}
		return ends
	case first.is("PREPARE") && has("TRANSACTION"):
		return ends
	}
	return 0
}

// returnsRows says whether a statement is to be asked for rows.
func returnsRows(st []token) bool {
	if len(st) == 0 || st[0].is("(") {
		return true
	}
	for _, verb := range []string{"SHOW", "EXPLAIN", "FETCH", "EXECUTE", "VALUES", "TABLE"} {
		if st[0].is(verb) {
			return true
		}
	}
	for _, verb := range []string{"INSERT", "UPDATE", "DELETE", "MERGE"} {
		if st[0].is(verb) {
			return topLevel(st, "RETURNING")
		}
	}
	switch {
	case st[0].is("SELECT"):
		return !topLevel(st, "INTO")
	case st[0].is("WITH"):
		return returnsRows(afterWith(st))
	}
	return false
}

// afterWith is a statement without the CTEs before it.
func afterWith(st []token) []token {
	for i, t := range st {
		if i == 0 || t.depth > 0 {
			continue
		}
		for _, verb := range []string{"SELECT", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "MERGE"} {
			// A CTE may have such a name only in quotes, so this is the verb.
			if t.is(verb) {
				return st[i:]
			}
		}
		if t.is("(") && st[i-1].is(")") {
			return st[i:]
		}
	}
	return nil
}

func topLevel(st []token, keyword string) bool {
	for _, t := range st {
		if t.depth == 0 && t.is(keyword) {
			return true
		}
	}
	return false
}

// hasOrder says whether there is an ORDER BY outside of all parentheses.
func hasOrder(st []token) bool {
	for i := 1; i < len(st); i++ {
		if st[i].depth == 0 && st[i-1].is("ORDER") && st[i].is("BY") {
			return true
		}
	}
	return false
}
