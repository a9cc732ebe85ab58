package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// auditor adds up all balances again and again, while others pay. Nobody pays in or out:
// each sum must be the same.
type auditor struct {
	want int64

	mu          sync.Mutex
	sums, wrong int
	low, high   int64 // of all totals
}

// work goes on until the time is over. Several may work at once, and look at the same moments.
func (a *auditor) work(ctx context.Context, db *sql.DB) error {
	for ctx.Err() == nil {
		total, err := a.sum(context.WithoutCancel(ctx), db)
		if err != nil {
			return err
		}
		a.note(total)
	}
	return nil
}

func (a *auditor) note(total int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sums == 0 {
		a.low, a.high = total, total
	}
	a.low, a.high = min(a.low, total), max(a.high, total)
	a.sums++
	if total != a.want {
		a.wrong++
	}
}

func (a *auditor) so() (sums, wrong int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sums, a.wrong
}

// sum is one look at all shards. REPEATABLE READ promises a single state of the database,
// and here that is the state of all of them, unless consistent_reads=off.
func (a *auditor) sum(ctx context.Context, db *sql.DB) (total int64, err error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := tx.QueryRowContext(ctx, `SELECT sum(amount)::bigint FROM ledger`).Scan(&total); err != nil {
		return 0, err
	}
	return total, tx.Commit()
}

// verdict says what the auditor has seen; with consistent reads it must not be anything else
// than the one total.
func (a *auditor) verdict(consistent bool) error {
	sums, wrong := a.so()
	switch {
	case wrong > 0 && consistent:
		return fmt.Errorf("the auditors saw %d wrong totals, from %d to %d, and should always see %d", wrong, a.low, a.high, a.want)
	case sums == 0:
		say("the auditors did not come to an end once")
	case wrong > 0:
		say("the auditors summed up %d times; %d totals were WRONG, from %d to %d: fractured reads,", sums, wrong, a.low, a.high)
		say("that saw one half of a payment and not the other. Nothing was lost: the money was all there.")
	case consistent:
		say("the auditors summed up %d times under this load, and saw %d each time", sums, a.want)
	default:
		say("the auditors summed up %d times, and happened to meet no half of a payment", sums)
	}
	return nil
}
