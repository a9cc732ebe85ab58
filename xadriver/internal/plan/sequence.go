package plan

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// sequence takes notice of a call of nextval, setval, currval or lastval. Sequences
// live on home, but those that number sharded tables count on every shard: a number
// of home's own is good for any row, but what was given last is the shard's to know,
// and setting one sets all.
func (a *analysis) sequence(name string, f *pg.FuncCall) {
	a.unsharded, a.userFunc = true, true
	a.asks = a.asks || name == "currval" || name == "lastval"
	if name == "nextval" || len(a.p.all) == 1 {
		return
	}
	var seq catalog.Name
	known := false
	if name != "lastval" && len(f.Args) > 0 {
		seq, known = a.sequenceNamed(f.Args[0])
	}
	counts, given := a.p.counts(a.cat, seq, known)
	switch {
	case name == "setval" && counts:
		a.sets = true
	case name != "setval" && given:
		a.refuse(name+" of numbers that shards give to rows of sharded tables", "the shard of the row knows it, and which that is cannot be told",
			"use INSERT … RETURNING", f.Location)
	}
}

// counts reports whether a sequence, or any if it is not known which, numbers a
// sharded table, and whether it is the shards that give its numbers to rows: those of
// the key are given by home, which must know the row's place.
func (p *Planner) counts(cat *catalog.Catalog, seq catalog.Name, known bool) (counts, given bool) {
	p.numbering(cat, func(c catalog.Column, key bool) {
		if s, ok := cat.Sequence(c.Sequence); ok && (!known || s.Name == seq) {
			counts, given = true, given || !key
		}
	})
	return counts, given
}

// sequenceNamed is the sequence that an argument names, the empty name where there is
// none; false where it is not written out.
func (a *analysis) sequenceNamed(n *pg.Node) (catalog.Name, bool) {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().Arg
	}
	if f := n.GetFuncCall(); f != nil && a.builtin(f) == "pg_get_serial_sequence" && len(f.Args) == 2 {
		r, column := a.relationNamed(f.Args[0]), f.Args[1].GetAConst().GetSval()
		if r == nil || column == nil {
			return catalog.Name{}, false
		}
		if at := r.Column(column.Sval); at >= 0 {
			s, _ := a.cat.Sequence(r.Columns[at].Sequence)
			return s.Name, true
		}
		return catalog.Name{}, true // PostgreSQL says that there is none
	}
	if n.GetAConst().GetSval() == nil {
		return catalog.Name{}, false
	}
	if r := a.relationNamed(n); r != nil {
		return r.Name, true
	}
	return catalog.Name{}, true
}

// relationNamed is the relation that a literal names.
func (a *analysis) relationNamed(n *pg.Node) *catalog.Relation {
	text := n.GetAConst().GetSval().GetSval()
	schema, name, err := shardmap.ParseName(text)
	if err != nil {
		return nil
	}
	if !strings.Contains(text, ".") {
		schema = ""
	}
	return a.cat.Resolve(a.path, schema, name)
}

// setting is the call of a statement that does nothing but set a sequence, and the
// name of its column; nil for others.
func (a *analysis) setting(sel *pg.SelectStmt) (*pg.FuncCall, string) {
	if sel == nil || len(sel.TargetList) != 1 || len(sel.ValuesLists)+len(sel.GroupClause)+len(sel.DistinctClause)+len(sel.SortClause)+len(sel.LockingClause) > 0 ||
		sel.Op != pg.SetOperation_SETOP_NONE {
		return nil, ""
	}
	t := sel.TargetList[0].GetResTarget()
	f := t.GetVal().GetFuncCall()
	if f == nil || a.builtin(f) != "setval" || len(f.Args) < 2 || len(f.Args) > 3 {
		return nil, ""
	}
	if _, ok := a.sequenceNamed(f.Args[0]); !ok {
		return nil, ""
	}
	others := 0
	pg.Walk(sel, func(m proto.Message) bool {
		if o, ok := m.(*pg.FuncCall); ok && a.builtin(o) == "setval" {
			others++
		}
		return true
	})
	name := t.Name
	if name == "" {
		name = "setval"
	}
	if others > 1 {
		return nil, ""
	}
	return f, name
}

// setsSequence routes a statement that sets a sequence which counts on every shard.
func (st *Statement) setsSequence(a *analysis) {
	if f, _ := a.setting(st.composition.node.GetSelectStmt()); f == nil || st.Class != Select {
		a.fail(&Refusal{
			Clause: "setval of a sequence that numbers a sharded table, within a larger statement", Reason: "it must be set on every shard",
			Remedy: "set it in a statement of its own, that names it: SELECT setval('name', value)",
		})
		return
	}
	st.Writes = true
	st.route = fixed{Target{Composed, a.p.all}, "the sequence counts on every shard"}
}

// setval composes it: the value is found once, and every shard goes on with the next
// number of its own that is not before the one that would be next on one server.
func (w *writer) setval(sel *pg.SelectStmt) error {
	f, name := w.a.setting(sel)
	if f == nil {
		return errOtherwise
	}
	seq := pg.Clone(f.Args[0])
	values := []*pg.Node{asText(pg.Cast(f.Args[1], "int8"), 20)}
	if len(f.Args) == 3 {
		values = append(values, asText(pg.Cast(f.Args[2], "bool"), 16))
	}
	sel.TargetList = nil
	for i, v := range values {
		sel.TargetList = append(sel.TargetList, pg.Output(v, partColumn(i)))
	}
	w.out.Strategy, w.out.Reason = "evaluate and copy", "the value is found once, and the sequence is set on every shard"
	w.out.Table = &shardmap.Table{Name: name, Kind: shardmap.Reference}
	w.out.Returning = true
	if err := w.source(sel); err != nil {
		return err
	}
	regclass, err := pg.Deparse(pg.Select(&pg.SelectStmt{TargetList: []*pg.Node{pg.Output(pg.Cast(seq, "regclass"), "")}}))
	if err != nil {
		return err
	}
	regclass = strings.TrimPrefix(regclass, "SELECT ")
	called := "true"
	if len(values) > 1 {
		called = "CAST(x.xapg_2 AS boolean)"
	}
	// The first call lets PostgreSQL judge the value.
	const set = "pg_catalog.setval(%[1]s, CAST(x.xapg_1 AS bigint), %[2]s)"
	const next = "s.seqstart + CAST(pg_catalog.ceil((CAST(x.xapg_1 AS numeric) + CASE WHEN %[2]s THEN s.seqincrement / %[3]d ELSE 0 END - s.seqstart) / s.seqincrement) AS bigint) * s.seqincrement"
	sql := fmt.Sprintf("SELECT CASE WHEN "+set+" IS NOT NULL THEN CASE WHEN pg_catalog.setval(%[1]s, "+next+", false) IS NOT NULL THEN CAST(x.xapg_1 AS bigint) END END AS "+quoted(name)+ //nolint:dupword // it is SQL
		" FROM "+w.arrays("x", len(values))+" LEFT JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = %[1]s ORDER BY x.xapg_n", regclass, called, w.a.p.Stride)
	w.out.Arrive, err = parameterised(sql)
	return err
}

// numbering calls yield for every column of a sharded table that a sequence numbers,
// and says whether it is the key.
func (p *Planner) numbering(cat *catalog.Catalog, yield func(c catalog.Column, key bool)) {
	for _, r := range cat.Relations() {
		if r.System() || r.Temporary() || r.Kind != 'r' && r.Kind != 'p' || !slices.ContainsFunc(r.Columns, func(c catalog.Column) bool { return c.Sequence != "" }) {
			continue
		}
		t, err := p.placement(r)
		if err != nil || t.Kind != shardmap.Sharded {
			continue
		}
		for _, c := range r.Columns {
			if c.Sequence != "" {
				yield(c, c.Name == t.Key)
			}
		}
	}
}
