package xadriver

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// run is the way of a statement: text and arguments, the plan, the shards that
// this call's arguments name, their branches or connections, rows or a count.
func (c *Conn) run(ctx context.Context, query string, args []driver.NamedValue, rows bool) (driver.Rows, driver.Result, error) {
	query, args, values, err := arguments(ctx, query, args)
	if err != nil {
		return nil, nil, err
	}
	p, err := c.plan(ctx, query)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	if len(p.Statements) == 1 {
		return c.statement(ctx, call{p.Statements[0], args, c.asSent(args, values), rows})
	}
	return c.script(ctx, p, args, rows)
}

// call is one statement with what it is run with.
type call struct {
	*plan.Statement
	args   []driver.NamedValue // as given, with pgx's options before the values
	values []driver.NamedValue // the statement's own
	rows   bool                // rows are wanted, not a count
}

// arguments tells pgx's options, which come before a statement's arguments,
// from the arguments themselves, and lets named arguments become numbered ones.
func arguments(ctx context.Context, query string, args []driver.NamedValue) (string, []driver.NamedValue, []driver.NamedValue, error) {
	for i := range args {
		switch v := args[i].Value.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			continue
		case pgx.QueryRewriter:
			rest := make([]any, 0, len(args)-i-1)
			for _, a := range args[i+1:] {
				rest = append(rest, a.Value)
			}
			sql, rewritten, err := v.RewriteQuery(ctx, nil, query, rest)
			if err != nil {
				return "", nil, nil, fmt.Errorf("xapg: rewriting the query: %w", err)
			}
			all := slices.Clone(args[:i])
			for _, a := range rewritten {
				all = append(all, driver.NamedValue{Ordinal: len(all) + 1, Value: a})
			}
			return sql, all, all[i:], nil
		}
		return query, args, args[i:], nil
	}
	return query, args, nil, nil
}

// asSent gives the values as the server will read them. Where pgx sends arguments
// without knowing the parameters' types, it writes times as UTC and bytes as
// hexadecimal text, whatever the column is; a key must be hashed as it arrives.
func (c *Conn) asSent(args, values []driver.NamedValue) []driver.NamedValue {
	untyped := c.connector.untyped
	for _, a := range args[:len(args)-len(values)] {
		if mode, ok := a.Value.(pgx.QueryExecMode); ok {
			untyped = mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
		}
	}
	if !untyped {
		return values
	}
	sent := slices.Clone(values)
	for i := range sent {
		switch v := sent[i].Value.(type) {
		case time.Time:
			sent[i].Value = v.UTC()
		case []byte:
			sent[i].Value = `\x` + hex.EncodeToString(v)
		}
	}
	return sent
}

// plan finds out what a text says, by the tables as this connection sees them.
func (c *Conn) plan(ctx context.Context, query string) (*plan.Plan, error) {
	cat, err := c.catalog(ctx)
	if err != nil {
		return nil, err
	}
	path := c.searchPath(cat)
	p, err := c.connector.planner.Plan(query, cat, path)
	if err != nil || !p.Unknown {
		return p, err
	}
	// Somebody else may have made the table since.
	if c.txn != nil && c.txn.altered {
		return p, nil
	}
	if cat, err = c.connector.schema.reload(ctx, c.connector.home, cat); err != nil {
		return nil, err
	}
	return c.connector.planner.Plan(query, cat, path)
}

func (c *Conn) catalog(ctx context.Context) (*catalog.Catalog, error) {
	if c.txn == nil || !c.txn.altered {
		return c.connector.schema.get(ctx, c.connector.home)
	}
	if c.txn.own != nil {
		return c.txn.own, nil
	}
	if c.txn.Failed() {
		return c.connector.schema.get(ctx, c.connector.home) // only its end can come
	}
	b, err := c.txn.Branch(ctx, c.connector.home)
	if err != nil {
		return nil, err
	}
	c.txn.own, err = catalog.Load(ctx, queryer{b.Conn()})
	return c.txn.own, err
}

// searchPath is the connection's own, nil for the one that the catalog found.
func (c *Conn) searchPath(cat *catalog.Catalog) []string {
	var s *branch.Setting
	if c.txn != nil {
		s = c.txn.Setting("search_path")
	}
	if s == nil {
		if !c.session.sticky.Load() {
			return nil
		}
		s = c.session.setting("search_path")
	}
	if s == nil || len(s.Values) == 0 {
		return nil
	}
	path := slices.Clone(s.Values)
	for i, name := range path {
		if name == "$user" {
			path[i] = cat.User
		}
	}
	return path
}

// failed takes notice of a statement that never reached a shard: PostgreSQL
// would have failed the transaction, and a transaction that lacks one of its
// statements must not be committed.
func (c *Conn) failed(err error) error {
	if c.txn != nil {
		c.txn.Fail()
	}
	return err
}

// statement runs one statement.
func (c *Conn) statement(ctx context.Context, s call) (driver.Rows, driver.Result, error) {
	if done, err := c.control(ctx, s.Statement); done {
		return noRows(s.rows), driver.RowsAffected(0), err
	}
	if c.txn != nil && c.txn.Failed() {
		return nil, nil, errInFailedTransaction()
	}
	target, err := s.Target(s.values, hintOf(ctx))
	if err != nil {
		return nil, nil, c.failed(err)
	}
	if s.SessionState {
		c.session.stick(len(c.connector.shards))
	}
	if s.AsksSession && c.txn == nil && !c.session.sticky.Load() {
		return nil, nil, &plan.Refusal{
			Clause: "currval or lastval outside of a transaction", Reason: "each statement may use another server connection, with values of its own",
			Remedy: "use INSERT … RETURNING, or ask within the transaction",
		}
	}
	switch target.Mode {
	case plan.One:
		return c.one(ctx, s, c.connector.shards[target.Shards[0]])
	case plan.Any:
		return c.one(ctx, s, c.anyOf(target.Shards))
	default:
		if len(target.Shards) == 1 {
			return c.one(ctx, s, c.connector.shards[target.Shards[0]])
		}
		return c.several(ctx, s, target)
	}
}

// anyOf picks a shard where any will do: one that the transaction uses already.
func (c *Conn) anyOf(shards []int) *shard.Shard {
	if c.txn != nil {
		for _, b := range c.txn.Open() {
			if sh := b.Conn().Shard(); slices.Contains(shards, sh.Index()) {
				return sh
			}
		}
	}
	if slices.Contains(shards, c.connector.home.Index()) {
		return c.connector.home
	}
	return c.connector.shards[shards[0]]
}

func effect(s *plan.Statement) branch.Effect {
	switch {
	case s.Notifies, s.Writes && !countsRows(s.Class):
		return branch.Alters
	case s.Writes:
		return branch.Writes
	default:
		return branch.Reads
	}
}

func countsRows(c plan.Class) bool {
	switch c {
	case plan.Select, plan.Insert, plan.Update, plan.Delete, plan.Merge:
		return true
	default:
		return false
	}
}

// one runs a statement on one shard, where its rows go through untouched.
func (c *Conn) one(ctx context.Context, s call, sh *shard.Shard) (driver.Rows, driver.Result, error) {
	if c.txn == nil {
		return c.single(ctx, s, sh)
	}
	b, err := c.txn.Branch(ctx, sh)
	if err != nil {
		return nil, nil, c.failed(err)
	}
	rows, res, err := on(ctx, b, s)
	if errors.Is(err, driver.ErrBadConn) {
		// Nothing was sent; but only a branch without a past may be replaced.
		if b.Begun() {
			return nil, nil, c.failed(fmt.Errorf("xapg: shard %s: the connection was lost within the transaction", sh.Name()))
		}
		if err := c.txn.Reopen(ctx, b); err != nil {
			return nil, nil, err
		}
		rows, res, err = on(ctx, b, s)
		if errors.Is(err, driver.ErrBadConn) {
			err = c.failed(fmt.Errorf("xapg: shard %s: no working connection could be had", sh.Name()))
		}
	}
	c.note(s.Statement, err)
	return rows, res, err
}

// note takes notice of changed tables.
func (c *Conn) note(s *plan.Statement, err error) {
	if err != nil || s.Class != plan.DDL {
		return
	}
	if c.txn != nil {
		c.txn.altered, c.txn.own = true, nil
	} else {
		c.connector.schema.forget()
	}
}

// on runs a statement on a branch.
func on(ctx context.Context, b *branch.Branch, s call) (driver.Rows, driver.Result, error) {
	if !s.rows {
		res, err := b.Exec(ctx, s.SQL, s.args, effect(s.Statement))
		return nil, res, err
	}
	inner, err := b.Query(ctx, s.SQL, s.args, effect(s.Statement))
	if err != nil {
		return nil, nil, err
	}
	return &Rows{inner: inner, branch: b, writes: s.Writes}, nil, nil
}

// single runs a statement outside of a transaction block.
func (c *Conn) single(ctx context.Context, s call, sh *shard.Shard) (driver.Rows, driver.Result, error) {
	for try := 0; ; try++ {
		conn, err := c.session.acquire(ctx, sh)
		if err != nil {
			return nil, nil, err
		}
		rows, res, err := c.direct1(ctx, s, conn)
		if errors.Is(err, driver.ErrBadConn) && try < 2 {
			// Nothing was sent. If one idle connection is dead, others may be too.
			sh.Reset()
			continue
		}
		c.note(s.Statement, err)
		return rows, res, err
	}
}

func (c *Conn) direct1(ctx context.Context, s call, conn *shard.Conn) (driver.Rows, driver.Result, error) {
	if s.rows {
		inner, err := conn.Query(ctx, s.SQL, s.args)
		if err != nil {
			c.session.release(conn)
			return nil, nil, err
		}
		return &Rows{inner: inner, conn: conn, session: &c.session}, nil, nil
	}
	res, err := conn.Exec(ctx, s.SQL, s.args)
	c.session.release(conn)
	return nil, res, err
}

// several runs a statement on several shards.
func (c *Conn) several(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	if c.txn == nil && !s.Writes && !s.MayWrite && !s.Opaque && target.Mode == plan.Scatter {
		return c.scatter(ctx, s, target)
	}
	if c.txn != nil {
		rows, res, err := c.spread(ctx, s, target)
		c.note(s.Statement, err)
		return rows, res, err
	}
	return c.implicit(ctx, s.rows, func() (driver.Rows, driver.Result, error) {
		rows, res, err := c.spread(ctx, s, target)
		c.note(s.Statement, err)
		return rows, res, err
	})
}

// scatter reads on several shards outside of a transaction.
func (c *Conn) scatter(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	parts := make([]part, len(target.Shards))
	for i, at := range target.Shards {
		parts[i].shard = c.connector.shards[at]
	}
	err := branch.Each(pointers(parts), func(p *part) (err error) {
		p.rows, p.result, err = c.single(ctx, s, p.shard)
		if errors.Is(err, driver.ErrBadConn) {
			err = fmt.Errorf("xapg: shard %s: no working connection could be had", p.shard.Name())
		}
		return err
	})
	return gathered(parts, s.rows, err)
}

// part is one shard's share in a statement.
type part struct {
	shard  *shard.Shard
	branch *branch.Branch
	rows   driver.Rows
	result driver.Result
}

func pointers[T any](items []T) []*T {
	ps := make([]*T, len(items))
	for i := range items {
		ps[i] = &items[i]
	}
	return ps
}

// gathered makes one answer of all parts' answers.
func gathered(parts []part, rows bool, err error) (driver.Rows, driver.Result, error) {
	if err == nil && !rows {
		var sum int64
		for _, p := range parts {
			n, nerr := p.result.RowsAffected()
			err = errors.Join(err, nerr)
			sum += n
		}
		return nil, driver.RowsAffected(sum), err
	}
	all := make([]driver.Rows, 0, len(parts))
	for _, p := range parts {
		if p.rows != nil {
			all = append(all, p.rows)
		}
	}
	if err != nil {
		for _, r := range all {
			_ = r.Close()
		}
		return nil, nil, err
	}
	joined, err := merge.Concat(all)
	if err != nil {
		return nil, nil, err
	}
	return &Rows{inner: joined}, nil, nil
}

// spread runs a statement on several branches of the transaction. What writes on
// home does so there first, so that two that write everywhere queue instead of
// waiting for each other in a circle.
func (c *Conn) spread(ctx context.Context, s call, target plan.Target) (driver.Rows, driver.Result, error) {
	parts := make([]part, 0, len(target.Shards))
	for _, at := range target.Shards {
		sh := c.connector.shards[at]
		b, err := c.txn.Branch(ctx, sh)
		if err != nil {
			return nil, nil, c.failed(err)
		}
		p := part{shard: sh, branch: b}
		if sh == c.connector.home {
			parts = slices.Insert(parts, 0, p)
			continue
		}
		parts = append(parts, p)
	}
	do := func(p *part) (err error) {
		p.rows, p.result, err = on(ctx, p.branch, s)
		if errors.Is(err, driver.ErrBadConn) {
			err = fmt.Errorf("xapg: shard %s: the connection was lost", p.shard.Name())
		}
		return err
	}
	all := pointers(parts)
	first := 0
	if s.Writes && parts[0].shard == c.connector.home {
		if err := do(all[0]); err != nil {
			return nil, nil, c.failed(err)
		}
		first = 1
	}
	if err := branch.Each(all[first:], do); err != nil {
		_, _, err = gathered(parts, s.rows, err)
		return nil, nil, c.failed(err)
	}
	if target.Mode == plan.Everywhere {
		return c.everywhere(s, parts)
	}
	return gathered(parts, s.rows, nil)
}

// everywhere takes the answer of one shard for that of all, after making sure
// that they are the same.
func (c *Conn) everywhere(s call, parts []part) (driver.Rows, driver.Result, error) {
	if s.rows {
		for _, p := range parts[1:] {
			if err := p.rows.Close(); err != nil {
				_ = parts[0].rows.Close()
				return nil, nil, c.failed(err)
			}
		}
		return parts[0].rows, nil, nil
	}
	if !countsRows(s.Class) {
		return nil, parts[0].result, nil
	}
	want, err := parts[0].result.RowsAffected()
	if err != nil {
		return nil, nil, c.failed(err)
	}
	for _, p := range parts[1:] {
		got, err := p.result.RowsAffected()
		if err == nil && got != want {
			err = fmt.Errorf("xapg: the copies of the reference table differ: %d rows on shard %s, %d on shard %s; the statement was not done",
				want, parts[0].shard.Name(), got, p.shard.Name())
		}
		if err != nil {
			return nil, nil, c.failed(err)
		}
	}
	return nil, parts[0].result, nil
}

// implicit runs something as a transaction of its own. Its commit must not be
// missed, so rows are followed by it: they end only when it is done.
func (c *Conn) implicit(ctx context.Context, rows bool, do func() (driver.Rows, driver.Result, error)) (driver.Rows, driver.Result, error) {
	c.txn = c.newTransaction(branch.Options{})
	r, res, err := do()
	if err != nil {
		c.rollback(ctx)
		return nil, nil, err
	}
	if !rows || r == nil {
		return nil, res, c.commit(ctx)
	}
	buffered, err := merge.Buffer(r)
	if err != nil {
		c.rollback(ctx)
		return nil, nil, err
	}
	if err := c.commit(ctx); err != nil {
		return nil, nil, err
	}
	return &Rows{inner: buffered}, nil, nil
}

// script runs several statements in one text, which PostgreSQL runs as one
// transaction where there is none yet. The last one's answer is the answer.
func (c *Conn) script(ctx context.Context, p *plan.Plan, args []driver.NamedValue, rows bool) (driver.Rows, driver.Result, error) {
	if len(p.Statements) == 0 {
		return noRows(rows), driver.RowsAffected(0), nil
	}
	if p.Params > 0 || len(args) > 0 && p.Params > 0 {
		return nil, nil, c.failed(serverError("42601", "cannot insert multiple commands into a prepared statement"))
	}
	all := func() (r driver.Rows, res driver.Result, err error) {
		for i, s := range p.Statements {
			last := i == len(p.Statements)-1
			if r, res, err = c.replanned(ctx, p, i, rows && last); err != nil {
				return nil, nil, err
			}
			_ = s
		}
		return r, res, nil
	}
	if c.txn != nil || slices.ContainsFunc(p.Statements, controls) {
		return all()
	}
	return c.implicit(ctx, rows, all)
}

// replanned runs one statement of a script. After one that changed the tables,
// the rest of the script is planned by what it changed.
func (c *Conn) replanned(ctx context.Context, p *plan.Plan, i int, rows bool) (driver.Rows, driver.Result, error) {
	s := p.Statements[i]
	if i > 0 {
		again, err := c.plan(ctx, s.SQL)
		if err != nil {
			return nil, nil, c.failed(err)
		}
		if len(again.Statements) == 1 {
			s = again.Statements[0]
		}
	}
	return c.statement(ctx, call{Statement: s, rows: rows})
}

func noRows(wanted bool) driver.Rows {
	if !wanted {
		return nil
	}
	return &Rows{inner: merge.None()}
}
