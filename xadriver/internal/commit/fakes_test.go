package commit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	txn        = uuid.MustParse("01900000-0000-7000-8000-000000000001")
	errRefused = errors.New("refused")
	errLost    = fmt.Errorf("connection reset: %w", commit.ErrLost)
	errGone    = fmt.Errorf("does not exist: %w", commit.ErrGone)
	errStore   = errors.New("no answer from the log")
	errFull    = fmt.Errorf("disk full: %w", txlog.ErrNotStored)
)

// diary is what was done, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// read sorts what is done at once: lines of one kind that stand together.
func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := slices.Clone(d.lines)
	verb := func(s string) string { before, _, _ := strings.Cut(s, " on "); return before }
	for i := 0; i < len(lines); {
		j := i
		for j < len(lines) && verb(lines[j]) == verb(lines[i]) {
			j++
		}
		slices.Sort(lines[i:j])
		i = j
	}
	return lines
}

// part is a participant that answers as it was told to.
type part struct {
	*diary
	name     string
	wrote    commit.Wrote
	has      bool // what the server says about that
	fails    map[string]error
	asked    bool
	released int
	gate     chan struct{} // COMMIT PREPARED waits for it, if any
}

func (p *part) do(what string) error {
	p.note("%s on %s", what, p.name)
	return p.fails[what]
}

func (p *part) Shard() string       { return p.name }
func (p *part) Wrote() commit.Wrote { return p.wrote }
func (p *part) Ask(context.Context) (bool, error) {
	p.asked = true
	return p.has, p.do("ask")
}

func (p *part) Commit(context.Context) error {
	if p.wrote == commit.No || p.asked && !p.has {
		return p.do("commit the reader")
	}
	return p.do("commit")
}

func (p *part) Rollback(context.Context) { _ = p.do("rollback") }
func (p *part) Release()                 { p.released++ }

func (p *part) Prepare(_ context.Context, gid string) (string, error) {
	return "at " + gid, p.do("prepare")
}

func (p *part) CommitPrepared(context.Context, string) error {
	if p.gate != nil {
		<-p.gate
	}
	return p.do("commit prepared")
}

func (p *part) RollbackPrepared(context.Context, string) error { return p.do("rollback prepared") }

// register answers Decide with what it was told to, in turn.
type register struct {
	*diary
	answers []answer
	voters  []txlog.Participant
}

type answer struct {
	outcome txlog.Outcome
	err     error
}

func (r *register) Decide(_ context.Context, _ uuid.UUID, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
	r.note("decide %s", want)
	r.voters = voters
	if len(r.answers) == 0 {
		return want, nil
	}
	a := r.answers[0]
	r.answers = r.answers[1:]
	return a.outcome, a.err
}

func (r *register) Finish(context.Context, uuid.UUID) error {
	r.note("finish the record")
	return nil
}

// successor notes what it is given.
type successor struct{ *diary }

func (s successor) Finish(_ uuid.UUID, outcome txlog.Outcome, shards []string, recorded bool) {
	s.note("hand on %s to %s, recorded %t", outcome, strings.Join(shards, ","), recorded)
}

func (s successor) Settle(_ uuid.UUID, shards []string) {
	s.note("let settle %s", strings.Join(shards, ","))
}

// coordinator is one over fakes, with everything written to a diary.
func coordinator(d *diary, answers ...answer) (*commit.Coordinator, *register) {
	r := &register{diary: d, answers: answers}
	return &commit.Coordinator{
		Register: r, Successor: successor{d},
		Ready: func(context.Context, []string) error { return nil },
		Name:  func(_ uuid.UUID, shard string) string { return "gid_" + shard },
		NewID: func() (uuid.UUID, error) { return txn, nil },
		Timeout: func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
			return context.WithCancel(ctx)
		},
	}, r
}

func parts(d *diary, ps ...*part) []commit.Participant {
	list := make([]commit.Participant, len(ps))
	for i, p := range ps {
		p.diary, p.name, list[i] = d, string(rune('a'+i)), p
	}
	return list
}
