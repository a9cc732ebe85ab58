package cut_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/cut"
)

// Whoever is too slow is told so by his context, and makes ready for another time while
// nobody waits for him.
func TestWhoIsTooSlowTakesAgainAfterMakingReady(t *testing.T) {
	a, b := &yard{name: "a"}, &yard{name: "b"}
	k := keeper(t, nil, nil, nil, a, b)
	var done []string
	require.NoError(t, k.Cut(t.Context(), func(ctx context.Context) error {
		done = append(done, "take")
		if len(done) == 1 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}, func(context.Context) error {
		assert.False(t, a.isClosed() || b.isClosed())
		done = append(done, "make ready")
		return nil
	}))
	assert.Equal(t, []string{"take", "make ready", "take"}, done)

	wrong := errors.New("wrong")
	late := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	require.ErrorIs(t, k.Cut(t.Context(), late, func(context.Context) error { return wrong }), wrong)
}

func TestWhoIsAlwaysTooSlowIsToldSoInTheEnd(t *testing.T) {
	k := keeper(t, nil, nil, func(o *cut.Options) { o.Wait = 50 * time.Millisecond }, &yard{name: "a"}, &yard{name: "b"})
	late := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	err := k.Cut(t.Context(), late, atOnce)
	var wait *cut.WaitError
	require.ErrorAs(t, err, &wait)
	assert.Empty(t, wait.Shards)
	require.ErrorContains(t, err, "snapshots took too long")
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
