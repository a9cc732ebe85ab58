package check

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run carries out random transactions, several at a time, in a random order of steps.
func (m *model) run(count, atOnce int) *History {
	var under []*active
	for began := 0; began < count || len(under) > 0; {
		i := m.dice("who", atOnce)
		if i >= len(under) {
			if began < count {
				began++
				under = append(under, m.draw(freeSession(under)))
			}
			continue
		}
		a := under[i]
		over := false
		switch {
		case a.failed:
			m.undo(a)
			m.end(a, Aborted)
			over = true
		case a.at < len(a.plan):
			if !m.step(a) && m.stuck(under) {
				a.failed = true // a deadlock, or the like
			}
		case a.decided == 0 && m.dice("rolls back", 10) == 9:
			a.failed = true
		case a.decided == 0:
			m.decide(a)
		case len(a.pending) > 0:
			m.show(a, slices.Sorted(keysOf(a.pending))[0])
		default:
			outcome := Committed
			if m.dice("in doubt", 10) == 9 && !m.sure {
				outcome = Maybe
			}
			m.end(a, outcome)
			over = true
		}
		if over {
			under = slices.Delete(under, i, i+1)
		}
	}
	return m.finish()
}

// stuck reports whether nobody could go on.
func (m *model) stuck(under []*active) bool {
	return !slices.ContainsFunc(under, func(a *active) bool { return a.failed || a.at == len(a.plan) })
}

func keysOf(set map[int]bool) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for k := range set {
			if !yield(k) {
				return
			}
		}
	}
}

func freeSession(under []*active) int64 {
	for s := int64(1); ; s++ {
		if !slices.ContainsFunc(under, func(a *active) bool { return a.txn.Session == s }) {
			return s
		}
	}
}

func TestOneAfterTheOtherIsCleanAtEveryLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newModel(Serializable, true, drawn(t)).run(rapid.IntRange(1, 30).Draw(t, "transactions"), 1)
		require.Empty(t, Check(h))
	})
}

// What the model does is what the table says: it shows no more than is allowed.
func TestEachLevelOfAModelShowsOnlyWhatItsRowAllows(t *testing.T) {
	for _, c := range []struct {
		level   Level
		setting Setting
	}{{ReadCommitted, Off}, {ReadCommitted, Statement}, {RepeatableRead, Off}, {RepeatableRead, Snapshot}} {
		p := For(c.level, c.setting)
		t.Run(p.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				h := newModel(c.level, c.setting != Off, drawn(t)).run(rapid.IntRange(2, 40).Draw(t, "transactions"), 5)
				require.Empty(t, p.Broken(Check(h)))
			})
			shown := make(map[Kind]bool)
			for seed := range uint64(200) {
				found := Check(newModel(c.level, c.setting != Off, seeded(seed)).run(40, 5))
				require.Empty(t, p.Broken(found))
				for _, a := range found {
					shown[a.Kind] = true
				}
			}
			for kind, from := range p.Across {
				// A long fork is told only where there is no shorter cycle.
				// In the model each statement has a cut, of one shard or of several.
				if from == Timeless && kind != GNonadjacent && (kind != Backwards || c.setting == Off) && (kind != LostUpdate || c.level == ReadCommitted) {
					assert.True(t, shown[kind], "the model must show %s, or this proves little", kind)
				}
			}
		})
	}
}

// A history that is right is spoilt in one place.
func TestWhatIsSpoiltIsFound(t *testing.T) {
	for name, spoil := range map[string]func(t *rapid.T, h *History) bool{
		"two values change places":          spoilRead(func(l []int64) []int64 { return append([]int64{l[1], l[0]}, l[2:]...) }, 2),
		"a value comes twice":               spoilRead(func(l []int64) []int64 { return append(slices.Clone(l), l[0]) }, 1),
		"a value is left out":               spoilRead(func(l []int64) []int64 { return l[1:] }, 2),
		"a value that nobody wrote":         spoilRead(func(l []int64) []int64 { return append(slices.Clone(l), 999_999) }, 0),
		"what was written last is not seen": spoilRead(func(l []int64) []int64 { return l[:len(l)-1] }, 1),
		"what was written later is seen":    spoilFuture,
		"what was committed is said to be rolled back": func(t *rapid.T, h *History) bool {
			return spoilTxn(t, h, func(x *Txn) { x.Outcome = Aborted })
		},
		"what was committed is not there": func(t *rapid.T, h *History) bool {
			return spoilTxn(t, h, func(x *Txn) {
				for _, o := range x.Ops {
					if o.Appends() {
						h.Final[o.Key] = slices.DeleteFunc(slices.Clone(h.Final[o.Key]), func(v int64) bool { return v == o.Value })
					}
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			done := 0
			rapid.Check(t, func(t *rapid.T) {
				m := newModel(Serializable, true, drawn(t))
				m.sure = true // who is in doubt may as well be read or not
				h := m.run(20, 1)
				if spoil(t, h) {
					done++
					require.NotEmpty(t, For(Serializable, Snapshot).Broken(Check(h)))
				}
			})
			assert.Positive(t, done)
		})
	}
}

// spoilRead changes what was read in one place, where there are values enough.
func spoilRead(change func([]int64) []int64, least int) func(t *rapid.T, h *History) bool {
	return func(t *rapid.T, h *History) bool {
		var reads []*Op
		for i := range h.Txns {
			for j := range h.Txns[i].Ops {
				if o := &h.Txns[i].Ops[j]; h.Txns[i].Outcome == Committed && !o.Appends() && len(o.List) >= least {
					reads = append(reads, o)
				}
			}
		}
		if len(reads) == 0 {
			return false
		}
		o := reads[rapid.IntRange(0, len(reads)-1).Draw(t, "which")]
		o.List = change(o.List)
		return true
	}
}

// spoilFuture lets a transaction read what came after it had ended.
func spoilFuture(t *rapid.T, h *History) bool {
	for i := range h.Txns {
		if h.Txns[i].Outcome != Committed {
			continue
		}
		for j := range h.Txns[i].Ops {
			o := &h.Txns[i].Ops[j]
			if n := len(o.List); !o.Appends() && n < len(h.Final[o.Key]) {
				o.List = h.Final[o.Key][:n+1]
				return true
			}
		}
	}
	return false
}

func spoilTxn(t *rapid.T, h *History, change func(*Txn)) bool {
	var writers []*Txn
	for i := range h.Txns {
		if x := &h.Txns[i]; x.Outcome == Committed && slices.ContainsFunc(x.Ops, Op.Appends) {
			writers = append(writers, x)
		}
	}
	if len(writers) == 0 {
		return false
	}
	change(writers[rapid.IntRange(0, len(writers)-1).Draw(t, "which")])
	return true
}

// A hundred thousand operations take a second or so: the time for each does not grow.
func TestAHundredThousandOperationsAreJudged(t *testing.T) {
	m := newModel(RepeatableRead, false, seeded(1))
	m.lasts = 50
	h := m.run(50_000, 8)
	ops := 0
	for _, x := range h.Txns {
		ops += len(x.Ops)
	}
	require.Greater(t, ops, 100_000)
	began := time.Now()
	found := Check(h)
	t.Logf("%d transactions, %d operations, %d kinds of anomalies: %s", len(h.Txns), ops, len(found), time.Since(began))
	assert.Empty(t, For(RepeatableRead, Off).Broken(found))
	assert.NotEmpty(t, For(RepeatableRead, Snapshot).Broken(found), "with snapshots of each shard alone it shows more")
}
