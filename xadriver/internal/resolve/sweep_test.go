package resolve_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

const (
	fresh = time.Second
	stale = time.Minute
	limit = 10 * time.Second
)

func TestWhatASweepDoes(t *testing.T) {
	busy := fmt.Errorf("in use: %w", resolve.ErrBusy)
	down := errors.New("no route to host")
	for _, test := range []struct {
		name     string
		age      time.Duration
		record   txlog.Outcome // stored before, for a alone
		says     error
		down     error
		end      txlog.Outcome // of a's part; Unknown is none
		after    txlog.Outcome // what the log then holds
		finished bool
		young    int
		stuck    int
	}{
		{name: "undecided and young", age: fresh, young: 1},
		{name: "undecided and old", age: stale, end: txlog.Abort, after: txlog.Abort, finished: true},
		{name: "committed", age: stale, record: txlog.Commit, end: txlog.Commit, after: txlog.Commit, finished: true},
		{name: "aborted", age: stale, record: txlog.Abort, end: txlog.Abort, after: txlog.Abort, finished: true},
		{name: "somebody else finishes it", age: stale, record: txlog.Commit, says: busy, after: txlog.Commit, young: 1},
		{name: "somebody else has finished it", age: stale, record: txlog.Commit, says: commit.ErrGone, after: txlog.Commit, finished: true},
		{name: "it cannot be finished now", age: stale, record: txlog.Commit, says: down, after: txlog.Commit, stuck: 1},
		{name: "the log cannot be asked", age: stale, down: down, stuck: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, log, boxes := sweeping("a")
			a := boxes[0]
			name := a.prepare(work, test.age)
			if test.record != txlog.Unknown {
				log.put(work, test.record, "a")
			}
			a.says, log.down = test.says, test.down
			report := r.Once(t.Context(), limit)[0]
			require.NoError(t, report.Err)
			assert.Equal(t, test.end, a.ends[name])
			assert.Equal(t, test.after, log.records[work].Outcome)
			assert.Equal(t, test.finished, log.records[work].Finished)
			assert.Equal(t, test.young, report.Young)
			assert.Len(t, report.Stuck, test.stuck)
		})
	}
}

func TestTheRegisterIsObeyedThoughAbortWasWanted(t *testing.T) {
	r, log, boxes := sweeping("a", "b")
	name := boxes[0].prepare(work, stale)
	log.stored = func() { // the coordinator wakes up, and is faster
		if _, there := log.records[work]; !there {
			log.put(work, txlog.Commit, "a", "b")
		}
	}
	r.Once(t.Context(), limit)
	assert.Equal(t, txlog.Commit, boxes[0].ends[name])
}

func TestARecordIsFinishedWhenAllItsParticipantsHaveHeard(t *testing.T) {
	r, log, boxes := sweeping("a", "b")
	log.put(work, txlog.Commit, "a", "b")
	boxes[0].prepare(work, stale)
	name := boxes[1].prepare(work, stale)
	boxes[1].off = errors.New("no route to host")
	r.Once(t.Context(), limit)
	assert.Len(t, boxes[0].ends, 1)
	assert.False(t, log.records[work].Finished)
	assert.Equal(t, 1, r.Pending())
	boxes[1].off = nil
	r.Once(t.Context(), limit)
	assert.Equal(t, txlog.Commit, boxes[1].ends[name])
	assert.True(t, log.records[work].Finished)
	assert.Zero(t, r.Pending())
}

// The record says who must hear, also where another resolver stored it a moment ago.
func TestAnAbortThatAnotherStoredIsFinishedByItsOwnParticipants(t *testing.T) {
	r, log, boxes := sweeping("a", "b")
	name := boxes[1].prepare(work, stale)
	boxes[0].prepare(work, stale)
	boxes[0].off = errors.New("no route to host")
	log.stored = func() { log.put(work, txlog.Abort, "a") }
	r.Once(t.Context(), limit)
	assert.Equal(t, txlog.Abort, boxes[1].ends[name])
	assert.False(t, log.records[work].Finished, "a is still prepared")
	boxes[0].off = nil
	r.Once(t.Context(), limit)
	assert.True(t, log.records[work].Finished)
}

func TestWhatIsHandedOnIsFinishedAtAnyAge(t *testing.T) {
	r, log, boxes := sweeping("a", "b")
	log.put(work, txlog.Commit, "a", "b")
	name := boxes[0].prepare(work, 0)
	r.Finish(work, txlog.Commit, []string{"a", "b"}, true)
	r.Once(t.Context(), limit)
	assert.Equal(t, txlog.Commit, boxes[0].ends[name])
	assert.True(t, log.records[work].Finished, "b knew it already")
	assert.Zero(t, r.Pending())
}

func TestAnUnrecordedAbortLeavesNoRecord(t *testing.T) {
	r, log, boxes := sweeping("a")
	name := boxes[0].prepare(work, 0)
	r.Finish(work, txlog.Abort, []string{"a"}, false)
	r.Once(t.Context(), limit)
	assert.Equal(t, txlog.Abort, boxes[0].ends[name])
	assert.Empty(t, log.records)
}

func TestForeignTransactionsAreLeftAlone(t *testing.T) {
	r, _, boxes := sweeping("a")
	for _, name := range []string{
		"app-7",
		gid.ID{Cluster: identity.Cluster, Log: "bbbbbbbbbbbb", Txn: work, Shard: "a"}.String(),
		gid.ID{Cluster: "other", Log: identity.ID, Txn: work, Shard: "a"}.String(),
		gid.ID{Cluster: identity.Cluster, Log: identity.ID, Txn: work, Shard: "twin"}.String(),
	} {
		boxes[0].has[name] = stale
	}
	report := r.Once(t.Context(), 0)[0]
	assert.Empty(t, boxes[0].ends)
	assert.Zero(t, report.Young)
	assert.Empty(t, report.Stuck)
}

// A PREPARE that was long under way may arrive after any sweep.
func TestAPrepareThatArrivesAfterASweepIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _, boxes := sweeping("a")
		r.Start()
		defer r.Close()
		for range 3 {
			time.Sleep(time.Minute)
			name := boxes[0].prepare(uuid.Must(uuid.NewV7()), stale)
			time.Sleep(time.Minute)
			boxes[0].mu.Lock()
			assert.Equal(t, txlog.Abort, boxes[0].ends[name])
			boxes[0].mu.Unlock()
		}
	})
}

// A record that is met once is its coordinator's to finish; one that is met again is
// taken over.
func TestARecordThatNobodyFinishesIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, log, _ := sweeping("a")
		r.Start()
		defer r.Close()
		time.Sleep(time.Second)
		log.put(work, txlog.Commit, "a")
		time.Sleep(time.Minute)
		d, err := log.Lookup(t.Context(), work)
		require.NoError(t, err)
		assert.True(t, d.Finished)
	})
}
