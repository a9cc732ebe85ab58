package failover

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func place(t *testing.T, s string) Position {
	t.Helper()
	p, ok := ParsePosition(s)
	require.True(t, ok, s)
	return p
}

func TestAPlaceReadsBackAsItWasWritten(t *testing.T) {
	assert.Equal(t, "1/0/16B3748", PlaceOf([]string{"000000010000000000000001", "0/16B3748"}))
	assert.Equal(t, "31/1F/A0", PlaceOf([]string{"0000001F000000000000001F", "1F/000000A0"}), "the timeline is decimal")
	assert.Equal(t, Position{31, 0x1F000000A0}, place(t, "31/1F/A0"))
	for _, bad := range [][]string{nil, {"", ""}, {"0000000100", ""}, {"xxxxxxxxx", "0/1"}, {"00000000000000000000000000", "0/1"}, {"000000010000000000000001"}} {
		assert.Empty(t, PlaceOf(bad), "%v", bad)
	}
	for _, bad := range []string{"", "1", "1/0", "0/0/1", "1/0/G", "-1/0/1", "1/100000000/0"} {
		_, ok := ParsePosition(bad)
		assert.False(t, ok, bad)
	}
}

func TestFateOfAVote(t *testing.T) {
	id, survivor := uuid.New(), uuid.New()
	file := &History{Timeline: 4, Survivors: map[uuid.UUID]bool{survivor: true}}
	file.readHistory("1\t0/3000000\tno recovery target specified\n\n3\t0/5000000\tno recovery target specified\n")
	require.True(t, file.Complete)

	first := follow(nil, look{Position: place(t, "1/0/1000000")})
	streamed := follow(first, look{Position: place(t, "2/0/3000100"), received: true, replayed: 0x3000000})
	restarted := follow(first, look{Position: place(t, "2/0/3000100"), received: false, replayed: 0x3000500})
	jumped := follow(first, look{Position: place(t, "3/0/4000100"), received: true, replayed: 0x4000000})
	twice := follow(streamed, look{Position: place(t, "3/0/4000100"), received: true, replayed: 0x4000000})
	unseen := follow(nil, look{Position: place(t, "2/0/3000100")})

	for _, c := range []struct {
		name string
		h    *History
		vote string
		want Fate
	}{
		{"of the same timeline", file, "4/0/9000000", Kept},
		{"before the switch", file, "1/0/2FFFFFF", Kept},
		{"up to the switch", file, "1/0/3000000", Kept},
		{"beyond the switch", file, "1/0/3000001", Lost},
		{"on the timeline before, kept", file, "3/0/4000000", Kept},
		{"on the timeline before, lost", file, "3/0/5000028", Lost},
		{"on a timeline that leads nowhere", file, "2/0/3000001", Lost},

		{"streamed, before", streamed, "1/0/2000000", Kept},
		{"streamed, beyond", streamed, "1/0/3000028", Lost},
		{"restarted: what it replayed then says nothing", restarted, "1/0/3000028", Untold},
		{"restarted, but before what was noted", restarted, "1/0/1000000", Kept},
		{"a timeline was skipped, beyond all", jumped, "1/0/4000028", Lost},
		{"a timeline was skipped, somewhere before", jumped, "1/0/3800000", Untold},
		{"a timeline was skipped, before what was noted", jumped, "1/0/FFFFFF", Kept},
		{"two failovers, before the first", twice, "1/0/2000000", Kept},
		{"two failovers, beyond the first", twice, "1/0/3000028", Lost},
		{"two failovers, before the second", twice, "2/0/3F00000", Kept},
		{"two failovers, beyond the second", twice, "2/0/4000028", Lost},
		{"nothing is known", unseen, "1/0/1", Untold},
	} {
		fate, _ := c.h.Fate(id, place(t, c.vote))
		assert.Equal(t, c.want, fate, c.name)
		again := parseHistory(c.h.Timeline, c.h.String())
		again.Survivors = c.h.Survivors
		fate, _ = again.Fate(id, place(t, c.vote))
		assert.Equal(t, c.want, fate, "%s, read back from a table", c.name)
	}
	fate, _ := file.Fate(survivor, place(t, "1/0/3000001"))
	assert.Equal(t, Kept, fate, "it was there: its position is an upper bound")
}

func TestAHistoryThatCannotBeReadSaysNothing(t *testing.T) {
	for _, text := range []string{"", "# a comment\n", "x 0/1\n", "1 0\n"} {
		h := &History{Timeline: 2}
		h.readHistory(text)
		assert.False(t, h.Complete, "%q", text)
	}
}
