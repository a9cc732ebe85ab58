package plan

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// harvest is a statement with one WITH query that writes, cut in two: the WITH query is
// run first, as a statement of its own, and the rest then runs over what it returned. In
// PostgreSQL both see the tables as they were before. So the rest must not read what the
// first part changes, or what triggers and foreign keys change for it.
type harvest struct {
	node  *pg.Node            // the statement
	with  *pg.WithClause      // its own
	query *pg.CommonTableExpr // that writes
	first []*pg.Node          // other WITH queries, that it names
}

// harvesting routes such a statement: as any other where that is possible.
type harvesting struct {
	inner route
	err   error
}

func (h harvesting) target(p *Planner, args []driver.NamedValue) (Target, error) {
	if h.err == nil {
		t, err := h.inner.target(p, args)
		if refusal := new(Refusal); t.Mode != Composed && !errors.As(err, &refusal) {
			return t, err
		}
	}
	return Target{Composed, p.all}, nil
}

func (h harvesting) why() string { return "what a WITH query returns is found first" }

// harvestable cuts a statement; nil where its parts are not independent.
func (a *analysis) harvestable(node *pg.Node) *harvest {
	h := &harvest{node: node}
	if with := withOf(node); with != nil {
		h.with = *with
	}
	if h.with == nil || h.with.Recursive || !h.cut() {
		return nil
	}
	rv := writtenBy(h.query.Ctequery)
	if rv == nil || len(h.first) > 0 && *withOf(h.query.Ctequery) != nil || len(a.calls) > 0 || a.session || a.asks || a.shows || a.homeOnly || a.sets {
		return nil
	}
	target := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname)
	if target == nil || target.Temporary() || !a.independent(h, target) {
		return nil
	}
	return h
}

// cut finds the WITH query that writes, and those that it names.
func (h *harvest) cut() bool {
	at := -1
	for i, n := range h.with.Ctes {
		if n.GetCommonTableExpr().GetCtequery().GetSelectStmt() != nil {
			continue
		}
		if at >= 0 {
			return false
		}
		at = i
	}
	if at < 0 {
		return false
	}
	h.query = h.with.Ctes[at].GetCommonTableExpr()
	for i, n := range h.with.Ctes {
		name := n.GetCommonTableExpr().GetCtename()
		inside := mentions(h.query, name)
		if i == at || inside == 0 {
			continue
		}
		if i > at || mentions(h.node, name) > inside || mentions(n, name) > 0 {
			return false
		}
		for _, o := range h.with.Ctes {
			if mentions(n, o.GetCommonTableExpr().GetCtename()) > 0 {
				return false
			}
		}
		h.first = append(h.first, n)
	}
	return true
}

func writtenBy(n *pg.Node) *pg.RangeVar {
	switch q := n.GetNode().(type) {
	case *pg.Node_InsertStmt:
		return q.InsertStmt.Relation
	case *pg.Node_UpdateStmt:
		return q.UpdateStmt.Relation
	case *pg.Node_DeleteStmt:
		return q.DeleteStmt.Relation
	default:
		return nil
	}
}

// independent reports whether the rest of a statement reads nothing that its WITH query
// may change.
func (a *analysis) independent(h *harvest, target *catalog.Relation) bool {
	rest := h.rest(nil)
	own := make(map[string]bool)
	for _, n := range h.with.Ctes {
		own[n.GetCommonTableExpr().GetCtename()] = true
	}
	ok := true
	var into *pg.RangeVar
	if in := rest.GetInsertStmt(); in != nil {
		into = in.Relation
	}
	pg.Walk(rest, func(m proto.Message) bool {
		rv, isTable := m.(*pg.RangeVar)
		if !isTable || rv.Schemaname == "" && own[rv.Relname] && rv != into {
			return ok
		}
		r := a.cat.Resolve(a.path, rv.Schemaname, rv.Relname)
		switch {
		case r == nil, r.Kind == 'v', r.Temporary(), r.Root() == target.Root():
			ok = false
		case rv == into:
			ok = ok && !target.Triggers // which would run before it, instead of after it
		default:
			ok = ok && !target.Triggers && !target.Referenced
		}
		return ok
	})
	return ok
}

// withOf is where a statement keeps its WITH queries, nil where it can have none.
func withOf(n *pg.Node) **pg.WithClause {
	switch n := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		return &n.SelectStmt.WithClause
	case *pg.Node_InsertStmt:
		return &n.InsertStmt.WithClause
	case *pg.Node_UpdateStmt:
		return &n.UpdateStmt.WithClause
	case *pg.Node_DeleteStmt:
		return &n.DeleteStmt.WithClause
	default:
		return nil
	}
}

// alone is the WITH query that writes, as a statement of its own.
func (h *harvest) alone() *pg.Node {
	query := pg.Clone(h.query.Ctequery)
	if len(h.first) > 0 {
		with := &pg.WithClause{}
		for _, n := range h.first {
			with.Ctes = append(with.Ctes, pg.Clone(n))
		}
		*withOf(query) = with
	}
	return query
}

// rest is the statement without the WITH query that writes, or with another in its place.
func (h *harvest) rest(instead *pg.Node) *pg.Node {
	node := pg.Clone(h.node)
	with := withOf(node)
	var kept []*pg.Node
	for i, n := range h.with.Ctes {
		c := (*with).Ctes[i]
		switch {
		case n.GetCommonTableExpr() == h.query && instead == nil, slices.Contains(h.first, n):
			continue
		case n.GetCommonTableExpr() == h.query:
			c.GetCommonTableExpr().Ctequery = instead
		}
		kept = append(kept, c)
	}
	if (*with).Ctes = kept; len(kept) == 0 {
		*with = nil
	}
	return node
}

// harvests routes a statement that cannot be done as it is in two parts, if it can.
func (st *Statement) harvests(a *analysis) {
	refusal := new(Refusal)
	if !a.modifies || a.unknown != nil || len(a.p.all) == 1 || st.err != nil && !errors.As(st.err, &refusal) || st.route == nil && st.err == nil {
		return
	}
	if f, ok := st.route.(fixed); ok && st.err == nil && f.Mode == Composed {
		return // it is done otherwise
	}
	h := a.harvestable(st.composition.node)
	if h == nil {
		return
	}
	if first, _, _ := a.p.statement(pg.Statement{SQL: st.SQL, Node: h.alone()}, a.cat, a.path); first.err != nil {
		return
	}
	st.Writes, st.route, st.err = true, harvesting{st.route, st.err}, nil
}

// harvest composes it.
func (w *writer) harvest(h *harvest) error {
	if h == nil {
		return errOtherwise
	}
	query := h.alone()
	var list *[]*pg.Node
	var joined bool
	switch q := query.GetNode().(type) {
	case *pg.Node_InsertStmt:
		list = exprsOf(q.InsertStmt.ReturningClause)
	case *pg.Node_UpdateStmt:
		list, joined = exprsOf(q.UpdateStmt.ReturningClause), len(q.UpdateStmt.FromClause) > 0
	case *pg.Node_DeleteStmt:
		list, joined = exprsOf(q.DeleteStmt.ReturningClause), len(q.DeleteStmt.UsingClause) > 0
	}
	w.out.Strategy, w.out.Reason = "one after the other", "the WITH query that writes is run first; the rest of the statement runs over what it returns"
	var instead *pg.Node
	if list != nil {
		described := pg.Clone(query)
		if err := w.typed(described); err != nil {
			return err
		}
		d, err := w.describe(described)
		if err != nil {
			return err
		}
		if instead, err = w.returned(query, list, d.Columns, joined); err != nil {
			return err
		}
	}
	if err := w.typed(query); err != nil {
		return err
	}
	var err error
	if w.out.Source, err = textOf(query); err != nil {
		return err
	}
	rest := h.rest(instead)
	if err := w.typed(rest); err != nil {
		return err
	}
	w.out.Then, err = textOf(rest)
	return err
}

func exprsOf(r *pg.ReturningClause) *[]*pg.Node {
	if r == nil {
		return nil
	}
	return &r.Exprs
}

// returned lets the WITH query return text, and makes the query that stands for it: over
// the rows that are handed over.
func (w *writer) returned(query *pg.Node, list *[]*pg.Node, columns []Described, joined bool) (*pg.Node, error) {
	rv := writtenBy(query)
	r := w.a.cat.Resolve(w.a.path, rv.Schemaname, rv.Relname)
	var exprs []*pg.Node
	for _, n := range *list {
		v := n.GetResTarget().GetVal()
		if !isStar(v) {
			exprs = append(exprs, v)
			continue
		}
		qualifier := names(v.GetColumnRef().GetFields())
		if v.GetColumnRef() == nil || len(qualifier) == 0 && joined || len(qualifier) > 0 && qualifier[len(qualifier)-1] != aliasOf(rv) {
			return nil, errOtherwise
		}
		for _, c := range r.Columns {
			exprs = append(exprs, pg.Column(aliasOf(rv), c.Name))
		}
	}
	if len(exprs) != len(columns) {
		return nil, errOtherwise
	}
	*list = nil
	w.out.Width = len(exprs)
	items := make([]string, len(exprs))
	for i, e := range exprs {
		typ, err := w.typeOf(e, columns[i], r, aliasOf(rv))
		if err != nil {
			return nil, err
		}
		items[i] = fmt.Sprintf("CAST(x.xapg_%d AS %s) AS %s", i+1, typ, quoted(columns[i].Name))
		*list = append(*list, pg.Output(asText(e, columns[i].OID), partColumn(i)))
	}
	stmts, err := pg.Parse("SELECT " + strings.Join(items, ", ") + " FROM " + w.arrays("x", len(items)) + " ORDER BY x.xapg_n")
	if err != nil {
		return nil, err
	}
	return stmts[0].Node, nil
}

// typeOf is the type of what a WITH query returns, with its collation.
func (w *writer) typeOf(e *pg.Node, d Described, r *catalog.Relation, alias string) (string, error) {
	typ := w.a.cat.Type(d.OID)
	if typ == "" || pseudo(d.OID) {
		return "", errOtherwise
	}
	if w.a.cat.CastsToText(d.OID) {
		return "", &Refusal{Clause: "a value of type " + typ + " that a WITH query returns", Reason: "the type has a cast to text of its own, which need not be the text that it is read from", Remedy: byKey}
	}
	const collated = " COLLATE "
	column := -1
	if list := names(e.GetColumnRef().GetFields()); len(list) > 0 && (len(list) == 1 || list[len(list)-2] == alias) {
		column = r.Column(list[len(list)-1])
	}
	if column >= 0 {
		if _, collation, ok := strings.Cut(r.Columns[column].Declared, collated); ok {
			return "", &Refusal{Clause: "a column with a collation of its own (" + collation + ") that a WITH query returns", Reason: "what is compared with it would be compared otherwise", Remedy: byKey}
		}
		return typ, nil
	}
	switch d.OID {
	case 18, 19, 25, 1042, 1043:
		if slices.ContainsFunc(r.Columns, func(c catalog.Column) bool { return strings.Contains(c.Declared, collated) }) {
			return "", &Refusal{Clause: "text that a WITH query computes", Reason: "its collation cannot be told", Remedy: byKey}
		}
	}
	return typ, nil
}
