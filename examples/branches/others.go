package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver"
)

// traffic is made by clients whose business is not what the story is about.
type traffic struct {
	done, again atomic.Int64
	cancel      context.CancelFunc
	clients     sync.WaitGroup
	failed      chan error
}

// others let n clients move money between other customers until stop is called.
func (b *bank) others(ctx context.Context, n int) *traffic {
	ctx, cancel := context.WithCancel(ctx)
	t := &traffic{cancel: cancel, failed: make(chan error, n)}
	for range n {
		t.clients.Go(func() {
			for ctx.Err() == nil {
				if err := b.moveSome(context.WithoutCancel(ctx), t); err != nil {
					t.failed <- err
					return
				}
				t.done.Add(1)
			}
		})
	}
	return t
}

// moveSome moves a little between two branches. On a machine that is so busy that a
// commit takes as long as resolve_after, it is presumed dead and run again: that is
// how an application should answer such an error, and is counted.
func (b *bank) moveSome(ctx context.Context, t *traffic) error {
	from, to := rand.IntN(len(branches)), rand.IntN(len(branches)-1)
	if to >= from {
		to++
	}
	for {
		id := uuid.New()
		amount := rand.Int64N(5)
		err := transfer(ctx, b.DB, id, []entry{
			{branches[from], others + rand.IntN(crowd), -amount},
			{branches[to], others + rand.IntN(crowd), amount},
		})
		b.told(id, err == nil)
		var overruled *xadriver.OverruledError
		if !errors.As(err, &overruled) {
			return err
		}
		t.again.Add(1)
	}
}

// stop lets the clients finish what they are at, and tells how many transactions
// they made, and how many of them were run again. It may be called twice.
func (t *traffic) stop() (done, again int64, err error) {
	t.cancel()
	t.clients.Wait()
	select {
	case err = <-t.failed:
	default:
	}
	return t.done.Load(), t.again.Load(), err
}
