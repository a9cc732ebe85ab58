package plan

import (
	"strconv"

	"github.com/jackc/pgx/v5/pgconn"
	"google.golang.org/protobuf/proto"

	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// Prepared is the content of PREPARE, EXECUTE and DEALLOCATE.
type Prepared struct {
	Name  string // "" for all, with DEALLOCATE
	query *pg.Node
	types []*pg.Node
	args  []*pg.Node
}

// Argument of an EXECUTE: a constant, or an expression for PostgreSQL to compute.
type Argument struct {
	Value any
	SQL   string
}

// Cursor is the content of DECLARE, FETCH, MOVE and CLOSE.
type Cursor struct {
	Name string // "" for all, with CLOSE
}

// prepare plans PREPARE, EXECUTE, DEALLOCATE.
func (st *Statement) prepare(n *pg.Node) bool {
	switch u := n.GetNode().(type) {
	case *pg.Node_PrepareStmt:
		st.Class, st.Prepared = Prepare, &Prepared{Name: u.PrepareStmt.Name, query: u.PrepareStmt.Query, types: u.PrepareStmt.Argtypes}
	case *pg.Node_ExecuteStmt:
		st.Class, st.ReturnsRows = Execute, true
		st.Prepared = &Prepared{Name: u.ExecuteStmt.Name, args: u.ExecuteStmt.Params}
	case *pg.Node_DeallocateStmt:
		st.Class, st.Prepared = Deallocate, &Prepared{Name: u.DeallocateStmt.Name}
	default:
		return false
	}
	return true
}

// Text is the prepared statement by itself, with its parameters cast to the types
// that PREPARE declared, and how many parameters it has: those that are declared
// and those that are used.
func (p *Prepared) Text() (Text, int, error) {
	q := pg.Clone(p.query)
	for _, n := range q.GetSelectStmt().GetTargetList() {
		if t := n.GetResTarget(); t.GetVal().GetParamRef() != nil && t.Name == "" {
			t.Name = "?column?"
		}
	}
	count := len(p.types)
	pg.Walk(q, func(m proto.Message) bool {
		n, ok := m.(*pg.Node)
		if !ok || n.GetParamRef() == nil {
			return true
		}
		count = max(count, int(n.GetParamRef().Number))
		if i := int(n.GetParamRef().Number); i >= 1 && i <= len(p.types) && p.types[i-1].GetTypeName() != nil {
			cast := pg.Cast(pg.Param(i), "text")
			cast.GetTypeCast().TypeName = pg.Clone(p.types[i-1].GetTypeName())
			untypmod(cast.GetTypeCast().TypeName)
			n.Node = cast.Node
		}
		return false
	})
	text, err := textOf(q)
	return text, count, err
}

// untypmod takes the typmod from a type's name: a parameter's type has none.
func untypmod(t *pg.TypeName) {
	t.Typmods = nil
	if list := names(t.Names); len(list) > 0 && list[len(list)-1] == "bpchar" {
		t.Names = []*pg.Node{pg.Text("bpchar")} // pg_catalog.bpchar would be written char, which is char(1)
	}
}

// Arguments are those of an EXECUTE of a statement that prepared made. Those that are
// not text by themselves are computed by PostgreSQL, as values of the declared types.
func (p *Prepared) Arguments(prepared *Prepared) ([]Argument, error) {
	var out []Argument
	for i, n := range p.args {
		c := n.GetAConst()
		typed := i < len(prepared.types) && prepared.types[i].GetTypeName() != nil
		switch {
		case n.GetSubLink() != nil:
			return nil, &pgconn.PgError{Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "0A000", Message: "cannot use subquery in EXECUTE parameter"}
		case c == nil, typed && c.GetFval() != nil:
			value := pg.Clone(n)
			if typed {
				cast := pg.Cast(value, "text")
				cast.GetTypeCast().TypeName = pg.Clone(prepared.types[i].GetTypeName())
				untypmod(cast.GetTypeCast().TypeName)
				value = cast
			}
			sql, err := pg.Deparse(pg.Select(&pg.SelectStmt{TargetList: []*pg.Node{pg.Output(pg.Cast(value, "text"), "")}}))
			if err != nil {
				return nil, err
			}
			out = append(out, Argument{SQL: sql})
		case c.Isnull:
			out = append(out, Argument{})
		case c.GetSval() != nil:
			out = append(out, Argument{Value: c.GetSval().Sval})
		case c.GetFval() != nil:
			out = append(out, Argument{Value: c.GetFval().Fval})
		case c.GetBoolval() != nil:
			out = append(out, Argument{Value: strconv.FormatBool(c.GetBoolval().Boolval)})
		default:
			out = append(out, Argument{Value: strconv.Itoa(int(c.GetIval().GetIval()))})
		}
	}
	return out, nil
}

// cursor plans DECLARE, FETCH, MOVE and CLOSE: a cursor lives where one shard
// answers its query.
func (st *Statement) cursor(a *analysis, n *pg.Node) bool {
	switch u := n.GetNode().(type) {
	case *pg.Node_DeclareCursorStmt:
		d := u.DeclareCursorStmt
		st.Class, st.Cursor = Declare, &Cursor{Name: d.Portalname}
		const withHold = 1 << 5 // CURSOR_OPT_HOLD of parsenodes.h
		if d.Options&withHold != 0 {
			st.err = &Refusal{Clause: "a cursor WITH HOLD", Reason: "it would outlive its transaction, which then could not be committed atomically", Remedy: "read the rows of a query"}
			return true
		}
		sel := d.Query.GetSelectStmt()
		st.read(a, a.query(sel, nil, a.top))
		a.complete(d.Query)
		st.finish(a)
		if st.route != nil {
			st.route = explaining{st.route, "a cursor over several shards"}
		}
	case *pg.Node_FetchStmt:
		st.Class, st.Cursor, st.ReturnsRows = Fetch, &Cursor{Name: u.FetchStmt.Portalname}, !u.FetchStmt.Ismove
	case *pg.Node_ClosePortalStmt:
		st.Class, st.Cursor = Fetch, &Cursor{Name: u.ClosePortalStmt.Portalname}
	default:
		return false
	}
	return true
}
