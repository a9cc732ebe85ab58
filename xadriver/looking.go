package xadriver

import (
	"context"
	"database/sql/driver"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// Reading the catalog waits for nobody. A statement that names what the catalog does
// not know, or what somebody is changing, lets it be looked at again, and waits then: it
// would have to wait for the same lock when it runs.

// looks counts what a statement has let be looked at.
type looks struct {
	unknown, busy bool
	texts         int
}

// A statement names views that name views, and functions do so too: there must be an
// end. When the schema is changed time and again meanwhile, what was read must do.
const (
	mostLooks = 32
	sureLooks = 3
)

// lookAgain looks for what the catalog lacks for a plan, and reports whether it is to
// be planned anew.
func (c *Conn) lookAgain(ctx context.Context, cat *catalog.Catalog, p *plan.Plan, look *looks) (bool, error) {
	switch {
	case p.Unknown && !look.unknown:
		look.unknown = true
		return c.lookForTables(ctx, cat)
	case len(p.Busy) > 0 && !look.busy && (c.txn == nil || len(c.txn.Open()) == 0):
		// A transaction that holds locks itself does not wait: whom it would wait for may
		// wait for it.
		look.busy = true
		return true, c.lookAfterwards(ctx, cat, p.Busy)
	case len(p.Lacking) > 0 && look.texts < mostLooks:
		look.texts++
		return true, c.lookAtTexts(ctx, cat, p.Lacking, look.texts > sureLooks)
	default:
		return false, nil
	}
}

// lookForTables reads the catalog anew, since somebody else may have made the table.
func (c *Conn) lookForTables(ctx context.Context, cat *catalog.Catalog) (bool, error) {
	if c.txn != nil && c.txn.altered {
		return false, nil
	}
	return true, c.lookAnew(ctx, c.base(cat))
}

// base is the catalog without the session's temporary tables.
func (c *Conn) base(cat *catalog.Catalog) *catalog.Catalog {
	if cat == c.session.overlay {
		return c.session.overlaid
	}
	return cat
}

// lookAnew makes the connection see another catalog than this one, which is out of date.
func (c *Conn) lookAnew(ctx context.Context, stale *catalog.Catalog) error {
	if c.txn != nil && (c.txn.altered || c.txn.locked) {
		c.txn.own = nil
		return nil
	}
	_, err := c.connector.schema.reload(ctx, stale)
	return err
}

// lookAfterwards reads the catalog anew when nobody keeps others from these tables any
// more.
func (c *Conn) lookAfterwards(ctx context.Context, cat *catalog.Catalog, list []*catalog.Relation) error {
	for _, r := range list {
		if err := c.connector.schema.settle(ctx, r); err != nil {
			return err
		}
	}
	return c.lookAnew(ctx, c.base(cat))
}

// lookAtTexts reads the texts that relations lack, each with those of the views that
// it reads.
func (c *Conn) lookAtTexts(ctx context.Context, cat *catalog.Catalog, list []*catalog.Relation, mustDo bool) error {
	for _, r := range list {
		var fit bool
		var err error
		switch {
		case !r.Lacks():
			continue
		case r.Temporary():
			fit, err = true, c.onHome(ctx, func(q queryer) error { return cat.CompleteTemporary(ctx, q, []*catalog.Relation{r}) })
		case c.txn != nil && c.txn.On(c.connector.home) != nil:
			fit, err = c.lookWithin(ctx, c.base(cat), r, mustDo)
		default:
			fit, err = c.lookOutside(ctx, c.base(cat), r, mustDo)
		}
		if err != nil {
			return err
		}
		if !fit {
			return c.lookAnew(ctx, c.base(cat))
		}
	}
	return nil
}

// lookWithin reads texts within the transaction, which may itself be whom others wait
// for. As the transaction sees them they must do for nobody else: if it comes to that,
// the transaction gets a catalog of its own.
func (c *Conn) lookWithin(ctx context.Context, cat *catalog.Catalog, r *catalog.Relation, mustDo bool) (bool, error) {
	if mustDo && !c.txn.altered && !c.txn.locked {
		c.txn.locked = true
		return false, nil
	}
	q := queryer{inBranch{c.txn.On(c.connector.home)}}
	return cat.Complete(ctx, q, []*catalog.Relation{r}, 0, mustDo)
}

// lookOutside reads texts for all who want them. Whoever holds no locks waits for
// somebody else's for as long as his context lasts, as he would for the tables.
func (c *Conn) lookOutside(ctx context.Context, cat *catalog.Catalog, r *catalog.Relation, mustDo bool) (bool, error) {
	for {
		fit, err := c.connector.schema.complete(ctx, cat, r, mustDo)
		if state(err) != lockTimeout || ctx.Err() != nil || c.txn != nil && len(c.txn.Open()) > 0 {
			return fit, err
		}
	}
}

// inBranch asks a branch as one of its transaction's statements.
type inBranch struct{ *branch.Branch }

// Query asks.
func (w inBranch) Query(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error) {
	return w.Branch.Query(ctx, sql, args, branch.Reads)
}
