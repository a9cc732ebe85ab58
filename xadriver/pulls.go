package xadriver

import (
	"database/sql/driver"
	"slices"
	"strconv"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// pulled is what one shard is asked for a program: for all tables in one
// statement, so that what it answers is from one moment.
type pulled struct {
	shard  int
	text   plan.Text
	tables []filled
}

// filled is a table of the scratch session, by its place in the loader, and how
// many columns of it are filled.
type filled struct{ table, width int }

type scratchTable struct {
	name    string
	columns []string
}

// tablesOf lists the tables of the scratch session that rows are copied into.
func tablesOf(p *plan.Program) []scratchTable {
	if p.Part != "" {
		t := scratchTable{name: p.Part}
		for i := range p.Width {
			t.columns = append(t.columns, "c"+strconv.Itoa(i+1))
		}
		return []scratchTable{t}
	}
	var list []scratchTable
	for _, q := range p.Pulls {
		list = append(list, scratchTable{q.Table, q.Columns})
	}
	return list
}

// pulls says what each shard is asked.
func (c *Conn) pulls(s call, target plan.Target, p *plan.Program, args []driver.NamedValue) ([]pulled, error) {
	if p.Part != "" {
		list := make([]pulled, len(target.Shards))
		for i, at := range target.Shards {
			list[i] = pulled{shard: at, text: p.Scatter, tables: []filled{{0, p.Width}}}
		}
		return list, nil
	}
	byShard := make([][]int, len(c.connector.shards))
	for i := range p.Pulls {
		shards, err := p.Pulls[i].Shards(s.Statement, s.values)
		if err != nil {
			return nil, err
		}
		for _, at := range shards {
			byShard[at] = append(byShard[at], i)
		}
	}
	var list []pulled
	for at, which := range byShard {
		if len(which) == 0 {
			continue
		}
		q := pulled{shard: at, text: p.Together(which)}
		for _, i := range which {
			q.tables = append(q.tables, filled{i, len(p.Pulls[i].Columns)})
		}
		list = append(list, q)
	}
	return slices.Clip(list), nil
}
