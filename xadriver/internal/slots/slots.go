// Package slots decides who may use which shards at once, so that small pools
// cannot make transactions wait for each other in a circle.
//
// A process may hold so many connections to each shard; whoever uses one holds a
// slot of that shard. If a transaction took its slots one by one, as its
// statements come, two of them could each hold what the other one needs; and one
// that waits for a slot while it holds locks on a server could wait for somebody
// who waits for these locks. So slots are claimed all at once and before anything
// is done: a statement outside of a transaction claims the shards that it needs,
// a transaction claims all shards, since nobody knows where its next statement
// goes. Who waits for a slot then holds neither slots nor locks, and who holds
// what others wait for does not wait for a slot: no circle can close. (Taking
// everything at once is the classical prevention of "hold and wait": Coffman,
// Elphick and Shoshani, "System Deadlocks", ACM Computing Surveys 1971.)
//
// Claims are granted in the order in which they came. A later claim overtakes an
// earlier one only where it wants none of the shards that the earlier one waits
// for, so nobody starves.
package slots

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Slots are those of all shards. Its methods are safe for concurrent use.
type Slots struct {
	limit int

	mu      sync.Mutex
	free    []int    // by shard
	queue   []*Claim // that wait, in the order in which they came
	waits   int64
	waiting time.Duration
}

// New makes slots for so many shards, limit for each.
func New(shards, limit int) *Slots {
	s := &Slots{limit: limit, free: make([]int, shards)}
	for i := range s.free {
		s.free[i] = limit
	}
	return s
}

// All lists all shards, for a claim of everything.
func (s *Slots) All() []int {
	all := make([]int, len(s.free))
	for i := range all {
		all[i] = i
	}
	return all
}

// Claim is a unit's right to use some shards, one connection of each. The unit
// itself and each connection that it uses hold the claim; a shard's slot is free
// again when none of them does. Its methods are safe for concurrent use.
type Claim struct {
	slots   *Slots
	shards  []int
	users   map[int]int // by shard
	granted chan struct{}
}

// ErrTaken is the error of Try where somebody would have to be waited for.
var ErrTaken = errors.New("all connections to a shard are in use")

// Try claims what is free at once, and nothing otherwise.
func (s *Slots) Try(shards []int) (*Claim, error) {
	c := s.claim(shards)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.fits(c, s.wanted()) {
		return nil, ErrTaken
	}
	s.take(c)
	return c, nil
}

// Claim claims shards, given without repetition, and waits until all of them are
// free and whoever came earlier has had his turn. It must not be called by
// somebody who holds another claim, or locks on a server.
func (s *Slots) Claim(ctx context.Context, shards []int) (*Claim, error) {
	c := s.claim(shards)
	s.mu.Lock()
	if s.fits(c, s.wanted()) {
		s.take(c)
		s.mu.Unlock()
		return c, nil
	}
	s.queue = append(s.queue, c)
	s.waits++
	s.mu.Unlock()

	since := time.Now()
	var err error
	select {
	case <-c.granted:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting += time.Since(since)
	if err == nil {
		return c, nil
	}
	if i := slices.Index(s.queue, c); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	} else { // granted at the same moment
		for _, at := range shards {
			s.free[at]++
		}
	}
	s.grant() // those behind may go on
	return nil, err
}

func (s *Slots) claim(shards []int) *Claim {
	return &Claim{slots: s, shards: shards, users: make(map[int]int, len(shards)), granted: make(chan struct{})}
}

// wanted says which shards those in the queue wait for.
func (s *Slots) wanted() []bool {
	if len(s.queue) == 0 {
		return nil
	}
	wanted := make([]bool, len(s.free))
	for _, c := range s.queue {
		for _, at := range c.shards {
			wanted[at] = true
		}
	}
	return wanted
}

func (s *Slots) fits(c *Claim, wanted []bool) bool {
	for _, at := range c.shards {
		if s.free[at] == 0 || wanted != nil && wanted[at] {
			return false
		}
	}
	return true
}

func (s *Slots) take(c *Claim) {
	for _, at := range c.shards {
		s.free[at]--
		c.users[at] = 1
	}
}

// grant lets those go who need not wait any more.
func (s *Slots) grant() {
	if len(s.queue) == 0 {
		return
	}
	wanted := make([]bool, len(s.free))
	left := s.queue[:0]
	for _, c := range s.queue {
		if s.fits(c, wanted) {
			s.take(c)
			close(c.granted)
			continue
		}
		left = append(left, c)
		for _, at := range c.shards {
			wanted[at] = true
		}
	}
	clear(s.queue[len(left):])
	s.queue = left
}

// Enter counts one more who uses a shard of the claim, and reports whether the
// claim holds that shard at all.
func (c *Claim) Enter(shard int) bool {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	if c.users[shard] == 0 {
		return false
	}
	c.users[shard]++
	return true
}

// Hold counts one more who holds the whole claim.
func (c *Claim) Hold() {
	for _, at := range c.shards {
		c.Enter(at)
	}
}

// Leave is called when one who used a shard has left it.
func (c *Claim) Leave(shard int) {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	c.leave(shard)
	c.slots.grant()
}

// Close gives up the claim as a whole: slots that no connection uses are free.
func (c *Claim) Close() {
	c.slots.mu.Lock()
	defer c.slots.mu.Unlock()
	for _, at := range c.shards {
		c.leave(at)
	}
	c.slots.grant()
}

func (c *Claim) leave(shard int) {
	if c.users[shard] == 0 {
		return
	}
	if c.users[shard]--; c.users[shard] == 0 {
		c.slots.free[shard]++
	}
}

// Stat describes the slots at one moment.
type Stat struct {
	Limit   int           // of each shard
	Free    []int         // by shard
	Queue   int           // claims that wait
	Waits   int64         // claims that have waited since the beginning
	Waiting time.Duration // for how long, all together
}

// Stat returns the figures.
func (s *Slots) Stat() Stat {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stat{Limit: s.limit, Free: slices.Clone(s.free), Queue: len(s.queue), Waits: s.waits, Waiting: s.waiting}
}
