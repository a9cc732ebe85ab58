package plan

import (
	"strings"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// utility plans what is not a query: transaction control, settings, DDL.
func (st *Statement) utility(a *analysis, n *pg.Node) {
	if st.prepare(n) || st.cursor(a, n) {
		return
	}
	switch u := n.GetNode().(type) {
	case *pg.Node_TransactionStmt:
		st.transaction(u.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		st.set(u.VariableSetStmt)
	case *pg.Node_VariableShowStmt:
		st.Class, st.ReturnsRows = Show, true
		st.Setting = &Setting{Name: strings.ToLower(u.VariableShowStmt.Name)}
		st.route = a.p.toHome("settings are the same on every shard")
	case *pg.Node_ConstraintsSetStmt:
		st.Class = SetConstraints
	case *pg.Node_DiscardStmt:
		st.Class = Discard
		if u.DiscardStmt.Target != pg.DiscardMode_DISCARD_ALL {
			st.fatal = &Refusal{Clause: "DISCARD of a part of the session", Reason: "connections are shared", Remedy: "use DISCARD ALL"}
		}
	case *pg.Node_LockStmt:
		st.Class, st.Writes = Lock, true
		st.relations(a, "LOCK TABLE", rangeVars(u.LockStmt.Relations))
	case *pg.Node_TruncateStmt:
		st.Class, st.Writes = Truncate, true
		st.relations(a, "TRUNCATE", rangeVars(u.TruncateStmt.Relations))
	case *pg.Node_VacuumStmt:
		if u.VacuumStmt.IsVacuumcmd {
			st.inTurn(a, "VACUUM")
			return
		}
		st.Class, st.Writes, st.route = Truncate, true, a.p.everywhere("every shard has statistics of its own")
	default:
		st.definition(a, n)
	}
}

func rangeVars(list []*pg.Node) []*pg.RangeVar {
	out := make([]*pg.RangeVar, 0, len(list))
	for _, n := range list {
		out = append(out, n.GetRangeVar())
	}
	return out
}

// relations routes what concerns whole tables: everywhere, or on home. Unsharded tables
// are on the other shards too, though empty: beside sharded ones they are named there as
// well.
func (st *Statement) relations(a *analysis, clause string, list []*pg.RangeVar) {
	home, everywhere := false, false
	for _, rv := range list {
		_, r, t := a.relation(rv, a.top)
		switch {
		case t != nil && t.Kind != shardmap.Unsharded:
			everywhere = true
		case r != nil:
			home = true
		}
	}
	switch {
	case a.unknown != nil:
		st.err = unknownTable(a.sql, a.unknown)
	case a.err != nil:
		st.err = a.err
	case everywhere && a.temporary:
		st.err = &Refusal{Clause: clause + " of sharded and temporary tables together", Reason: "they are on different shards", Remedy: "use two statements, in one transaction"}
	case home && !everywhere:
		st.route = a.p.toHome("unsharded tables live on home")
	default:
		st.route = a.p.everywhere("the tables are on every shard")
	}
	st.Temporary = a.temporary
}

func (st *Statement) transaction(t *pg.TransactionStmt) {
	st.Control = &Control{Chain: t.Chain, Name: t.SavepointName}
	switch t.Kind {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		st.Class = Begin
		st.Control.options(t.Options)
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		st.Class = Commit
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		st.Class = Rollback
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		st.Class = Savepoint
	case pg.TransactionStmtKind_TRANS_STMT_RELEASE:
		st.Class = Release
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		st.Class = RollbackTo
	default:
		st.fatal = &Refusal{
			Clause: "two-phase commit by hand (PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED)",
			Reason: "transactions are committed atomically over all shards as it is", Remedy: "use COMMIT and ROLLBACK",
		}
	}
}

func (c *Control) options(list []*pg.Node) {
	for _, n := range list {
		d := n.GetDefElem()
		value := d.GetArg().GetAConst()
		truth := value.GetIval().GetIval() != 0
		switch d.GetDefname() {
		case "transaction_isolation":
			c.Isolation = strings.ToUpper(value.GetSval().GetSval())
		case "transaction_read_only":
			c.ReadOnly = &truth
		case "transaction_deferrable":
			c.Deferrable = &truth
		}
	}
}

func (st *Statement) set(v *pg.VariableSetStmt) {
	st.Class = Set
	st.Setting = &Setting{Name: strings.ToLower(v.Name), Local: v.IsLocal}
	switch v.Kind {
	case pg.VariableSetKind_VAR_RESET:
		st.Class, st.Setting.Default = Reset, true
	case pg.VariableSetKind_VAR_RESET_ALL:
		st.Class, st.Setting.All = Reset, true
	case pg.VariableSetKind_VAR_SET_DEFAULT, pg.VariableSetKind_VAR_SET_CURRENT:
		st.Setting.Default = true
	case pg.VariableSetKind_VAR_SET_MULTI:
		st.Control = &Control{}
		st.Control.options(v.Args)
		if v.Name == "TRANSACTION" || v.Name == "TRANSACTION SNAPSHOT" {
			st.Class = SetTransaction
		}
		if v.Name == "TRANSACTION SNAPSHOT" {
			st.fatal = &Refusal{Clause: "SET TRANSACTION SNAPSHOT", Reason: "a snapshot is one shard's", Remedy: ""}
		}
	}
	switch st.Setting.Name {
	case "standard_conforming_strings", "transform_null_equals":
		if v.Kind != pg.VariableSetKind_VAR_RESET && v.Kind != pg.VariableSetKind_VAR_SET_DEFAULT {
			st.fatal = &Refusal{Clause: "SET " + st.Setting.Name, Reason: "statements are read here as they are by default", Remedy: "write strings as E'…' where they need it"}
		}
	}
	for _, n := range v.Args {
		c := n.GetAConst()
		switch {
		case c == nil:
		case c.GetSval() != nil:
			st.Setting.Values = append(st.Setting.Values, c.GetSval().Sval)
		case c.GetFval() != nil:
			st.Setting.Values = append(st.Setting.Values, c.GetFval().Fval)
		default:
			st.Setting.Values = append(st.Setting.Values, itoa(c.GetIval().GetIval()))
		}
	}
}
