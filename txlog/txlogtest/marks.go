package txlogtest

import (
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/xapg/xapg/txlog"
)

func identity(p *probe) {
	first, second := p.open(), p.open()
	id := first.Identity()
	assert.Equal(p, Cluster, id.Cluster)
	assert.Regexp(p, "^[a-z2-7]{12}$", id.ID)
	assert.Equal(p, id, second.Identity(), "of an opening beside the first")
	require.NoError(p, first.Close())
	require.NoError(p, second.Close())
	assert.Equal(p, id, first.Identity(), "of a closed opening")
	assert.Equal(p, id, p.open().Identity(), "of a later opening")
	assert.NotEqual(p, id.ID, p.openAt(p.other).Identity().ID, "of another log")
}

func otherCluster(p *probe) {
	l := p.open()
	mark := l.Mark()
	require.NoError(p, l.Close())

	stranger, err := p.opener(p.ctx, p.place, "stranger")
	if err == nil {
		_ = stranger.Close()
	}
	var foreign *txlog.ForeignError
	require.ErrorAs(p, err, &foreign)
	assert.Contains(p, foreign.Error(), Cluster, "the error should tell whose log it is")

	known, err := p.open().HasMark(p.ctx, mark)
	require.NoError(p, err)
	assert.True(p, known, "the log should be as it was")
}

func freshMarks(p *probe) {
	seen := make(map[uuid.UUID]bool)
	last := int64(0)
	for range 5 {
		l := p.open()
		m := l.Mark()
		assert.Greater(p, m.Seq, last, "the marks' numbers should grow")
		assert.NotEqual(p, uuid.Nil, m.ID)
		assert.False(p, seen[m.ID], "mark %v was left before", m)
		assert.Equal(p, m, l.Mark(), "a mark should not change")
		seen[m.ID], last = true, m.Seq
		if m.Seq%2 == 0 { // openings beside each other and one after the other
			require.NoError(p, l.Close())
		}
	}
}

func knownMarks(p *probe) {
	var marks []txlog.Mark
	var openings []txlog.Log
	for range 4 {
		l := p.open()
		marks, openings = append(marks, l.Mark()), append(openings, l)
	}
	stranger := p.openAt(p.other).Mark()
	require.NoError(p, openings[0].Close())
	openings[0] = p.open()
	for i, l := range openings {
		for _, m := range marks {
			known, err := l.HasMark(p.ctx, m)
			require.NoError(p, err)
			assert.True(p, known, "opening %d should know %v", i, m)
		}
		for what, m := range map[string]txlog.Mark{
			"another log's mark":                stranger,
			"no mark":                           {},
			"a number with another mark's id":   {Seq: marks[0].Seq, ID: marks[1].ID},
			"a number with a stranger's id":     {Seq: marks[0].Seq, ID: stranger.ID},
			"an id with a number of the future": {Seq: marks[0].Seq + 1000, ID: marks[0].ID},
		} {
			known, err := l.HasMark(p.ctx, m)
			require.NoError(p, err)
			assert.False(p, known, "opening %d should not know %s", i, what)
		}
	}
}

func openings(p *probe) {
	var marks []txlog.Mark
	for range 5 {
		marks = append(marks, p.open().Mark())
	}
	l := p.logs[0]
	for _, page := range []int{1, 2, 5, 100} {
		var got []txlog.Mark
		for after := int64(0); ; {
			list, err := l.Openings(p.ctx, after, page)
			require.NoError(p, err)
			for _, o := range list {
				got, after = append(got, o.Mark), o.Mark.Seq
				assert.False(p, o.At.IsZero(), "the time of an opening")
			}
			if len(list) < page {
				break
			}
		}
		assert.Equal(p, marks, got, "page by page of %d", page)
	}
	none, err := l.Openings(p.ctx, 0, 0)
	require.NoError(p, err)
	assert.Empty(p, none)
}
