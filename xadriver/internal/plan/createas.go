package plan

import (
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// CreateAs is CREATE TABLE … AS and SELECT INTO: the table is made on all shards,
// and its rows are then inserted like any others.
type CreateAs struct {
	Create string // without rows
	Insert string // "" when none are wanted
	Schema string
	Table  string
	Exists bool // IF NOT EXISTS
	Temp   bool
}

// createAs plans it.
func (st *Statement) createAs(a *analysis, c *pg.CreateTableAsStmt) error {
	if c.Objtype != pg.ObjectType_OBJECT_TABLE {
		return &Refusal{Clause: "CREATE MATERIALIZED VIEW", Reason: "each shard would have another content", Remedy: "create a table and fill it by INSERT … SELECT"}
	}
	if c.Query.GetSelectStmt() == nil {
		return &Refusal{Clause: "CREATE TABLE AS EXECUTE", Reason: "the statement's text is not the server's", Remedy: "write the query itself"}
	}
	into := c.Into
	as := &CreateAs{Table: into.Rel.Relname, Schema: into.Rel.Schemaname, Exists: c.IfNotExists, Temp: into.Rel.Relpersistence == "t"}
	create := pg.Clone(c)
	create.IsSelectInto = false
	create.Into.SkipData = true
	var err error
	if as.Create, err = pg.Deparse(&pg.Node{Node: &pg.Node_CreateTableAsStmt{CreateTableAsStmt: create}}); err != nil {
		return err
	}
	if !into.SkipData {
		rel := pg.Clone(into.Rel)
		rel.Relpersistence = "p"
		in := &pg.InsertStmt{Relation: rel, SelectStmt: c.Query, Override: pg.OverridingKind_OVERRIDING_NOT_SET}
		if as.Insert, err = pg.Deparse(&pg.Node{Node: &pg.Node_InsertStmt{InsertStmt: in}}); err != nil {
			return err
		}
	}
	st.Class, st.Writes, st.CreateAs = Create, true, as
	st.Temporary = as.Temp
	st.route = a.p.everywhere("the table is made on all shards, and its rows are inserted where they belong")
	if as.Temp {
		st.route = a.p.toHome("temporary tables live on home")
	}
	return nil
}

// selectInto is SELECT … INTO as CREATE TABLE AS.
func selectInto(sel *pg.SelectStmt) *pg.CreateTableAsStmt {
	s := pg.Clone(sel)
	into := s.IntoClause
	s.IntoClause = nil
	return &pg.CreateTableAsStmt{Query: pg.Select(s), Into: into, Objtype: pg.ObjectType_OBJECT_TABLE, IsSelectInto: true}
}
