package xatest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest"
)

// In memory all is quicker, and what must last is on the disk all the same.
func TestDataAreWhereTheEnvironmentSaysUnlessTheyMustLast(t *testing.T) {
	place := folder(t)
	t.Setenv("XAPG_PG_DATA", place)
	c := xatest.Start(t, xatest.Shards(1))
	assert.Equal(t, place, filepath.Dir(filepath.Dir(c.Shards[0].DataDir())))
	assert.Equal(t, "1", query(t, c.Shards[0].DSN(), "SELECT '1'"))
	durable := xatest.Start(t, xatest.Shards(1), xatest.Durable())
	assert.Equal(t, filepath.Clean(os.TempDir()), filepath.Dir(filepath.Dir(durable.Shards[0].DataDir())))
	assert.Equal(t, "on", query(t, durable.Shards[0].DSN(), "SHOW fsync"))
}

// folder is one that the servers' user can reach.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "place-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	return dir
}
