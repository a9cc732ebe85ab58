package queue_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/txlog/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type job struct {
	queue.Ticket
	n int
}

type jobs = queue.Queue[*job]

// ask calls Do in a goroutine, and returns when the job waits.
func ask(ctx context.Context, t *testing.T, q *jobs, j *job) <-chan error {
	t.Helper()
	before := q.Len()
	end := make(chan error, 1)
	go func() { end <- q.Do(ctx, j) }()
	waiting(t, q, before+1)
	return end
}

func waiting(t *testing.T, q *jobs, n int) {
	t.Helper()
	require.Eventually(t, func() bool { return q.Len() == n }, 10*time.Second, time.Millisecond)
}

func numbers(list []*job) (n []int) {
	for _, j := range list {
		n = append(n, j.n)
	}
	return n
}

func answer(list []*job, err error) {
	for _, j := range list {
		j.Answer(err)
	}
}

func TestACallerGetsTheAnswerToItsJob(t *testing.T) {
	q, broken := queue.New[*job](1), errors.New("broken")
	good, bad := &job{n: 1}, &job{n: 2}
	first, second := ask(t.Context(), t, q, good), ask(t.Context(), t, q, bad)
	list := q.Take(nil)
	require.Equal(t, []int{1, 2}, numbers(list), "in the order in which they came")
	list[0].Answer(nil)
	list[1].Answer(broken)
	require.NoError(t, <-first)
	require.NoError(t, <-second, "it was taken, and answered")
	assert.NoError(t, good.Err())
	assert.Equal(t, broken, bad.Err())
}

func TestAJobCanBeWithdrawnUntilItIsTaken(t *testing.T) {
	q := queue.New[*job](1)
	ctx, cancel := context.WithCancel(t.Context())
	withdrawn, kept := ask(ctx, t, q, &job{n: 1}), ask(t.Context(), t, q, &job{n: 2})
	cancel()
	require.ErrorIs(t, <-withdrawn, context.Canceled)
	list := q.Take(nil)
	assert.Equal(t, []int{2}, numbers(list))
	answer(list, nil)
	require.NoError(t, <-kept)
	assert.Zero(t, q.Len())
}

func TestATakenJobWaitsForItsAnswer(t *testing.T) {
	q := queue.New[*job](1)
	ctx, cancel := context.WithCancel(t.Context())
	end := ask(ctx, t, q, &job{})
	list := q.Take(nil)
	cancel()
	select {
	case err := <-end:
		require.Fail(t, "it was not answered yet", "%v", err)
	case <-time.After(20 * time.Millisecond):
	}
	answer(list, nil)
	assert.NoError(t, <-end)
}

func TestNothingWaitsWhoseContextHasEndedBefore(t *testing.T) {
	q := queue.New[*job](1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, q.Do(ctx, &job{}), context.Canceled)
	assert.Zero(t, q.Len())
	assert.Empty(t, q.Wake())
}

func TestWhatIsNotWantedGoesOnWaiting(t *testing.T) {
	q := queue.New[*job](1)
	var ends []<-chan error
	for n := range 5 {
		ends = append(ends, ask(t.Context(), t, q, &job{n: n}))
	}
	odd := q.Take(func(j *job) bool { return j.n%2 == 1 })
	assert.Equal(t, []int{1, 3}, numbers(odd))
	assert.Equal(t, 3, q.Len())
	rest := q.Take(nil)
	assert.Equal(t, []int{0, 2, 4}, numbers(rest))
	answer(append(odd, rest...), nil)
	for _, end := range ends {
		assert.NoError(t, <-end)
	}
}

func TestWithdrawnJobsAreOfferedToNobody(t *testing.T) {
	q := queue.New[*job](1)
	ctx, cancel := context.WithCancel(t.Context())
	end := ask(ctx, t, q, &job{})
	cancel()
	require.Error(t, <-end)
	assert.Empty(t, q.Take(func(*job) bool {
		t.Error("it was offered")
		return true
	}))
}

func TestAClosedQueueTakesNoMoreButAnswersWhatWaits(t *testing.T) {
	q := queue.New[*job](2)
	end := ask(t.Context(), t, q, &job{n: 1})
	<-q.Wake()
	assert.False(t, q.Closed())
	q.Close()
	assert.True(t, q.Closed())
	assert.False(t, q.Drained(), "one waits")
	require.ErrorIs(t, q.Do(t.Context(), &job{n: 2}), txlog.ErrClosed)
	list := q.Take(nil)
	assert.Equal(t, []int{1}, numbers(list))
	assert.True(t, q.Drained())
	answer(list, nil)
	require.NoError(t, <-end)
	assert.Len(t, q.Wake(), 2, "every writer hears of it")
}

func TestEachJobWakesAWriter(t *testing.T) {
	q := queue.New[*job](2)
	var ends []<-chan error
	for n := range 3 {
		ends = append(ends, ask(t.Context(), t, q, &job{n: n}))
		require.Eventually(t, func() bool { return len(q.Wake()) == min(n+1, 2) }, 10*time.Second, time.Millisecond)
	}
	answer(q.Take(nil), nil)
	for _, end := range ends {
		assert.NoError(t, <-end)
	}
}

// Many callers, some of whom turn back, and two writers: every job is either taken and
// answered once, or withdrawn and never seen.
func TestEveryJobIsAnsweredOnceOrWithdrawn(t *testing.T) {
	const callers, each = 16, 200
	q := queue.New[*job](2)
	var mu sync.Mutex
	done := make(map[int]int)
	var writers, calls sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for !q.Drained() {
				if q.Len() == 0 {
					<-q.Wake()
					continue
				}
				n := 0
				list := q.Take(func(*job) bool { n++; return n <= 5 })
				mu.Lock()
				for _, j := range list {
					done[j.n]++
				}
				mu.Unlock()
				answer(list, nil)
				q.Signal()
			}
			q.Signal()
		})
	}
	withdrawn := make(map[int]bool)
	for c := range callers {
		calls.Go(func() {
			for i := range each {
				ctx, cancel := context.WithCancel(t.Context())
				if i%3 == 0 {
					go cancel()
				}
				j := &job{n: c*each + i}
				err := q.Do(ctx, j)
				cancel()
				mu.Lock()
				withdrawn[j.n] = err != nil
				mu.Unlock()
			}
		})
	}
	calls.Wait()
	q.Close()
	writers.Wait()
	for n := range callers * each {
		want := 1
		if withdrawn[n] {
			want = 0
		}
		assert.Equal(t, want, done[n], "job %d", n)
	}
}
