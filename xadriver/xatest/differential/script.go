// Package differential runs SQL scripts on one plain PostgreSQL and on xapg over
// several, and compares what they answer: rows, their order, the names and types
// of columns, the number of rows affected, and the SQLSTATE of errors. What xapg
// refuses in so many words (an *xadriver.UnsupportedError) is left out on the
// plain side too, and counted.
//
//	script, err := differential.Parse("orders.sql", text)
//	report, err := differential.Run(ctx, plain, sharded, script)
//	fmt.Println(report)
//
// A script is a list of SQL statements, each of which ends with a semicolon at the
// end of a line. Several statements on one line are sent as one text. Comments on
// lines of their own direct how it is run:
//
//	-- shard: key.orders=customer_id     at the top: a setting of the cluster
//	-- args: 1 | 'text' | NULL | 2.5     the next statement's parameters
//	-- ties                              its rows come in any order despite ORDER BY
//	-- expect: refused                   xapg is meant to refuse it
package differential

import (
	"fmt"
	"regexp"
	"strings"
)

// Script is a list of statements that are run one after the other.
type Script struct {
	Name     string
	Settings []string // keywords for the cluster's DSN
	Steps    []Step
}

// Step is one statement, or several that are sent as one text.
type Step struct {
	Line    int // where it begins in the script, from 1
	SQL     string
	Args    []any
	Ties    bool // its rows come in any order
	Refused bool // it is meant to be refused

	rows    bool // it is asked for rows
	ordered bool // its rows come in a certain order
	control []control
}

// directive recognizes comments that are meant to direct something.
var directive = regexp.MustCompile(`^--\s*(shard|args?|ties?|expect|refused)\b\s*:?\s*(.*?)\s*$`)

// Parse reads a script. Its errors begin with the script's name and the line.
func Parse(name, text string) (*Script, error) {
	list, err := tokens(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := parser{text: text, script: &Script{Name: name}, ordered: make(map[string]bool)}
	for i := 0; i < len(list); {
		n, err := p.piece(list[i:])
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", name, list[i].line, err)
		}
		i += n
	}
	if p.pending {
		return nil, fmt.Errorf("%s: a comment at its end directs a statement that is not there", name)
	}
	return p.script, nil
}

type parser struct {
	text    string
	script  *Script
	next    Step // what comments have said of it
	pending bool // they have said something
	ordered map[string]bool
}

// piece takes a comment or a statement off the tokens and says how many it took.
func (p *parser) piece(list []token) (int, error) {
	// Hints to xapg are comments that belong to their statement.
	if t := list[0]; t.kind == line && !strings.Contains(t.text, "xapg:") {
		return 1, p.comment(t.text)
	}
	if len(withoutComments(list)) == 0 {
		return len(list), nil
	}
	n, next := statementEnd(list)
	if n < 0 {
		return 0, fmt.Errorf("the statement has no semicolon at the end of a line, or an open parenthesis")
	}
	step := p.next
	step.Line = list[0].line
	step.SQL = strings.TrimSpace(strings.TrimRight(p.text[list[0].start:list[n].start], "; \t\r\n"))
	p.next, p.pending = Step{}, false
	code := withoutComments(list[:n])
	if len(code) == 0 {
		return 0, fmt.Errorf("there is nothing before the semicolon")
	}
	step.classify(code, p.ordered)
	p.script.Steps = append(p.script.Steps, step)
	return next, nil
}

// statementEnd is where the semicolon is that ends the statement: outside of
// parentheses, with nothing but comments after it on its line. The next statement
// begins after those.
func statementEnd(list []token) (end, next int) {
	for i, t := range list {
		if !t.is(";") || t.depth > 0 {
			continue
		}
		next = i + 1
		for next < len(list) && list[next].isComment() && list[next].line == t.line {
			next++
		}
		if next == len(list) || list[next].line > t.line {
			return i, next
		}
	}
	return -1, -1
}

func withoutComments(list []token) []token {
	var code []token
	for _, t := range list {
		if !t.isComment() {
			code = append(code, t)
		}
	}
	return code
}

// comment obeys a comment on a line of its own.
func (p *parser) comment(text string) error {
	m := directive.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	what, value := m[1], m[2]
	switch {
	case what == "shard" && strings.Contains(value, "="):
		if len(p.script.Steps) > 0 {
			return fmt.Errorf("settings of the cluster come before the first statement")
		}
		p.script.Settings = append(p.script.Settings, value)
		return nil
	case what == "args" && strings.Contains(text, "args:"):
		args, err := arguments(value)
		if err != nil {
			return err
		}
		p.next.Args, p.pending = args, true
		return nil
	case what == "ties" && value == "":
		p.next.Ties, p.pending = true, true
		return nil
	case what == "expect" && value == "refused":
		p.next.Refused, p.pending = true, true
		return nil
	case what == "expect" || what == "shard" || strings.Contains(text, what+":"):
		return fmt.Errorf("cannot understand %q", text)
	}
	return nil // prose that happens to begin with such a word
}
