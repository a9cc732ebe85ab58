package main

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// forged is a history of two shards and what is there, in which all is right; each
// test spoils it in one place.
func forged() ([]*txn, *state) {
	txns := []*txn{
		{ID: 1, Kind: kindTransfer, On: []int{0, 1}, Told: committed},
		{ID: 2, Kind: kindTransfer, On: []int{0, 1}, Told: rolledBack},
		{ID: 3, Kind: kindCounter, On: []int{0, 1}, Mask: 3, Told: committed},
		{ID: 4, Kind: kindCounter, On: []int{0, 1}, Mask: 3, Told: untold},
		{ID: 5, Kind: kindRows, On: []int{0, 1}, Told: inDoubt},
		{ID: 6, Kind: kindLists, On: []int{0, 1}, Told: committed, Locked: true, Begin: 10, End: 20, Appends: []string{"a", "b"}, Reads: []read{{"a", nil}, {"b", nil}}},
		{ID: 7, Kind: kindLists, On: []int{0, 1}, Told: committed, Locked: true, Begin: 30, End: 40, Appends: []string{"a", "b"}, Reads: []read{{"a", []int64{6}}, {"b", []int64{6}}}},
		{ID: 8, Kind: kindReader, Told: committed, Locked: true, Begin: 50, End: 60, Reads: []read{{"a", []int64{6, 7}}, {"b", []int64{6, 7}}}},
		{ID: 9, Kind: kindSingle, On: []int{1}, Told: untold},
	}
	traces := func() map[int64]int { return map[int64]int{1: 0, 3: 0, 4: 0, 5: 1, 6: 0, 7: 0} }
	return txns, &state{
		Names: []string{"s1", "s2"}, Total: 100, Money: 100, Sum: 100,
		Traces:   []map[int64]int{traces(), traces()},
		Base:     map[int]int64{3: 5},
		Counters: []map[int]int64{{3: 7}, {3: 7}},
		Ticks:    []map[int][]tick{{3: {{6, 3}, {7, 4}}}, {3: {{6, 3}, {7, 4}}}},
		Lists:    map[string][]int64{"a": {6, 7}, "b": {6, 7}},
	}
}

func TestAHistoryThatIsRightIsNotComplainedOf(t *testing.T) {
	txns, s := forged()
	assert.Empty(t, check(txns, s))
}

func TestEveryViolationIsFound(t *testing.T) {
	of := func(txns []*txn, id int64) *txn {
		return txns[slices.IndexFunc(txns, func(t *txn) bool { return t.ID == id })]
	}
	for name, c := range map[string]struct {
		spoil func(txns []*txn, s *state)
		want  string
	}{
		"on one of two shards":              {func(_ []*txn, s *state) { delete(s.Traces[1], 1) }, vHalf},
		"in doubt, on one of two shards":    {func(_ []*txn, s *state) { delete(s.Traces[0], 5) }, vHalf},
		"committed, and nowhere":            {func(_ []*txn, s *state) { delete(s.Traces[0], 1); delete(s.Traces[1], 1) }, vLost},
		"rolled back, and there":            {func(_ []*txn, s *state) { s.Traces[0][2], s.Traces[1][2] = 0, 0 }, vReturned},
		"on a shard that it did not write":  {func(_ []*txn, s *state) { s.Traces[0][9] = 0 }, vHalf},
		"a row that nobody wrote":           {func(_ []*txn, s *state) { s.Traces[1][77] = 0 }, vStranger},
		"a row that was not updated":        {func(_ []*txn, s *state) { s.Traces[1][5] = 0 }, vHalf},
		"money lost":                        {func(_ []*txn, s *state) { s.Money-- }, vMoney},
		"money summed up wrong":             {func(_ []*txn, s *state) { s.Sum++ }, vMoney},
		"a counter ahead":                   {func(_ []*txn, s *state) { s.Counters[1][3]++ }, vCounter},
		"both counters behind":              {func(_ []*txn, s *state) { s.Counters[0][3]--; s.Counters[1][3]-- }, vCounter},
		"committed in another order":        {func(_ []*txn, s *state) { s.Ticks[1][3] = []tick{{6, 4}, {7, 3}} }, vOrder},
		"a tick is missing":                 {func(_ []*txn, s *state) { s.Ticks[1][3] = s.Ticks[1][3][:1] }, vOrder},
		"left prepared":                     {func(_ []*txn, s *state) { s.Prepared = []string{"xapg_x"} }, vPrepared},
		"left open":                         {func(_ []*txn, s *state) { s.Open = []string{"x"} }, vOpen},
		"an append lost":                    {func(_ []*txn, s *state) { s.Lists["a"] = []int64{6} }, vList},
		"an append doubled":                 {func(_ []*txn, s *state) { s.Lists["a"] = []int64{6, 7, 6} }, vList},
		"an append by nobody":               {func(_ []*txn, s *state) { s.Lists["a"] = []int64{6, 7, 70} }, vList},
		"a list gone":                       {func(_ []*txn, s *state) { delete(s.Lists, "b") }, vList},
		"an append of what was rolled back": {func(_ []*txn, s *state) { delete(s.Traces[0], 7); delete(s.Traces[1], 7) }, vList},
		"a read of what never was":          {func(txns []*txn, _ *state) { of(txns, 8).Reads[0].V = []int64{6, 99} }, vList},
		"a read in another order":           {func(txns []*txn, _ *state) { of(txns, 8).Reads[0].V = []int64{7, 6} }, vList},
		"lists written in two orders":       {func(_ []*txn, s *state) { s.Lists["b"] = []int64{7, 6} }, vList},
		"a half read, with locks":           {func(txns []*txn, _ *state) { of(txns, 8).Reads[0].V = []int64{6} }, vCycle},
		"an old read, with locks": {func(txns []*txn, _ *state) {
			of(txns, 8).Reads[0].V, of(txns, 8).Reads[1].V = []int64{6}, []int64{6}
		}, vCycle},
	} {
		t.Run(name, func(t *testing.T) {
			txns, s := forged()
			c.spoil(txns, s)
			var kinds []string
			for _, v := range check(txns, s) {
				kinds = append(kinds, v.What)
			}
			assert.Contains(t, kinds, c.want)
		})
	}
}
