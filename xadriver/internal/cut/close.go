package cut

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/xapg/xapg/txlog"
)

// Pauses between looks at what a cut waits for.
const (
	firstPause = 200 * time.Microsecond
	awayPause  = 5 * time.Millisecond // the first while no gate is closed
	lastPause  = 200 * time.Millisecond
)

// WaitError says that a cut could not be had in time, and for whom it waited: for nobody
// where the snapshots themselves took too long.
type WaitError struct {
	Shards       []string
	Transactions []uuid.UUID // those of them that are prepared; a writer that is about to commit has no name
	Cause        error
}

func (e *WaitError) Error() string {
	if len(e.Shards) == 0 {
		return "no consistent view of all shards could be had in time: their snapshots took too long"
	}
	var b strings.Builder
	b.WriteString("no consistent view of all shards could be had in time: transactions that are about to commit or in doubt stand in the way on " + strings.Join(e.Shards, ", "))
	for i, id := range e.Transactions {
		if i == 0 {
			b.WriteString(" (")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(id.String())
	}
	if len(e.Transactions) > 0 {
		b.WriteString(")")
	}
	return b.String()
}

func (e *WaitError) Unwrap() error { return e.Cause }

// closed is a gate that is closed.
type closed struct {
	Gate
	shard Shard
}

// unfinished is what is decided and still prepared on a shard.
type unfinished struct {
	id      uuid.UUID
	outcome txlog.Outcome
	shard   Shard
}

// closing is all gates, closed.
type closing struct {
	gates []closed
	turn  Turn
}

// closeAll closes all gates, and makes sure that everything decided is visible
// everywhere.
func (k *Keeper) closeAll(ctx context.Context, p *party) (*closing, error) {
	for pause := awayPause; ; pause = min(2*pause, lastPause) {
		c, held, err := k.tryAll(ctx)
		if err != nil {
			return nil, because(ctx, p.why.Load(), err)
		}
		if c == nil {
			if err := k.await(ctx, p, held); err != nil {
				return nil, because(ctx, p.why.Load(), err)
			}
			continue
		}
		left, err := k.settle(ctx, c.gates)
		if err == nil && len(left) == 0 {
			return c, nil
		}
		void := k.open(c)
		switch {
		case err != nil && (void == nil || ctx.Err() != nil):
			return nil, because(ctx, p.why.Load(), err)
		case err != nil: // a session has ended: where its shard is away, closing will say so
			if err := k.Pause(ctx, pause); err != nil {
				return nil, because(ctx, p.why.Load(), err)
			}
			continue
		}
		why := &WaitError{}
		for _, u := range left {
			why.add(u.shard.Name(), u.id)
		}
		p.why.Store(why)
		if err := k.Pause(ctx, pause); err != nil {
			return nil, because(ctx, p.why.Load(), err)
		}
	}
}

func (e *WaitError) add(shard string, id uuid.UUID) {
	if !slices.Contains(e.Shards, shard) {
		e.Shards = append(e.Shards, shard)
	}
	if id != uuid.Nil && !slices.Contains(e.Transactions, id) {
		e.Transactions = append(e.Transactions, id)
	}
}

// because is the error of a cut that was given up.
func because(ctx context.Context, why *WaitError, err error) error {
	if why == nil || ctx.Err() == nil {
		return err
	}
	return &WaitError{Shards: why.Shards, Transactions: why.Transactions, Cause: ctx.Err()}
}

// tryAll closes all gates at once, when it is this reader's turn. Where one is held for
// too long it gives up the others, and tells whose it is.
func (k *Keeper) tryAll(ctx context.Context) (c *closing, held []Shard, err error) {
	c = &closing{}
	if c.turn, err = k.Shards[0].Turn(ctx); err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	each(k.Shards, func(s Shard) {
		g, cerr := s.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case cerr == nil:
			c.gates = append(c.gates, closed{g, s})
		case errors.Is(cerr, ErrHeld):
			held = append(held, s)
		case err == nil:
			err = cerr
		}
	})
	if err != nil || len(held) > 0 {
		_ = k.open(c)
		return nil, held, err
	}
	return c, nil, nil
}

// open opens gates, and reports whether all of them had been closed all the time.
func (k *Keeper) open(c *closing) error {
	ctx, cancel := k.Timeout(context.WithoutCancel(k.ctx), k.Hold)
	defer cancel()
	var mu sync.Mutex
	var void error
	each(c.gates, func(g closed) {
		if err := g.Open(ctx); err != nil {
			mu.Lock()
			defer mu.Unlock()
			void = fmt.Errorf("%w: shard %s: %w", errVoid, g.shard.Name(), err)
		}
	})
	c.turn.End(ctx)
	return void
}

// settle waits, with all gates closed, until what is decided is finished. What is not
// after a while it returns, and has somebody finish.
func (k *Keeper) settle(ctx context.Context, gates []closed) ([]unfinished, error) {
	held := time.Duration(0)
	for pause := firstPause; ; pause *= 2 {
		left, err := k.decided(ctx, gates)
		if err != nil || len(left) == 0 {
			return nil, err
		}
		if held >= k.Hold {
			for _, u := range left {
				k.Finisher.Hurry(u.id, u.outcome, u.shard.Name())
			}
			return left, nil
		}
		if err := k.Pause(ctx, pause); err != nil {
			return left, nil //nolint:nilerr // the caller sees that the context has ended
		}
		held += pause
	}
}

// decided lists what is decided to commit and still prepared.
func (k *Keeper) decided(ctx context.Context, gates []closed) ([]unfinished, error) {
	var mu sync.Mutex
	var left []unfinished
	var first error
	each(gates, func(g closed) {
		found, err := k.decidedOn(ctx, g)
		mu.Lock()
		defer mu.Unlock()
		left = append(left, found...)
		if first == nil {
			first = err
		}
	})
	return left, first
}

func (k *Keeper) decidedOn(ctx context.Context, g closed) ([]unfinished, error) {
	ids, err := g.Prepared(ctx)
	if err != nil {
		return nil, err
	}
	var left []unfinished
	for _, id := range ids {
		d, err := k.Register.Lookup(ctx, id)
		switch {
		case errors.Is(err, txlog.ErrNoDecision):
			// It waits for a gate that we hold, or for a vote: nobody sees it before we
			// have opened the gates.
		case err != nil:
			return nil, err
		case d.Outcome == txlog.Commit:
			left = append(left, unfinished{id, d.Outcome, g.shard})
		}
	}
	return left, nil
}

// await waits, with no gate closed, until those who hold gates have let go.
func (k *Keeper) await(ctx context.Context, p *party, held []Shard) error {
	waits := make([][]Holder, len(held))
	why := &WaitError{}
	for i, s := range held {
		var err error
		if waits[i], err = s.Holders(ctx); err != nil {
			return err
		}
		why.add(s.Name(), uuid.Nil)
		for _, h := range waits[i] {
			why.add(s.Name(), h.ID)
		}
	}
	p.why.Store(why)
	for i, s := range held {
		before := waits[i]
		for pause := awayPause; len(before) > 0; pause = min(2*pause, lastPause) {
			k.hurry(ctx, s, before)
			if err := k.Pause(ctx, pause); err != nil {
				return err
			}
			now, err := s.Holders(ctx)
			if err != nil {
				return err
			}
			before = slices.DeleteFunc(before, func(h Holder) bool {
				return !slices.ContainsFunc(now, func(n Holder) bool { return n.Token == h.Token })
			})
		}
	}
	return nil
}

// hurry has those finished that are decided.
func (k *Keeper) hurry(ctx context.Context, s Shard, holders []Holder) {
	for _, h := range holders {
		if h.ID == uuid.Nil {
			continue
		}
		if d, err := k.Register.Lookup(ctx, h.ID); err == nil && d.Outcome != txlog.Unknown {
			k.Finisher.Hurry(h.ID, d.Outcome, s.Name())
		}
	}
}

// each calls f for all items at once and waits.
func each[T any](items []T, f func(T)) {
	var wg sync.WaitGroup
	for _, item := range items[min(1, len(items)):] {
		wg.Go(func() { f(item) })
	}
	if len(items) > 0 {
		f(items[0])
	}
	wg.Wait()
}
