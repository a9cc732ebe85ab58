package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// The one transaction of a world, and one of another log on the same servers.
var (
	txn      = uuid.MustParse("01900000-0000-7000-8000-000000000001")
	others   = uuid.MustParse("01900000-0000-7000-8000-000000000002")
	identity = txlog.Identity{Cluster: "sim", ID: "log"}
)

const (
	tooYoung = time.Second
	liveAge  = 10 * time.Second // resolve_after
	tooOld   = time.Hour
)

// gidOn is the name of the transaction's part on a shard.
func gidOn(shard string) string {
	return gid.ID{Cluster: identity.Cluster, Log: identity.ID, Txn: txn, Shard: shard}.String()
}

// foreign are prepared on every shard, always, and are nobody's here to finish: one
// of another log, one of another shard in the same database, one of another program.
func foreign(shard string) []string {
	return []string{
		gid.ID{Cluster: identity.Cluster, Log: "otherlog", Txn: others, Shard: shard}.String(),
		gid.ID{Cluster: identity.Cluster, Log: identity.ID, Txn: txn, Shard: "twin"}.String(),
		"app-transfer-17",
	}
}

var (
	errLost    = fmt.Errorf("connection reset: %w", commit.ErrLost)
	errGone    = fmt.Errorf("does not exist: %w", commit.ErrGone)
	errRefused = errors.New("refused by the server")
	errLog     = errors.New("the log's answer was lost")
)

// Real is the code that ships: the coordinator, with its own process's resolver for a
// successor, and that resolver's sweep of all shards.
func Real() Program {
	return Program{
		Commit: func(p *Process, ctx context.Context) error {
			_, err := p.Coordinator().Commit(ctx, p.Participants())
			return err
		},
		Sweep: func(p *Process, ctx context.Context) { p.Resolver().Once(ctx, liveAge) },
	}
}

// Coordinator is a real coordinator in this process.
func (p *Process) Coordinator() *commit.Coordinator {
	return &commit.Coordinator{
		Register:  register{p},
		Ready:     func(context.Context, []string) error { return nil },
		Successor: p.Resolver(),
		Name:      func(_ uuid.UUID, shard string) string { return gidOn(shard) },
		NewID:     func() (uuid.UUID, error) { return txn, nil },
		Timeout: func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
			return p.timeout(ctx)
		},
		AnswerWait: time.Minute,
		FinishWait: time.Minute,
	}
}

// Participants are the branches of the transaction.
func (p *Process) Participants() []commit.Participant {
	list := make([]commit.Participant, p.Parts)
	for i := range list {
		list[i] = participant{p, uint8(i)}
	}
	return list
}

// Resolver is the process's real resolver, made when it is first needed.
func (p *Process) Resolver() *resolve.Resolver {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r, ok := p.memory.(*resolve.Resolver); ok {
		return r
	}
	r := p.NewResolver(func(s resolve.Shard) resolve.Shard { return s }, Log{p})
	p.memory = r
	return r
}

// NewResolver makes a real resolver over shards that may be wrapped, and a log.
func (p *Process) NewResolver(wrap func(resolve.Shard) resolve.Shard, log resolve.Log) *resolve.Resolver {
	c := resolve.Config{
		Log: log, Verify: func(context.Context, string) error { return nil },
		After: liveAge, AtStart: liveAge, Every: time.Hour, Retain: -1, CallTimeout: time.Hour,
		Logger: slog.New(slog.DiscardHandler),
	}
	for i := range p.Parts {
		c.Shards = append(c.Shards, wrap(Shard{p, uint8(i)}))
	}
	return resolve.New(c)
}

// participant is a branch of the transaction, as the coordinator sees it.
type participant struct {
	p *Process
	i uint8
}

func (x participant) call(ctx context.Context, v verb) error {
	switch x.p.do(ctx, byCoordinator, v, x.i) {
	case ok:
		return nil
	case refused:
		return errRefused
	case gone:
		return errGone
	default:
		return errLost
	}
}

func (x participant) Shard() string { return shardName(int(x.i)) }

func (x participant) Wrote() commit.Wrote { return x.p.wrote[x.i].known() }

func (x participant) Ask(ctx context.Context) (bool, error) {
	switch x.p.do(ctx, byCoordinator, ask, x.i) {
	case ok:
		return false, nil
	case wrote:
		return true, nil
	default:
		return false, errLost
	}
}

func (x participant) Commit(ctx context.Context) error { return x.call(ctx, commitPlain) }

func (x participant) Prepare(ctx context.Context, name string) (string, error) {
	x.check(name)
	return "1/0/16B3748", x.call(ctx, prepare)
}

func (x participant) CommitPrepared(ctx context.Context, name string) error {
	x.check(name)
	return x.call(ctx, commitPrepared)
}

func (x participant) RollbackPrepared(ctx context.Context, name string) error {
	x.check(name)
	return x.call(ctx, rollbackPrepared)
}

func (x participant) check(name string) {
	if name != gidOn(x.Shard()) {
		panic("a wrong gid: " + name)
	}
}

func (x participant) Rollback(ctx context.Context) { x.p.do(ctx, byCoordinator, rollback, x.i) }

func (x participant) Release() {
	x.p.mu.Lock()
	defer x.p.mu.Unlock()
	x.p.released[x.i]++
}

// register is the log as the coordinator sees it.
type register struct{ p *Process }

func (r register) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	return r.p.decide(ctx, byCoordinator, id, want, voters)
}

func (r register) Finish(ctx context.Context, _ uuid.UUID) error {
	return r.p.finishRecord(ctx, byCoordinator)
}

func (p *Process) decide(ctx context.Context, by label, id uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	if id != txn {
		return want, nil // nobody else decides on it here
	}
	v := decideAbort
	if want == txlog.Commit {
		v = decideCommit
	}
	switch a := p.do(ctx, by, v, setOf(voters)); a {
	case isCommit:
		return txlog.Commit, nil
	case isAbort:
		return txlog.Abort, nil
	case notStored:
		return txlog.Unknown, fmt.Errorf("disk full: %w", txlog.ErrNotStored)
	default:
		return txlog.Unknown, errLog
	}
}

func (p *Process) finishRecord(ctx context.Context, by label) error {
	if a := p.do(ctx, by, finishRecord, 0); a != ok && a != unkept {
		return errLog
	}
	return nil
}

// Log is the register as a resolver sees it.
type Log struct{ p *Process }

// Identity implements resolve.Log.
func (l Log) Identity() txlog.Identity { return identity }

// Decide implements resolve.Log.
func (l Log) Decide(ctx context.Context, id uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	return l.p.decide(ctx, l.p.who(), id, want, voters)
}

// Lookup implements resolve.Log.
func (l Log) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	if id != txn {
		return txlog.Decision{}, txlog.ErrNoDecision
	}
	switch a := l.p.do(ctx, l.p.who(), lookup, 0); {
	case a == noRecord:
		return txlog.Decision{}, txlog.ErrNoDecision
	case a&isRecord != 0:
		return record(a).decision(), nil
	default:
		return txlog.Decision{}, errLog
	}
}

// Finish implements resolve.Log.
func (l Log) Finish(ctx context.Context, _ uuid.UUID) error {
	return l.p.finishRecord(ctx, l.p.who())
}

// Unfinished implements resolve.Log.
func (l Log) Unfinished(ctx context.Context, after uuid.UUID, _ int) ([]txlog.Decision, error) {
	if after != uuid.Nil {
		return nil, nil
	}
	switch a := l.p.do(ctx, byLoader, unfinished, 0); {
	case a == noRecord:
		return nil, nil
	case a&isRecord != 0:
		return []txlog.Decision{record(a).decision()}, nil
	default:
		return nil, errLog
	}
}

// Forget implements resolve.Log. A sweep does not call it.
func (l Log) Forget(context.Context, time.Duration) (int, error) { return 0, nil }

func (r record) decision() txlog.Decision {
	d := txlog.Decision{ID: txn, Outcome: txlog.Abort, Finished: r.finished()}
	if r.commits() {
		d.Outcome = txlog.Commit
	}
	for i := range maxParts {
		if r.parts()&(1<<i) != 0 {
			d.Participants = append(d.Participants, txlog.Participant{Name: shardName(i)})
		}
	}
	return d
}

func setOf(voters []txlog.Participant) (set uint8) {
	for _, v := range voters {
		set |= 1 << shardIndex(v.Name)
	}
	return set
}

// Shard is a shard as a resolver sees it.
type Shard struct {
	p *Process
	i uint8
}

// Name implements resolve.Shard.
func (s Shard) Name() string { return shardName(int(s.i)) }

// Prepared implements resolve.Shard.
func (s Shard) Prepared(ctx context.Context, prefix string) ([]resolve.Prepared, error) {
	s.p.learn(byShard + label(s.i))
	var found []resolve.Prepared
	switch s.p.do(ctx, byShard+label(s.i), list, s.i) {
	case absent:
	case young:
		found = append(found, resolve.Prepared{GID: gidOn(s.Name()), Age: tooYoung})
	case old:
		found = append(found, resolve.Prepared{GID: gidOn(s.Name()), Age: tooOld})
	default:
		return nil, errLost
	}
	for _, name := range foreign(s.Name()) {
		if strings.HasPrefix(name, prefix) {
			found = append(found, resolve.Prepared{GID: name, Age: tooOld})
		}
	}
	return found, nil
}

// Finish implements resolve.Shard.
func (s Shard) Finish(ctx context.Context, name string, outcome txlog.Outcome) error {
	v := rollbackPrepared
	if outcome == txlog.Commit {
		v = commitPrepared
	}
	for _, other := range foreign(s.Name()) {
		if name == other {
			v = touchForeign
		}
	}
	if v != touchForeign && name != gidOn(s.Name()) {
		return errGone // nothing of that name has ever been prepared
	}
	switch s.p.do(ctx, byShard+label(s.i), v, s.i) {
	case ok:
		return nil
	case gone:
		return errGone
	case busy:
		return fmt.Errorf("in use: %w", resolve.ErrBusy)
	default:
		return errLost
	}
}
