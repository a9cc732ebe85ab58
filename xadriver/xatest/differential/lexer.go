package differential

import (
	"fmt"
	"strings"
)

// kind is what a token is.
type kind uint8

const (
	word    kind = iota // a keyword or a plain name
	name                // a name in double quotes
	literal             // a string of any sort, or a number
	param               // $1
	mark                // one character of anything else
	line                // a comment that begins with --
	block               // a comment in /* and */
)

// token is a piece of SQL. Its depth is the number of parentheses and brackets
// around it; those themselves have the depth of what is outside.
type token struct {
	kind       kind
	text       string
	start, end int
	line, last int // of its first and of its last character, from 1
	depth      int
}

// is says whether the token is this keyword or mark, in any case.
func (t token) is(s string) bool {
	return (t.kind == word || t.kind == mark) && strings.EqualFold(t.text, s)
}

func (t token) isComment() bool { return t.kind == line || t.kind == block }

// lexer reads SQL as PostgreSQL does with standard_conforming_strings on.
type lexer struct {
	text  string
	at    int
	line  int
	depth int
}

// tokens cuts SQL into pieces, comments among them.
func tokens(text string) ([]token, error) {
	l := &lexer{text: text, line: 1}
	var list []token
	for {
		l.blanks()
		if l.at == len(text) {
			return list, nil
		}
		t := token{start: l.at, line: l.line, depth: l.depth}
		k, length, missing := l.next()
		if length < 0 {
			return nil, fmt.Errorf("line %d: %s has no end", l.line, missing)
		}
		t.kind, t.text, t.end = k, text[l.at:l.at+length], l.at+length
		l.line += strings.Count(t.text, "\n")
		l.at += length
		t.last = l.line
		if k == mark {
			l.nest(&t)
		}
		list = append(list, t)
	}
}

func (l *lexer) nest(t *token) {
	switch t.text {
	case "(", "[":
		l.depth++
	case ")", "]":
		// What was never opened is for the servers to complain about.
		l.depth = max(0, l.depth-1)
		t.depth = l.depth
	}
}

func (l *lexer) blanks() {
	for l.at < len(l.text) && strings.IndexByte(" \t\r\n\f\v", l.text[l.at]) >= 0 {
		if l.text[l.at] == '\n' {
			l.line++
		}
		l.at++
	}
}

// next measures the token that begins here; the length is negative when it has no
// end, and missing says then what it is.
func (l *lexer) next() (k kind, length int, missing string) {
	rest := l.text[l.at:]
	c := rest[0]
	switch {
	case strings.HasPrefix(rest, "--"):
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return line, n, ""
		}
		return line, len(rest), ""
	case strings.HasPrefix(rest, "/*"):
		return block, comment(rest), "the comment"
	case c == '\'':
		return literal, quoted(rest, '\'', false), "the string"
	case c == '"':
		return name, quoted(rest, '"', false), "the quoted name"
	case c == '$' && len(rest) > 1 && isDigit(rest[1]):
		return param, 1 + span(rest[1:], isDigit), ""
	case c == '$':
		if tag, ok := dollarTag(rest); ok {
			return literal, dollar(rest, tag), "the string after " + tag
		}
		return mark, 1, ""
	case isDigit(c) || c == '.' && len(rest) > 1 && isDigit(rest[1]):
		return literal, number(rest), ""
	case isLetter(c):
		return l.word(rest)
	}
	return mark, 1, ""
}

// word measures a name, or a string or name with a letter before its quote.
func (l *lexer) word(rest string) (kind, int, string) {
	n := span(rest, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '$' })
	after, prefix := rest[n:], strings.ToLower(rest[:n])
	switch {
	case strings.HasPrefix(after, "'") && (prefix == "e" || prefix == "b" || prefix == "x" || prefix == "n"):
		return literal, add(n, quoted(after, '\'', prefix == "e")), "the string"
	case prefix == "u" && strings.HasPrefix(after, "&'"):
		return literal, add(n+1, quoted(after[1:], '\'', false)), "the string"
	case prefix == "u" && strings.HasPrefix(after, `&"`):
		return name, add(n+1, quoted(after[1:], '"', false)), "the quoted name"
	}
	return word, n, ""
}

func add(n, length int) int {
	if length < 0 {
		return length
	}
	return n + length
}

// quoted measures what begins with a quote; a doubled quote does not end it.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] != quote:
		case i+1 < len(s) && s[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

// dollarTag is $$ or $name$ at the beginning.
func dollarTag(s string) (string, bool) {
	n := span(s[1:], func(c byte) bool { return isLetter(c) || isDigit(c) })
	if 1+n < len(s) && s[1+n] == '$' {
		return s[:n+2], true
	}
	return "", false
}

func dollar(s, tag string) int {
	if n := strings.Index(s[len(tag):], tag); n >= 0 {
		return n + 2*len(tag)
	}
	return -1
}

// comment measures a comment, which may hold others.
func comment(s string) int {
	for i, open := 0, 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			open++
			i++
		case "*/":
			open--
			i++
			if open == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// number measures a number, as roughly as is needed to go on behind it.
func number(s string) int {
	n := span(s, func(c byte) bool { return isDigit(c) || c == '.' })
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		m := n + 1
		if m < len(s) && (s[m] == '+' || s[m] == '-') {
			m++
		}
		if m < len(s) && isDigit(s[m]) {
			return m + span(s[m:], isDigit)
		}
	}
	return n
}

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}
