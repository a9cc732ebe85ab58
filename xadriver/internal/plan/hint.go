package plan

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/xapg/xapg/shardmap"
)

// with joins a hint from the text with one from the caller's context.
func (h Hint) with(o Hint) (Hint, error) {
	empty := func(h Hint) bool { return h.Shard == "" && !h.HasKey }
	switch {
	case empty(o):
		return h, nil
	case empty(h) || !h.HasKey && !o.HasKey && h.Shard == o.Shard:
		return o, nil
	default:
		return h, &Refusal{Clause: "a hint in the context beside another in the text", Reason: "they differ", Remedy: "give one of them"}
	}
}

// hintIn reads the hint from the comments before a statement.
func hintIn(sql string) (Hint, error) {
	rest := sql
	var found Hint
	for {
		rest = strings.TrimLeft(rest, " \t\r\n\f;")
		var comment string
		switch {
		case strings.HasPrefix(rest, "--"):
			comment, rest, _ = strings.Cut(rest[2:], "\n")
		case strings.HasPrefix(rest, "/*"):
			end := endOfComment(rest)
			comment, rest = strings.TrimSuffix(rest[2:end], "*/"), rest[end:]
		default:
			return found, nil
		}
		comment, ok := strings.CutPrefix(strings.TrimSpace(comment), "xapg:")
		if !ok {
			continue
		}
		name, value, ok := strings.Cut(comment, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		h := Hint{}
		switch {
		case ok && name == "shard" && value != "":
			h.Shard = value
		case ok && name == "key":
			h.Key, h.HasKey = unquote(value), true
		default:
			return Hint{}, &Refusal{
				Clause: fmt.Sprintf("the hint %q", "xapg:"+comment), Reason: "it cannot be read",
				Remedy: "write /* xapg:key=VALUE */ or /* xapg:shard=NAME */",
			}
		}
		if found != (Hint{}) && found != h { // both from text, so comparable
			return Hint{}, &Refusal{Clause: "a second hint", Reason: "it differs from the first", Remedy: "give one of them"}
		}
		found = h
	}
}

// endOfComment finds the end of a comment, which may contain others.
func endOfComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '\'' && s[len(s)-1] == '\'' {
		return strings.ReplaceAll(s[1:len(s)-1], "''", "'")
	}
	return s
}

// named is the shard of a hint.
func (p *Planner) named(shard string) (Target, error) {
	i, ok := p.layout.Index(shard)
	if !ok {
		return Target{}, &Refusal{
			Clause: fmt.Sprintf("the shard %q of a hint", shard), Reason: "there is no such shard",
			Remedy: "the shards are " + strings.Join(p.layout.Shards(), ", "),
		}
	}
	return Target{One, p.each[i]}, nil
}

// keyed is the shard of a key that a hint gives. The tables of the statement say
// how it is placed; where there are none, the cluster's only placement does.
func (st *Statement) keyed(key any, args []driver.NamedValue) (Target, error) {
	tables := st.tables
	if len(tables) == 0 {
		tables = st.planner.known(st)
	}
	if len(tables) == 0 {
		return Target{}, &Refusal{Clause: "a key hint", Reason: "no sharded table is known", Remedy: "name a shard (xapg:shard=…)"}
	}
	for _, t := range tables[1:] {
		if !tables[0].Colocated(t) {
			return Target{}, &Refusal{
				Clause: "a key hint", Reason: fmt.Sprintf("tables %s and %s are placed differently, so that a key alone names no shard", tables[0].Name, t.Name),
				Remedy: "name a shard (xapg:shard=…)",
			}
		}
	}
	at, err := place(tables[0], key)
	if err != nil {
		return Target{}, err
	}
	if ins, ok := st.route.(*inserting); ok {
		own, err := ins.target(st.planner, args)
		if err == nil && (own.Mode != One || own.Shards[0] != at) {
			return Target{}, &Refusal{Clause: "a key hint", Reason: "the row's own key says otherwise", Remedy: "drop the hint"}
		}
	}
	return Target{One, st.planner.each[at]}, nil
}

func place(t *shardmap.Table, value any) (int, error) {
	k, err := argument(t, value)
	if err != nil {
		return 0, keyError(t, err)
	}
	at, err := t.Shard(k)
	if err != nil {
		return 0, keyError(t, err)
	}
	return at, nil
}
