package txlogtest

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

// listed returns the ids of all unfinished decisions, read in pages.
func (p *probe) listed(l txlog.Log, page int) []uuid.UUID {
	return p.listedBy(func(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
		list, err := l.Unfinished(ctx, after, limit)
		for _, d := range list {
			assert.False(p, d.Finished)
		}
		return list, err
	}, page)
}

// listedBy goes through a list page by page.
func (p *probe) listedBy(list func(context.Context, uuid.UUID, int) ([]txlog.Decision, error), page int) []uuid.UUID {
	ids := []uuid.UUID{}
	for after := uuid.Nil; ; {
		found, err := list(p.ctx, after, page)
		require.NoError(p, err)
		require.LessOrEqual(p, len(found), page, "more than asked for")
		for _, d := range found {
			require.Positive(p, bytes.Compare(d.ID[:], after[:]), "ids should ascend")
			ids, after = append(ids, d.ID), d.ID
		}
		if len(found) < page {
			return ids
		}
	}
}

func (p *probe) finish(l txlog.Log, ids ...uuid.UUID) {
	for _, id := range ids {
		require.NoError(p, l.Finish(p.ctx, id), "Finish")
	}
}

func sorted(ids []uuid.UUID) []uuid.UUID {
	return slices.SortedFunc(slices.Values(ids), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
}

func unfinished(p *probe) {
	l, beside := p.open(), p.open()
	assert.Empty(p, p.listed(l, 10), "of an empty log")
	ids := []uuid.UUID{{15: 1}, {0: 0x7f, 15: 0xff}, {0: 0x80}, uuid.Max}
	for range 25 { // of both kinds, not in the order in which they are listed
		ids = append(ids, uuid.New(), newID())
	}
	for i, id := range ids {
		p.decide(l, id, []txlog.Outcome{txlog.Commit, txlog.Abort}[i%2], shards[i%2])
	}
	for _, page := range []int{1, 7, len(ids), 1000} {
		assert.Equal(p, sorted(ids), p.listed(l, page), "page by page of %d", page)
		assert.Equal(p, sorted(ids), p.listed(beside, page), "another opening, page by page of %d", page)
	}
	all, err := l.Unfinished(p.ctx, uuid.Nil, 1000)
	require.NoError(p, err)
	for _, d := range all {
		i := slices.Index(ids, d.ID)
		assert.Equal(p, []txlog.Outcome{txlog.Commit, txlog.Abort}[i%2], d.Outcome)
		assert.Equal(p, shards[i%2:][:1], d.Participants)
		assert.True(p, p.lookup(l, d.ID).At.Equal(d.At))
	}
	for _, limit := range []int{0, -1} {
		none, err := l.Unfinished(p.ctx, uuid.Nil, limit)
		require.NoError(p, err)
		assert.Empty(p, none, "limit %d", limit)
	}
}

func records(p *probe) {
	l, beside := p.open(), p.open()
	var ids []uuid.UUID
	for i := range 23 {
		ids = append(ids, newID())
		p.decide(l, ids[i], []txlog.Outcome{txlog.Commit, txlog.Abort}[i%2], shards[i%2])
	}
	p.finish(l, ids[0], ids[5], ids[22])
	for _, page := range []int{1, 7, len(ids), 1000} {
		assert.Equal(p, sorted(ids), p.listedBy(l.Records, page), "page by page of %d", page)
		assert.Equal(p, sorted(ids), p.listedBy(beside.Records, page), "another opening, page by page of %d", page)
	}
	all, err := l.Records(p.ctx, uuid.Nil, 1000)
	require.NoError(p, err)
	for _, d := range all {
		assert.Equal(p, p.lookup(l, d.ID), d)
	}
	none, err := l.Records(p.ctx, uuid.Nil, 0)
	require.NoError(p, err)
	assert.Empty(p, none)
}

func finish(p *probe) {
	l := p.open()
	var ids []uuid.UUID
	for range 12 {
		ids = append(ids, newID())
		p.decide(l, ids[len(ids)-1], txlog.Commit, shards...)
	}
	p.finish(l, ids[0], ids[5], ids[5], ids[11])
	p.finish(l, ids[0])
	rest := slices.Concat(ids[1:5], ids[6:11])
	for _, page := range []int{1, 3, 9, 10} { // finished ones must not make pages short
		assert.Equal(p, sorted(rest), p.listed(l, page), "page by page of %d", page)
	}
	for i, id := range ids {
		d := p.lookup(l, id)
		assert.Equal(p, i == 0 || i == 5 || i == 11, d.Finished)
		assert.Equal(p, txlog.Commit, d.Outcome)
		assert.Equal(p, shards, d.Participants)
	}
	p.finish(l, rest...)
	assert.Empty(p, p.listed(l, 5))
}

func finishNothing(p *probe) {
	l, id, stranger := p.open(), newID(), newID()
	p.decide(l, id, txlog.Commit, shards...)
	p.finish(l, stranger)
	assert.Equal(p, []uuid.UUID{id}, p.listed(l, 10))
	p.lookupNone(l, stranger, "it was only finished, never decided")
	p.finish(l, id)
	_, err := l.Forget(p.ctx, 0)
	require.NoError(p, err)
	p.finish(l, id, stranger)
	p.lookupNone(l, id, "it was forgotten")
	assert.Empty(p, p.listed(l, 10))
	require.NoError(p, l.Close())
	again := p.open()
	p.lookupNone(again, id, "it was forgotten before the log was closed")
	p.lookupNone(again, stranger, "it was never decided before the log was closed")
}

func decideFinished(p *probe) {
	l, id := p.open(), newID()
	p.decide(l, id, txlog.Abort, shards...)
	p.finish(l, id)
	assert.Equal(p, txlog.Abort, p.decide(l, id, txlog.Commit, shards...))
	assert.Equal(p, txlog.Abort, p.decide(p.open(), id, txlog.Commit, shards...))
	assert.True(p, p.lookup(l, id).Finished)
	assert.Empty(p, p.listed(l, 10))
}

func finishKept(p *probe) {
	l := p.open()
	done, left := newID(), newID()
	p.decide(l, done, txlog.Commit, shards...)
	p.decide(l, left, txlog.Abort, shards...)
	p.finish(l, done)
	beside := p.open()
	require.NoError(p, l.Close())
	for _, l := range []txlog.Log{beside, p.open()} {
		assert.Equal(p, []uuid.UUID{left}, p.listed(l, 10))
		assert.True(p, p.lookup(l, done).Finished)
		assert.False(p, p.lookup(l, left).Finished)
	}
}
