package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// write runs a statement that writes by its program, within a transaction: one of
// its own if there is none.
func (c *Conn) write(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	do := func() (driver.Rows, driver.Result, error) {
		rows, n, err := c.written(ctx, s, target)
		if err != nil {
			return nil, nil, c.failed(err)
		}
		if s.rows {
			if rows == nil { // it was asked as a query, and returns none
				rows = noRows(true)
			}
			return rows, nil, nil
		}
		if rows != nil { // RETURNING, and nobody wants it
			if n, err = count(rows); err != nil {
				return nil, nil, c.failed(err)
			}
		}
		return nil, driver.RowsAffected(n), nil
	}
	if c.txn != nil {
		return do()
	}
	return c.implicit(ctx, true, s.rows, do)
}

// written does it, and returns what RETURNING gives and how many rows were written.
func (c *Conn) written(ctx context.Context, s call, target plan.Target) (driver.Rows, int64, error) {
	w, err := s.Write(&describer{ctx: ctx, conn: c})
	if err != nil {
		return nil, 0, err
	}
	c.tell(w.Strategy)
	args, err := c.moment(ctx, s.given, w.Moment)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case !w.Scatter.Empty():
		sent := s
		sent.bind(w.Scatter, args)
		sent.rows = w.Returning
		parts, err := c.parts(ctx, sent, target.Shards)
		return together(parts, w.Returning, err)
	case w.Split != nil:
		return c.splitRows(ctx, s, w, args)
	default:
		return c.applied(ctx, s, w, args)
	}
}

// together is the parts' rows one after the other, and the sum of their counts.
func together(parts []part, rows bool, err error) (driver.Rows, int64, error) {
	joined, res, err := gathered(parts, rows, err)
	if err != nil {
		return nil, 0, err
	}
	if rows {
		return joined, 0, nil
	}
	n, err := res.RowsAffected()
	return nil, n, err
}

// splitRows sends each row of an INSERT to the shard of its key.
func (c *Conn) splitRows(ctx context.Context, s call, w *plan.Write, args []driver.NamedValue) (driver.Rows, int64, error) {
	places, err := s.SplitRows(s.values)
	if err != nil {
		return nil, 0, err
	}
	var parts []part
	var texts [][]plan.Text
	at := make(map[int]int)
	for i, p := range places {
		if _, ok := at[p]; !ok {
			at[p] = len(parts)
			parts = append(parts, part{shard: c.connector.shards[p]})
			texts = append(texts, nil)
		}
		texts[at[p]] = append(texts[at[p]], w.Split.Rows[i])
	}
	err = c.ask(ctx, parts, func(p *part) call {
		sent := s
		all := plan.Join("", w.Split.Head, plan.Join(", ", texts[indexOf(parts, p)]...), w.Split.Tail)
		sent.bind(all, args)
		sent.rows = w.Returning
		return sent
	})
	if err != nil || !w.Returning {
		return together(parts, w.Returning, err)
	}
	order := make([]int, len(places))
	for i, p := range places {
		order[i] = at[p]
	}
	return inOrder(parts, order)
}

// inOrder gives the parts' rows in the order in which the statement had them:
// order says which part each row was sent to. Where a part returns another number
// of rows than it was sent, as with ON CONFLICT DO NOTHING, its rows come as they
// are.
func inOrder(parts []part, order []int) (driver.Rows, int64, error) {
	buffered := make([][][]driver.Value, len(parts))
	var shape driver.Rows
	var err error
	for i, p := range parts {
		b, berr := merge.Buffer(p.rows)
		if err = errors.Join(err, berr); berr == nil {
			buffered[i] = merge.RowsOf(b)
			shape = b
		}
	}
	if err != nil {
		return nil, 0, first(err)
	}
	sent := make([]int, len(parts))
	for _, at := range order {
		sent[at]++
	}
	var rows [][]driver.Value
	exact := true
	for i := range parts {
		exact = exact && sent[i] == len(buffered[i])
	}
	if exact {
		for _, at := range order {
			rows = append(rows, buffered[at][0])
			buffered[at] = buffered[at][1:]
		}
	} else {
		rows = slices.Concat(buffered...)
	}
	return &Rows{inner: merge.WithRows(shape, rows)}, 0, nil
}
