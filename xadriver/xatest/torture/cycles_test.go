package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnomaliesOfListsAreTold(t *testing.T) {
	appends := func(id int64, reads ...read) *txn {
		return &txn{ID: id, Kind: kindLists, On: []int{0}, Told: committed, Locked: true, Reads: reads}
	}
	reads := func(id int64, locked bool, reads ...read) *txn {
		return &txn{ID: id, Kind: kindReader, Told: committed, Locked: locked, Reads: reads}
	}
	at := func(t *txn, begin, end int64) *txn {
		t.Begin, t.End = begin, end
		return t
	}
	for name, c := range map[string]struct {
		txns  []*txn
		lists map[string][]int64
		want  string
	}{
		"one after the other": {[]*txn{appends(1), appends(2), reads(3, true, read{"a", []int64{1, 2}}, read{"b", []int64{1, 2}})},
			map[string][]int64{"a": {1, 2}, "b": {1, 2}}, ""},
		"dirty write: two orders of two writers": {[]*txn{appends(1), appends(2)}, map[string][]int64{"a": {1, 2}, "b": {2, 1}}, "G0"},
		"a circle of three writers":              {[]*txn{appends(1), appends(2), appends(3)}, map[string][]int64{"a": {1, 2}, "b": {2, 3}, "c": {3, 1}}, "G0"},
		"circular information flow": {[]*txn{appends(1, read{"b", []int64{2}}), appends(2, read{"a", []int64{1}})},
			map[string][]int64{"a": {1}, "b": {2}}, "G1c"},
		"read skew without locks is allowed": {[]*txn{appends(1), reads(2, false, read{"a", []int64{1}}, read{"b", nil})},
			map[string][]int64{"a": {1}, "b": {1}}, ""},
		"read skew with locks": {[]*txn{appends(1), reads(2, true, read{"a", []int64{1}}, read{"b", nil})},
			map[string][]int64{"a": {1}, "b": {1}}, "G2"},
		"write skew": {[]*txn{appends(1, read{"a", nil}, read{"b", nil}), appends(2, read{"a", nil}, read{"b", nil})},
			map[string][]int64{"a": {1}, "b": {2}}, "G2"},
		"lost update": {[]*txn{appends(1, read{"a", nil}), appends(2, read{"a", nil})}, map[string][]int64{"a": {1, 2}}, "G2"},
		"a stale read": {[]*txn{at(appends(1), 1, 2), at(reads(2, true, read{"a", nil}), 3, 4)},
			map[string][]int64{"a": {1}}, "G2 in real time"},
		"a read at the same time": {[]*txn{at(appends(1), 1, 4), at(reads(2, true, read{"a", nil}), 3, 5)},
			map[string][]int64{"a": {1}}, ""},
		"at the very same moment": {[]*txn{at(appends(1), 1, 3), at(reads(2, true, read{"a", nil}), 3, 5)},
			map[string][]int64{"a": {1}}, ""},
		"what nobody was told proves no time": {[]*txn{{ID: 1, Kind: kindLists, On: []int{0}, Told: untold, Begin: 1}, at(reads(2, true, read{"a", nil}), 3, 4)},
			map[string][]int64{"a": {1}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad := checkLists(c.txns, c.lists, func(*txn) bool { return true })
			if c.want == "" {
				assert.Empty(t, bad)
				return
			}
			require.Len(t, bad, 1)
			assert.Equal(t, vCycle, bad[0].What)
			assert.Contains(t, bad[0].Text, c.want+":")
			t.Log(bad[0])
		})
	}
}

func TestComponentsAreThoseOfTheGraph(t *testing.T) {
	g := &graph{edges: make([][]edge, 7)}
	for _, e := range [][2]int{{0, 1}, {1, 2}, {2, 0}, {2, 3}, {3, 4}, {4, 5}, {5, 4}, {6, 6}} {
		g.add(e[0], e[1], ww, "")
	}
	sizes := make(map[int]int)
	for _, group := range g.components(ww) {
		sizes[len(group)]++
	}
	assert.Equal(t, map[int]int{3: 1, 2: 1, 1: 2}, sizes)
	assert.Len(t, g.components(rw), 7, "edges of other kinds do not count")
}
