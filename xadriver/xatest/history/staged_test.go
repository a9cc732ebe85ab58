package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// What each row of the table allows does happen, and what it does not allow does not, when
// somebody looks at the very moment at which it could.
func whatHappens(t *testing.T, a *arena) {
	const (
		rcOff, rcStatement            = "rc/off", "rc/statement"
		rrOff, rrSnapshot, serializes = "rr/off", "rr/snapshot", "ser/snapshot"
	)
	plays := []struct {
		name string
		play func(th *theater)
		want map[string][]check.Kind
	}{
		{"a statement while a commit is carried out", oneLook, map[string][]check.Kind{
			rcOff: {check.SplitStatement, check.SkewedStatement, check.GSingle}, rcStatement: nil,
			rrOff: {check.SplitStatement, check.SkewedStatement, check.GSingle}, rrSnapshot: nil, serializes: nil,
		}},
		{"two statements while a commit is carried out", twoLooks, map[string][]check.Kind{
			rcOff: {check.Backwards, check.GSingle}, rcStatement: {check.Backwards, check.GSingle},
			rrOff: {check.Backwards, check.GSingle}, rrSnapshot: nil, serializes: nil,
		}},
		{"who saw one half writes elsewhere", cause, map[string][]check.Kind{
			rcOff: {check.SkewedStatement, check.GSingle}, rcStatement: nil,
			rrOff: {check.SkewedStatement, check.GSingle}, rrSnapshot: nil,
		}},
		{"two transactions of a shard each while a commit is carried out", apart, map[string][]check.Kind{
			rrSnapshot: nil, serializes: {check.GSingle},
		}},
		{"write skew", skew((*theater).both), map[string][]check.Kind{rcStatement: {check.G2Item}, rrOff: {check.G2Item}, rrSnapshot: {check.G2Item}, serializes: nil}},
		{"write skew over a predicate", skew((*theater).finds), map[string][]check.Kind{rcStatement: {check.G2}, rrOff: {check.G2}, rrSnapshot: {check.G2}, serializes: nil}},
	}
	for _, c := range cells() {
		var th *theater
		for _, p := range plays {
			want, on := p.want[c.String()]
			if !on {
				continue
			}
			if th == nil {
				th = playing(t, a, c)
			}
			t.Run(c.String()+": "+p.name, func(t *testing.T) {
				th.curtain(t)
				p.play(th)
				assert.Equal(t, want, th.seen())
			})
		}
	}
}

// oneLook reads both shards by one statement, between the two halves of a commit.
func oneLook(th *theater) {
	end := th.halfway(th.plays(th.writer, one(th.appends(0)), one(th.appends(1))))
	r := th.plays(th.reader, one(th.reads(0), th.reads(1)))
	end()
	r.commits()
}

// twoLooks reads one shard, and then the other.
func twoLooks(th *theater) {
	end := th.halfway(th.plays(th.writer, one(th.appends(0)), one(th.appends(1))))
	r := th.plays(th.reader, one(th.reads(0)), one(th.reads(1)))
	end()
	r.commits()
}

// cause has somebody see the first half and then append to the third shard. Who sees that
// has to see the whole.
func cause(th *theater) {
	end := th.halfway(th.plays(th.writer, one(th.appends(0)), one(th.appends(1))))
	th.plays(th.reader, one(th.reads(0)), one(th.appends(2))).commits()
	r := th.plays(th.reader, one(th.reads(1), th.reads(2)))
	end()
	r.commits()
}

// apart has one look at the first shard, and when that is over another at the second.
func apart(th *theater) {
	if th.Level == check.Serializable { // transactions that begin so become known as ones of one shard
		for range 17 {
			th.plays(th.reader, one(th.reads(0))).commits()
		}
	}
	end := th.halfway(th.plays(th.writer, one(th.appends(0)), one(th.appends(1))))
	th.plays(th.reader, one(th.reads(0))).commits()
	th.plays(th.reader, one(th.reads(1))).commits()
	end()
}

// skew has two read what the other appends then, or look for it. By turns, the second one
// has to wait, or begins again.
func skew(what func(th *theater) []op) func(th *theater) {
	return func(th *theater) {
		x := th.plays(th.writer, what(th))
		y := make(chan *actor, 1)
		go func() {
			defer close(y) // if it fails, nobody comes
			y <- th.plays(th.reader, what(th))
		}()
		var second *actor
		if th.Level != check.Serializable {
			second = <-y
		}
		require.NoError(th.t, x.try(th.appends(0)))
		x.commits()
		if second == nil {
			second = <-y
		}
		require.NotNil(th.t, second)
		require.NoError(th.t, second.try(th.appends(1)))
		second.commits()
	}
}
