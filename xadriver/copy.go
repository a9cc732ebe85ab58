package xadriver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// CopyFrom copies rows into a table by COPY, each to the shard of its key, to all
// shards at once. It runs in the transaction that is open on conn, or is its own
// transaction if there is none: all rows are there afterwards or none. It returns
// the number of rows.
//
// The columns must include the table's key. Values are converted as pgx's CopyFrom
// converts them, in the binary format. A reference table's rows go to every shard.
// The source is read on the caller's goroutine; what waits for slow shards is
// bounded.
//
// With a single shard, it is pgx's own CopyFrom.
func CopyFrom(ctx context.Context, conn *sql.Conn, table string, columns []string, source pgx.CopyFromSource) (int64, error) {
	var n int64
	err := conn.Raw(func(raw any) error {
		c, err := connOf(raw)
		if err != nil {
			return err
		}
		n, err = c.copyFrom(ctx, table, columns, source)
		return err
	})
	return n, err
}

func (c *Conn) copyFrom(ctx context.Context, table string, columns []string, source pgx.CopyFromSource) (n int64, err error) {
	schema, name, err := shardmap.ParseName(table)
	if err != nil {
		return 0, err
	}
	target := pgx.Identifier{name}
	if schema != "" {
		target = pgx.Identifier{schema, name}
	}
	if c.direct != nil {
		return copyDirect(ctx, c, target, columns, source)
	}
	if c.closed {
		return 0, ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if c.txn != nil && c.txn.Failed() {
		return 0, errInFailedTransaction()
	}
	own := c.txn == nil
	if own {
		c.txn = c.newTransaction(branch.Options{})
	}
	ctx, end := c.traced(ctx, "COPY "+target.Sanitize()+" FROM STDIN")
	defer func() { end(err) }()
	c.tell("copy")
	n, err = c.copyRows(ctx, target, columns, source)
	switch {
	case err != nil && own:
		c.rollback(ctx)
	case err != nil:
		err = c.failed(err)
	case own:
		err = c.commit(ctx)
	}
	if err != nil {
		if ended := ctx.Err(); ended != nil && state(err) == "57014" {
			err = fmt.Errorf("%w: %w", ended, err) // the server says no more than that it was told so
		}
		return 0, c.public(c.honest(ctx, err))
	}
	return n, nil
}

func copyDirect(ctx context.Context, c *Conn, target pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	inner, ok := c.direct.(interface{ Conn() *pgx.Conn })
	if !ok {
		return 0, fmt.Errorf("xapg: CopyFrom needs a shard that is reached through pgx, not %T", c.direct)
	}
	return inner.Conn().CopyFrom(ctx, target, columns, source)
}

// place finds where the rows of a copied table belong.
func (c *Conn) place(ctx context.Context, target pgx.Identifier, columns []string) (t *shardmap.Table, key int, err error) {
	sql := "SELECT FROM " + target.Sanitize()
	p, err := c.plan(ctx, sql)
	if err != nil {
		return nil, 0, err
	}
	if p.Unknown {
		return nil, 0, serverError("42P01", fmt.Sprintf("relation %q does not exist", target[len(target)-1]))
	}
	if t, err = p.Statements[0].Table(); err != nil {
		return nil, 0, err
	}
	if t.Kind != shardmap.Sharded {
		return t, -1, nil
	}
	if key = slices.Index(columns, t.Key); key < 0 {
		return nil, 0, &plan.KeyError{Table: t.Name, Column: t.Key, State: "23502", Problem: "is not among the columns that are copied: a row without its key has no shard"}
	}
	return t, key, nil
}

// feed hands rows to one shard's COPY. When the copying is given up it ends with the
// reason, upon which pgx tells the server: the connection stays, and with it the
// transaction's savepoints.
type feed struct {
	rows   chan []any
	row    []any
	giveUp context.Context
	err    error
}

// Next implements pgx.CopyFromSource.
func (f *feed) Next() bool {
	select {
	case row, ok := <-f.rows:
		f.row = row
		return ok
	case <-f.giveUp.Done():
		f.err = context.Cause(f.giveUp)
		return false
	}
}

// Values implements pgx.CopyFromSource.
func (f *feed) Values() ([]any, error) { return f.row, nil }

// Err implements pgx.CopyFromSource.
func (f *feed) Err() error { return f.err }

// copyRows gives each row to the shards it belongs to.
func (c *Conn) copyRows(ctx context.Context, target pgx.Identifier, columns []string, source pgx.CopyFromSource) (int64, error) {
	c.asking = "COPY " + target.Sanitize()
	t, key, err := c.place(ctx, target, columns)
	if err != nil {
		return 0, err
	}
	if t.Kind != shardmap.Unsharded {
		if err := c.widen(c.every()); err != nil {
			return 0, err
		}
	}
	going, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	feeds := make([]*feed, len(c.connector.shards))
	counts := make([]int64, len(feeds))
	ended := make(chan error, len(feeds))
	running := 0
	// All branches that may be needed are there before the first is used, because
	// a transaction is one goroutine's but for its branches.
	branches := make([]*branch.Branch, len(feeds))
	for at, sh := range c.connector.shards {
		if t.Kind == shardmap.Unsharded && sh != c.connector.home {
			continue
		}
		if branches[at], err = c.branch(ctx, sh); err != nil {
			return 0, err
		}
	}
	open := func(at int) {
		b, f := branches[at], &feed{rows: make(chan []any, 64), giveUp: going}
		feeds[at] = f
		running++
		go func() {
			ctx, end := c.tracedPart(ctx, b.Shard(), "COPY "+target.Sanitize()+" FROM STDIN")
			n, err := b.CopyFrom(ctx, target, columns, f)
			if end != nil {
				end(err)
			}
			counts[at] = n
			if err != nil {
				giveUp(err) // the source is read no further
			}
			ended <- err
		}()
	}
	var total int64
	send := func(at int, row []any) error {
		if feeds[at] == nil {
			open(at)
		}
		select {
		case feeds[at].rows <- row:
			return nil
		case <-going.Done():
			return context.Cause(going)
		}
	}
	for err == nil && source.Next() {
		var row []any
		if row, err = source.Values(); err != nil {
			break
		}
		if len(row) != len(columns) {
			err = fmt.Errorf("xapg: a row of %d values for %d columns", len(row), len(columns))
			break
		}
		row = slices.Clone(row) // the source may use it again
		total++
		err = c.eachPlace(t, key, row, send)
	}
	if err == nil {
		err = source.Err()
	}
	if err != nil {
		giveUp(err)
	}
	for _, f := range feeds {
		if f != nil {
			close(f.rows)
		}
	}
	for range running {
		if ferr := <-ended; ferr != nil && (err == nil || errors.Is(err, context.Canceled)) {
			err = ferr
		}
	}
	if err == nil {
		err = c.copied(t, counts, total)
	}
	return total, err
}

// copied makes sure that the shards took what they were given.
func (c *Conn) copied(t *shardmap.Table, counts []int64, total int64) error {
	var sum int64
	for _, n := range counts {
		sum += n
	}
	want := total
	if t.Kind == shardmap.Reference {
		want *= int64(len(c.connector.shards))
	}
	if sum != want {
		return fmt.Errorf("xapg: %d rows were copied where %d were given", sum, want)
	}
	return nil
}

// eachPlace calls send for every shard to which a row belongs.
func (c *Conn) eachPlace(t *shardmap.Table, key int, row []any, send func(int, []any) error) error {
	switch t.Kind {
	case shardmap.Reference:
		for at := range c.connector.shards {
			if err := send(at, row); err != nil {
				return err
			}
		}
		return nil
	case shardmap.Unsharded:
		return send(c.connector.home.Index(), row)
	}
	at, err := plan.ShardOfValue(t, row[key])
	if err != nil {
		return err
	}
	return send(at, row)
}
