package plan

import (
	"fmt"
	"slices"

	"github.com/xapg/xapg/shardmap"
	pg "github.com/xapg/xapg/xadriver/internal/syntax"
)

// on gives a column's constraint the column's name.
func on(k *pg.Constraint, column string) *pg.Constraint {
	key := &pg.Node{Node: &pg.Node_String_{String_: &pg.String{Sval: column}}}
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE:
		return &pg.Constraint{Contype: k.Contype, Keys: []*pg.Node{key}, Location: k.Location}
	case pg.ConstrType_CONSTR_FOREIGN:
		return &pg.Constraint{Contype: k.Contype, FkAttrs: []*pg.Node{key}, PkAttrs: k.PkAttrs, Pktable: k.Pktable, Location: k.Location}
	default:
		return k
	}
}

// constraint says why a constraint cannot be kept by each shard by itself.
func (a *analysis) constraint(t *shardmap.Table, k *pg.Constraint) error {
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_EXCLUSION:
		if t.Kind == shardmap.Sharded && k.Indexname == "" && !a.p.UniquePerShard && !slices.Contains(names(k.Keys), t.Key) {
			return a.notUnique(t, k.Location)
		}
	case pg.ConstrType_CONSTR_FOREIGN:
		return a.foreignKey(t, k)
	}
	return nil
}

func (a *analysis) notUnique(t *shardmap.Table, offset int32) error {
	return &Refusal{
		Clause: "a primary key, unique or exclusion constraint of sharded table " + t.Name + " without its key " + t.Key,
		Reason: "each shard would judge by its own rows only", Remedy: "add " + t.Key + " to its columns, or allow it with the setting unique_per_shard",
		Position: int(pg.Position(a.sql, offset)),
	}
}

// foreignKey lets references through whose target is on the same shard.
func (a *analysis) foreignKey(t *shardmap.Table, k *pg.Constraint) error {
	r := a.cat.Resolve(a.path, k.Pktable.GetSchemaname(), k.Pktable.GetRelname())
	var target *shardmap.Table
	if r != nil {
		var err error
		if target, err = a.p.placement(r); err != nil {
			return err
		}
	} else {
		target = t // itself, or a table that PostgreSQL will not find
	}
	refuse := func(reason string) error {
		return &Refusal{
			Clause: fmt.Sprintf("a foreign key from table %s to table %s", t.Name, target.Name), Reason: reason,
			Remedy: "refer to the key, or make the table referred to a reference table", Position: int(pg.Position(a.sql, k.Location)),
		}
	}
	switch {
	case target.Kind == shardmap.Reference:
		return nil
	case t.Kind == shardmap.Reference:
		return refuse("a reference table's rows are on every shard, those referred to are not")
	case t.Kind == shardmap.Unsharded && target.Kind == shardmap.Unsharded:
		return nil
	case t.Kind != target.Kind || !t.Colocated(target):
		return refuse("their rows are placed differently")
	}
	from, to := names(k.FkAttrs), names(k.PkAttrs)
	if len(to) == 0 {
		// To the primary key: which holds the key, if it is one column, as it must.
		if len(from) == 1 && from[0] == t.Key {
			return nil
		}
		if slices.Contains(from, t.Key) {
			return nil
		}
		return refuse("the key " + t.Key + " is not among its columns")
	}
	for i := range from {
		if i < len(to) && from[i] == t.Key && to[i] == target.Key {
			return nil
		}
	}
	return refuse("it does not match the keys of the two tables")
}

func (a *analysis) uniqueIndex(i *pg.IndexStmt) error {
	_, _, t := a.relation(i.Relation, a.top)
	if t == nil || t.Kind != shardmap.Sharded || a.p.UniquePerShard {
		return nil
	}
	for _, n := range i.IndexParams {
		if n.GetIndexElem().GetName() == t.Key {
			return nil
		}
	}
	return a.notUnique(t, i.Relation.Location)
}
