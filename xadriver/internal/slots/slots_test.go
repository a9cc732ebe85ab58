package slots_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/internal/slots"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func claim(t *testing.T, s *slots.Slots, shards ...int) *slots.Claim {
	t.Helper()
	c, err := s.Claim(t.Context(), shards)
	require.NoError(t, err)
	return c
}

func TestASlotIsFreeWhenNobodyUsesItAnyMore(t *testing.T) {
	s := slots.New(2, 1)
	c := claim(t, s, 0, 1)
	require.True(t, c.Enter(0), "a connection")
	_, err := s.Try([]int{1})
	require.ErrorIs(t, err, slots.ErrTaken)
	c.Close()
	assert.Equal(t, []int{0, 1}, s.Stat().Free, "the connection is still in use")
	assert.False(t, c.Enter(1), "the claim is over there")
	c.Leave(0)
	assert.Equal(t, []int{1, 1}, s.Stat().Free)
	c.Leave(0)
	c.Close()
	assert.Equal(t, []int{1, 1}, s.Stat().Free, "leaving twice gives nothing twice")
}

func TestAClaimCanBeHeldLongerThanItsUnit(t *testing.T) {
	s := slots.New(2, 1)
	c := claim(t, s, 0, 1)
	c.Hold()
	c.Close()
	assert.Equal(t, []int{0, 0}, s.Stat().Free)
	c.Close()
	assert.Equal(t, []int{1, 1}, s.Stat().Free)
}

// waiter claims on a goroutine of its own, and says when it has its turn.
func waiter(ctx context.Context, s *slots.Slots, shards ...int) <-chan *slots.Claim {
	got := make(chan *slots.Claim, 1)
	go func() {
		c, err := s.Claim(ctx, shards)
		if err != nil {
			c = nil
		}
		got <- c
	}()
	return got
}

func TestClaimsAreGrantedInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slots.New(3, 1)
		first := claim(t, s, 0)
		second := waiter(t.Context(), s, 0, 1)
		synctest.Wait()
		third := waiter(t.Context(), s, 1)
		synctest.Wait()
		assert.Empty(t, third, "shard 1 is free, but somebody waits for it already")
		_, err := s.Try([]int{1})
		require.ErrorIs(t, err, slots.ErrTaken, "nor does trying overtake")
		claim(t, s, 2).Close() // wants nothing that anybody waits for
		assert.Equal(t, 2, s.Stat().Queue)
		first.Close()
		c := <-second
		assert.Empty(t, third)
		c.Close()
		(<-third).Close()
		assert.Equal(t, slots.Stat{Limit: 1, Free: []int{1, 1, 1}, Waits: 2}, s.Stat())
	})
}

func TestWhoGivesUpWaitingLetsTheOthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slots.New(2, 1)
		first := claim(t, s, 0)
		ctx, cancel := context.WithCancel(t.Context())
		second := waiter(ctx, s, 0, 1)
		synctest.Wait()
		third := waiter(t.Context(), s, 1)
		synctest.Wait()
		cancel()
		assert.Nil(t, <-second)
		(<-third).Close()
		first.Close()
		assert.Equal(t, []int{1, 1}, s.Stat().Free)
		assert.Zero(t, s.Stat().Queue)
	})
}

// Units that behave as the package says never wait for each other for ever: if
// they did, synctest would report a deadlock. Each holds locks, too, which others
// wait for while they use their slots.
func TestUnitsNeverWaitForEachOtherInACircle(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		shards := rapid.IntRange(1, 4).Draw(rt, "shards")
		limit := rapid.IntRange(1, 3).Draw(rt, "limit")
		seed := rapid.Uint64().Draw(rt, "seed")
		synctest.Test(t, func(t *testing.T) {
			s := slots.New(shards, limit)
			used := make([]atomic.Int32, shards)
			lock := make([]sync.Mutex, shards) // a row on each shard that everybody wants
			var wg sync.WaitGroup
			for unit := range 12 {
				wg.Go(func() {
					r := rand.New(rand.NewPCG(seed, uint64(unit)))
					for range 20 {
						ctx, cancel := context.WithCancel(t.Context())
						if r.IntN(5) == 0 {
							go func() { cancel() }()
						}
						wants := s.All()
						if r.IntN(2) == 0 {
							wants = wants[:1+r.IntN(shards)]
						}
						c, err := s.Claim(ctx, wants)
						if err == nil {
							// In one order, so that the locks alone do not make a circle.
							for _, at := range wants {
								assert.True(t, c.Enter(at))
								assert.LessOrEqual(t, used[at].Add(1), int32(limit), "too many connections")
								lock[at].Lock()
							}
							for _, at := range wants {
								lock[at].Unlock()
								used[at].Add(-1)
								c.Leave(at)
							}
							c.Close()
						}
						cancel()
					}
				})
			}
			wg.Wait()
			for _, n := range s.Stat().Free {
				assert.Equal(t, limit, n)
			}
			assert.Zero(t, s.Stat().Queue)
		})
	})
}

// The counterpart: units that claim one shard after the other do close a circle.
func TestClaimingOneByOneWouldCloseACircle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slots.New(2, 1)
		a, b := claim(t, s, 0), claim(t, s, 1)
		ctx, cancel := context.WithCancel(t.Context())
		more := []<-chan *slots.Claim{waiter(ctx, s, 1), waiter(ctx, s, 0)}
		synctest.Wait()
		assert.Equal(t, 2, s.Stat().Queue, "each waits for the other")
		cancel()
		assert.Nil(t, <-more[0])
		assert.Nil(t, <-more[1])
		a.Close()
		b.Close()
	})
}
