package xadriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/origin"
	"github.com/xapg/xapg/xadriver/internal/plan"
)

// Execer is what Enlist needs of a transaction: *sql.Tx is one, and so is a
// *sql.Conn on which BEGIN was run as a statement.
type Execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Enlist begins a branch on a resource and makes it part of a transaction: when the
// transaction commits, the branch commits with it, all or nothing, whatever crashes
// in between. The resource must be configured in Config.Resources.
//
//	tx, err := db.BeginTx(ctx, nil)
//	…
//	orders, err := xadriver.Enlist(ctx, tx, broker)
//	…
//	err = orders.Publish(ctx, "order 17")
//	…
//	err = tx.Commit()
//
// The branch belongs to the transaction, which ends it; the caller only works with
// it. Enlisting the same resource again in the same transaction returns the branch
// that is there. After an error, the transaction can only be rolled back.
//
// A resource does not know savepoints: ROLLBACK TO SAVEPOINT is refused in a
// transaction with a resource, as it would keep what was done there.
func Enlist[B Branch](ctx context.Context, tx Execer, resource Opener[B]) (B, error) {
	var none B
	e := &enlistment{resource: resource}
	if err := e.tell(ctx, tx); err != nil {
		return none, err
	}
	if e.there != nil {
		b, ok := e.there.(B)
		if !ok {
			return none, fmt.Errorf("xapg: the resource %s is enlisted with a branch of type %T, not %T", resource.Name(), e.there, none)
		}
		return b, nil
	}
	// The resource is asked without the transaction's connection in hand.
	b, err := resource.Begin(ctx, e.gid)
	if e.failure = err; err == nil {
		e.begun = b
	}
	if told := e.tell(context.WithoutCancel(ctx), tx); err == nil && told != nil {
		// The transaction has ended meanwhile, and never had this branch.
		_ = b.Rollback(context.WithoutCancel(ctx))
		b.Release()
		return none, told
	}
	if err != nil {
		return none, fmt.Errorf("xapg: resource %s: %w", resource.Name(), err)
	}
	return b, nil
}

// enlistment is the argument by which Enlist reaches the driver below database/sql
// and whatever is wrapped around it: first to get the branch's name, then to bring
// the branch.
type enlistment struct {
	resource Resource

	heard bool         // the driver has seen it
	txn   *transaction // in which the branch is to be
	gid   string
	there Branch // the branch that the transaction has already

	begun   Branch // to be brought
	failure error  // why there is none
}

// enlistText is run with an enlistment as its argument. A driver other than this
// one would send it, and does not know the argument's type.
const enlistText = "SELECT $1::text /* xapg: a resource joins the transaction */"

// String is what others see who print a statement's arguments.
func (e *enlistment) String() string { return "resource " + e.resource.Name() }

var errNotOurs = errors.New("xapg: a resource can be enlisted in a transaction of the driver xapg only")

func (e *enlistment) tell(ctx context.Context, tx Execer) error {
	e.heard = false
	_, err := tx.ExecContext(ctx, enlistText, e)
	if err == nil && !e.heard {
		return errNotOurs
	}
	return err
}

// enlistmentIn finds an enlistment among a statement's arguments.
func enlistmentIn(args []driver.NamedValue) *enlistment {
	if len(args) != 1 {
		return nil
	}
	e, _ := args[0].Value.(*enlistment)
	return e
}

// errDirect is for a single shard, whose connection is its own driver's.
var errDirect = errors.New("xapg: there is a single shard and no resource is configured: put the resource into Config.Resources, " +
	"with a cluster's name and a decision log, as for several shards")

// enlist is the driver's side of Enlist.
func (c *Conn) enlist(e *enlistment) error {
	e.heard = true
	switch {
	case c.txn == nil && e.txn != nil:
		return sql.ErrTxDone
	case c.txn == nil:
		return errNoTransaction("Enlist")
	case c.txn.Failed():
		return errInFailedTransaction()
	case e.txn == nil:
		return c.failing(c.reserve(e))
	case e.txn != c.txn:
		return sql.ErrTxDone
	case e.failure != nil:
		return c.failed(e.failure)
	}
	e.txn.enlisted[e.resource.Name()].branch = e.begun
	return nil
}

// reserve gives the branch to come its name, for good.
func (c *Conn) reserve(e *enlistment) error {
	t, name := c.txn, e.resource.Name()
	if err := c.connector.resource(e.resource); err != nil {
		return err
	}
	e.txn = t
	if p := t.enlisted[name]; p != nil {
		if p.branch == nil {
			return fmt.Errorf("xapg: the resource %s is being enlisted in this transaction by somebody else", name)
		}
		e.there = p.branch
		return nil
	}
	if err := t.identify(); err != nil {
		return err
	}
	if t.enlisted == nil {
		t.enlisted = make(map[string]*enlisted)
	}
	p := &enlisted{name: name, txn: t.id}
	p.gid = c.connector.commits.Name(t.id, name)
	if len(p.gid) > gid.MaxLen {
		return fmt.Errorf("xapg: the name of resource %s is too long", name)
	}
	t.enlisted[name], e.gid = p, p.gid
	t.order = append(t.order, p)
	return nil
}

// Participants are the branches on shards and on resources, as the commit protocol
// sees them.
func (t *transaction) Participants() []commit.Participant {
	list := t.Txn.Participants()
	for _, p := range t.order {
		if p.branch != nil {
			list = append(list, p)
		}
	}
	return list
}

// keepsWork says why a transaction cannot go back to a savepoint.
func (t *transaction) keepsWork() error {
	if len(t.order) == 0 {
		return nil
	}
	return &plan.Refusal{
		Clause: "ROLLBACK TO SAVEPOINT in a transaction with a resource", Reason: t.order[0].name + " would keep what was done there",
		Remedy: "roll back the whole transaction",
	}
}

// enlisted is a resource's branch as a participant of the commit protocol.
type enlisted struct {
	name     string
	txn      uuid.UUID
	gid      string
	branch   Branch // nil until it has begun
	prepared bool
}

var (
	_ commit.Participant = (*enlisted)(nil)
	_ commit.Named       = (*enlisted)(nil)
)

func (p *enlisted) Shard() string  { return p.name }
func (p *enlisted) Txn() uuid.UUID { return p.txn }

// Wrote believes a branch that says it did nothing, and nobody else.
func (p *enlisted) Wrote() commit.Wrote {
	if b, ok := p.branch.(Idler); ok && b.Idle() {
		return commit.No
	}
	return commit.Yes
}

func (p *enlisted) Ask(context.Context) (bool, error) { return p.Wrote() != commit.No, nil }

func (p *enlisted) Commit(ctx context.Context) error { return p.answer(p.branch.Commit(ctx)) }

func (p *enlisted) Prepare(ctx context.Context, gid string) (vote string, err error) {
	if gid != p.gid { // the branch has the name that it was begun with
		return "", origin.Errorf(p.name, origin.Internal, "the branch is named %s, not %s", p.gid, gid)
	}
	if err := p.answer(p.branch.Prepare(ctx)); err != nil {
		return "", err
	}
	p.prepared = true
	return "", nil
}

func (p *enlisted) CommitPrepared(ctx context.Context, _ string) error {
	return p.answer(p.branch.Commit(ctx))
}

func (p *enlisted) RollbackPrepared(ctx context.Context, _ string) error {
	return p.answer(p.branch.Rollback(ctx))
}

func (p *enlisted) Rollback(ctx context.Context) { _ = p.branch.Rollback(ctx) }

func (p *enlisted) Release() { p.branch.Release() }

// answer sorts a resource's errors as the protocol knows them: what is not its word
// leaves open what it did.
func (p *enlisted) answer(err error) error {
	switch {
	case err == nil:
		return nil
	case p.prepared && errors.Is(err, ErrNoSuchBranch):
		return &marked{err, commit.ErrGone}
	case !p.prepared && errors.Is(err, ErrRolledBack):
		return fmt.Errorf("xapg: resource %s: %w", p.name, final(err))
	default:
		return &marked{fmt.Errorf("xapg: resource %s: %w", p.name, final(err)), commit.ErrLost}
	}
}

// marked is an error with a mark for the protocol that users do not read.
type marked struct {
	error
	mark error
}

func (m *marked) Unwrap() []error { return []error{m.error, m.mark} }
