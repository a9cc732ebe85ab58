package differential_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// gen draws a random script: a schema, rows, and statements that have one answer
// only. Whatever is drawn as zero is the simplest choice, which rapid shrinks to.
type gen struct {
	t      *rapid.T
	tables []*relation
	views  []*source
	ctes   []*source       // what the statement being written has before it
	used   map[string]bool // names in the statement being written
	args   []argument      // its arguments
	params bool            // it may have some
	free   bool            // it is a query's outermost level
	again  []statement     // the same statement with other arguments
	offset int64           // what was added to ids last
}

// argument is one of a statement, and one for when it is run again, both as the
// script's comment has them.
type argument struct{ first, again string }

// n is a number from 0 to below n.
func (g *gen) n(n int) int {
	if n <= 1 {
		return 0
	}
	return rapid.IntRange(0, n-1).Draw(g.t, "n")
}

// chance is true in so many of eight cases.
func (g *gen) chance(eighths int) bool {
	n := 0
	for range 3 {
		n *= 2
		if rapid.Bool().Draw(g.t, "b") {
			n++
		}
	}
	return n >= 8-eighths
}

// pick is one of a list.
func pick[T any](g *gen, list ...T) T { return list[g.n(len(list))] }

// weighed is a place in a list of weights, the more often the heavier.
func (g *gen) weighed(weights ...int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	n := rapid.Uint16().Draw(g.t, "w")
	at := int(n) * 40503 % 65536 * sum / 65536 // rapid likes small numbers
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return 0
}

// begin begins a statement.
func (g *gen) begin() {
	g.ctes, g.args, g.params = nil, nil, g.chance(2)
	g.used = make(map[string]bool)
}

// name makes a name that the statement does not have yet.
func (g *gen) name(prefix string) string {
	for i := 1; ; i++ {
		if name := fmt.Sprintf("%s%d", prefix, i); !g.used[name] {
			g.used[name] = true
			return name
		}
	}
}

// parameter is one, by number. Some of those drawn may not be used in the end.
var parameter = regexp.MustCompile(`\$[0-9]+`)

// end is the statement begun last, with its arguments.
func (g *gen) end(sql string, ties bool) statement {
	var args, again []string
	numbers := make(map[string]string)
	sql = parameter.ReplaceAllStringFunc(sql, func(p string) string {
		if numbers[p] == "" {
			n, _ := strconv.Atoi(p[1:])
			args, again = append(args, g.args[n-1].first), append(again, g.args[n-1].again)
			numbers[p] = "$" + strconv.Itoa(len(args))
		}
		return numbers[p]
	})
	write := func(args []string) statement {
		s := statement{text: sql + ";"}
		if len(args) > 0 {
			s.text = "-- args: " + strings.Join(args, " | ") + "\n" + s.text
		}
		if ties {
			s.text = "-- ties\n" + s.text
		}
		return s
	}
	g.again = nil
	if len(args) > 0 && g.chance(4) {
		g.again = []statement{write(again)}
	}
	return write(args)
}

// statement is one of a script. Rows may be left out of an INSERT that has some.
type statement struct {
	text string
	rows []string
}

func (s statement) String() string {
	if s.rows == nil {
		return s.text
	}
	return s.text + "\n  " + strings.Join(s.rows, ",\n  ") + ";"
}

// generated is a script.
type generated struct{ statements []statement }

func (s generated) text() string {
	return s.head() + s.body()
}

// head is what says which tables are sharded, of those that there are.
func (s generated) head() string {
	var b strings.Builder
	for _, st := range s.statements {
		table, ok := strings.CutPrefix(st.text, "CREATE TABLE ")
		if !ok {
			continue
		}
		table, _, _ = strings.Cut(table, " ")
		for _, line := range settings {
			if list, ok := strings.CutPrefix(line, "reference="); ok && strings.Contains(list, table) {
				b.WriteString("-- shard: reference=" + table + "\n") // one of them is there at most
			} else if strings.HasPrefix(line, "key."+table+"=") {
				b.WriteString("-- shard: " + line + "\n")
			}
		}
	}
	return b.String()
}

func (s generated) body() string {
	var b strings.Builder
	for _, st := range s.statements {
		b.WriteString(st.String() + "\n")
	}
	return b.String()
}

// String is short, since rapid shows what it drew.
func (s generated) String() string { return s.GoString() }

// GoString is as short.
func (s generated) GoString() string { return fmt.Sprintf("%d statements", len(s.statements)) }

// cases draws scripts.
var cases = rapid.Custom(func(t *rapid.T) generated {
	g := &gen{t: t}
	list := g.schema()
	for range 6 + g.n(10) {
		switch g.weighed(6, 2, 1) {
		case 0:
			list = append(list, g.read())
			list = append(list, g.again...)
		case 1:
			list = append(list, g.write())
			list = append(list, g.compared()...)
		default:
			list = append(list, g.transaction()...)
			list = append(list, g.compared()...)
		}
	}
	return generated{list}
})

// read is a query on its own.
func (g *gen) read() statement {
	g.begin()
	q := g.query(nil, 2, nil, true)
	return g.end(q.sql, q.ties)
}

// compared reads all tables.
func (g *gen) compared() []statement {
	var list []statement
	for _, t := range g.tables {
		list = append(list, statement{text: "SELECT * FROM " + t.name + ";"})
	}
	return list
}

// transaction is some statements with BEGIN before them.
func (g *gen) transaction() []statement {
	list := []statement{{text: "BEGIN;"}}
	points := 0
	for range 1 + g.n(6) {
		switch g.weighed(4, 2, 1, 1, 1) {
		case 0:
			list = append(list, g.write())
		case 1:
			list = append(list, g.read())
		case 2:
			points++
			list = append(list, statement{text: fmt.Sprintf("SAVEPOINT p%d;", points)})
		case 3:
			if points > 0 {
				list = append(list, statement{text: fmt.Sprintf("ROLLBACK TO p%d;", points)})
			}
		default:
			if points > 0 {
				list = append(list, statement{text: fmt.Sprintf("RELEASE p%d;", points)})
				points--
			}
		}
	}
	return append(list, statement{text: pick(g, "COMMIT;", "COMMIT;", "ROLLBACK;")})
}
