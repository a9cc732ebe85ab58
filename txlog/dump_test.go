package txlog_test

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// known makes a sequence of what cannot fail.
func known[T any](list []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range list {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func collect[T any](t *testing.T, list iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for v, err := range list {
		require.NoError(t, err)
		all = append(all, v)
	}
	return all
}

var (
	noon     = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	openings = []txlog.Opening{
		{Mark: txlog.Mark{Seq: 1, ID: uuid.UUID{1}}, By: "athos, process 7, bank", At: noon},
		{Mark: txlog.Mark{Seq: 4, ID: uuid.UUID{2}}, By: "", At: noon.Add(time.Microsecond)},
	}
	decisions = []txlog.Decision{
		{ID: uuid.UUID{1}, Outcome: txlog.Commit, At: noon, By: 1, Finished: true,
			Participants: []txlog.Participant{{Name: "athos", Vote: "1/0/16B3748"}, {Name: `d'Artagnan "<\>" Ü`}}},
		{ID: uuid.UUID{2}, Outcome: txlog.Abort, At: noon, By: 4},
		{ID: uuid.Max, Outcome: txlog.Commit, At: noon, By: 4, Participants: []txlog.Participant{{Name: "athos"}}},
	}
	identity = txlog.Identity{Cluster: "bank", ID: "abcdefghijkl"}
)

func contents(o []txlog.Opening, d []txlog.Decision) txlog.Contents {
	return txlog.Contents{Identity: identity, Openings: known(o), Records: known(d)}
}

func TestAFileGivesBackWhatWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		openings []txlog.Opening
		records  []txlog.Decision
	}{
		"all": {openings, decisions}, "no records": {openings, nil}, "nothing": {nil, nil},
	} {
		var b bytes.Buffer
		o, r, err := txlog.WriteContents(&b, contents(c.openings, c.records), noon)
		require.NoError(t, err, name)
		assert.Equal(t, []int{len(c.openings), len(c.records)}, []int{o, r})
		assert.Equal(t, 2+o+r, strings.Count(b.String(), "\n"), "a line for each, a head and an end")
		got, err := txlog.ReadContents(&b)
		require.NoError(t, err)
		assert.Equal(t, identity, got.Identity)
		assert.Equal(t, c.openings, collect(t, got.Openings))
		assert.Equal(t, c.records, collect(t, got.Records))
	}
}

// Any line that is missing, added or changed is noticed.
func TestAFileThatWasChangedIsNoticed(t *testing.T) {
	var b bytes.Buffer
	_, _, err := txlog.WriteContents(&b, contents(openings, decisions), noon)
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(b.String(), "\n"), "\n")
	lines[len(lines)-1] += "\n"
	read := func(list []string) error {
		c, err := txlog.ReadContents(strings.NewReader(strings.Join(list, "")))
		if err != nil {
			return err
		}
		for _, err := range c.Openings {
			if err != nil {
				return err
			}
		}
		for _, err := range c.Records {
			if err != nil {
				return err
			}
		}
		return nil
	}
	require.NoError(t, read(lines))
	for i := range lines {
		assert.Error(t, read(slices.Delete(slices.Clone(lines), i, i+1)), "without line %d", i+1)
		assert.Error(t, read(slices.Insert(slices.Clone(lines), i, lines[i])), "with line %d twice", i+1)
		assert.Error(t, read(lines[:i]), "cut at line %d", i+1)
		changed := slices.Clone(lines)
		changed[i] = strings.NewReplacer("1", "7", "commit", "abort").Replace(changed[i])
		assert.Error(t, read(changed), "line %d changed", i+1)
	}
	strange := slices.Clone(lines)
	strange[3] = strings.Replace(strange[3], `"finished"`, `"finnished"`, 1)
	assert.ErrorContains(t, read(strange), "line 4 cannot be read")
}

func TestALogThatCannotBeReadIsNotWritten(t *testing.T) {
	broken := errors.New("no luck")
	failing := txlog.Contents{Identity: identity, Openings: known(openings), Records: func(yield func(txlog.Decision, error) bool) {
		_ = yield(decisions[0], nil) && yield(txlog.Decision{}, broken)
	}}
	_, _, err := txlog.WriteContents(io.Discard, failing, noon)
	assert.ErrorIs(t, err, broken)
	odd := []txlog.Decision{{ID: uuid.UUID{1}, Outcome: txlog.Abort, Participants: []txlog.Participant{{Name: "\xff"}}}}
	_, _, err = txlog.WriteContents(io.Discard, contents(nil, odd), noon)
	assert.ErrorContains(t, err, "UTF-8")
}

func TestTwoLogsAreComparedRecordByRecord(t *testing.T) {
	same, err := txlog.Compare(contents(openings, decisions), contents(openings, decisions))
	require.NoError(t, err)
	assert.Equal(t, txlog.Comparison{Openings: [2]int{2, 2}, Records: [2]int{3, 3}}, same)
	later, err := txlog.Compare(contents(openings[:1], decisions), contents(openings, decisions))
	require.NoError(t, err)
	assert.Zero(t, later.Total, "a later opening is no difference")

	change := func(f func(d *txlog.Decision)) []txlog.Decision {
		list := slices.Clone(decisions)
		f(&list[1])
		return list
	}
	for want, second := range map[string]txlog.Contents{
		"mark 4 is missing in the second":           contents(openings[:1], decisions),
		"mark 1 is missing in the second":           contents(openings[1:], decisions),
		"transaction 02000000":                      contents(openings, slices.Delete(slices.Clone(decisions), 1, 2)),
		"outcome: abort in the first, commit":       contents(openings, change(func(d *txlog.Decision) { d.Outcome = txlog.Commit })),
		"participants: [] in the first, [{athos }]": contents(openings, change(func(d *txlog.Decision) { d.Participants = []txlog.Participant{{Name: "athos"}} })),
		"time: ": contents(openings, change(func(d *txlog.Decision) { d.At = d.At.Add(time.Microsecond) })),
		"decided by the opening: 4 in the first, 1":        contents(openings, change(func(d *txlog.Decision) { d.By = 1 })),
		"finished: false in the first, true in the second": contents(openings, change(func(d *txlog.Decision) { d.Finished = true })),
	} {
		c, err := txlog.Compare(contents(openings, decisions), second)
		require.NoError(t, err)
		require.Equal(t, 1, c.Total, want)
		assert.Contains(t, c.Differences[0], want)
	}
	c, err := txlog.Compare(contents(openings, decisions[:1]), contents(openings, decisions))
	require.NoError(t, err)
	assert.Equal(t, 2, c.Total)
	assert.Contains(t, c.Differences[0], "is missing in the first")

	other := contents(nil, nil)
	other.Identity.ID = "zzzzzzzzzzzz"
	c, err = txlog.Compare(contents(nil, nil), other)
	require.NoError(t, err)
	assert.Contains(t, c.Differences[0], "different logs")

	var many []txlog.Decision
	for i := range 100 {
		many = append(many, txlog.Decision{ID: uuid.UUID{byte(i)}, Outcome: txlog.Abort})
	}
	c, err = txlog.Compare(contents(nil, many), contents(nil, nil))
	require.NoError(t, err)
	assert.Equal(t, 100, c.Total)
	assert.Len(t, c.Differences, 20)
	broken := errors.New("no luck")
	failing := contents(openings, nil)
	failing.Records = func(yield func(txlog.Decision, error) bool) { yield(txlog.Decision{}, broken) }
	_, err = txlog.Compare(contents(openings, decisions), failing)
	assert.ErrorIs(t, err, broken)
}
