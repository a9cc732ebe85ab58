package plan

import "database/sql/driver"

// explaining goes where one shard answers.
type explaining struct {
	route
	clause string
}

func (e explaining) target(p *Planner, args []driver.NamedValue) (Target, error) {
	t, err := e.route.target(p, args)
	if err == nil && (t.Mode == Scatter || t.Mode == Everywhere || t.Mode == Composed) && len(t.Shards) > 1 {
		return Target{}, &Refusal{
			Clause: e.clause, Reason: "it would be something else on each shard",
			Remedy: "bind it to one key, or ask each shard with /* xapg:shard=… */; `xapg route` shows what a statement does",
		}
	}
	return t, err
}
