package plan

import (
	"errors"

	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// composer makes one program. It works on a copy of the statement's tree.
type composer struct {
	st   *Statement
	ask  Describer
	how  int
	desc *Description
	a    *analysis // of the copy
	sel  *pg.SelectStmt
	prog *Program
}

// part is the name of the scratch session's table of partial rows.
const part = "xapg_part"

func (st *Statement) compose(d Describer, how int) (*Program, error) {
	desc, err := d.Describe(st.SQL)
	if err != nil {
		return nil, err
	}
	// From what the shards can do most of to what they can do least of.
	for _, try := range []func(*composer) (bool, error){(*composer).sorted, (*composer).grouped, (*composer).projected, (*composer).gathered} {
		c := st.composer(d, desc, how)
		ok, err := try(c)
		if errors.Is(err, errOtherwise) || errors.Is(err, pg.ErrWriting) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if ok {
			return c.prog, nil
		}
	}
	return nil, &Refusal{Clause: "this statement over several shards", Reason: "it is not understood well enough", Remedy: byKey}
}

// composer analyses a fresh copy of the statement, which it may change.
func (st *Statement) composer(d Describer, desc *Description, how int) *composer {
	node := pg.Clone(st.composition.node)
	a := &analysis{p: st.planner, cat: st.catalog, path: st.composition.path, sql: st.SQL, node: node, top: &block{}}
	sel := node.GetSelectStmt()
	res := a.query(sel, nil, a.top)
	_, tied := a.together()
	a.local = a.acrossShards(res, tied, false) == nil
	root, _ := a.together()
	for _, call := range a.opaque(nil, root) {
		a.local = a.local && call.local
	}
	c := &composer{st: st, ask: d, how: how, desc: desc, a: a, sel: sel, prog: &Program{Columns: desc.Columns}}
	if a.now {
		c.prog.Moment = len(desc.Params) + 1
		for _, m := range a.mentions { // what a view says of the time is said in it
			if m.view != nil {
				m.inline()
			}
		}
		a.moment(node, c.prog.Moment)
	}
	return c
}

// pushable reports whether each shard can answer FROM and WHERE for its own rows.
func (c *composer) pushable() bool {
	return c.how&Gather == 0 && c.a.local && c.sel.Op == pg.SetOperation_SETOP_NONE && len(c.sel.ValuesLists) == 0
}

// typed gives the parameters below n the types that they have in the statement as
// it was written, since a part of it alone might let them be read otherwise.
func (c *composer) typed(n *pg.Node) error {
	return c.parameters(n, func(ref *pg.Node, typ string) (*pg.Node, error) { return pg.CastTo(ref, typ) })
}

// emptied is n with NULLs of their types in place of the parameters.
func (c *composer) emptied(n *pg.Node) error {
	return c.parameters(n, func(_ *pg.Node, typ string) (*pg.Node, error) { return pg.CastTo(pg.Null(), typ) })
}

func (c *composer) parameters(n *pg.Node, replace func(*pg.Node, string) (*pg.Node, error)) error {
	var failed error
	pg.Walk(n, func(m proto.Message) bool {
		node, ok := m.(*pg.Node)
		if !ok || node.GetParamRef() == nil {
			return true
		}
		n := int(node.GetParamRef().Number)
		if n > len(c.desc.Params)+1 && (c.prog.Limit == nil || n != c.prog.Limit.Param) {
			return true // rows that are handed over: cast where they are
		}
		by, err := replace(pg.Param(n), c.paramType(n))
		if err != nil {
			failed = err
			return false
		}
		node.Node = by.Node
		return false
	})
	return failed
}

func (c *composer) paramType(n int) string {
	if c.prog.Moment != 0 && n == c.prog.Moment {
		return "timestamp with time zone"
	}
	if l := c.prog.Limit; l != nil && n == l.Param {
		return "bigint"
	}
	if n >= 1 && n <= len(c.desc.Params) {
		if name := c.a.cat.Type(c.desc.Params[n-1]); name != "" {
			return name
		}
	}
	return "text"
}

// outputs names the columns of the result.
func (c *composer) outputs() []string {
	out := make([]string, len(c.desc.Columns))
	for i, d := range c.desc.Columns {
		out[i] = d.Name
	}
	return out
}

// create makes the table of partial rows from the statement that fills it, so
// that PostgreSQL itself gives its columns their types and collations.
func (c *composer) create(scatter *pg.Node, width int) error {
	empty := pg.Clone(scatter)
	sel := empty.GetSelectStmt()
	sel.WhereClause, sel.SortClause, sel.LimitCount, sel.LimitOffset, sel.LockingClause = nil, nil, nil, nil, nil
	sel.LimitOption = pg.LimitOption_LIMIT_OPTION_DEFAULT
	if err := c.emptied(empty); err != nil {
		return err
	}
	sql, err := pg.Deparse(empty)
	if err != nil {
		return err
	}
	columns := ""
	for i := range width {
		if i > 0 {
			columns += ", "
		}
		columns += partColumn(i)
	}
	c.prog.Part, c.prog.Width = part, width
	c.prog.Create = []string{"CREATE TEMPORARY TABLE " + part + " (" + columns + ") ON COMMIT DROP AS " + sql + " WITH NO DATA"}
	return nil
}

// scatter keeps what the shards are asked. Rows that go into the table of partial
// rows are asked for as text; what they are is known, or has to be asked.
func (c *composer) scatter(n *pg.Node, known []Described) error {
	if err := c.typed(n); err != nil {
		return err
	}
	if c.prog.Part != "" {
		if known == nil {
			d, err := c.describe(n)
			if err != nil {
				return err
			}
			known = d.Columns
		}
		if len(known) != c.prog.Width {
			return errOtherwise
		}
		s := &pg.SelectStmt{}
		var columns []*pg.Node
		for i, col := range known {
			if pseudo(col.OID) || c.a.cat.CastsToText(col.OID) {
				return errOtherwise // no table can have such a column
			}
			columns = append(columns, pg.Text(partColumn(i)))
			s.TargetList = append(s.TargetList, pg.Output(asText(pg.Column(partColumn(i)), col.OID), ""))
		}
		s.FromClause = []*pg.Node{pg.Derived(n.GetSelectStmt(), "part", columns)}
		n = pg.Select(s)
	}
	var err error
	c.prog.Scatter, err = textOf(n)
	return err
}

// errOtherwise says that a statement must be composed in another way.
var errOtherwise = errors.New("not composed this way")

// pseudo tells types that no column of a table can have: records and the like.
func pseudo(oid uint32) bool { return oid == 2249 || oid == 2287 || oid >= 2275 && oid <= 2283 }

// describe asks PostgreSQL for the columns of a statement made for a shard.
func (c *composer) describe(n *pg.Node) (*Description, error) {
	text, err := textOf(n)
	if err != nil {
		return nil, err
	}
	sql, _ := text.Bind(nil)
	return c.ask.Describe(sql)
}

// final keeps what the scratch session is asked.
func (c *composer) final(n *pg.Node, typed bool) error {
	if typed {
		if err := c.typed(n); err != nil {
			return err
		}
	}
	var err error
	c.prog.Final, err = textOf(n)
	return err
}
