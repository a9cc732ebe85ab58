package check

import "fmt"

// Kind is a kind of anomaly.
type Kind uint8

// The kinds. Those before G0 are never allowed, and make the rest meaningless where
// they concern the order of a list.
const (
	Garbage         Kind = iota // a list has what nobody appended
	Repeated                    // a list has a value twice
	Disagreement                // two reads of a list are not beginnings of one order
	Lost                        // committed, and not in the list at the end
	Half                        // one part of a transaction is there at the end, and another is not
	Internal                    // a transaction does not see what it appended itself
	Money                       // the balances have another sum
	G0                          // dirty write: a cycle of ww
	G1a                         // aborted read: what was rolled back is seen
	G1b                         // intermediate read: another's values are seen before its last
	G1c                         // circular information flow: a cycle of ww and wr
	SplitStatement              // fractured read within one statement
	SkewedStatement             // a statement's snapshot has one and not what came before it
	Backwards                   // a statement misses a part of what an earlier one has seen a part of
	Fractured                   // a transaction sees one part of another and misses another part
	LostUpdate                  // read, somebody else appended, appended
	GSingle                     // read skew: a cycle with one rw
	GNonadjacent                // long fork: a cycle with several rw, no two in a row
	G2Item                      // write skew: a cycle with two rw in a row
	G2                          // the same, where somebody had looked for what was not there yet
	kinds
)

var kindNames = [kinds]string{
	"garbage", "repeated value", "disagreement", "lost write", "half a transaction", "internal inconsistency", "another sum", "G0 (dirty write)",
	"G1a (aborted read)", "G1b (intermediate read)", "G1c (circular information flow)", "fractured statement", "skewed statement",
	"fractured read, backwards", "fractured read", "lost update", "G-single (read skew)", "G-nonadjacent (long fork)", "G2-item (write skew)", "G2 (write skew over a predicate)",
}

func (k Kind) String() string { return kindNames[k] }

// Clock says whether an anomaly needs the order in which things happened by the clock.
type Clock uint8

// Clocks. An order is apart when it is that of two transactions that touched one
// shard each, and not the same.
const (
	Timeless Clock = iota // it does not
	Session               // it needs the order of one session's transactions
	RealTime              // it needs that one had ended before another began
	Apart                 // of two that touched different shards
)

func (c Clock) String() string {
	return [...]string{"", " in session order", " in real time", " in real time of different shards"}[c]
}

// Across is the scope of what concerns more than one shard; the others are shards.
const Across = -1

// Anomaly is what was found of one kind.
type Anomaly struct {
	Kind  Kind
	Clock Clock
	Shard int    // where, or Across
	Times int    // how often; of cycles, how many knots of them
	Text  string // the shortest witness
}

func (a Anomaly) String() string {
	where := "over several shards"
	if a.Shard != Across {
		where = fmt.Sprintf("on shard %d alone", a.Shard)
	}
	return fmt.Sprintf("%s%s, %s (%d times), such as\n%s", a.Kind, a.Clock, where, a.Times, a.Text)
}
