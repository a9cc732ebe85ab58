package plan

import "database/sql/driver"

// explaining goes where one shard answers.
type explaining struct{ route }

func (e explaining) target(p *Planner, args []driver.NamedValue) (Target, error) {
	t, err := e.route.target(p, args)
	if err == nil && (t.Mode == Scatter || t.Mode == Everywhere || t.Mode == Composed) && len(t.Shards) > 1 {
		return Target{}, &Refusal{
			Clause: "EXPLAIN of a statement that runs on several shards", Reason: "each shard has its own plan",
			Remedy: "ask each with /* xapg:shard=… */, or ask xapg route",
		}
	}
	return t, err
}
