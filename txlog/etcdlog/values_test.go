package etcdlog

import (
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"pgregory.net/rapid"
)

func TestRecordsAreReadAsTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := txlog.Decision{
			ID:      uuid.New(),
			Outcome: txlog.Outcome(rapid.IntRange(1, 2).Draw(t, "outcome")),
			At:      time.UnixMicro(rapid.Int64().Draw(t, "at")),
			By:      rapid.Int64Range(0, 1<<62).Draw(t, "by"),
		}
		for range rapid.IntRange(0, 5).Draw(t, "participants") {
			d.Participants = append(d.Participants, txlog.Participant{
				Name: string(rapid.SliceOf(rapid.Byte()).Draw(t, "name")), Vote: rapid.String().Draw(t, "vote")})
		}
		value := encode(d)
		got, err := decode(d.ID, []byte(value))
		require.NoError(t, err)
		require.Equal(t, d, got)

		// A part of it, or something more, is no record.
		_, err = decode(d.ID, []byte(value[:rapid.IntRange(0, len(value)-1).Draw(t, "cut")]))
		require.Error(t, err)
		_, err = decode(d.ID, []byte(value+"x"))
		require.Error(t, err)
	})
}

func TestRecordsThatAreNoneAreRefused(t *testing.T) {
	good := encode(txlog.Decision{Outcome: txlog.Commit, At: time.Now(), By: 3, Participants: []txlog.Participant{{Name: "athos"}}})
	for what, value := range map[string]string{
		"empty":            "",
		"a newer format":   "\x02" + good[1:],
		"no outcome":       "\x01\x00" + good[2:],
		"another outcome":  "\x01\x03" + good[2:],
		"many voters":      "\x01\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"an endless name":  "\x01\x01\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"an endless count": "\x01\x01\x00\x00" + strings.Repeat("\xff", 20),
	} {
		_, err := decode(uuid.New(), []byte(value))
		assert.Error(t, err, what)
	}
}

func TestKeysSortAsTheyShould(t *testing.T) {
	k := keys{"/p/"}
	assert.Less(t, k.finishedOne(9, uuid.Max), k.finishedOne(10, uuid.Nil))
	assert.Less(t, k.finishedOne(1<<62, uuid.Max), k.finishedOne(1<<63-1, uuid.Nil))
	assert.Less(t, k.mark(9), k.mark(10))
	assert.Less(t, k.mark(1<<62), k.mark(1<<63-1))
	assert.Less(t, k.decision(uuid.Max), endOf(k.decisions()))
	id := uuid.New()
	got, err := idOf([]byte(k.finishedOne(77, id)))
	require.NoError(t, err)
	assert.Equal(t, id, got)
	revision, err := revisionOf([]byte(k.finishedOne(77, id)))
	require.NoError(t, err)
	assert.EqualValues(t, 77, revision)
}
