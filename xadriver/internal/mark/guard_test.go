package mark_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/mark"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a decision log, as far as its marks go.
type book struct {
	marks  []txlog.Mark
	broken error // what HasMark answers, where it cannot be read
}

func (b *book) Identity() txlog.Identity { return txlog.Identity{Cluster: "bank", ID: "aaaaaaaaaaaa"} }
func (b *book) Mark() txlog.Mark         { return b.marks[len(b.marks)-1] }
func (b *book) HasMark(_ context.Context, m txlog.Mark) (bool, error) {
	return slices.Contains(b.marks, m), b.broken
}

// opened is the log after one more opening; what it was before stays as it is.
func (b *book) opened() *book {
	next := txlog.Mark{Seq: int64(len(b.marks)) + 1, ID: uuid.New()}
	return &book{marks: append(slices.Clone(b.marks), next)}
}

// stone is a shard that keeps its mark in memory.
type stone struct {
	name string
	mu   sync.Mutex
	mark txlog.Mark
	fail error
	asks int
}

func (s *stone) Name() string { return s.name }
func (s *stone) Exchange(_ context.Context, _ string, ours txlog.Mark, approve func(txlog.Mark) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asks++
	if s.fail != nil {
		return s.fail
	}
	if err := approve(s.mark); err != nil {
		return err
	}
	if s.mark.Seq < ours.Seq {
		s.mark = ours
	}
	return nil
}

func guard(log mark.Log, stones ...*stone) *mark.Guard {
	var shards []mark.Shard
	for _, s := range stones {
		shards = append(shards, s)
	}
	return mark.NewGuard(log, shards)
}

func TestALogMarksEachShardOnce(t *testing.T) {
	a, b := &stone{name: "s1"}, &stone{name: "s2"}
	log := (&book{}).opened()
	g := guard(log, a, b)
	for range 3 {
		require.NoError(t, g.Ready(t.Context(), []string{"s1"}))
	}
	assert.Equal(t, 1, a.asks)
	assert.Zero(t, b.asks, "a shard nobody decides on is left alone")
	require.NoError(t, g.Ready(t.Context(), []string{"s1", "s2"}))
	assert.Equal(t, []int{1, 1}, []int{a.asks, b.asks})
	require.NoError(t, g.Verify(t.Context(), "s1"))
	assert.Equal(t, 2, a.asks, "Verify asks again")
	assert.Equal(t, log.Mark(), a.mark)
	assert.Equal(t, log.Mark(), b.mark)
}

func TestALogThatWasOpenedSinceIsNotATwin(t *testing.T) {
	a := &stone{name: "s1"}
	first := (&book{}).opened()
	require.NoError(t, guard(first, a).Ready(t.Context(), []string{"s1"}))
	second := first.opened()
	require.NoError(t, guard(second, a).Ready(t.Context(), []string{"s1"}))
	assert.Equal(t, second.Mark(), a.mark)
	// The first process is still at work: its log is one store, in which both marks are.
	require.NoError(t, guard(&shared{book: first, store: second}, a).Verify(t.Context(), "s1"))
	assert.Equal(t, second.Mark(), a.mark, "an earlier opening does not overwrite a later one")
}

// shared is an opening of a log that others have opened since.
type shared struct {
	*book
	store *book
}

func (s *shared) HasMark(ctx context.Context, m txlog.Mark) (bool, error) {
	return s.store.HasMark(ctx, m)
}

func TestACopyIsRefusedForGood(t *testing.T) {
	a, b := &stone{name: "s1"}, &stone{name: "s2"}
	file := (&book{}).opened()
	original, copied := file.opened(), file.opened()
	require.NoError(t, guard(original, a, b).Ready(t.Context(), []string{"s1"}))
	g := guard(copied, a, b)
	require.NoError(t, g.Ready(t.Context(), []string{"s2"}), "nothing can be known where the original has not been since")
	err := g.Ready(t.Context(), []string{"s1", "s2"})
	var twin *mark.TwinError
	require.ErrorAs(t, err, &twin)
	assert.Equal(t, &mark.TwinError{Shard: "s1", Log: file.Identity(), Found: original.Mark()}, twin)
	assert.ErrorContains(t, err, "go back to the original log")
	assert.Equal(t, original.Mark(), a.mark, "the copy has left its mark")
	assert.ErrorAs(t, g.Ready(t.Context(), []string{"s2"}), &twin, "it decides where it was good before")
	require.ErrorAs(t, g.Verify(t.Context(), "s2"), &twin)
}

func TestTroubleIsNotATwin(t *testing.T) {
	a := &stone{name: "s1", fail: errors.New("no server")}
	log := (&book{}).opened()
	g := guard(log, a)
	require.ErrorIs(t, g.Ready(t.Context(), []string{"s1"}), a.fail)
	a.fail, a.mark = nil, log.Mark()
	log.broken = errors.New("no log")
	require.ErrorIs(t, g.Ready(t.Context(), []string{"s1"}), log.broken, "a log that cannot be asked has approved")
	log.broken = nil
	require.NoError(t, g.Ready(t.Context(), []string{"s1"}), "trouble that has passed is held against it")
	assert.ErrorContains(t, g.Verify(t.Context(), "s9"), `no shard is named "s9"`)
}

// Whatever is copied, opened and asked in whatever order: a log that is let through
// on a shard has in it the mark of who was let through there before.
func TestWhoeverDecidesKnowsWhoDecidedBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stones := []*stone{{name: "s1"}, {name: "s2"}}
		files := []*book{{}} // each is a log file as it is on some disk
		last := make([]*book, len(stones))
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			at := rapid.IntRange(0, len(files)-1).Draw(t, "file")
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				files = append(files, &book{marks: files[at].marks})
				continue
			}
			files[at] = files[at].opened()
			g := guard(files[at], stones...)
			s := rapid.IntRange(0, len(stones)-1).Draw(t, "shard")
			err := g.Ready(context.Background(), []string{stones[s].name})
			knows := last[s] == nil || slices.Contains(files[at].marks, last[s].Mark())
			if knows != (err == nil) {
				t.Fatalf("a log with the marks %v after one with %v: %v", files[at].marks, last[s], err)
			}
			if err == nil {
				last[s] = files[at]
			}
		}
	})
}

func TestGuardIsSafeForConcurrentUse(t *testing.T) {
	a, b := &stone{name: "s1"}, &stone{name: "s2"}
	g := guard((&book{}).opened(), a, b)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			if i%4 == 0 {
				assert.NoError(t, g.Verify(t.Context(), "s2"))
			}
			assert.NoError(t, g.Ready(t.Context(), []string{"s1", "s2"}))
		})
	}
	all.Wait()
}
