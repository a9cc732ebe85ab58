// Package txlogtest is the conformance suite for decision logs: what a store of
// package txlog must be seen to do before an application may trust it.
//
// A store runs it from a test of its own:
//
//	func TestMain(m *testing.M) {
//		txlogtest.Child(open) // the suite's crash tests run the test binary again
//		os.Exit(m.Run())
//	}
//
//	func TestConformance(t *testing.T) {
//		txlogtest.Run(t, txlogtest.Factory{Fresh: fresh, Open: open})
//	}
//
// Each check is also available by itself, as a function that returns an error, so
// that a store (or the suite) can show that a broken log does not pass.
package txlogtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// Cluster is the cluster whose logs the suite opens.
const Cluster = "suite"

// patience ends a check that hangs.
const patience = 2 * time.Minute

// Open opens the log at a place, for a cluster. It may be called several times for
// one place, also while earlier openings are in use, and in another process.
type Open func(ctx context.Context, place, cluster string) (txlog.Log, error)

// Factory makes a store's logs.
type Factory struct {
	// Fresh prepares a place where there is no log yet, and names it: a path, an
	// address, whatever Open understands. What it leaves, it cleans up by itself.
	Fresh func(t testing.TB) (place string)
	Open  Open

	// Lossy, when given, opens the log at a place that Fresh has prepared, in a way
	// that lets the suite lose the store's answers. With away, the log is to give up in
	// seconds while the store does not answer; otherwise it must have a minute.
	Lossy func(t testing.TB, place string, away bool) Lossy
	// OpenSealed, when given, opens a log even if it was sealed: [txlog.OpenOptions].
	// Such a store is moved about, see [txlog.Mover].
	OpenSealed Open
	// Create, with OpenSealed, begins a log at a place with given contents.
	Create func(ctx context.Context, place string, c txlog.Contents) (txlog.Log, error)
}

// Run lets the store pass through every check, and through the crash test.
func Run(t *testing.T, f Factory) {
	for _, c := range Checks() {
		t.Run(strings.ReplaceAll(c.Name, " ", "_"), func(t *testing.T) {
			require.NoError(t, c.Run(f.Open, f.Fresh(t), f.Fresh(t)))
		})
	}
	t.Run("what_was_acknowledged_survives_SIGKILL", func(t *testing.T) { crash(t, f) })
	if f.Lossy != nil {
		t.Run("lost_answers", func(t *testing.T) { lossy(t, f) })
	}
	if f.OpenSealed != nil {
		t.Run("moved", func(t *testing.T) { moved(t, f) })
	}
}

// Check is one thing that a log must do.
type Check struct {
	Name string
	run  func(*probe)
}

// Checks lists the suite, without the crash test.
func Checks() []Check {
	return []Check{
		{"every opening tells the same identity", identity},
		{"another cluster's log is refused", otherCluster},
		{"every opening leaves a mark of its own", freshMarks},
		{"a log knows its marks and no others", knownMarks},
		{"openings are listed page by page in order", openings},
		{"the first decision is the one that all see", firstWins},
		{"two openings that race agree", race},
		{"decisions and lookups are linearizable", linearizable},
		{"lookup tells what was decided", lookup},
		{"the loser's participants are ignored", loserIgnored},
		{"what is no decision is refused", refused},
		{"unfinished decisions are listed page by page in order", unfinished},
		{"all records are listed page by page in order", records},
		{"what is finished is no longer listed", finish},
		{"finishing what is not there does nothing", finishNothing},
		{"deciding again does not make unfinished", decideFinished},
		{"what was finished stays so in later openings", finishKept},
		{"forget drops what is finished and old enough", forget},
		{"forget never drops what is unfinished", forgetUnfinished},
		{"forget never drops what is younger", forgetYounger},
		{"forget drops many", forgetMany},
		{"what was forgotten can be decided anew", decideForgotten},
		{"a closed log answers nothing", closed},
		{"closing one opening leaves the others", closeOne},
		{"calls whose context has ended do nothing", endedContext},
		{"a context that ends meanwhile leaves no doubt", endingContext},
	}
}

// Run makes the check on the log at place, which is fresh. Other is a second fresh
// place. The error tells everything that was wrong.
func (c Check) Run(open Open, place, other string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p := &probe{ctx: ctx, opener: open, place: place, other: other}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.closeAll()
		c.run(p)
	}()
	<-done
	if len(p.failures) == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", c.Name, errors.Join(p.failures...))
}

// probe is what a check is made with. It stands in for *testing.T in assertions, and
// keeps what fails.
type probe struct {
	ctx          context.Context
	opener       Open
	place, other string

	mu       sync.Mutex
	failures []error
	logs     []txlog.Log
}

var _ require.TestingT = (*probe)(nil)

// Errorf notes a failure.
func (p *probe) Errorf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures = append(p.failures, fmt.Errorf(format, args...))
}

// FailNow ends the check. Only its own goroutine may call it.
func (p *probe) FailNow() { runtime.Goexit() }

// open opens the log under test once more.
func (p *probe) open() txlog.Log { return p.openAt(p.place) }

func (p *probe) openAt(place string) txlog.Log {
	l, err := p.opener(p.ctx, place, Cluster)
	require.NoError(p, err, "opening the log")
	p.logs = append(p.logs, l)
	return l
}

func (p *probe) closeAll() {
	for _, l := range p.logs {
		if err := l.Close(); err != nil {
			p.Errorf("closing the log: %v", err)
		}
	}
}
