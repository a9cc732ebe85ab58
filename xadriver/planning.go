package xadriver

import (
	"context"
	"errors"
	"slices"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// plan finds out what a text says, by the tables as this connection sees them.
func (c *Conn) plan(ctx context.Context, query string) (*plan.Plan, error) {
	for look := (looks{}); ; {
		cat, err := c.catalog(ctx)
		if err != nil {
			return nil, err
		}
		p, err := c.connector.planner.Plan(query, cat, c.searchPath(cat))
		if err != nil {
			return nil, err
		}
		again, err := c.lookAgain(ctx, cat, p, &look)
		if err != nil || !again {
			return p, err
		}
	}
}

// catalog is what this connection knows of the tables: what all know, what its
// transaction changed, and its session's temporary tables.
func (c *Conn) catalog(ctx context.Context) (*catalog.Catalog, error) {
	cat, err := c.shared(ctx)
	if err != nil || !c.session.temporary {
		return cat, err
	}
	return c.withTemporary(ctx, cat)
}

func (c *Conn) withTemporary(ctx context.Context, cat *catalog.Catalog) (*catalog.Catalog, error) {
	s := &c.session
	if s.overlay != nil && s.overlaid == cat {
		return s.overlay, nil
	}
	if c.txn != nil && c.txn.Failed() {
		return cat, nil // only its end can come
	}
	var list []*catalog.Relation
	err := c.onHome(ctx, func(q queryer) (err error) {
		list, err = catalog.Temporaries(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.overlay, s.overlaid = cat.With(list), cat
	return s.overlay, nil
}

// onHome asks home in this session, within the transaction if there is one.
func (c *Conn) onHome(ctx context.Context, ask func(queryer) error) error {
	if c.txn != nil {
		b, err := c.branch(ctx, c.connector.home)
		if err != nil {
			return err
		}
		return ask(queryer{inBranch{b}})
	}
	leave, err := c.enter(ctx, []int{c.connector.home.Index()})
	if err != nil {
		return err
	}
	defer leave()
	conn, err := c.acquire(ctx, c.connector.home)
	if err != nil {
		return err
	}
	defer func() { c.session.release(conn) }()
	return ask(queryer{conn})
}

func (c *Conn) shared(ctx context.Context) (*catalog.Catalog, error) {
	if c.txn == nil || !c.txn.altered && !c.txn.locked {
		return c.connector.schema.get(ctx)
	}
	if c.txn.own != nil {
		return c.txn.own, nil
	}
	if c.txn.Failed() {
		return c.connector.schema.get(ctx) // only its end can come
	}
	b, err := c.branch(ctx, c.connector.home)
	if err != nil {
		return nil, err
	}
	c.txn.own, err = c.connector.schema.reader.Load(ctx, queryer{b.Conn()})
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

// sound lets home find what is wrong with a statement that is prepared, as PostgreSQL
// would when it prepares it. It is asked beside the transaction, if there is one,
// unless that has changed the tables.
func (c *Conn) sound(ctx context.Context, p *plan.Plan) error {
	if len(p.Statements) > 1 {
		return serverError("42601", "cannot insert multiple commands into a prepared statement")
	}
	if len(p.Statements) == 0 || !countsRows(p.Statements[0].Class) || c.session.temporary || c.session.sticky.Load() {
		return nil
	}
	s := p.Statements[0]
	if c.txn != nil && (c.txn.altered || c.txn.locked || c.txn.temps) {
		_, err := (&describer{ctx: ctx, conn: c}).Describe(s.SQL)
		return err
	}
	home := c.connector.own[c.connector.home.Index()]
	conn, err := home.Acquire(ctx)
	if err != nil {
		return ctx.Err() // what does not need home may still run
	}
	defer conn.Release()
	if _, err := conn.Describe(ctx, s.SQL); state(err) != "" {
		return err
	}
	return ctx.Err()
}

// unreadable lets PostgreSQL speak first where a key cannot be read: what is wrong
// with the statement itself, it would have said before it looked at the value.
func (c *Conn) unreadable(ctx context.Context, s call, err error) error {
	var key *plan.KeyError
	if !errors.As(err, &key) || key.State == "23502" {
		return err
	}
	if _, derr := (&describer{ctx: ctx, conn: c}).Describe(s.SQL); state(derr) != "" {
		return derr
	}
	return err
}

// pathOr is the connection's search_path.
func (c *Conn) pathOr(cat *catalog.Catalog) []string {
	if p := c.searchPath(cat); p != nil {
		return p
	}
	return cat.SearchPath
}
