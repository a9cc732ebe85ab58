package commit_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/commit"
)

func failing(what string, err error) map[string]error { return map[string]error{what: err} }

// told sorts what Commit said into the kinds that it promises.
func told(err error) string {
	var doubt *commit.InDoubtError
	var overruled *commit.OverruledError
	var undecided *commit.UndecidedError
	switch {
	case err == nil:
		return "committed"
	case errors.As(err, &doubt):
		return "in doubt"
	case errors.As(err, &overruled):
		return "overruled"
	case errors.As(err, &undecided):
		return "undecided"
	default:
		return "rolled back"
	}
}

func TestWhatIsDoneToCommit(t *testing.T) {
	yes, no, maybe := commit.Yes, commit.No, commit.Maybe
	for _, test := range []struct {
		name    string
		parts   []*part
		answers []answer
		kind    commit.Kind
		told    string
		done    []string
	}{
		{"nobody took part", nil, nil, commit.ReadOnly, "committed", nil},
		{"one shard that only read", []*part{{wrote: no}}, nil, commit.ReadOnly, "committed", []string{"commit the reader on a"}},
		{"one shard, whoever it is, is not asked", []*part{{wrote: maybe}}, nil, commit.OnePhase, "committed", []string{"commit on a"}},
		{"one shard refuses", []*part{{wrote: yes, fails: failing("commit", errRefused)}}, nil, commit.OnePhase, "rolled back", []string{"commit on a"}},
		{"one shard's answer is lost", []*part{{wrote: maybe, fails: failing("commit", errLost)}}, nil, commit.OnePhase, "in doubt", []string{"commit on a"}},
		{"a reader's lost answer leaves no doubt", []*part{{wrote: no, fails: failing("commit the reader", errLost)}}, nil, commit.ReadOnly, "rolled back", []string{"commit the reader on a"}},
		{"readers", []*part{{wrote: no}, {wrote: no}}, nil, commit.ReadOnly, "committed", []string{"commit the reader on a", "commit the reader on b"}},
		{
			"one writer commits after the readers", []*part{{wrote: yes}, {wrote: no}}, nil, commit.OnePhase, "committed",
			[]string{"commit the reader on b", "commit on a"},
		},
		{
			"one writer, and one that turns out to have read", []*part{{wrote: yes}, {wrote: maybe}}, nil, commit.OnePhase, "committed",
			[]string{"ask on b", "commit the reader on b", "commit on a"},
		},
		{
			"a reader fails before the only writer commits", []*part{{wrote: yes}, {wrote: no, fails: failing("commit the reader", errRefused)}}, nil, commit.OnePhase, "rolled back",
			[]string{"commit the reader on b", "rollback on a"},
		},
		{
			"nobody knows who wrote, and asking fails", []*part{{wrote: maybe}, {wrote: maybe, fails: failing("ask", errLost)}}, nil, commit.OnePhase, "rolled back",
			[]string{"ask on a", "ask on b", "rollback on a", "rollback on b"},
		},
		{
			"two writers", []*part{{wrote: yes}, {wrote: yes}}, nil, commit.TwoPhase, "committed",
			[]string{"prepare on a", "prepare on b", "decide commit", "commit prepared on a", "commit prepared on b", "finish the record"},
		},
		{
			"two writers that had to be asked", []*part{{wrote: maybe, has: true}, {wrote: maybe, has: true}}, nil, commit.TwoPhase, "committed",
			[]string{"ask on a", "ask on b", "prepare on a", "prepare on b", "decide commit", "commit prepared on a", "commit prepared on b", "finish the record"},
		},
		{
			"a resolver was faster to finish", []*part{{wrote: yes, fails: failing("commit prepared", errGone)}, {wrote: yes}}, nil, commit.TwoPhase, "committed",
			[]string{"prepare on a", "prepare on b", "decide commit", "commit prepared on a", "commit prepared on b", "finish the record"},
		},
		{
			"a late finish is handed on, and the record stays open", []*part{{wrote: yes}, {wrote: yes, fails: failing("commit prepared", errLost)}}, nil, commit.TwoPhase, "committed",
			[]string{"prepare on a", "prepare on b", "decide commit", "commit prepared on a", "commit prepared on b", "hand on commit to a,b, recorded true"},
		},
		{
			"a vote of no", []*part{{wrote: yes}, {wrote: yes, fails: failing("prepare", errRefused)}}, nil, commit.TwoPhase, "rolled back",
			[]string{"prepare on a", "prepare on b", "rollback prepared on a"},
		},
		{
			"a lost vote is left to the successor, without a record", []*part{{wrote: yes}, {wrote: yes, fails: failing("prepare", errLost)}}, nil, commit.TwoPhase, "rolled back",
			[]string{"prepare on a", "prepare on b", "hand on abort to b, recorded false", "rollback prepared on a"},
		},
		{
			"overruled", []*part{{wrote: yes}, {wrote: yes}}, []answer{{txlog.Abort, nil}}, commit.TwoPhase, "overruled",
			[]string{"prepare on a", "prepare on b", "decide commit", "rollback prepared on a", "rollback prepared on b"},
		},
		{
			"the decision is provably not stored", []*part{{wrote: yes}, {wrote: yes}}, []answer{{txlog.Unknown, errFull}}, commit.TwoPhase, "undecided",
			[]string{"prepare on a", "prepare on b", "decide commit", "rollback prepared on a", "rollback prepared on b"},
		},
		{
			"an unknown answer turns out to be commit", []*part{{wrote: yes}, {wrote: yes}}, []answer{{txlog.Unknown, errStore}, {txlog.Commit, nil}}, commit.TwoPhase, "committed",
			[]string{"prepare on a", "prepare on b", "decide commit", "decide abort", "commit prepared on a", "commit prepared on b", "finish the record"},
		},
		{
			"an unknown answer is settled as abort", []*part{{wrote: yes}, {wrote: yes}}, []answer{{txlog.Unknown, errStore}, {txlog.Abort, nil}}, commit.TwoPhase, "overruled",
			[]string{"prepare on a", "prepare on b", "decide commit", "decide abort", "rollback prepared on a", "rollback prepared on b"},
		},
		{
			"an unknown answer stays unknown, whatever the second call did", []*part{{wrote: yes}, {wrote: yes}}, []answer{{txlog.Unknown, errStore}, {txlog.Unknown, errFull}}, commit.TwoPhase, "in doubt",
			[]string{"prepare on a", "prepare on b", "decide commit", "decide abort", "let settle a,b"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := &diary{}
			c, _ := coordinator(d, test.answers...)
			out, err := c.Commit(t.Context(), parts(d, test.parts...))
			c.Wait()
			assert.Equal(t, test.told, told(err))
			assert.Equal(t, test.kind, out.Kind)
			if test.kind == commit.TwoPhase {
				assert.Equal(t, txn, out.ID)
			}
			lines := d.read()
			if test.name == "a lost vote is left to the successor, without a record" {
				slices.Sort(lines[2:]) // done at once
			}
			assert.Equal(t, test.done, lines)
			for _, p := range test.parts {
				assert.Equal(t, 1, p.released, "releases of %s", p.name)
			}
		})
	}
}

func TestTheRegisterIsGivenTheVotes(t *testing.T) {
	d := &diary{}
	c, r := coordinator(d)
	_, err := c.Commit(t.Context(), parts(d, &part{wrote: commit.Yes}, &part{wrote: commit.No}, &part{wrote: commit.Yes}))
	require.NoError(t, err)
	c.Wait()
	assert.Equal(t, []txlog.Participant{{Name: "a", Vote: "at gid_a"}, {Name: "c", Vote: "at gid_c"}}, r.voters)
}

func TestACallerWhoHasGivenUpIsToldSo(t *testing.T) {
	for _, when := range []string{"before", "while they vote"} {
		t.Run(when, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d := &diary{}
			c, _ := coordinator(d)
			if when == "before" {
				cancel()
			}
			c.Observe = func(s commit.Step) {
				if s.Point == commit.AfterPrepare {
					cancel()
				}
			}
			_, err := c.Commit(ctx, parts(d, &part{wrote: commit.Yes}, &part{wrote: commit.Yes}))
			require.ErrorIs(t, err, context.Canceled)
			assert.NotContains(t, d.read(), "decide commit")
			assert.Equal(t, "rolled back", told(err))
		})
	}
}

func TestACallerWhoGivesUpAfterTheDecisionIsToldThatItIsCommitted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := &diary{}
	c, _ := coordinator(d)
	gate := make(chan struct{})
	c.Observe = func(s commit.Step) {
		if s.Point == commit.BeforeFinish {
			cancel()
		}
	}
	_, err := c.Commit(ctx, parts(d, &part{wrote: commit.Yes, gate: gate}, &part{wrote: commit.Yes}))
	require.NoError(t, err)
	assert.NotContains(t, d.read(), "commit prepared on a")
	close(gate) // the rest goes on without the caller
	c.Wait()
	assert.Contains(t, d.read(), "commit prepared on a")
	assert.Contains(t, d.read(), "finish the record")
}

func TestPointsArePassedInOrder(t *testing.T) {
	d := &diary{}
	c, _ := coordinator(d)
	steps := &diary{}
	c.Observe = func(s commit.Step) {
		assert.Contains(t, commit.Points(), s.Point)
		steps.note("%s on %s", s.Point, s.Shard)
	}
	_, err := c.Commit(t.Context(), parts(d, &part{wrote: commit.Yes}, &part{wrote: commit.Maybe, has: true}))
	require.NoError(t, err)
	c.Wait()
	of := func(shard string) (list []string) {
		for _, line := range steps.lines {
			if line[len(line)-len(" on "+shard):] == " on "+shard {
				list = append(list, line)
			}
		}
		return list
	}
	assert.Equal(t, []string{"before_prepare on a", "after_prepare on a", "before_finish on a", "after_finish on a"}, of("a"))
	assert.Equal(t, []string{"before_ask on b", "after_ask on b", "before_prepare on b", "after_prepare on b", "before_finish on b", "after_finish on b"}, of("b"))
	decide := slices.Index(steps.lines, "before_decide on ")
	assert.Less(t, slices.Index(steps.lines, "after_prepare on a"), decide)
	assert.Less(t, slices.Index(steps.lines, "after_prepare on b"), decide)
	assert.Greater(t, slices.Index(steps.lines, "before_finish on a"), slices.Index(steps.lines, "after_decide on "))
	assert.Equal(t, "before_forget on ", steps.lines[len(steps.lines)-1])
}

func TestRollbackReachesEveryShard(t *testing.T) {
	d := &diary{}
	c, _ := coordinator(d)
	a, b := &part{wrote: commit.Yes}, &part{wrote: commit.Maybe}
	c.Rollback(t.Context(), parts(d, a, b))
	assert.Equal(t, []string{"rollback on a", "rollback on b"}, d.read())
	assert.Equal(t, []int{1, 1}, []int{a.released, b.released})
}

// named is a participant whose transaction has its id already.
type named struct{ *part }

func (named) Txn() uuid.UUID { return uuid.MustParse("01900000-0000-7000-8000-0000000000ff") }

func TestATransactionThatHasAnIDKeepsIt(t *testing.T) {
	d := &diary{}
	c, _ := coordinator(d)
	list := parts(d, &part{wrote: commit.Yes}, &part{wrote: commit.Yes})
	list[1] = named{list[1].(*part)}
	out, err := c.Commit(t.Context(), list)
	require.NoError(t, err)
	c.Wait()
	assert.Equal(t, named{}.Txn(), out.ID)
}
