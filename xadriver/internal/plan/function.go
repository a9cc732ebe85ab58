package plan

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// keyed finds the arguments of a function in SQL that bind everything it reads to one
// key: the tables that they bind, by the argument's place. A function that reads
// nothing but reference tables is harmless. Of other functions nothing is known.
func (a *analysis) keyed(f catalog.Function) (places map[int]*shardmap.Table, harmless bool) {
	if f.Body == "" || a.viewDepth > 8 {
		return nil, false
	}
	stmts, err := pg.Parse(f.Body)
	if err != nil {
		return nil, false
	}
	harmless = true
	for n, s := range stmts {
		sel := s.Node.GetSelectStmt()
		if sel == nil {
			return nil, false
		}
		a.numberArgs(sel, f.Args)
		b := &analysis{p: a.p, cat: a.cat, path: a.path, sql: s.SQL, node: s.Node, top: &block{}, viewDepth: a.viewDepth + 1}
		b.query(sel, nil, b.top)
		b.complete(s.Node)
		a.lacking, a.busy = append(a.lacking, b.lacking...), append(a.busy, b.busy...)
		if b.err != nil || b.unknown != nil || b.unsharded || b.modifies || b.session || b.asks || b.notifies || len(b.calls) > 0 {
			return nil, false
		}
		if len(b.occurrences) == 0 {
			continue
		}
		harmless = false
		bound := make(map[int]*shardmap.Table)
		for i, o := range b.occurrences {
			here := make(map[int]*shardmap.Table)
			for _, set := range o.class.all() {
				if len(set) == 1 && set[0].param > 0 && !set[0].array {
					here[set[0].param-1] = o.table
				}
			}
			if i == 0 {
				bound = here
				continue
			}
			for at, t := range bound {
				if h := here[at]; h == nil || !h.Colocated(t) {
					delete(bound, at)
				}
			}
		}
		if n > 0 && places != nil {
			for at, t := range bound {
				if h := places[at]; h == nil || !h.Colocated(t) {
					delete(bound, at)
				}
			}
		}
		places = bound
	}
	return places, harmless
}

// numberArgs puts $n in place of a function's named arguments. A column of the same
// name comes first, as in PostgreSQL.
func (a *analysis) numberArgs(sel *pg.SelectStmt, args []string) {
	columns := make(map[string]bool)
	pg.Walk(sel, func(m proto.Message) bool {
		if rv, ok := m.(*pg.RangeVar); ok {
			if r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname); r != nil {
				for _, c := range r.Columns {
					columns[c.Name] = true
				}
			}
		}
		return true
	})
	pg.Walk(sel, func(m proto.Message) bool {
		n, ok := m.(*pg.Node)
		if !ok || n.GetColumnRef() == nil {
			return true
		}
		list := names(n.GetColumnRef().Fields)
		if len(list) != 1 || len(n.GetColumnRef().Fields) != 1 || columns[list[0]] {
			return true
		}
		if i := slices.Index(args, list[0]); i >= 0 && list[0] != "" {
			n.Node = pg.Param(i + 1).Node
			return false
		}
		return true
	})
}

// functions gathers what functions in SQL read that the statement calls. In the
// scratch session, where temporary tables come first, their bodies find the rows
// under the tables' own names.
func (c *composer) functions(taken map[string]*Pull) error {
	seen := make(map[string]bool)
	todo := slices.Clone(c.a.calls)
	for len(todo) > 0 {
		call := todo[0]
		todo = todo[1:]
		refusal := opaqueCall{name: call.name, position: call.position}.refusal()
		if call.body == "" {
			return refusal
		}
		if seen[call.body] {
			continue
		}
		seen[call.body] = true
		stmts, err := pg.Parse(call.body)
		if err != nil {
			return refusal
		}
		for _, s := range stmts {
			sel := s.Node.GetSelectStmt()
			if sel == nil {
				return refusal
			}
			a := &analysis{p: c.a.p, cat: c.a.cat, path: c.a.path, sql: s.SQL, node: s.Node, top: &block{}}
			a.query(sel, nil, a.top)
			a.complete(s.Node)
			if a.err != nil || a.unknown != nil || a.modifies || a.locks || a.session || a.asks || a.notifies || a.shows {
				return refusal
			}
			todo = append(todo, a.calls...)
			for _, m := range a.mentions {
				if err := c.inFunction(m, taken, refusal); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *composer) inFunction(m *mention, taken map[string]*Pull, refusal error) error {
	switch {
	case m.view != nil || m.table == nil:
		return refusal // a view has its tables bound
	case m.table.Kind != shardmap.Sharded && c.how&All == 0:
		return nil
	case m.rv.Schemaname != "":
		return refusal // a qualified name would not find the temporary table
	}
	for _, p := range c.prog.Pulls {
		if p.Table == m.rv.Relname && p.of != m.rel {
			return refusal
		}
	}
	m.function, m.node = true, &pg.Node{}
	return c.pull(m, named{everything: true}, taken)
}
