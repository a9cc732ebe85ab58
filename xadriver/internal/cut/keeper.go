package cut

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Keeper takes cuts. Its methods may be called concurrently: cuts that are wanted at
// the same time share one closing of the gates, so that many readers disturb writers
// no more than one.
type Keeper struct {
	Options

	mu    sync.Mutex
	next  *party // of those who wait for the gates to be closed
	ended bool   // nobody begins a closing any more
	busy  chan struct{}
	stop  context.CancelFunc
	ctx   context.Context
	late  sync.WaitGroup
	free  time.Time // when the gates may be closed again; used by who is busy

	closings atomic.Int64
}

// NewKeeper makes a keeper. It is to be closed.
func NewKeeper(o Options) *Keeper {
	k := &Keeper{Options: o, busy: make(chan struct{}, 1)}
	k.ctx, k.stop = context.WithCancel(context.Background())
	return k
}

// Close ends all cuts that are under way and returns when they are over.
func (k *Keeper) Close() {
	k.mu.Lock()
	k.ended = true
	k.mu.Unlock()
	k.stop()
	k.late.Wait()
}

// Closings counts how often the gates have been closed.
func (k *Keeper) Closings() int64 { return k.closings.Load() }

// party is readers that share one closing of the gates.
type party struct {
	members int
	taking  sync.WaitGroup
	closed  chan struct{} // the gates are closed, or will not be
	over    chan struct{} // they are open again
	ctx     context.Context
	stop    context.CancelFunc        // of the closing
	why     atomic.Pointer[WaitError] // for whom it waits
	err     error                     // why there was no cut; set before closed is, or before over
}

// Cut calls take while all gates are closed: the snapshots that it takes are one state
// of all shards, which holds everything that was committed before Cut was called. When
// it returns nil the gates were closed from before take was called until after it
// returned; otherwise what take has done is to be undone. take's context ends when the
// gates are about to open. If they have opened too early, again is called, with no gate
// closed, which makes ready for another take.
//
// The error is the context's, take's, again's, *WaitError when transactions in doubt did
// not end within the bound, or take did not, or a shard's.
func (k *Keeper) Cut(ctx context.Context, take, again func(context.Context) error) error {
	if k.Wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = k.Timeout(ctx, k.Wait)
		defer cancel()
	}
	for slow := false; ; {
		err := k.once(ctx, take)
		if errors.Is(err, errVoid) {
			slow = true
			if err = again(ctx); err == nil {
				if err = ctx.Err(); err == nil {
					continue
				}
			}
		}
		var wait *WaitError
		if cause := ctx.Err(); err != nil && cause != nil && slow && !errors.As(err, &wait) {
			return &WaitError{Cause: cause}
		}
		return err
	}
}

// errVoid says that a gate was not closed all the time.
var errVoid = errors.New("a gate has opened before the snapshots were taken")

func (k *Keeper) once(ctx context.Context, take func(context.Context) error) error {
	p := k.join()
	select {
	case <-p.closed:
	case <-ctx.Done():
		k.leave(p)
		return because(ctx, p.why.Load(), ctx.Err())
	}
	if p.err != nil {
		p.taking.Done()
		return p.err
	}
	taking, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	err := take(taking)
	if ended := p.ctx.Err(); ended != nil && err != nil {
		err = errVoid // it was cut short: the gates were about to open
	}
	p.taking.Done()
	<-p.over
	if err != nil {
		return err
	}
	return p.err
}

// join enters the party that is waiting, or begins one.
func (k *Keeper) join() *party {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ended {
		p := &party{closed: make(chan struct{}), over: make(chan struct{}), err: context.Canceled}
		p.taking.Add(1)
		close(p.closed)
		close(p.over)
		return p
	}
	if k.next == nil {
		k.next = &party{closed: make(chan struct{}), over: make(chan struct{})}
		p := k.next
		k.late.Go(func() { k.run(p) })
	}
	k.next.members++
	k.next.taking.Add(1)
	return k.next
}

// leave is called by a reader whose patience has ended before the gates were closed.
func (k *Keeper) leave(p *party) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.members--; p.members == 0 && p.stop != nil {
		p.stop() // nobody wants it any more
	}
	p.taking.Done()
}

// run closes the gates for a party, lets it take its snapshots, and opens them.
func (k *Keeper) run(p *party) {
	k.busy <- struct{}{} // the party before has ended: while it was at work, this one has grown
	defer func() { <-k.busy }()
	k.rest()
	ctx, cancel := k.bounded(k.ctx)
	defer cancel()
	k.mu.Lock()
	k.next, p.stop = nil, cancel
	wanted := p.members > 0
	k.mu.Unlock()
	if !wanted {
		return
	}

	defer k.spent()()
	c, err := k.closeAll(ctx, p)
	if err != nil {
		p.err = err
		close(p.closed)
		close(p.over)
		return
	}
	k.closings.Add(1)
	p.ctx, cancel = k.Timeout(ctx, k.Hold)
	defer cancel()
	close(p.closed)
	p.taking.Wait()
	p.err = k.open(c)
	close(p.over)
}

// spent measures how long gates are closed, or about to be, until what it returns is
// called, and says when they may be closed again.
func (k *Keeper) spent() func() {
	if k.Share <= 0 || k.Share >= 1 {
		return func() {}
	}
	began := k.Clock()
	return func() {
		ended := k.Clock()
		k.free = ended.Add(time.Duration(float64(ended.Sub(began)) * (1/k.Share - 1)))
	}
}

// rest waits until gates may be closed again: readers that want cuts all the time leave
// most of it to the writers, and share their cuts.
func (k *Keeper) rest() {
	if k.free.IsZero() {
		return
	}
	if d := min(k.free.Sub(k.Clock()), longestRest); d > 0 {
		_ = k.Pause(k.ctx, d)
	}
}

const longestRest = 250 * time.Millisecond

func (k *Keeper) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if k.Wait <= 0 {
		return context.WithCancel(ctx)
	}
	return k.Timeout(ctx, k.Wait)
}

// Waiting counts those who wait for the next closing.
func (k *Keeper) Waiting() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.next == nil {
		return 0
	}
	return k.next.members
}
