package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/bits"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/cut"
	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// A serializable transaction of one shard is PostgreSQL's. Those of several shards go
// one after the other: each takes its turn, a lock on home, before it has its snapshots,
// and keeps it until all that it did is visible. Any circle of transactions that could
// not have run one after the other would lead through some of these, and between two of
// them through one shard, whose PostgreSQL sees to it that such a way leads forward in
// time; so there is none. (What two transactions saw that used one shard each, and not the
// same, need not be in the order in which somebody ran them: one may see what is just
// being committed on both shards, and the other, later, not yet.)
//
// Which transactions need several shards is not known when they begin. One that begins
// with something new takes its turn; what it began with is remembered, and where that
// was found to do with one shard, the next ones keep to one shard and take none. Such a
// one that needs another shard after all has no turn, and snapshots that are not one state;
// it fails as one that could not be serialized, and transactions that begin so take their
// turn at once again.

// scope is how much of the cluster a transaction may see, above READ COMMITTED.
type scope struct {
	said  bool // the transaction itself said at what level it runs
	one   bool // it is confined to one shard by whoever began it
	shard int  // 1 more than the shard that it uses, where it may use one only; 0 for none yet
	wide  bool // it may use all shards, and goes by turns if it is serializable
	turn  bool // it has taken its turn
	ready bool // it is to be wide from its first statement on

	key     string // what it began with
	used    uint64 // shards that its statements needed, as far as they fit
	learner *beginnings
}

// started reports whether a statement of the transaction has needed a shard.
func (t *transaction) started() bool { return t.scope.key != "" || t.cut || t.early }

// confine keeps a transaction to one shard, where the context with which it begins, or
// the text, says that it needs no other. It sees that shard's snapshot then.
func (c *Conn) confine(ctx context.Context, text plan.Hint) error {
	hint := hintOf(ctx)
	if text.Shard != "" || text.HasKey {
		hint = text
	}
	c.txn.scope.ready = ctx.Value(turnKey{}) != nil
	switch {
	case hint.Shard == plan.EveryShard:
	case hint.Shard != "":
		at, ok := c.connector.layout.Index(hint.Shard)
		if !ok {
			return noShard(hint.Shard, c.connector.layout.Shards())
		}
		c.txn.scope.one, c.txn.scope.shard = true, at+1
	case hint.HasKey:
		c.txn.scope.one = true
	}
	return nil
}

// isolate makes sure, before a statement runs, that it sees what its isolation level
// promises over all shards that it needs. It reports true where the statement, being
// outside of a transaction, needs one of its own for that.
func (c *Conn) isolate(ctx context.Context, s call, target plan.Target) (own bool, err error) {
	several := target.Mode == plan.Composed || s.Class == plan.Create || target.Mode != plan.Any && len(target.Shards) > 1
	switch {
	case c.txn != nil:
		if several {
			err = c.widen(target.Shards)
		}
		return false, err
	case !several:
		return false, nil
	}
	for _, at := range target.Shards {
		if err := c.sureOf(ctx, c.connector.shards[at]); err != nil {
			return false, err
		}
	}
	c.connector.freshen()
	l := c.level()
	return l == serializable || l == repeatableRead && c.connector.gates != nil || c.steady(s.Statement), nil
}

// alone runs a statement as a transaction of its own.
func (c *Conn) alone(ctx context.Context, s call) (rows driver.Rows, res driver.Result, err error) {
	return c.implicit(ctx, true, s.rows, func() (driver.Rows, driver.Result, error) {
		c.txn.Choose(func(o *branch.Options) {
			switch {
			case s.Class == plan.DDL: // what it reads is not read by snapshots
				o.Isolation = readCommitted.String()
			case onlyReads(s.Statement):
				if c.steady(s.Statement) {
					o.Isolation = repeatableRead.String()
				}
				o.ReadOnly = true
			}
		})
		return c.statement(ctx, s)
	})
}

// widen lets the transaction use several shards.
func (c *Conn) widen(shards []int) error {
	t := &c.txn.scope
	for _, at := range shards {
		t.uses(at)
	}
	switch l := c.level(); {
	case l < repeatableRead:
		return nil
	case t.one:
		return c.confined(shards)
	case t.wide || l < serializable:
		return nil
	case c.connector.gates == nil:
		return c.noTurns()
	case t.shard > 0:
		return c.needsTurn(shards)
	default:
		t.begins(c)
		t.wide = true
		return nil
	}
}

// every lists all shards.
func (c *Conn) every() []int {
	all := make([]int, len(c.connector.shards))
	for i := range all {
		all[i] = i
	}
	return all
}

// admit makes sure that a statement of the transaction may use a shard.
func (c *Conn) admit(ctx context.Context, sh *shard.Shard) error {
	t := &c.txn.scope
	l := c.level()
	if l < repeatableRead {
		return nil
	}
	t.uses(sh.Index())
	switch {
	case t.one && t.shard == 0:
		t.begins(c)
		t.shard = sh.Index() + 1
	case t.one && t.shard != sh.Index()+1:
		return c.confined([]int{sh.Index()})
	case t.one || t.wide:
		t.begins(c)
	case l < serializable:
		t.begins(c)
		t.wide = true
	case t.shard == 0:
		t.begins(c)
		// What any shard could answer says nothing of the shards that come.
		t.wide = c.connector.gates != nil && (t.ready || c.vague || !c.connector.beginnings.narrow(t.key))
		if !t.wide {
			t.shard = sh.Index() + 1
		}
	case t.shard != sh.Index()+1:
		if c.connector.gates == nil {
			return c.noTurns()
		}
		return c.needsTurn([]int{sh.Index()})
	}
	if l < serializable || !t.wide || t.turn || c.txn.cut {
		return nil
	}
	if err := c.prompt(ctx); err != nil || c.txn.Options().ReadOnly {
		return err
	}
	return c.takeTurn(ctx)
}

// prompt lets a transaction of several shards not be deferrable. A deferrable one waits
// for a snapshot in which nothing can go wrong any more, shard by shard: the snapshots
// would not be of one moment, and those for whom it waits would wait for the gates that
// are closed meanwhile. What such a transaction sees is the same as what others see that
// only read; it may have to be run again like them. Over one shard it is PostgreSQL's.
func (c *Conn) prompt(ctx context.Context) error {
	if c.txn.Options().AtOnce {
		return nil
	}
	c.txn.Choose(func(o *branch.Options) { o.Deferrable, o.AtOnce = false, true })
	return branch.Each(c.txn.Open(), func(b *branch.Branch) error { return b.Restart(ctx) }) // they have heard settings only
}

func (t *scope) uses(shard int) {
	if shard < 64 {
		t.used |= 1 << shard
	}
}

// begins notes with what the transaction began.
func (t *scope) begins(c *Conn) {
	if t.key == "" {
		t.key = c.asking + "\x00"
		if c.level() == serializable {
			t.learner = &c.connector.beginnings
		}
	}
}

// over learns from what the transaction has used, when it ends.
func (t *scope) over() {
	if t.learner == nil || !t.wide {
		return
	}
	if bits.OnesCount64(t.used) > 1 {
		t.learner.needed(t.key)
	} else {
		t.learner.spared(t.key)
	}
}

const (
	ownTurn  = "LOCK TABLE _xapg.turn IN EXCLUSIVE MODE"
	noneElse = "LOCK TABLE _xapg.turn IN SHARE MODE"
)

// takeTurn waits until no other serializable transaction of several shards is under way
// that may write. The turn is a lock of the part on home, which therefore ends as a part
// that wrote does: it is prepared, and committed after the decision, so that the lock
// ends when what the transaction did is visible, or about to be wherever nobody can
// look before it is. It is as good as the decision log: no crash loses it.
func (c *Conn) takeTurn(ctx context.Context) error {
	home := c.connector.home
	if err := c.connector.gateOf(ctx, home); err != nil {
		return err
	}
	b, err := c.txn.Lead(ctx, home, ownTurn)
	if err != nil {
		return c.unturned(err)
	}
	b.NoteWrite()
	c.txn.scope.turn = true
	return nil
}

// turnShare is which part of the time gates may be closed for serializable transactions.
// It is much, because each of them waits for those before it.
const turnShare = 0.5

// keeper takes the transaction's cut.
func (c *Conn) keeper() *cut.Keeper {
	if c.level() == serializable {
		return c.connector.gates.turns
	}
	return c.connector.gates.keeper
}

// inTurns takes a transaction's snapshots when it is its turn.
func (c *Conn) inTurns(ctx context.Context, take func(context.Context) error) error {
	if c.level() == serializable && !c.txn.scope.turn {
		return c.betweenTurns(ctx, take)
	}
	return take(ctx)
}

// betweenTurns takes the snapshots of a transaction that only reads at a moment at which
// no serializable transaction of several shards is under way. Those that come later have
// later snapshots of all shards, and nothing that they do can be seen here: the turn need
// not be kept.
func (c *Conn) betweenTurns(ctx context.Context, take func(context.Context) error) error {
	home := c.connector.own[c.connector.home.Index()]
	if err := c.connector.gateOf(ctx, home); err != nil {
		return err
	}
	for try := 0; ; try++ {
		conn, err := home.Acquire(ctx)
		if err != nil {
			return err
		}
		_, err = conn.Command(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED;SET LOCAL idle_in_transaction_session_timeout=60000;"+noneElse)
		if err == nil {
			err = take(ctx)
			// If the lock had ended before, somebody may have had his turn in between.
			tag, cerr := conn.Command(context.WithoutCancel(ctx), "COMMIT")
			conn.Ended()
			if cerr != nil {
				conn.Break()
			}
			conn.Release()
			if err == nil && (cerr != nil || tag == "ROLLBACK") {
				err = serverError("40001", "could not serialize access: the turn of serializable transactions was lost while the snapshots were taken; run it again")
			}
			return err
		}
		dead := !conn.Alive()
		if !dead {
			if _, rerr := conn.Command(context.WithoutCancel(ctx), "ROLLBACK"); rerr != nil {
				conn.Break()
			}
		}
		conn.Release()
		if !dead || try > 1 || ctx.Err() != nil {
			return c.unturned(err)
		}
		home.Reset()
	}
}

// sureOf makes sure that it is known at what level a shard runs transactions that do not
// say theirs: it may not have been reached before.
func (c *Conn) sureOf(ctx context.Context, sh *shard.Shard) error {
	if c.connector.defaults.levels[sh.Index()].Load() > 0 {
		return nil
	}
	if err := c.connector.learnLevel(ctx, sh); err != nil {
		return err
	}
	if c.txn != nil && !c.txn.scope.said && c.standing() > c.level() {
		return serverError("40001", fmt.Sprintf("could not serialize access: shard %s, which had not been reached before, asks for isolation level %s; run the transaction again", sh.Name(), c.standing()))
	}
	return nil
}
