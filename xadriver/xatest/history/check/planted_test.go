package check

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Lists 1 to 9 live on shard 0, 11 to 19 on shard 1, 21 to 29 on shard 2.
func shardsOf(h *History) map[int64]int {
	m := make(map[int64]int)
	for _, t := range h.Txns {
		for _, o := range t.Ops {
			m[o.Key] = int(o.Key / 10)
		}
	}
	return m
}

func app(key, value int64) Op { return Op{Key: key, Value: value} }

func get(key int64, list ...int64) Op { return Op{Key: key, List: list} }

// find is a get by what the list is like.
func find(key int64, list ...int64) Op { return Op{Key: key, List: list, Predicate: true} }

// at sets the number of the statement that an operation is part of.
func (o Op) at(statement int) Op {
	o.Statement = statement
	return o
}

// txn is a committed transaction of a session of its own, each operation in a
// statement of its own unless it says otherwise.
func txn(id int64, ops ...Op) Txn {
	for i := range ops {
		if ops[i].Statement == 0 {
			ops[i].Statement = i + 1
		}
	}
	return Txn{ID: id, Session: id, Outcome: Committed, Ops: ops}
}

func (t Txn) from(begin, end int64) Txn {
	t.Begin, t.End = begin, end
	return t
}

func (t Txn) told(o Outcome) Txn {
	t.Outcome = o
	return t
}

func (t Txn) early() Txn {
	t.Early = true
	return t
}

func (t Txn) cut() Txn {
	t.Cut = true
	return t
}

func (t Txn) of(session int64) Txn {
	t.Session = session
	return t
}

type lists = map[int64][]int64

// planted are histories with one anomaly each, or none.
var planted = []struct {
	name  string
	txns  []Txn
	final lists
	want  []finding // all that is found
}{
	{"one after the other", []Txn{txn(1, app(1, 10), app(11, 11)), txn(2, get(1, 10), get(11, 11), app(1, 20)), txn(3, get(1, 10, 20), get(11, 11))},
		lists{1: {10, 20}, 11: {11}}, nil},
	{"what is rolled back is not there", []Txn{txn(1, app(1, 10)), txn(2, app(1, 20)).told(Aborted)}, lists{1: {10}}, nil},
	{"in doubt, and there", []Txn{txn(1, app(1, 10), app(11, 11)).told(Maybe), txn(2, get(1, 10), get(11, 11))}, lists{1: {10}, 11: {11}}, nil},
	{"in doubt, and not there", []Txn{txn(1, app(1, 10), app(11, 11)).told(Maybe), txn(2, get(1), get(11))}, lists{}, nil},
	{"its own writes are seen", []Txn{txn(1, app(1, 10), get(1, 10), app(1, 11), get(1, 10, 11))}, lists{1: {10, 11}}, nil},

	{"garbage at the end", []Txn{txn(1, app(1, 10))}, lists{1: {10, 99}}, []finding{{Garbage, 0, 0}}},
	{"garbage in a read", []Txn{txn(1, app(1, 10)), txn(2, get(1, 10, 99))}, lists{1: {10}}, []finding{{Garbage, 0, 0}}},
	{"repeated at the end", []Txn{txn(1, app(1, 10))}, lists{1: {10, 10}}, []finding{{Repeated, 0, 0}}},
	{"repeated in a read", []Txn{txn(1, app(1, 10)), txn(2, get(1, 10, 10))}, lists{1: {10}}, []finding{{Repeated, 0, 0}}},
	{"two orders", []Txn{txn(1, app(1, 10)), txn(2, app(1, 20)), txn(3, get(1, 10, 20)), txn(4, get(1, 20, 10))}, nil, []finding{{Disagreement, 0, 0}}},
	{"lost", []Txn{txn(1, app(1, 10)), txn(2, app(1, 20))}, lists{1: {20}}, []finding{{Lost, 0, 0}}},
	{"half, in doubt", []Txn{txn(1, app(1, 10), app(11, 11)).told(Maybe)}, lists{1: {10}}, []finding{{Half, 0, Across}}},
	{"half, committed", []Txn{txn(1, app(1, 10), app(2, 11))}, lists{1: {10}}, []finding{{Half, 0, 0}}},
	{"its own write is not seen", []Txn{txn(1, app(1, 10), get(1))}, lists{1: {10}}, []finding{{Internal, 0, 0}}},
	{"its own write is seen too early", []Txn{txn(1, get(1, 10), app(1, 10))}, lists{1: {10}}, []finding{{Internal, 0, 0}}},
	{"G0", []Txn{txn(1, app(1, 10), app(2, 11)), txn(2, app(1, 20), app(2, 21))}, lists{1: {10, 20}, 2: {21, 11}}, []finding{{G0, 0, 0}}},
	{"G0 over two shards", []Txn{txn(1, app(1, 10), app(11, 11)), txn(2, app(1, 20), app(11, 21))}, lists{1: {10, 20}, 11: {21, 11}}, []finding{{G0, 0, Across}}},
	{"G0 over three", []Txn{txn(1, app(1, 10), app(11, 11)), txn(2, app(11, 20), app(21, 21)), txn(3, app(21, 30), app(1, 31))},
		lists{1: {31, 10}, 11: {11, 20}, 21: {21, 30}}, []finding{{G0, 0, Across}}},
	{"G0 in real time", []Txn{txn(1, app(1, 10)).from(1, 2), txn(2, app(1, 20)).from(3, 4)}, lists{1: {20, 10}}, []finding{{G0, RealTime, 0}}},
	{"G1a in a read", []Txn{txn(1, app(1, 10)).told(Aborted), txn(2, get(1, 10))}, nil, []finding{{G1a, 0, 0}}},
	{"G1a at the end", []Txn{txn(1, app(1, 10)).told(Aborted)}, lists{1: {10}}, []finding{{G1a, 0, 0}}},
	{"G1b", []Txn{txn(1, app(1, 10), app(1, 11)), txn(2, get(1, 10))}, lists{1: {10, 11}}, []finding{{G1b, 0, 0}, {SkewedStatement, 0, 0}, {GSingle, 0, 0}}},
	{"G1c", []Txn{txn(1, app(1, 10), get(2, 20)), txn(2, app(2, 20), get(1, 10))}, lists{1: {10}, 2: {20}}, []finding{{G1c, 0, 0}}},
	{"G1c over two shards", []Txn{txn(1, app(1, 10), get(11, 20)), txn(2, app(11, 20), get(1, 10))}, lists{1: {10}, 11: {20}},
		[]finding{{G1c, 0, Across}}},
	{"fractured within a statement", []Txn{txn(1, app(1, 10), app(11, 11)), txn(2, get(1, 10).at(1), get(11).at(1))}, lists{1: {10}, 11: {11}},
		[]finding{{SplitStatement, 0, Across}, {SkewedStatement, 0, Across}, {GSingle, 0, Across}}},
	{"fractured, forwards", []Txn{txn(1, app(1, 10), app(11, 11)), txn(2, get(1), get(11, 11))}, lists{1: {10}, 11: {11}},
		[]finding{{Fractured, 0, Across}, {GSingle, 0, Across}}},
	{"fractured, backwards", []Txn{txn(1, app(1, 10), app(2, 11)), txn(2, get(1, 10), get(2))}, lists{1: {10}, 2: {11}},
		[]finding{{SkewedStatement, 0, 0}, {Backwards, 0, 0}, {GSingle, 0, 0}}},
	{"a statement sees what came of what it does not see", []Txn{txn(1, app(1, 10)), txn(2, get(1, 10), app(11, 20)), txn(3, get(1).at(1), get(11, 20).at(1))},
		lists{1: {10}, 11: {20}}, []finding{{SkewedStatement, 0, Across}, {GSingle, 0, Across}}},
	{"lost update", []Txn{txn(1, get(1), app(1, 10)), txn(2, get(1), app(1, 20))}, lists{1: {10, 20}}, []finding{{LostUpdate, 0, 0}, {GSingle, 0, 0}}},
	{"read skew", []Txn{txn(1, app(1, 10)), txn(2, get(1, 10), app(2, 20)), txn(3, get(1), get(2, 20))}, lists{1: {10}, 2: {20}}, []finding{{GSingle, 0, 0}}},
	{"a list read twice, and changed", []Txn{txn(1, app(1, 10)), txn(2, get(1), get(1, 10))}, lists{1: {10}}, []finding{{GSingle, 0, 0}}},
	{"long fork", []Txn{txn(1, app(1, 10)), txn(2, app(11, 20)), txn(3, get(1, 10), get(11)), txn(4, get(1), get(11, 20))}, lists{1: {10}, 11: {20}},
		[]finding{{GNonadjacent, 0, Across}}},
	{"write skew", []Txn{txn(1, get(1), get(11), app(1, 10)), txn(2, get(1), get(11), app(11, 20))}, lists{1: {10}, 11: {20}}, []finding{{G2Item, 0, Across}}},
	{"write skew on one shard", []Txn{txn(1, get(1), app(2, 10)), txn(2, get(2), app(1, 20))}, lists{1: {20}, 2: {10}}, []finding{{G2Item, 0, 0}}},
	{"write skew over a predicate", []Txn{txn(1, find(1), find(11), app(1, 10)), txn(2, find(1), find(11), app(11, 20))}, lists{1: {10}, 11: {20}}, []finding{{G2, 0, Across}}},
	{"write skew over a predicate on one shard", []Txn{txn(1, find(1), app(2, 10)), txn(2, get(2), app(1, 20))}, lists{1: {20}, 2: {10}}, []finding{{G2, 0, 0}}},
	{"write skew over what a predicate has found", []Txn{txn(1, app(1, 1), app(11, 2)), txn(2, find(1, 1), find(11, 2), app(1, 10)), txn(3, find(1, 1), find(11, 2), app(11, 20))},
		lists{1: {1, 10}, 11: {2, 20}}, []finding{{G2Item, 0, Across}}},
	{"a phantom, read twice", []Txn{txn(1, app(1, 10)), txn(2, find(1), find(1, 10))}, lists{1: {10}}, []finding{{GSingle, 0, 0}}},
	{"a stale read", []Txn{txn(1, app(1, 10)).from(1, 2), txn(2, get(1)).from(3, 4)}, lists{1: {10}}, []finding{{SkewedStatement, RealTime, 0}, {GSingle, RealTime, 0}}},
	{"a stale read of one session", []Txn{txn(1, app(1, 10)).from(1, 2).of(7), txn(2, get(1)).from(3, 4).of(7)}, lists{1: {10}}, []finding{{SkewedStatement, Session, 0}, {GSingle, Session, 0}}},
	{"not stale: at the same time", []Txn{txn(1, app(1, 10)).from(1, 4), txn(2, get(1)).from(3, 5)}, lists{1: {10}}, nil},
	{"not stale: at the very same moment", []Txn{txn(1, app(1, 10)).from(1, 3), txn(2, get(1)).from(3, 5)}, lists{1: {10}}, nil},
	{"not stale: in doubt when it ended", []Txn{txn(1, app(1, 10)).from(1, 2).told(Maybe), txn(2, get(1)).from(3, 5)}, lists{1: {10}}, nil},
	{"not stale: a shard was away", []Txn{txn(1, app(1, 10)).from(1, 2).early(), txn(2, get(1)).from(3, 4)}, lists{1: {10}}, nil},
	{"stale, though a shard was away: a cut waits", []Txn{txn(1, app(1, 10)).from(1, 2).early(), txn(2, get(1)).from(3, 4).cut()}, lists{1: {10}}, []finding{{GSingle, RealTime, 0}}},
	{"who saw it had ended before somebody looked at both shards", []Txn{txn(1, app(1, 10), app(11, 11)).from(1, 9), txn(2, get(1, 10)).from(2, 3), txn(3, get(2), get(11)).from(4, 5)},
		lists{1: {10}, 11: {11}}, []finding{{GSingle, RealTime, Across}}},
	{"who saw it had ended before somebody looked at the other shard", []Txn{txn(1, app(1, 10), app(11, 11)).from(1, 9), txn(2, get(1, 10)).from(2, 3), txn(3, get(11)).from(4, 5)},
		lists{1: {10}, 11: {11}}, []finding{{GSingle, Apart, Across}}},
	{"who saw it then wrote elsewhere", []Txn{txn(1, app(1, 10), app(11, 11)).from(1, 9), txn(2, get(1, 10)).from(2, 3), txn(3, app(12, 30)).from(4, 5), txn(4, get(12, 30), get(11)).from(2, 6)},
		lists{1: {10}, 11: {11}, 12: {30}}, []finding{{GSingle, Apart, Across}}},
}

func TestPlantedAnomaliesAreFoundAndNothingElse(t *testing.T) {
	for _, c := range planted {
		t.Run(c.name, func(t *testing.T) {
			h := &History{Txns: c.txns, Final: c.final}
			h.Shard = shardsOf(h)
			var got []finding
			for _, a := range Check(h) {
				got = append(got, finding{a.Kind, a.Clock, a.Shard})
				t.Log(a)
				assert.NotEmpty(t, a.Text)
			}
			assert.ElementsMatch(t, c.want, dedupAcross(got))
		})
	}
}

// dedupAcross leaves out what was found on one shard and therefore over all as well.
func dedupAcross(list []finding) (kept []finding) {
	for _, f := range list {
		again := false
		for _, g := range list {
			again = again || f.shard == Across && g.shard != Across && f.kind == g.kind
		}
		if !again {
			kept = append(kept, f)
		}
	}
	return kept
}

func TestWhatIsAllowedDependsOnLevelSettingAndPlace(t *testing.T) {
	const on = 0
	for _, c := range []struct {
		l       Level
		s       Setting
		a       Anomaly
		allowed bool
	}{
		{ReadCommitted, Off, Anomaly{Kind: SplitStatement, Shard: Across}, true},
		{ReadCommitted, Off, Anomaly{Kind: SplitStatement, Shard: on}, false},
		{ReadCommitted, Snapshot, Anomaly{Kind: SplitStatement, Shard: Across}, true},
		{ReadCommitted, Statement, Anomaly{Kind: SplitStatement, Shard: Across}, false},
		{ReadCommitted, Statement, Anomaly{Kind: SkewedStatement, Clock: RealTime, Shard: Across}, false},
		{ReadCommitted, Statement, Anomaly{Kind: GSingle, Shard: Across}, true},
		{ReadCommitted, Off, Anomaly{Kind: G1c, Clock: RealTime, Shard: Across}, false},
		{RepeatableRead, Off, Anomaly{Kind: GSingle, Shard: Across}, true},
		{RepeatableRead, Off, Anomaly{Kind: GSingle, Shard: on}, false},
		{RepeatableRead, Off, Anomaly{Kind: LostUpdate, Shard: on}, false},
		{RepeatableRead, Snapshot, Anomaly{Kind: GSingle, Clock: Apart, Shard: Across}, false},
		{RepeatableRead, Snapshot, Anomaly{Kind: GNonadjacent, Shard: Across}, false},
		{RepeatableRead, Snapshot, Anomaly{Kind: G2Item, Shard: Across}, true},
		{RepeatableRead, Statement, Anomaly{Kind: Fractured, Shard: Across}, false},
		{Serializable, Snapshot, Anomaly{Kind: G2Item, Shard: Across}, false},
		{Serializable, Snapshot, Anomaly{Kind: GSingle, Clock: RealTime, Shard: Across}, false},
		{Serializable, Snapshot, Anomaly{Kind: GSingle, Clock: Apart, Shard: Across}, true},
		{Serializable, Off, Anomaly{Kind: G2Item, Clock: RealTime, Shard: on}, false},
	} {
		assert.Equal(t, c.allowed, len(For(c.l, c.s).Broken([]Anomaly{c.a})) == 0, "%s: %s", For(c.l, c.s), c.a)
	}
	assert.Contains(t, Table(), "| G2-item (write skew) | yes | yes | no | yes | yes | yes | yes | by the clock, between transactions of one shard each |")
}

func TestEveryKindIsPlanted(t *testing.T) {
	planting := make(map[Kind]bool)
	for _, c := range planted {
		for _, f := range c.want {
			planting[f.kind] = true
		}
	}
	for k := range kinds {
		if k != Money { // of which TestAnAuditWithAnotherSumIsFound has one
			assert.True(t, planting[k], k)
		}
	}
}

func TestAnAuditWithAnotherSumIsFound(t *testing.T) {
	good := Audit{ID: 1, Balances: map[int64]int64{1: 60, 11: 40}}
	half := Audit{ID: 2, Balances: map[int64]int64{1: 50, 11: 40}}
	once := Audit{ID: 3, Statement: true, Balances: map[int64]int64{1: 60, 11: 50}}
	shard := map[int64]int{1: 0, 11: 1}
	assert.Empty(t, Sums(100, []Audit{good, good}, shard))
	found := Sums(100, []Audit{good, half, once, half}, shard)
	require.Len(t, found, 2)
	assert.Equal(t, SplitStatement, found[0].Kind)
	assert.Equal(t, Fractured, found[1].Kind)
	assert.Equal(t, 2, found[1].Times)
	assert.Len(t, For(ReadCommitted, Statement).Broken(found), 1, "several statements may be fractured")
	assert.Len(t, For(RepeatableRead, Snapshot).Broken(found), 2)
	assert.Empty(t, For(RepeatableRead, Off).Broken(found))
}
