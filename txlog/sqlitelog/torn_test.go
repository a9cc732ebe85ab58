//go:build unix

package sqlitelog_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// A power failure may leave the WAL's end unwritten, half written or full of
// something else. Whatever was flushed before that end must be there, and whatever
// else is there must be what was decided.
func TestTornEndOfTheWALLosesNothingBeforeIt(t *testing.T) {
	const decisions = 60
	path := fresh(t)
	l := openLog(t, path)
	type decided struct {
		id   uuid.UUID
		want txlog.Outcome
		end  int64 // of the WAL when it was acknowledged
	}
	all := make([]decided, decisions)
	for i := range all {
		d := decided{id: newID(), want: txlog.Outcome(1 + i%2)}
		got, err := l.Decide(t.Context(), d.id, d.want, shards)
		require.NoError(t, err)
		require.Equal(t, d.want, got)
		info, err := os.Stat(path + "-wal")
		require.NoError(t, err)
		d.end = info.Size()
		all[i] = d
	}
	// Copied by another process: this one would lose its locks by closing the file.
	kept := t.TempDir()
	for _, suffix := range []string{"", "-wal"} {
		require.NoError(t, exec.Command("cp", "--", path+suffix, filepath.Join(kept, "log.db"+suffix)).Run())
	}
	main, err := os.ReadFile(filepath.Join(kept, "log.db"))
	require.NoError(t, err)
	wal, err := os.ReadFile(filepath.Join(kept, "log.db-wal"))
	require.NoError(t, err)
	require.Equal(t, all[decisions-1].end, int64(len(wal)), "all decisions should be in the WAL")

	check := func(t *testing.T, wal []byte, intact int64) {
		path := fresh(t)
		require.NoError(t, os.WriteFile(path, main, 0o600))
		require.NoError(t, os.WriteFile(path+"-wal", wal, 0o600))
		torn := openLog(t, path)
		defer torn.Close()
		require.Equal(t, l.Identity(), torn.Identity())
		listed, err := torn.Unfinished(t.Context(), uuid.Nil, 2*decisions)
		require.NoError(t, err)
		found := make(map[uuid.UUID]txlog.Decision)
		for _, d := range listed {
			found[d.ID] = d
		}
		n := 0
		for _, d := range all {
			got, ok := found[d.id]
			if d.end <= intact {
				require.True(t, ok, "a decision acknowledged at %d is lost by damage at %d", d.end, intact)
			}
			if ok {
				n++
				require.Equal(t, d.want, got.Outcome)
				require.Equal(t, shards, got.Participants)
			}
		}
		require.Len(t, found, n, "something appears that was never decided")
		// Life goes on in the same WAL.
		id := commit(t, torn)
		require.NoError(t, torn.Close())
		again := openLog(t, path)
		defer again.Close()
		_, err = again.Lookup(t.Context(), id)
		require.NoError(t, err)
	}

	offsets := []int64{0, 1, 31, 32, 33, int64(len(wal)) - 1, int64(len(wal))}
	for i := 0; i < decisions; i += 12 {
		offsets = append(offsets, all[i].end-1, all[i].end, all[i].end+1, all[i].end+24, rand.Int64N(int64(len(wal))))
	}
	for _, at := range offsets {
		check(t, wal[:at], at)
		// The same, with other bytes instead of the end: old ones, or garbage.
		garbage := append([]byte(nil), wal...)
		for i := at; i < int64(len(garbage)); i++ {
			garbage[i] = byte(rand.Uint32())
		}
		check(t, garbage, at)
	}
	for range 8 { // one byte
		at := rand.Int64N(int64(len(wal)))
		flipped := append([]byte(nil), wal...)
		flipped[at] ^= 1 << rand.IntN(8)
		check(t, flipped, at)
	}
	assert.FileExists(t, path)
}
