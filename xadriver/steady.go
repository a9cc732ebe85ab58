package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"hash/fnv"

	"github.com/jackc/pgx/v5"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// With consistent_reads=statement, a statement that reads several shards sees one state
// of all of them, as it would on one server. Outside of a block it is a transaction of its
// own; within one it must see what its transaction has written, and so its parts run in
// the transaction's own branches: as cursors, whose snapshots are those of the moment
// at which they are declared, though they are run later.

// steady reports whether a statement is to see one state of all the shards that it reads.
// One that locks rows sees the latest version of each, as on one server; of one that calls
// functions which may write it is not known what it reads.
func (c *Conn) steady(s *plan.Statement) bool {
	return c.connector.gates != nil && c.connector.cfg.ConsistentReads == readsStatement && c.level() == readCommitted && onlyReads(s)
}

// onlyReads reports whether a statement does nothing but read.
func onlyReads(s *plan.Statement) bool {
	return s.Class == plan.Select && !s.Writes && !s.MayWrite && !s.Opaque && !s.Picks && !s.Notifies
}

// atOnce asks each part what of says, within the transaction, so that their answers are
// of one moment.
func (c *Conn) atOnce(ctx context.Context, parts []part, of func(*part) call) error {
	calls := make([]call, len(parts))
	for i := range parts {
		calls[i] = of(&parts[i])
	}
	declare := func(ctx context.Context, again bool) error {
		return branch.Each(pointers(parts), func(p *part) error {
			s := calls[indexOf(parts, p)]
			name := cursorFor(s.sql)
			if again {
				p.branch.Conn().Queue("CLOSE " + name)
			}
			_, err := p.branch.Exec(ctx, "DECLARE "+name+" NO SCROLL CURSOR FOR "+s.sql, s.args, branch.Reads)
			return notRetried(p.shard, err)
		})
	}
	// A first time, without keeping anybody waiting: whatever locks on tables are needed,
	// the transaction has them then.
	if err := declare(ctx, false); err != nil {
		return err
	}
	work := errandOf(ctx)
	err := c.connector.gates.keeper.Cut(ctx, func(ctx context.Context) error {
		work.begin(func(ctx context.Context) error { return declare(ctx, true) })
		return work.wait(ctx)
	}, work.wait)
	work.end()
	if err != nil {
		return unseen(err)
	}
	return branch.Each(pointers(parts), func(p *part) error {
		s := calls[indexOf(parts, p)]
		name := cursorFor(s.sql)
		fetch := s
		fetch.sql, fetch.args, fetch.rows = "FETCH ALL FROM "+name, formats(s), true
		rows, _, err := c.on(ctx, p.branch, fetch)
		if err != nil {
			return notRetried(p.shard, err)
		}
		own, ok := rows.(*Rows)
		if !ok {
			return fmt.Errorf("xapg: rows of a cursor are %T", rows)
		}
		p.rows = &fetched{Rows: own, ctx: ctx, branch: p.branch, cursor: name}
		if s.rows {
			return nil
		}
		n, err := count(p.rows)
		p.rows, p.result = nil, driver.RowsAffected(n)
		return err
	})
}

// cursorFor names the cursor of a query: the same query has the same, since clients
// remember by a statement's text what its rows look like.
func cursorFor(sql string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(sql))
	return fmt.Sprintf("xapg_%016x", h.Sum64())
}

// formats are those of pgx's options that say how a statement's results come.
func formats(s call) []driver.NamedValue {
	var options []driver.NamedValue
	for _, o := range s.args {
		switch o.Value.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			options = append(options, driver.NamedValue{Ordinal: len(options) + 1, Value: o.Value})
		}
	}
	return options
}

// fetched are the rows of a cursor, which ends with them.
type fetched struct {
	*Rows
	ctx    context.Context
	branch *branch.Branch
	cursor string
}

// Close implements driver.Rows.
func (f *fetched) Close() error {
	if err := f.Rows.Close(); err != nil || f.branch.Conn().Status() != shard.InTxn {
		return err
	}
	// Whoever has read enough ends his context, and may ask the same again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), callTimeout)
	defer cancel()
	_, err := f.branch.Command(ctx, "CLOSE "+f.cursor)
	return err
}
