package txlogtest

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fails runs all checks on a log with the fault and tells which have failed.
func fails(t *testing.T, f fault) map[string]error {
	failed := make(map[string]error)
	for _, c := range Checks() {
		w := &world{fault: f, places: make(map[string]*place)}
		if err := c.Run(w.open, "place", "other"); err != nil {
			failed[c.Name] = err
		}
	}
	return failed
}

func TestSoundLogPasses(t *testing.T) {
	assert.Empty(t, fails(t, sound))
}

// The suite's own test: each fault is found, by the check that is there for it, and
// each check finds a fault.
func TestBrokenLogsAreCaught(t *testing.T) {
	found := make(map[string]bool)
	for f, check := range map[fault]string{
		lastWriteWins:        "the first decision is the one that all see",
		answersWanted:        "the first decision is the one that all see",
		checksThenWrites:     "two openings that race agree",
		privateCache:         "decisions and lookups are linearizable",
		keepsLoser:           "the loser's participants are ignored",
		sortsParticipants:    "lookup tells what was decided",
		restampsOnEveryWrite: "lookup tells what was decided",
		losesAcknowledged:    "the first decision is the one that all see",
		storesUnknown:        "what is no decision is refused",
		storesNil:            "what is no decision is refused",
		losesFinish:          "what was finished stays so in later openings",
		lateFinish:           "what is finished is no longer listed",
		finishInvents:        "finishing what is not there does nothing",
		finishDrops:          "what is finished is no longer listed",
		decideUnfinishes:     "deciding again does not make unfinished",
		unordered:            "unfinished decisions are listed page by page in order",
		inclusive:            "unfinished decisions are listed page by page in order",
		ignoresLimit:         "unfinished decisions are listed page by page in order",
		listsCommitsOnly:     "unfinished decisions are listed page by page in order",
		shortPages:           "what is finished is no longer listed",
		recordsUnfinished:    "all records are listed page by page in order",
		hidesOpenings:        "openings are listed page by page in order",
		forgetsUnfinished:    "forget never drops what is unfinished",
		forgetsYoung:         "forget drops what is finished and old enough",
		forgetsInSeconds:     "forget never drops what is younger",
		forgetsOnePage:       "forget drops many",
		forgetsNothing:       "what was forgotten can be decided anew",
		miscounts:            "forget drops what is finished and old enough",
		sameMark:             "every opening leaves a mark of its own",
		restartsMarks:        "every opening leaves a mark of its own",
		knowsAllMarks:        "a log knows its marks and no others",
		knowsNumbers:         "a log knows its marks and no others",
		knowsLatestMark:      "a log knows its marks and no others",
		freshIdentity:        "every opening tells the same identity",
		sharedIdentity:       "every opening tells the same identity",
		anyCluster:           "another cluster's log is refused",
		answersClosed:        "a closed log answers nothing",
		closedSilent:         "a closed log answers nothing",
		closesOnce:           "a closed log answers nothing",
		closesAll:            "closing one opening leaves the others",
		ignoresContext:       "calls whose context has ended do nothing",
		storesThenComplains:  "a context that ends meanwhile leaves no doubt",
		ambiguousWhenEnded:   "a context that ends meanwhile leaves no doubt",
	} {
		t.Run(string(f), func(t *testing.T) {
			failed := fails(t, f)
			for tries := 1; f == forgetsInSeconds && failed[check] == nil && tries < 3; tries++ {
				failed = fails(t, f) // a machine that dawdles is an excuse
			}
			require.Contains(t, failed, check)
			t.Log(len(failed), "checks failed")
		})
		found[check] = true
	}
	for _, c := range Checks() {
		assert.True(t, found[c.Name], "no fault shows that the check can fail: %s", c.Name)
	}
}

func TestWhatACrashLosesIsCaught(t *testing.T) {
	ctx := context.Background()
	kept := acknowledged{ID: newID(), Outcome: txlog.Commit}
	done := acknowledged{ID: newID(), Outcome: txlog.Abort, Finished: true}
	prepare := func(t *testing.T, f fault) txlog.Log {
		w := &world{fault: f, places: make(map[string]*place)}
		l, err := w.open(ctx, "place", Cluster)
		require.NoError(t, err)
		for _, a := range []acknowledged{kept, done} {
			_, err = l.Decide(ctx, a.ID, a.Outcome, shards)
			require.NoError(t, err)
		}
		require.NoError(t, l.Finish(ctx, done.ID))
		return l
	}
	require.NoError(t, survived(ctx, prepare(t, sound), []acknowledged{kept, done}))

	for name, c := range map[string]struct {
		fault fault
		claim acknowledged
	}{
		"gone":           {sound, acknowledged{ID: newID(), Outcome: txlog.Commit}},
		"changed":        {sound, acknowledged{ID: kept.ID, Outcome: txlog.Abort}},
		"not listed":     {sound, acknowledged{ID: done.ID, Outcome: txlog.Abort}},
		"decided again":  {lastWriteWins, kept},
		"answered wrong": {answersWanted, kept},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Error(t, survived(ctx, prepare(t, c.fault), []acknowledged{c.claim}))
		})
	}
}

func TestAcknowledgementsAreReadAsTheyArePrinted(t *testing.T) {
	for _, a := range []acknowledged{
		{ID: newID(), Outcome: txlog.Commit, Finished: true},
		{ID: newID(), Outcome: txlog.Abort},
	} {
		got, err := parseAcknowledged(a.String() + "\n")
		require.NoError(t, err)
		assert.Equal(t, a, got)
	}
	for _, line := range []string{"", "PASS\n", uuid.NewString() + " 1\n", "x 1 true\n"} {
		_, err := parseAcknowledged(line)
		assert.Error(t, err, "%q", line)
	}
}

func TestLogThatCannotBeOpenedFails(t *testing.T) {
	broken := errors.New("no luck")
	for _, c := range Checks() {
		err := c.Run(func(context.Context, string, string) (txlog.Log, error) { return nil, broken }, "", "")
		assert.ErrorContains(t, err, "no luck", c.Name)
		assert.ErrorContains(t, err, c.Name)
	}
}
