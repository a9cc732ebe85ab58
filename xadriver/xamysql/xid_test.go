package xamysql

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/xapg/xapg/xadriver/internal/gid"
)

func TestEveryGIDReadsBackFromItsXID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := gid.ID{
			Cluster: rapid.StringMatching(`[a-z0-9-]{1,16}`).Draw(t, "cluster"),
			Log:     rapid.StringMatching(`[a-z2-7]{12}`).Draw(t, "log"),
			Txn:     uuid.Must(uuid.NewV7()),
			Shard:   rapid.StringMatching(`[A-Za-z0-9_-]{1,27}`).Draw(t, "name"),
		}
		x, err := xidOf(id.String())
		require.NoError(t, err)
		require.LessOrEqual(t, len(x.gtrid), 64)
		require.LessOrEqual(t, len(x.bqual), 64)
		require.NotContains(t, x.gtrid+x.bqual, "'")
		back, ok := x.gid(id.Shard)
		require.True(t, ok)
		require.Equal(t, id.String(), back)
		_, ok = x.gid(id.Shard + "x")
		require.False(t, ok, "another resource's")
	})
}

func TestForeignXIDsAreNotRead(t *testing.T) {
	const txn = "0192f6a0-0000-7000-8000-000000000001"
	good := xid{format, "xapg_bank_k3v9", txn + "_stock"}
	_, ok := good.gid("stock")
	require.True(t, ok)
	for _, x := range []xid{
		{1, good.gtrid, good.bqual},
		{format, "xapg_bank", "k3v9_" + good.bqual}, // the same name, cut elsewhere
		{format, good.gtrid + "_" + txn, "stock"},
		{format, good.gtrid, strings.ToUpper(txn) + "_stock"},
		{format, "citus_bank_k3v9", good.bqual},
		{format, good.gtrid, uuid.Nil.String() + "_stock"},
		{format, "", ""},
		{format, "\x00\xff", "\x27"},
	} {
		_, ok := x.gid("stock")
		assert.False(t, ok, "%q", x)
	}
	_, err := xidOf("xapg_bank_k3v9_" + txn + "_" + strings.Repeat("s", 28))
	require.ErrorContains(t, err, "too long")
	_, err = xidOf("somebody's")
	require.ErrorIs(t, err, gid.ErrForeign)
}
