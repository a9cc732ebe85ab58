package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/xapg/xapg/xadriver/internal/plan"
)

// Routed says how a statement is answered.
type Routed struct {
	SQL      string   `json:"sql"`
	Strategy string   `json:"strategy"`
	Reason   string   `json:"reason"`
	Shards   []string `json:"shards"`
	Writes   bool     `json:"writes"`
	// Sent is what each shard is asked, in this order. Parameters have the numbers
	// that they have in the statement; those beyond are the driver's own.
	Sent []Sent `json:"sent,omitempty"`
	// Merge is what is done with the shards' rows, "" when they are the result.
	Merge string `json:"merge,omitempty"`
}

// Sent is a statement that one shard, or several, are asked.
type Sent struct {
	Shards []string `json:"shards"`
	SQL    string   `json:"sql"`
}

// Route tells how each statement of a text would be answered with these arguments,
// and why. Nothing is run; home may be asked to describe the statement. Its errors
// are those that running would give.
func (c *Connector) Route(ctx context.Context, query string, args ...any) ([]Routed, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	conn := &Conn{connector: c}
	defer conn.Close()
	p, err := conn.plan(ctx, query)
	if err != nil {
		return nil, public(err)
	}
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	var out []Routed
	for _, s := range p.Statements {
		r := Routed{SQL: s.SQL, Writes: s.Writes}
		if governs(s) {
			r.Strategy, r.Reason = "the driver itself", "transactions, settings and names are kept for all shards, and told to each when it is first used"
			out = append(out, r)
			continue
		}
		t, err := s.Target(values, hintOf(ctx))
		if err != nil {
			return out, public(err)
		}
		r.Strategy, r.Reason, r.Shards = t.Mode.String(), s.Explain(), c.names(t.Shards)
		switch {
		case t.Mode != plan.Composed:
			r.Sent = []Sent{{r.Shards, s.SQL}}
		case s.Writes || s.Picks:
			err = conn.routeWrite(ctx, s, &r, values)
		default:
			err = conn.routeRead(ctx, s, t, &r, values)
		}
		if err != nil {
			return out, public(err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (c *Connector) names(shards []int) []string {
	list := make([]string, len(shards))
	for i, at := range shards {
		list[i] = c.shards[at].Name()
	}
	return list
}

// routeRead tells what a program does.
func (c *Conn) routeRead(ctx context.Context, s *plan.Statement, t plan.Target, r *Routed, values []driver.NamedValue) error {
	p, err := s.Program(&describer{ctx: ctx, conn: c}, 0)
	if err != nil {
		return err
	}
	r.Strategy, r.Reason = p.Strategy, p.Reason
	if p.Ordered != nil {
		r.Sent = []Sent{{r.Shards, p.Scatter.String()}}
		r.Merge = "in the driver: " + p.Ordered.String()
		if p.Limit != nil {
			r.Merge += fmt.Sprintf("; $%d is the number of rows that suffice", p.Limit.Param)
		}
		return nil
	}
	pulls, err := c.pulls(call{Statement: s, values: values}, t, p, values)
	if err != nil {
		return err
	}
	used := make(map[int]bool)
	r.Shards = nil
	for _, q := range pulls {
		name := c.connector.shards[q.shard].Name()
		if !used[q.shard] {
			used[q.shard] = true
			r.Shards = append(r.Shards, name)
		}
		if n := len(r.Sent); n > 0 && r.Sent[n-1].SQL == q.text.String() {
			r.Sent[n-1].Shards = append(r.Sent[n-1].Shards, name)
			continue
		}
		r.Sent = append(r.Sent, Sent{[]string{name}, q.text.String()})
	}
	r.Merge = "by PostgreSQL, in a scratch session on " + c.connector.home.Name() + ": " + p.Final.String()
	return nil
}

// routeWrite tells what a program does that writes.
func (c *Conn) routeWrite(ctx context.Context, s *plan.Statement, r *Routed, values []driver.NamedValue) error {
	w, err := s.Write(&describer{ctx: ctx, conn: c})
	if err != nil {
		return err
	}
	r.Strategy, r.Reason = w.Strategy, w.Reason
	switch {
	case !w.Scatter.Empty():
		r.Sent = []Sent{{r.Shards, w.Scatter.String()}}
	case w.Split != nil:
		places, err := s.SplitRows(values)
		if err != nil {
			return err
		}
		rows := make([][]plan.Text, len(c.connector.shards))
		for i, at := range places {
			rows[at] = append(rows[at], w.Split.Rows[i])
		}
		r.Shards = nil
		for at, list := range rows {
			if len(list) > 0 {
				name := c.connector.shards[at].Name()
				r.Shards = append(r.Shards, name)
				r.Sent = append(r.Sent, Sent{[]string{name}, plan.Join("", w.Split.Head, plan.Join(", ", list...), w.Split.Tail).String()})
			}
		}
	default:
		if w.Lock != nil {
			r.Sent = append(r.Sent, Sent{r.Shards, w.Lock.Query.String()})
		}
		r.Merge = "the rows are found by: " + w.Source.String()
		for _, t := range []plan.Text{w.Then, w.Leave, w.Stay, w.Arrive} {
			if !t.Empty() {
				r.Sent = append(r.Sent, Sent{r.Shards, t.String()})
			}
		}
	}
	return nil
}

// governs reports whether the driver itself runs a statement.
func governs(s *plan.Statement) bool {
	switch s.Class {
	case plan.Begin, plan.Commit, plan.Rollback, plan.Savepoint, plan.Release, plan.RollbackTo, plan.Set, plan.Reset,
		plan.SetTransaction, plan.SetConstraints, plan.Discard, plan.Prepare, plan.Execute, plan.Deallocate, plan.Fetch:
		return true
	default:
		return false
	}
}

// String is what xapg route prints.
func (r Routed) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Strategy, r.Reason)
	for _, s := range r.Sent {
		fmt.Fprintf(&b, "  %s: %s\n", strings.Join(s.Shards, ", "), strings.Join(strings.Fields(s.SQL), " "))
	}
	if r.Merge != "" {
		fmt.Fprintf(&b, "  then: %s\n", strings.Join(strings.Fields(r.Merge), " "))
	}
	return b.String()
}
