package sim

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"

	"github.com/xapg/xapg/xadriver/internal/cut"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// label tells which goroutine of a process made a call: the coordinator's own, the
// one that reads the log, or the one that sweeps a shard (byShard + its index).
type label uint8

const (
	byCoordinator label = iota
	byLoader
	byShard

	maxLabels = byShard + maxParts
)

// call is one that waits for its answer.
type call struct {
	op    op
	by    label
	ctx   context.Context
	reply chan answer
	seen  bool // by the history
}

// stimulus is something that happens to a process.
type stimulus struct {
	kind stimulusKind
	slot uint8 // of the answered call, among the outstanding ones in their order
	ans  answer
}

type stimulusKind uint8

const (
	answered  stimulusKind = iota
	sweeps                 // a resolver begins to sweep all shards
	cancelled              // the application gives up: the context of Commit ends
	timedOut               // the bounds that the coordinator has set are over
	reads                  // the application wants a cut, in the slot
)

// Program is what runs in a process: the real code, or a mutant of it.
type Program struct {
	// Commit runs the coordinator, where the process has one.
	Commit func(p *Process, ctx context.Context) error
	// Sweep runs a resolver once over all shards.
	Sweep func(p *Process, ctx context.Context)
	// Read takes a cut: one of those that the process takes at once.
	Read func(p *Process, ctx context.Context, member uint8) error
	// Exact makes every order of answers a state of its own, for programs of which
	// it is not known that the order within one process makes no difference.
	Exact bool
	// Mutant programs need not keep order in what is not their mistake.
	Mutant bool
}

// Process is one process: real goroutines that run real code, and block in every
// call that they make on the outside until they are given an answer.
type Process struct {
	Parts  int
	wrote  [maxParts]wrote3
	memory any // of the program: its resolver

	program Program
	cancel  context.CancelFunc
	ctx     context.Context

	mu       sync.Mutex
	dead     bool
	waiting  []*call
	labels   map[uint64]label
	timeouts map[int]context.CancelFunc
	nextTime int
	released [maxParts]int
	over     bool // Commit has returned
	told     told
	sweeping bool
	history  history

	keeper *cut.Keeper // of readers
	cuts   [maxCuts]told
	fresh  bool // a reader begins to close all gates, and has forgotten what was before
}

// newProcess starts one; it is called, as is all that follows, within a bubble.
func newProcess(parts int, w [maxParts]wrote3, program Program, cancellable bool) *Process {
	p := &Process{Parts: parts, wrote: w, program: program, labels: make(map[uint64]label), timeouts: make(map[int]context.CancelFunc)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if program.Read != nil {
		p.over = true
	} else if program.Commit != nil {
		ctx := context.Background()
		if cancellable {
			ctx = p.ctx
		}
		go func() {
			err := program.Commit(p, ctx)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.over, p.told = true, toldBy(err)
		}()
	} else {
		p.over = true
	}
	p.settle()
	return p
}

// do makes a call and waits for its answer. The calls of a dead process come to
// nothing, at once.
func (p *Process) do(ctx context.Context, by label, verb verb, arg uint8) answer {
	c := &call{op: op{verb, arg}, by: by, ctx: ctx, reply: make(chan answer, 1)}
	p.mu.Lock()
	if p.dead {
		p.mu.Unlock()
		return lost
	}
	p.waiting = append(p.waiting, c)
	p.mu.Unlock()
	return <-c.reply
}

// timeout stands for the clock that the coordinator is handed.
func (p *Process) timeout(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nextTime
	p.nextTime++
	p.timeouts[n] = cancel
	return ctx, func() {
		p.mu.Lock()
		delete(p.timeouts, n)
		p.mu.Unlock()
		cancel()
	}
}

// step lets something happen to the process, and waits until it has come to rest.
func (p *Process) step(s stimulus) {
	switch s.kind {
	case answered:
		c := p.waiting[s.slot]
		p.waiting = slices.Delete(p.waiting, int(s.slot), int(s.slot)+1)
		if p.program.Read != nil {
			p.history.read(c, s.ans)
		} else {
			p.history.answer(c, s.ans)
		}
		c.reply <- s.ans
	case sweeps:
		p.sweeping = true
		go func() {
			p.program.Sweep(p, context.Background())
			p.mu.Lock()
			defer p.mu.Unlock()
			p.sweeping = false
			p.history.endRound()
		}()
	case reads:
		p.history.note("wants " + strconv.Itoa(int(s.slot)))
		go func() {
			err := p.program.Read(p, p.ctx, s.slot)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.cuts[s.slot] = toldBy(err)
		}()
	case cancelled:
		p.history.note("cancelled")
		p.cancel()
	case timedOut:
		p.history.note("timed out" + strconv.Itoa(p.nextTime))
		for n, cancel := range p.timeouts {
			delete(p.timeouts, n)
			cancel()
		}
	}
	p.settle()
}

// settle waits until every goroutine of the process waits for an answer or has
// ended, and puts the outstanding calls in order.
func (p *Process) settle() {
	synctest.Wait()
	p.mu.Lock() // so that what the others wrote is seen here
	defer p.mu.Unlock()
	if r, ok := p.memory.(*resolve.Resolver); ok {
		r.Pending()
	}
	slices.SortFunc(p.waiting, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(a.op.verb, b.op.verb), cmp.Compare(a.op.arg, b.op.arg))
	})
	for i := 1; i < len(p.waiting); i++ {
		if a, b := p.waiting[i-1], p.waiting[i]; a.by == b.by && a.op == b.op {
			panic("two calls of one process cannot be told apart: " + a.op.String())
		}
	}
	if len(p.waiting) > maxCalls {
		panic("too many calls at once")
	}
	if p.program.Read != nil {
		p.fresh = p.history.seenByReader(p)
	} else {
		p.history.seen(p)
	}
}

// kill ends all that runs in the process.
func (p *Process) kill() {
	p.mu.Lock()
	p.dead = true
	for _, c := range p.waiting {
		c.reply <- lost
	}
	p.waiting = nil
	p.mu.Unlock()
	p.cancel()
	synctest.Wait()
	if k := p.keeperMade(); k != nil {
		k.Close()
	}
}

// learn notes that the calling goroutine, and those that it starts, sweep a shard.
func (p *Process) learn(by label) {
	self, _ := goroutine()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.labels[self] = by
}

// who tells for which shard the calling goroutine, or the one that started it, sweeps.
func (p *Process) who() label {
	self, parent := goroutine()
	p.mu.Lock()
	defer p.mu.Unlock()
	if by, ok := p.labels[self]; ok {
		return by
	}
	if by, ok := p.labels[parent]; ok {
		return by
	}
	return byLoader
}

// goroutine gives the numbers of the calling goroutine and of its parent, as stack
// traces tell them: the resolver's interface to the log does not say for which of
// its shards it asks, and the answers have to find the one that did.
func goroutine() (self, parent uint64) {
	buf := make([]byte, 8<<10)
	text := string(buf[:runtime.Stack(buf, false)])
	number := func(s string) uint64 {
		end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
		if end < 0 {
			end = len(s)
		}
		n, _ := strconv.ParseUint(s[:end], 10, 64)
		return n
	}
	self = number(strings.TrimPrefix(text, "goroutine "))
	const created = " in goroutine "
	if at := strings.LastIndex(text, created); at >= 0 {
		parent = number(text[at+len(created):])
	}
	return self, parent
}
