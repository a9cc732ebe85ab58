package xadriver

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver/internal/commit"
)

// Tracer is told what the driver does, as it happens: Config.Tracer. Packages
// xaotel and xaprom have tracers that make OpenTelemetry spans and Prometheus
// metrics of it. It is for clusters of several shards; with a single shard, all is
// pgx's, which has tracers of its own.
//
// Start is called when an operation begins, with the context that it was given,
// on the goroutine that runs it; several operations run at once. It returns the
// context for what is done within the operation, and a function that is called
// once, when it ends. What they do delays what they watch.
type Tracer interface {
	Start(ctx context.Context, op Operation) (context.Context, func(Report))
}

// OperationKind says what an operation is.
type OperationKind string

// The kinds of operations. A statement's parts run within it; the others run
// within a commit or a rollback, which may be a statement's own.
const (
	OpStatement OperationKind = "statement"  // a statement, from its text to its first row or its count
	OpPart      OperationKind = "part"       // one shard's part of a statement
	OpCommit    OperationKind = "commit"     // of a transaction, on all of its shards
	OpRollback  OperationKind = "rollback"   // of a transaction, on all of its shards
	OpMerge     OperationKind = "merge"      // the shards' rows are brought together, and a PostgreSQL session answers over them
	OpAsk       OperationKind = "ask"        // a shard is asked whether the transaction wrote there
	OpCommitOne OperationKind = "commit_one" // a shard that only read, or alone wrote, commits
	OpPrepare   OperationKind = "prepare"    // a shard votes
	OpDecide    OperationKind = "decide"     // the decision is stored in the log
	OpFinish    OperationKind = "finish"     // a prepared shard hears of the decision
	OpUndo      OperationKind = "undo"       // a shard that is not prepared rolls back
)

// Operation is something that begins.
type Operation struct {
	Kind  OperationKind
	SQL   string    // as the application wrote it; of a part, as the shard is asked. Without arguments
	Shard string    // of what concerns a single one
	Txn   uuid.UUID // the distributed transaction's id, once it has one
}

// Report is how an operation ended.
type Report struct {
	Err      error
	Strategy string    // of a statement: how it was answered, as `xapg route` says; "" of one that no shard was asked for
	Shards   []string  // of a statement, a commit or a rollback: the shards that took part, in no order
	Kind     string    // of a commit: read_only, one_phase or two_phase; "" of a transaction that had failed before
	Outcome  string    // of a commit: committed, rolled_back or in_doubt
	Txn      uuid.UUID // of a two-phase commit
}

// Refused reports whether err is a statement's refusal: an *UnsupportedError.
func Refused(err error) bool {
	var u *UnsupportedError
	return errors.As(err, &u)
}

// noProtocol is the kind of a commit that had only to roll back.
const noProtocol commit.Kind = 255

var kinds = map[commit.Kind]string{commit.ReadOnly: "read_only", commit.OnePhase: "one_phase", commit.TwoPhase: "two_phase"}

var phases = map[commit.Phase]OperationKind{
	commit.Ask: OpAsk, commit.Alone: OpCommitOne, commit.Prepare: OpPrepare, commit.Decide: OpDecide, commit.Finish: OpFinish, commit.Rollback: OpUndo,
}

// watchCommits lets the tracer follow the commit protocol.
func watchCommits(t Tracer) commit.Watch {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, phase commit.Phase, id uuid.UUID, shard string) (context.Context, func(error)) {
		ctx, end := t.Start(ctx, Operation{Kind: phases[phase], Txn: id, Shard: shard})
		return ctx, func(err error) { end(Report{Err: public(err)}) }
	}
}

// traced follows one statement. It does nothing without a tracer.
func (c *Conn) traced(ctx context.Context, query string) (context.Context, func(error)) {
	t := c.connector.cfg.Tracer
	if t == nil {
		return ctx, func(error) {}
	}
	ctx, end := t.Start(ctx, Operation{Kind: OpStatement, SQL: query})
	c.report = &Report{}
	return ctx, func(err error) {
		r := *c.report
		r.Err, r.Shards = err, c.asked.names
		c.report, c.asked.names = nil, nil
		end(r)
	}
}

// tell notes how the statement is answered, for the tracer.
func (c *Conn) tell(strategy string) {
	if c.report != nil && c.report.Strategy == "" {
		c.report.Strategy = strategy
	}
}

// asked is the set of shards that a statement's parts are on.
type asked struct {
	mu    sync.Mutex
	names []string
}

func (a *asked) add(shard string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.names, shard) {
		a.names = append(a.names, shard)
	}
}

// tracedPart follows one shard's part of a statement.
func (c *Conn) tracedPart(ctx context.Context, shard, sql string) (context.Context, func(error)) {
	t := c.connector.cfg.Tracer
	if t == nil {
		return ctx, nil
	}
	c.asked.add(shard)
	ctx, end := t.Start(ctx, Operation{Kind: OpPart, Shard: shard, SQL: sql})
	return ctx, func(err error) { end(Report{Err: public(err)}) }
}

// tracedEnd follows a transaction's commit or rollback.
func (c *Conn) tracedEnd(ctx context.Context, kind OperationKind, txn *transaction) (context.Context, func(commit.Outcome, error)) {
	t := c.connector.cfg.Tracer
	if t == nil {
		return ctx, func(commit.Outcome, error) {}
	}
	ctx, end := t.Start(ctx, Operation{Kind: kind})
	r := Report{}
	for _, b := range txn.Open() {
		r.Shards = append(r.Shards, b.Shard())
	}
	return ctx, func(out commit.Outcome, err error) {
		r.Err, r.Txn = err, out.ID
		if kind == OpCommit {
			r.Kind = kinds[out.Kind]
			var doubt *InDoubtError
			switch {
			case err == nil:
				r.Outcome = "committed"
			case errors.As(err, &doubt):
				r.Outcome = "in_doubt"
			default:
				r.Outcome = "rolled_back"
			}
		}
		end(r)
	}
}
