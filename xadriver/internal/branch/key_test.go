package branch_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// identity is that of a transaction with a key, which is asked for once.
type identity struct{ asked []string }

func (i *identity) ID() uuid.UUID { return txnID }

func (i *identity) Key(first *shard.Conn) int64 {
	i.asked = append(i.asked, first.Shard().Name())
	return 4711
}

func TestTheFirstBranchsConnectionIsGivenBackLast(t *testing.T) {
	for name, c := range map[string]struct {
		order  []int // in which the branches are released
		broken bool  // the last one's connection is
		want   []string
	}{
		"it ends first":      {[]int{0, 1, 2}, false, []string{"b", "c", "a"}},
		"it ends in between": {[]int{1, 0, 2}, false, []string{"b", "c", "a"}},
		"it ends last":       {[]int{2, 1, 0}, false, []string{"c", "b", "a"}},
		"of another one nobody knows whether it is": {[]int{0, 1, 2}, true, []string{"b", "c, broken", "a, broken"}},
	} {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(t, "a", "b", "c")
			who := &identity{}
			var released []string
			txn := branch.NewTxn(3, branch.Options{
				Identity: who,
				Acquire:  func(ctx context.Context, s *shard.Shard) (*shard.Conn, error) { return s.Acquire(ctx) },
				Release: func(c *shard.Conn) {
					what := c.Shard().Name()
					if c.Status() == shard.Broken {
						what += ", broken"
					}
					released = append(released, what)
					c.Release()
				},
			})
			var branches []*branch.Branch
			for i, s := range cl.shards {
				cl.expect(i, "BEGIN", tag("BEGIN"))
				cl.expect(i, "UPDATE", tag("UPDATE 1"))
				cl.expect(i, "ROLLBACK", tag("ROLLBACK"))
				b, err := txn.Branch(t.Context(), s)
				require.NoError(t, err)
				_, err = b.Exec(t.Context(), "UPDATE", nil, branch.Writes)
				require.NoError(t, err)
				branches = append(branches, b)
			}
			assert.Equal(t, []string{"a"}, who.asked)
			if c.broken {
				branches[2].Conn().Break()
			}
			for _, i := range c.order {
				if !c.broken || i != 2 {
					branches[i].Rollback(t.Context())
				}
				branches[i].Release()
			}
			assert.Equal(t, c.want, released)
		})
	}
}

func TestATransactionOfOneShardHasNoKey(t *testing.T) {
	cl := newCluster(t, "a", "b")
	who := &identity{}
	txn := branch.NewTxn(2, branch.Options{Identity: who, Acquire: func(ctx context.Context, s *shard.Shard) (*shard.Conn, error) { return s.Acquire(ctx) }})
	for range 2 {
		_, err := txn.Branch(t.Context(), cl.shards[0])
		require.NoError(t, err)
	}
	assert.Empty(t, who.asked)
	var named commit.Named = txn.Open()[0]
	assert.Equal(t, txnID, named.Txn())
	_, err := txn.Branch(t.Context(), cl.shards[1])
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, who.asked)
}
