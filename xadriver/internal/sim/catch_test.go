package sim

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/resolve"
)

// mutants are mistakes that others have shipped, and some that are near. Each is a
// world in which one thing is wrong, and the rule that it breaks first.
var mutants = []struct {
	mistake string
	rule    string
	world   World
}{
	{
		"PREPARE's tag is not checked: a vote of no, which is no error, is taken for a yes", "R1",
		World{Faults: Budget{No: 1}, Committer: wrapped(func(p commit.Participant) commit.Participant { return trusting{p, errRefused} })},
	},
	{
		"a PREPARE whose answer was lost is taken for a yes", "R2",
		World{Faults: Budget{Message: 1}, Committer: wrapped(func(p commit.Participant) commit.Participant { return trusting{p, errLost} })},
	},
	{
		"those who voted yes are committed without those who voted no", "R1",
		World{Faults: Budget{No: 1}, Committer: byHand(whoeverVotes)},
	},
	{
		"each shard commits by itself, and nobody votes", "R2",
		World{Committer: byHand(onePhaseEach)},
	},
	{
		"COMMIT PREPARED is sent, and the application told, before the decision is durable", "R4",
		World{Backups: 1, Rounds: 1, Committer: deciding(func(_ *Process, real commit.Register, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
			go func() { _, _ = real.Decide(context.Background(), txn, want, voters) }()
			return want, nil
		})},
	},
	{
		"an unknown answer of the register is taken for a refusal: rolled back without asking it again", "R4",
		World{Faults: Budget{Store: 1}, Committer: deciding(func(_ *Process, real commit.Register, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
			outcome, err := real.Decide(context.Background(), txn, want, voters)
			if err != nil {
				err = txlog.ErrNotStored
			}
			return outcome, err
		})},
	},
	{
		"an unknown answer of the register is taken for a success", "R4",
		World{Faults: Budget{Store: 1}, Backups: 1, Rounds: 1, Committer: deciding(func(_ *Process, real commit.Register, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
			outcome, err := real.Decide(context.Background(), txn, want, voters)
			if err != nil && !errors.Is(err, txlog.ErrNotStored) {
				return want, nil
			}
			return outcome, err
		})},
	},
	{
		"the coordinator acts on what it wanted, not on what the register returned", "R4",
		World{Backups: 1, Rounds: 1, Committer: deciding(func(_ *Process, real commit.Register, want txlog.Outcome, voters []txlog.Participant) (txlog.Outcome, error) {
			_, err := real.Decide(context.Background(), txn, want, voters)
			return want, err
		})},
	},
	{
		"in doubt is reported as rolled back", "told the truth",
		World{Faults: Budget{Store: 2}, Committer: telling(func(err error) error {
			if toldBy(err) == inDoubt {
				return errRefused
			}
			return err
		})},
	},
	{
		"in doubt is reported as committed", "told the truth",
		World{Faults: Budget{Store: 2}, Committer: telling(func(err error) error {
			if toldBy(err) == inDoubt {
				return nil
			}
			return err
		})},
	},
	{
		"a lost answer to the only writer's COMMIT is reported as rolled back", "told the truth",
		World{
			Parts: []wrote3{MaybeWriter, Reader}, Faults: Budget{Message: 1},
			Committer: wrapped(func(p commit.Participant) commit.Participant { return sure{p} }),
		},
	},
	{
		"a lost answer to COMMIT PREPARED is taken for a good one, and the record is finished too early", "finished last",
		World{Faults: Budget{Message: 1}, Committer: wrapped(func(p commit.Participant) commit.Participant { return deaf{p} })},
	},
	{
		"a resolver rolls back what is old, by its timer alone", "R4",
		World{Backups: 1, Rounds: 1, Resolver: looking(byTheTimer)},
	},
	{
		"a resolver presumes abort where there is no record, and does not store it", "R4",
		World{Backups: 1, Rounds: 1, Resolver: looking(presuming)},
	},
	{
		"a resolver stores abort, and rolls back whatever the register answered", "R4",
		World{Backups: 1, Rounds: 1, Resolver: resolving(sameShard, func(l Log) resolve.Log { return wilful{l} })},
	},
	{
		"a resolver commits what is prepared everywhere, without the register", "R4",
		World{Faults: Budget{Store: 1, Message: 1}, Backups: 1, Rounds: 1, Resolver: looking(byTheVotes)},
	},
	{
		"a resolver takes what is no longer prepared on another shard for committed there", "R2",
		World{Backups: 1, Rounds: 1, Resolver: looking(byTheTwin)},
	},
	{
		"a resolver finishes the record when the first shard has answered", "finished last",
		World{Faults: Budget{Crash: 1, Message: 1, Backup: 1}, Backups: 1, Rounds: 1, Resolver: looking(hasty)},
	},
	{
		"a resolver that came second to the register takes its own shard for the record's only participant", "finished last",
		World{Backups: 2, Rounds: 1, Ripe: true, Resolver: resolving(sameShard, func(l Log) resolve.Log { return claiming{l, make(map[label][]txlog.Participant)} })},
	},
	{
		"a PREPARE that arrives after the sweep stays: nobody sweeps again", "R3",
		World{Faults: Budget{Crash: 1}, Backups: 1, Rounds: 1, Resolver: resolving(func(s resolve.Shard) resolve.Shard { return onceOnly{s, new(bool)} }, sameLog)},
	},
	{
		"no such prepared transaction is taken for success, under a gid that never was", "finished last",
		World{Faults: Budget{Crash: 1}, Backups: 1, Rounds: 1, Resolver: resolving(func(s resolve.Shard) resolve.Shard { return misnaming{s} }, sameLog)},
	},
	{
		"a resolver takes every gid on the server", "own transactions only",
		World{Backups: 1, Rounds: 1, Resolver: resolving(func(s resolve.Shard) resolve.Shard { return greedy{s} }, sameLog)},
	},
	{
		"nobody resolves", "R3",
		World{Faults: Budget{Crash: 1}, Backups: 1, Rounds: 1, Resolver: Program{Mutant: true, Sweep: func(*Process, context.Context) {}}},
	},
	{
		"the register stores what it is told last", "R4",
		World{Faults: Budget{Store: 1}, Backups: 1, Rounds: 1, LastWriteWins: true},
	},
	{
		"the log forgets a finished record at once, though its coordinator still sleeps", "R4",
		World{Backups: 1, Rounds: 1, ForgetsAtOnce: true},
	},
	{
		"what is prepared does not survive a restart of its shard", "R4",
		World{Faults: Budget{Restart: 1}, Volatile: true},
	},
}

// TestEachMistakeIsCaught explores each mutant until it breaks its rule, prints the
// shortest run that does, runs that once more from its text, and explores the same
// world without the mistake, which must not break anything.
func TestEachMistakeIsCaught(t *testing.T) {
	t.Parallel()
	for _, m := range mutants {
		t.Run(m.mistake, func(t *testing.T) {
			t.Parallel()
			w := m.world
			if w.Parts == nil {
				w.Parts = pair
			}
			w.Swift = true
			w.StateLimit = 300_000
			var v *Violation
			synctest.Test(t, func(t *testing.T) {
				r := w.Explore()
				v = r.Violation
				require.NotNil(t, v, "not caught in %s", r)
				t.Logf("caught among %d states: %s: %s, by\n    %s", r.States, v.Rule, v.Why, strings.Join(v.Schedule, "\n    "))
			})
			assert.Equal(t, m.rule, v.Rule)
			synctest.Test(t, func(t *testing.T) {
				again, err := w.Replay(v.String())
				require.NoError(t, err)
				assert.Equal(t, v.Rule, again.Rule)
				assert.Equal(t, v.Why, again.Why)
			})
			right := w
			right.Committer, right.Resolver = Program{}, Program{}
			right.LastWriteWins, right.Volatile, right.ForgetsAtOnce = false, false, false
			synctest.Test(t, func(t *testing.T) {
				assert.Nil(t, right.Explore().Violation, "without the mistake")
			})
		})
	}
}
