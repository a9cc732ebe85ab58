// Package check finds isolation anomalies in histories of transactions that read lists
// and append to them.
//
// It judges as Elle does (K. Kingsbury and P. Alvaro, "Elle: Inferring Isolation
// Anomalies from Experimental Observations", VLDB 2020). Each value is appended once, so
// that a list tells in which order its writers came: each read is a beginning of that
// order. From this follow the dependencies between transactions, in the terms of A. Adya
// ("Weak Consistency", MIT, 1999):
//
//	ww  the other appended next to the same list
//	wr  the other read what the one appended
//	rw  the other appended what the one's read did not have yet
//
// and, by the clock that all processes of a host share, that one had ended before the
// other began. A cycle of dependencies is an anomaly, named after what it is made of.
//
// What is found is one thing, and what is promised another: a [Promise] says for an
// isolation level and a setting of the driver which anomalies may be seen within one
// shard and which over several.
package check

import "slices"

// Outcome is what is known of a transaction's end.
type Outcome uint8

// Outcomes. What may have been committed counts as committed when something of it is
// found in a list, and as rolled back when nothing is.
const (
	Maybe Outcome = iota
	Committed
	Aborted
)

func (o Outcome) String() string {
	return [...]string{"in doubt", "committed", "rolled back"}[o]
}

// Op is one operation on one list: it appends a value to it, or reads all of it.
type Op struct {
	Key       int64   `json:"k"`
	Value     int64   `json:"v,omitempty"` // what is appended, not 0; 0 for a read
	List      []int64 `json:"l,omitempty"` // what was read
	Predicate bool    `json:"p,omitempty"` // a read: it asked for all lists of some kind, not for this one by its name
	Statement int     `json:"s,omitempty"` // operations of one statement have the same number
	Begin     int64   `json:"b,omitempty"` // of the statement; 0 where it is not known
	End       int64   `json:"e,omitempty"`
}

// Appends reports whether the operation appends.
func (o Op) Appends() bool { return o.Value != 0 }

// Txn is one transaction, as its process told it. Its operations are in order.
type Txn struct {
	ID      int64
	Session int64 // transactions of one session come one after the other
	Outcome Outcome
	Begin   int64 // before its first statement; 0 where it is not known
	End     int64 // after its commit was acknowledged; 0 where it never was
	Ops     []Op
	// Confined says that it was bound to one shard from its beginning, and so has a
	// snapshot of that shard only.
	Confined bool
	// Early says that it may not have been finished on all shards when it was said to be
	// committed, because one of them was away. Only a transaction with a Cut has to see it.
	Early bool
	// Cut says that its snapshots are of one moment, at which whatever was decided is finished.
	Cut bool
}

// History is what some processes did.
type History struct {
	Txns  []Txn
	Final map[int64][]int64 // the lists when all was quiet; nil where nobody looked
	Shard map[int64]int     // where each list lives
}

// shards are the shards on which a transaction did something, or, with appended, wrote.
func (h *History) shards(t *Txn, appended bool) (list []int) {
	for _, o := range t.Ops {
		if s := h.Shard[o.Key]; (o.Appends() || !appended) && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
