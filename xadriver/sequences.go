package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// number spreads the sequences of sharded tables that were just made, within the
// transaction that made them: each shard counts in steps of id_stride, from a
// place of its own, so that no two shards ever give the same number.
func (c *Conn) number(ctx context.Context) error {
	home, err := c.branch(ctx, c.connector.home)
	if err != nil {
		return err
	}
	cat, err := catalog.Numbers(ctx, queryer{home.Conn()})
	if err != nil {
		return err
	}
	for _, s := range c.connector.planner.Numbered(cat) {
		if err := c.spreadSequence(ctx, s); err != nil {
			return err
		}
		c.txn.own = nil // the catalog says otherwise now
	}
	return nil
}

func (c *Conn) spreadSequence(ctx context.Context, s catalog.Sequence) error {
	name := quoteName(s.Schema) + "." + quoteName(s.Name.Name)
	all := make([]int, len(c.connector.shards))
	for i := range all {
		all[i] = i
	}
	parts, err := c.parts(ctx, call{
		Statement: &plan.Statement{Class: plan.Select}, rows: true,
		sql: "SELECT CASE WHEN is_called THEN last_value + (SELECT seqincrement FROM pg_catalog.pg_sequence WHERE seqrelid = '" + quoteText(name) + "'::pg_catalog.regclass) ELSE last_value END FROM " + name,
	}, all)
	if err != nil {
		return err
	}
	next := s.Start
	for _, p := range parts {
		v := make([]driver.Value, 1)
		err := p.rows.Next(v)
		if cerr := p.rows.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		if n, ok := v[0].(int64); ok && (n > next) == (s.Increment > 0) && n != next {
			next = n
		}
	}
	stride := c.connector.planner.Stride
	parts = make([]part, len(all))
	for i := range parts {
		parts[i].shard = c.connector.shards[i]
	}
	return c.ask(ctx, parts, func(p *part) call {
		from := next + s.Increment*int64(p.shard.Index())
		return call{
			Statement: &plan.Statement{Class: plan.DDL, Writes: true},
			sql:       fmt.Sprintf("ALTER SEQUENCE %s INCREMENT BY %d START WITH %d RESTART WITH %d", name, s.Increment*stride, from, from),
		}
	})
}
