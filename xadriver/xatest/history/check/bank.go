package check

import (
	"fmt"
	"maps"
	"slices"
)

// Audit is what one transaction, or one statement, saw of all accounts.
type Audit struct {
	ID        int64
	Session   int64
	Statement bool // all accounts were read by one statement
	Balances  map[int64]int64
}

// Sums finds audits whose sum is not the total: the accounts' money only moves.
// Those of one statement are fractured statements, and those of several are fractured
// reads, when there are several shards; on one shard, too, they would be nothing else.
func Sums(total int64, audits []Audit, shard map[int64]int) []Anomaly {
	found := make(map[Kind]*Anomaly)
	for _, a := range audits {
		sum := int64(0)
		for _, b := range a.Balances {
			sum += b
		}
		if sum == total {
			continue
		}
		kind := Fractured
		if a.Statement {
			kind = SplitStatement
		}
		if was := found[kind]; was != nil {
			was.Times++
			continue
		}
		text := fmt.Sprintf("\taudit %d of session %d has the sum %d, which is to be %d:", a.ID, a.Session, sum, total)
		for _, owner := range slices.Sorted(maps.Keys(a.Balances)) {
			text += fmt.Sprintf(" %d (shard %d): %d,", owner, shard[owner], a.Balances[owner])
		}
		found[kind] = &Anomaly{Kind: kind, Shard: Across, Times: 1, Text: text}
	}
	var list []Anomaly
	for _, k := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[k])
	}
	return list
}
