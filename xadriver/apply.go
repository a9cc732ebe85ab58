package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// applied finds the rows first and then writes each where it belongs.
func (c *Conn) applied(ctx context.Context, s call, w *plan.Write, args []driver.NamedValue) (driver.Rows, int64, error) {
	if w.Lock != nil {
		if err := c.lock(ctx, s, w, args); err != nil {
			return nil, 0, err
		}
	}
	found, err := c.find(ctx, w, args)
	if err != nil {
		return nil, 0, err
	}
	if !w.Then.Empty() {
		return c.then(ctx, s, w, args, found)
	}
	d, err := c.distribute(w, found)
	if err != nil {
		return nil, 0, err
	}
	out := &outcome{returning: w.Returning}
	for _, step := range []struct {
		text plan.Text
		rows [][]int
		mute bool // what it returns is not the statement's
	}{{w.Leave, d.leave, true}, {w.Stay, d.stay, false}, {w.Arrive, d.arrive, false}} {
		if step.text.Empty() {
			continue
		}
		if err := c.apply(ctx, s, w, args, found, step.text, step.rows, step.mute, out); err != nil {
			return nil, 0, err
		}
	}
	if !w.Returning {
		return nil, out.count, nil
	}
	if out.shape == nil { // nothing to write: the columns are still to be told
		if err := c.apply(ctx, s, w, args, found, anyText(w.Arrive, w.Stay), c.nowhere(), false, out); err != nil {
			return nil, 0, err
		}
	}
	return &Rows{inner: merge.WithRows(out.shape, out.ordered())}, out.count, nil
}

func anyText(texts ...plan.Text) plan.Text {
	for _, t := range texts {
		if !t.Empty() {
			return t
		}
	}
	return plan.Text{}
}

// nowhere is no rows, for home.
func (c *Conn) nowhere() [][]int {
	rows := make([][]int, len(c.connector.shards))
	rows[c.connector.home.Index()] = []int{}
	return rows
}

// outcome adds up what the steps of a write give.
type outcome struct {
	returning bool
	count     int64
	shape     driver.Rows
	rows      [][]driver.Value
	numbers   []int // of the rows, in the order in which they were found; -1 where that is not known
}

// ordered puts the rows in the order in which they were found, where it is known.
func (o *outcome) ordered() [][]driver.Value {
	at := make([]int, len(o.rows))
	for i := range at {
		at[i] = i
	}
	if !slices.Contains(o.numbers, -1) {
		slices.SortStableFunc(at, func(x, y int) int { return o.numbers[x] - o.numbers[y] })
	}
	rows := make([][]driver.Value, len(at))
	for i, x := range at {
		rows[i] = o.rows[x]
	}
	return rows
}

// lock keeps the rows that will be written as they are found.
func (c *Conn) lock(ctx context.Context, s call, w *plan.Write, args []driver.NamedValue) error {
	shards, err := w.Lock.Shards(s.Statement, s.values)
	if err != nil || len(shards) == 0 {
		return err
	}
	sent := s
	sent.bind(w.Lock.Query, args)
	sent.rows = true
	parts, err := c.parts(ctx, sent, shards)
	if err != nil {
		return err
	}
	for _, p := range parts {
		_, cerr := count(p.rows)
		err = errors.Join(err, cerr)
	}
	return first(err)
}

// find runs the SELECT that finds the rows, planned like any other.
func (c *Conn) find(ctx context.Context, w *plan.Write, args []driver.NamedValue) ([][]*string, error) {
	if err := c.faithful(ctx); err != nil {
		return nil, err
	}
	sql, used := w.Source.Bind(args)
	p, err := c.plan(ctx, sql)
	if err != nil {
		return nil, err
	}
	if len(p.Statements) != 1 {
		return nil, errors.New("xapg: the rows to be written cannot be found")
	}
	rows, _, err := c.statement(ctx, call{Statement: p.Statements[0], sql: sql, args: used, given: used, values: c.asSent(used, used), rows: true})
	if err != nil {
		return nil, err
	}
	limit := c.connector.cfg.GatherLimit
	var found [][]*string
	row := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(row); err != nil {
			cerr := rows.Close()
			if errors.Is(err, io.EOF) {
				return found, cerr
			}
			return nil, err
		}
		if limit > 0 && len(found) >= limit {
			_ = rows.Close()
			return nil, &GatherLimitError{Limit: int64(limit)}
		}
		texts := make([]*string, len(row))
		for i, v := range row {
			switch v := v.(type) {
			case nil:
			case string:
				texts[i] = &v
			case []byte:
				t := string(v)
				texts[i] = &t
			default:
				_ = rows.Close()
				return nil, fmt.Errorf("xapg: a shard answered with %T where text was asked for", v)
			}
		}
		found = append(found, texts)
	}
}

// then runs a statement over the rows that were found, planned like any other.
func (c *Conn) then(ctx context.Context, s call, w *plan.Write, args []driver.NamedValue, found [][]*string) (driver.Rows, int64, error) {
	for col := range w.Width {
		array := make([]*string, len(found))
		for i, row := range found {
			array[i] = row[col]
		}
		args = with(args, w.First+col, array)
	}
	sql, used := w.Then.Bind(args)
	p, err := c.plan(ctx, sql)
	if err != nil {
		return nil, 0, err
	}
	if len(p.Statements) != 1 {
		return nil, 0, errors.New("xapg: the rest of the statement cannot be run")
	}
	rows, res, err := c.statement(ctx, call{Statement: p.Statements[0], sql: sql, args: used, given: used, values: c.asSent(used, used), rows: s.rows})
	if err != nil || s.rows {
		return rows, 0, err
	}
	n, err := res.RowsAffected()
	return nil, n, err
}

// distribution says which rows are written on which shard, by their numbers.
type distribution struct{ stay, leave, arrive [][]int }

func (c *Conn) distribute(w *plan.Write, found [][]*string) (*distribution, error) {
	n := len(c.connector.shards)
	d := &distribution{stay: make([][]int, n), leave: make([][]int, n), arrive: make([][]int, n)}
	all := make([]int, len(found))
	for i := range found {
		all[i] = i
	}
	switch w.Table.Kind {
	case shardmap.Unsharded:
		home := c.connector.home.Index()
		d.stay[home], d.arrive[home] = all, all
		return d, nil
	case shardmap.Reference:
		for i := range n {
			d.stay[i], d.arrive[i] = all, all
		}
		return d, nil
	}
	for i, row := range found {
		to, err := w.ShardOf(value(row[w.Key]))
		if err != nil {
			return nil, err
		}
		from := to
		if w.OldKey != w.Key {
			if from, err = w.ShardOf(value(row[w.OldKey])); err != nil {
				return nil, err
			}
		}
		if w.Stay.Empty() || from != to {
			d.arrive[to] = append(d.arrive[to], i)
		}
		if from == to {
			d.stay[to] = append(d.stay[to], i)
		} else {
			d.leave[from] = append(d.leave[from], i)
		}
	}
	return d, nil
}

func value(text *string) any {
	if text == nil {
		return nil
	}
	return *text
}

// apply writes rows on their shards. Reference tables are written on home first,
// so that two that write everywhere queue instead of waiting for each other.
func (c *Conn) apply(ctx context.Context, s call, w *plan.Write, args []driver.NamedValue, found [][]*string, text plan.Text, rows [][]int, mute bool, out *outcome) error {
	var parts []part
	var numbers [][]int
	for at, list := range rows {
		if list == nil || len(list) == 0 && out.shape == nil && !out.returning {
			continue
		}
		p := part{shard: c.connector.shards[at]}
		if p.shard == c.connector.home {
			parts, numbers = slices.Insert(parts, 0, p), slices.Insert(numbers, 0, list)
			continue
		}
		parts, numbers = append(parts, p), append(numbers, list)
	}
	if len(parts) == 0 {
		return nil
	}
	returning := w.Returning && !mute
	of := func(p *part) call {
		sent := s
		all := args
		list := numbers[indexOf(parts, p)]
		for col := range w.Width {
			array := make([]*string, len(list))
			for i, n := range list {
				array[i] = found[n][col]
			}
			all = with(all, w.First+col, array)
		}
		sent.bind(text, all)
		sent.rows = returning
		return sent
	}
	begin := 0
	if w.Table.Kind == shardmap.Reference && parts[0].shard == c.connector.home {
		if err := c.ask(ctx, parts[:1], of); err != nil {
			return err
		}
		begin = 1
	}
	if err := c.ask(ctx, parts[begin:], of); err != nil {
		return err
	}
	if w.Table.Kind == shardmap.Reference {
		for _, p := range parts[1:] {
			if p.rows != nil {
				if _, err := count(p.rows); err != nil {
					return err
				}
			}
		}
		parts, numbers = parts[:1], numbers[:1]
	}
	for i, p := range parts {
		n, err := out.take(p, returning, numbers[i])
		if err != nil {
			return err
		}
		if mute {
			out.count -= n
		}
		if w.Counted && n != int64(len(numbers[i])) {
			return serverError("40001", fmt.Sprintf("could not serialize access: shard %s changed %d rows where %d were found", p.shard.Name(), n, len(numbers[i])))
		}
	}
	return nil
}

// take adds one part's answer.
func (o *outcome) take(p part, returning bool, numbers []int) (int64, error) {
	if !returning {
		n, err := p.result.RowsAffected()
		o.count += n
		return n, err
	}
	b, err := merge.Buffer(p.rows)
	if err != nil {
		return 0, err
	}
	rows := merge.RowsOf(b)
	o.shape, o.rows = b, append(o.rows, rows...)
	for i := range rows {
		n := -1
		if len(rows) == len(numbers) {
			n = numbers[i]
		}
		o.numbers = append(o.numbers, n)
	}
	o.count += int64(len(rows))
	return int64(len(rows)), nil
}
