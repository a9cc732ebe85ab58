package branch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// A branch whose connection was dead from the start, and for which no other can be
// had, is none: its connection was given back, and must not be given back again.
func TestABranchThatCannotBeReopenedIsGone(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	gone := errors.New("no connection")
	taken, given := 0, 0
	txn := branch.NewTxn(2, branch.Options{
		Acquire: func(ctx context.Context, s *shard.Shard) (*shard.Conn, error) {
			if taken++; taken > 2 {
				return nil, gone
			}
			return s.Acquire(ctx)
		},
		Release: func(c *shard.Conn) { given++; c.Release() },
	})
	_, err := txn.Branch(t.Context(), cl.shards[0])
	require.NoError(t, err)
	b, err := txn.Branch(t.Context(), cl.shards[1])
	require.NoError(t, err)
	require.ErrorIs(t, txn.Reopen(t.Context(), b), gone)
	assert.True(t, txn.Failed())
	assert.Nil(t, txn.On(cl.shards[1]))
	require.Len(t, txn.Participants(), 1)
	cl.c.Rollback(t.Context(), txn.Participants())
	assert.Equal(t, 2, given, "each connection once")
}
