package gid_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/internal/gid"
)

func TestEveryNameReadsBackAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := gid.ID{
			Cluster: rapid.StringMatching(`[a-z0-9-]{1,16}`).Draw(t, "cluster"),
			Log:     rapid.StringMatching(`[a-z2-7]{12}`).Draw(t, "log"),
			Txn:     uuid.Must(uuid.NewV7()),
			Shard:   rapid.StringMatching(`[A-Za-z0-9_-]{1,63}`).Draw(t, "shard"),
		}
		name := id.String()
		require.LessOrEqual(t, len(name), gid.MaxLen)
		require.True(t, strings.HasPrefix(name, gid.Prefix(id.Cluster, id.Log)))
		back, err := gid.Parse(name)
		require.NoError(t, err)
		require.Equal(t, id, back)
	})
}

func TestNamesOfOthersAreForeign(t *testing.T) {
	txn := "0192f6a0-0000-7000-8000-000000000001"
	for _, name := range []string{
		"", "xapg", "xapg_", "citus_0_1_2_3", "pgdog_xapg_1",
		"xapg_bank_log_" + txn,              // no shard
		"xapg_bank_log_" + txn + "_",        // empty shard
		"xapg__log_" + txn + "_athos",       // no cluster
		"xapg_bank__" + txn + "_athos",      // no log
		"xapg_bank_log_not-a-uuid_athos",    // no transaction
		"xapg_bank_log_{" + txn + "}_athos", // a spelling that is never written
		"XAPG_bank_log_" + txn + "_athos",   // case matters
		"xapg_bank_log_" + strings.ToUpper("0192f6a0-0000-7000-8000-00000000000a") + "_athos",
		"xapg_bank_log_" + txn + "_" + strings.Repeat("x", 199),
	} {
		_, err := gid.Parse(name)
		assert.ErrorIs(t, err, gid.ErrForeign, name)
	}
}

func TestATransactionTellsByWhichOpeningItsCoordinatorIsKnown(t *testing.T) {
	seen := make(map[uuid.UUID]bool)
	for _, opening := range []int64{0, 1, 77, 1<<24 - 1} {
		for range 1000 {
			id, err := gid.NewTxn(opening)
			require.NoError(t, err)
			assert.Equal(t, opening, gid.Opening(id))
			assert.Equal(t, uuid.Version(7), id.Version())
			assert.Equal(t, uuid.RFC4122, id.Variant())
			assert.False(t, seen[id])
			seen[id] = true
		}
	}
	id, err := gid.NewTxn(1 << 24)
	require.NoError(t, err)
	assert.Zero(t, gid.Opening(id), "a number that has no room is not told")
}
