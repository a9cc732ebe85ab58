package differential_test

import (
	"regexp"
	"strings"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/differential"
)

// reducer makes a script that goes wrong as small as it can in its time.
type reducer struct {
	*arena
	until time.Time
	sort  string // of what goes wrong
}

// reduce returns the smaller script.
func (a *arena) reduce(s generated, wrong differential.Difference, limit time.Duration) generated {
	r := &reducer{arena: a, until: time.Now().Add(limit), sort: sortOf(wrong)}
	s = s.without(s.at(wrong.Line)+1, len(s.statements))
	for _, refused := range a.compare(s).Refusals {
		s.statements[s.at(refused.Line)].text = ""
	}
	kept := generated{}
	for _, st := range s.statements {
		if st.text != "" {
			kept.statements = append(kept.statements, st)
		}
	}
	if s = kept; !r.still(s) {
		return s
	}
	s = r.fewerStatements(s)
	s = r.fewerRows(s)
	s = r.fewerTokens(s)
	s = r.fewerStatements(s)
	return r.fewerRows(s)
}

var figures = regexp.MustCompile(`[0-9]+`)

// sortOf tells apart what goes wrong.
func sortOf(d differential.Difference) string {
	first, _, _ := strings.Cut(d.What, "\n")
	if before, _, ok := strings.Cut(first, "]"); ok {
		first = before + "]"
	} else {
		first = figures.ReplaceAllString(first, "")
	}
	return first
}

func (r *reducer) over() bool { return time.Now().After(r.until) }

// still says whether a script goes wrong in the same way, and has one answer.
func (r *reducer) still(s generated) bool {
	wrong := r.compare(s).Wrong
	return len(wrong) > 0 && sortOf(wrong[0]) == r.sort && s.at(wrong[0].Line) == len(s.statements)-1 && len(r.undetermined(s)) == 0
}

func (r *reducer) fewerStatements(s generated) generated {
	for size := len(s.statements); size > 0; size /= 2 {
		for at := len(s.statements) - 1 - size; at > -size && !r.over(); at -= size {
			if less := s.without(max(at, 0), at+size); r.still(less) {
				s = less
			}
		}
	}
	return s
}

func (r *reducer) fewerRows(s generated) generated {
	for i := range s.statements {
		for size := (len(s.statements[i].rows) + 1) / 2; size > 0; size /= 2 {
			for at := len(s.statements[i].rows) - size; at >= 0 && !r.over(); at -= size {
				rows := s.statements[i].rows
				less := append(append([]string(nil), rows[:at]...), rows[at+size:]...)
				if len(less) == 0 {
					continue
				}
				if with := s.with(i, statement{text: s.statements[i].text, rows: less}); r.still(with) {
					s = with
				}
			}
			if size == 1 {
				break
			}
		}
	}
	return s
}

var word = regexp.MustCompile(`'(?:[^']|'')*'(?:::[a-z0-9]+(?:\([0-9,]+\)|\[\])?)?|\$[0-9]+(?:::[a-z0-9]+(?:\[\])?)?|[A-Za-z0-9_.]+|::|<=|>=|<>|\|\||&&|->>|->|@>|[^ \n]`)

// fewerTokens takes parts out of the last statement, whether that makes sense or
// not: what PostgreSQL does not understand does not go wrong.
func (r *reducer) fewerTokens(s generated) generated {
	last := len(s.statements) - 1
	head, sql := "", s.statements[last].text
	for strings.HasPrefix(sql, "--") {
		line, rest, _ := strings.Cut(sql, "\n")
		head, sql = head+line+"\n", rest
	}
	write := !strings.HasPrefix(sql, "SELECT") && !strings.HasPrefix(sql, "WITH") && !strings.HasPrefix(sql, "(")
	for _, st := range s.statements {
		write = write || st.text == "BEGIN;"
	}
	before := generated{s.statements[:last]}
	if !write {
		r.prepare(before)
	}
	try := func(tokens []string) bool {
		st := statement{text: head + strings.Join(tokens, " ") + ";"}
		if write {
			return r.still(s.with(last, st))
		}
		script, err := differential.Parse("random.sql", st.text)
		if err != nil || len(script.Steps) != 1 {
			return false
		}
		wrong := r.between(r.plain, r.sharded, script).Wrong
		return len(wrong) > 0 && sortOf(wrong[0]) == r.sort && len(r.between(r.plain, r.twin, script).Wrong) == 0
	}
	tokens := word.FindAllString(strings.TrimSuffix(sql, ";"), -1)
	if !try(tokens) {
		return s
	}
	for changed := true; changed; {
		changed = false
		for _, size := range []int{80, 50, 32, 24, 18, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1} {
			for at := 0; at+size <= len(tokens) && !r.over(); at++ {
				if !balanced(tokens[at : at+size]) {
					continue
				}
				less := append(append([]string(nil), tokens[:at]...), tokens[at+size:]...)
				if try(less) {
					tokens, changed = less, true
					at--
				}
			}
		}
		for at := 0; at < len(tokens) && !r.over(); at++ {
			if tokens[at] != "(" {
				continue
			}
			end := at + 1
			for !balanced(tokens[at : end+1]) {
				end++
			}
			less := append(append(append([]string(nil), tokens[:at]...), tokens[at+1:end]...), tokens[end+1:]...)
			if try(less) {
				tokens, changed = less, true
			}
		}
	}
	return s.with(last, statement{text: head + strings.Join(tokens, " ") + ";"})
}

func balanced(tokens []string) bool {
	depth := 0
	for _, t := range tokens {
		switch t {
		case "(", "[":
			depth++
		case ")", "]":
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}
