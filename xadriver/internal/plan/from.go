package plan

import (
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// from analyses the items of FROM, or of USING, which are joined as if by CROSS JOIN.
func (a *analysis) from(items []*pg.Node, sc *scope) result {
	var res result
	for _, n := range items {
		r := a.item(n, sc, sc.block)
		res.rows = res.rows || r.rows
		res.hides = res.hides || r.hides
		if res.several == nil {
			res.several = r.several
		}
	}
	return res
}

// item analyses one item of FROM and adds what it names to the scope.
func (a *analysis) item(n *pg.Node, sc *scope, b *block) result {
	switch e := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		return a.table(e.RangeVar, n, sc, b)
	case *pg.Node_RangeSubselect:
		return a.derived(e.RangeSubselect, sc, b)
	case *pg.Node_JoinExpr:
		return a.join(e.JoinExpr, sc, b)
	case *pg.Node_RangeFunction:
		a.expression(e.RangeFunction, sc)
		en := &entry{open: true}
		if e.RangeFunction.Alias != nil {
			en.alias = e.RangeFunction.Alias.Aliasname
		} else {
			en.alias = functionName(e.RangeFunction)
		}
		sc.entries = append(sc.entries, en)
		return result{}
	case *pg.Node_RangeTableSample:
		r := a.item(e.RangeTableSample.Relation, sc, b)
		a.expression(e.RangeTableSample, &scope{block: b})
		if r.hides {
			a.refuse("TABLESAMPLE on a sharded table", "a sample of each shard is not a sample of the table", "ask one shard with /* xapg:shard=… */", e.RangeTableSample.Location)
		}
		return r
	default:
		a.expression(n, sc)
		sc.entries = append(sc.entries, &entry{open: true})
		return result{}
	}
}

func functionName(f *pg.RangeFunction) string {
	for _, n := range f.Functions {
		for _, item := range n.GetList().GetItems() {
			if call := item.GetFuncCall(); call != nil {
				if list := names(call.Funcname); len(list) > 0 {
					return list[len(list)-1]
				}
			}
		}
	}
	return ""
}

// table is a mention of a table, a view or a WITH query.
func (a *analysis) table(rv *pg.RangeVar, n *pg.Node, sc *scope, b *block) result {
	if rv.Schemaname == "" {
		if c := sc.cte(rv.Relname); c != nil {
			a.tables++
			e := &entry{alias: rv.Relname, columns: c.columns, open: c.open}
			if rv.Alias != nil {
				e.alias = rv.Alias.Aliasname
			}
			if c.refs != 1 {
				e.columns = a.mentionedAgain(c.columns, b)
			} else {
				e.columns = append([]column(nil), c.columns...)
			}
			e.rename(rv.Alias)
			sc.entries = append(sc.entries, e)
			res := c.result
			if c.refs != 1 && res.hides {
				res.not(a, "a WITH query that is named several times, over several shards", "its rows cannot be tied to the others by key", rv.Location)
			}
			return res
		}
	}
	if r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname); r != nil && r.Kind == 'v' && !r.System() {
		a.notice(r, true)
		return a.view(rv, n, r.ViewDef, sc, b)
	}
	before := len(a.occurrences)
	e, _, _ := a.mentioned(rv, n, sc, b)
	sc.entries = append(sc.entries, e)
	sharded := len(a.occurrences) > before
	return result{rows: sharded, hides: sharded}
}

// mentionedAgain are the columns of a WITH query that is named several times. What holds
// for one mention says nothing of the others; but the constants that its own conditions
// bind a key to bind each of them.
func (a *analysis) mentionedAgain(cols []column, b *block) []column {
	out := withoutKeys(cols)
	for i, c := range cols {
		if c.class == nil || !c.class.certain(nil) {
			continue
		}
		if sets := c.class.all(); len(sets) > 0 {
			k := &class{block: b, table: c.class.root().table, sets: sets}
			a.occurrences = append(a.occurrences, &occurrence{table: k.table, class: k})
			out[i].class = k
		}
	}
	return out
}

// view is analysed as the query that it stands for.
func (a *analysis) view(rv *pg.RangeVar, n *pg.Node, def string, sc *scope, b *block) result {
	a.tables++
	alias := rv.Relname
	if rv.Alias != nil {
		alias = rv.Alias.Aliasname
	}
	e := &entry{alias: alias, open: true}
	stmts, err := pg.Parse(def)
	const deepest = 32
	if err != nil || len(stmts) != 1 || stmts[0].Node.GetSelectStmt() == nil || a.viewDepth > deepest {
		a.refuse("view "+rv.Relname, "its definition cannot be read", byKey, rv.Location)
		sc.entries = append(sc.entries, e)
		return result{}
	}
	// Inside, names mean what they meant when the definition was read.
	saved := *a
	a.path, a.sql, a.node, a.tables = a.cat.SearchPath, def, stmts[0].Node, 0
	a.viewDepth++
	res := a.query(stmts[0].Node.GetSelectStmt(), &scope{block: b}, &block{parent: b})
	a.complete(stmts[0].Node)
	a.path, a.sql, a.node, a.tables, a.viewDepth = saved.path, saved.sql, saved.node, saved.tables, saved.viewDepth
	a.mentions = append(a.mentions, &mention{rv: rv, node: n, view: stmts[0].Node.GetSelectStmt()})

	if r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname); r != nil && r.Temporary() {
		a.temporary = true
		a.unsharded = a.unsharded || res.hides // no other shard knows the view
	}
	e.columns, e.open = res.columns, res.open
	if r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname); r != nil && len(r.Columns) == len(e.columns) {
		for i, c := range r.Columns {
			e.columns[i].name = c.Name
		}
	}
	e.rename(rv.Alias)
	sc.entries = append(sc.entries, e)
	return res
}

// derived is a subquery in FROM.
func (a *analysis) derived(s *pg.RangeSubselect, sc *scope, b *block) result {
	inner := sc.outside()
	if s.Lateral {
		inner = sc
	}
	inner = &scope{parent: inner, block: b}
	sel := s.Subquery.GetSelectStmt()
	if sel == nil {
		a.expression(s.Subquery, inner)
		sc.entries = append(sc.entries, &entry{open: true})
		return result{}
	}
	res := a.query(sel, inner, &block{parent: b})
	e := &entry{columns: res.columns, open: res.open}
	if s.Alias != nil {
		e.alias = s.Alias.Aliasname
		e.rename(s.Alias)
	}
	sc.entries = append(sc.entries, e)
	return res
}

// join is a JOIN. The side of an outer join that may be missing is a block of its
// own: what ON says binds that side only.
func (a *analysis) join(j *pg.JoinExpr, sc *scope, b *block) result {
	lb, rb, at := b, b, b
	switch j.Jointype {
	case pg.JoinType_JOIN_LEFT:
		rb = &block{parent: b, missing: true}
		at = rb
	case pg.JoinType_JOIN_RIGHT:
		lb = &block{parent: b, missing: true}
		at = lb
	case pg.JoinType_JOIN_INNER:
	default:
		lb, rb, at = &block{parent: b, missing: true}, &block{parent: b, missing: true}, nil
	}
	sc.merged = sc.merged || j.IsNatural || len(j.UsingClause) > 0
	from := len(sc.entries)
	l := a.item(j.Larg, sc, lb)
	middle := len(sc.entries)
	r := a.item(j.Rarg, sc, rb)
	left, right := sc.entries[from:middle:middle], sc.entries[middle:]

	if at != nil {
		for _, name := range shared(j, left, right) {
			if lc, rc := lookup(left, name), lookup(right, name); lc != nil && rc != nil {
				equal(lc, rc, at)
			}
		}
		a.conditions(j.Quals, sc, at)
	}
	a.expression(j.Quals, sc)
	if j.Alias != nil { // which hides what is inside
		sc.entries = append(sc.entries[:from:from], &entry{alias: j.Alias.Aliasname, open: true})
	}
	return a.joined(j, l, r)
}

func (a *analysis) joined(j *pg.JoinExpr, l, r result) result {
	res := result{rows: l.rows || r.rows, hides: l.hides || r.hides, several: l.several}
	if res.several == nil {
		res.several = r.several
	}
	preserved, missing := l, r
	switch j.Jointype {
	case pg.JoinType_JOIN_INNER:
		return res
	case pg.JoinType_JOIN_LEFT:
	case pg.JoinType_JOIN_RIGHT:
		preserved, missing = r, l
	default:
		if res.hides {
			res.not(a, "FULL JOIN over several shards", mustMerge, -1)
		}
		return res
	}
	if missing.hides && !preserved.rows {
		res.not(a, "an outer join over several shards", "the rows that are kept are on every shard", -1)
	}
	res.rows = preserved.rows
	return res
}

// shared lists the columns by which USING or NATURAL joins.
func shared(j *pg.JoinExpr, left, right []*entry) []string {
	if !j.IsNatural {
		return names(j.UsingClause)
	}
	var out []string
	for _, e := range left {
		for _, c := range e.columns {
			if c.class != nil && lookup(right, c.name) != nil {
				out = append(out, c.name)
			}
		}
	}
	return out
}

// lookup finds the key that a column of some entries carries; none, when it is
// not clear which is meant.
func lookup(entries []*entry, name string) *class {
	var found *class
	for _, e := range entries {
		c, ok := e.find(name)
		if !ok {
			continue
		}
		if found != nil && (c == nil || c.root() != found.root()) {
			return nil
		}
		found = c
		if c == nil {
			return nil
		}
	}
	return found
}
