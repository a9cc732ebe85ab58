package main

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/history/check"
)

// record is what all processes of a stage said.
type record struct {
	mu       sync.Mutex
	txns     map[int64]*check.Txn
	shape    map[int64]string
	audits   []check.Audit
	outcomes map[string]map[check.Outcome]int // by shape
	errors   map[string]int
	outages  [][2]int64 // when a server was away, by the clock
}

func newRecord() *record {
	return &record{txns: make(map[int64]*check.Txn), shape: make(map[int64]string), outcomes: make(map[string]map[check.Outcome]int), errors: make(map[string]int)}
}

// note takes an event. What a transaction appends is known from its beginning, what it
// saw before its end.
func (r *record) note(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.txns[e.ID]
	switch e.E {
	case saysBegin:
		r.txns[e.ID] = &check.Txn{ID: e.ID, Session: e.Session, Begin: e.At, Ops: e.Ops, Confined: e.Confined}
		r.shape[e.ID] = e.Shape
	case saysSaw:
		t.Ops = e.Ops
	case saysTold:
		t.Outcome, t.End = e.Outcome, e.At
		if e.Outcome == check.Committed && len(e.Ops) > 0 {
			t.Ops = e.Ops
		}
		if e.Audit != nil && e.Outcome == check.Committed {
			r.audits = append(r.audits, check.Audit{ID: e.ID, Session: t.Session, Statement: e.Audit.Statement, Balances: e.Audit.Balances})
		}
		r.count(r.shape[e.ID], e.Outcome)
		if e.Err != "" {
			r.errors[clipped(e.Err)]++
		}
	}
}

// waits is how long a commit at least waits for a shard that is away. One that has waited
// so long may be told before that shard has carried it out.
const waits = patience - 2*time.Second

func (r *record) count(shape string, o check.Outcome) {
	if r.outcomes[shape] == nil {
		r.outcomes[shape] = make(map[check.Outcome]int)
	}
	r.outcomes[shape][o]++
}

// told is how many transactions have ended.
func (r *record) told() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range r.outcomes {
		for _, k := range of {
			n += k
		}
	}
	return n
}

func clipped(text string) string { return text[:min(len(text), 160)] }

// history is all that the checker is told. Transactions are in the order in which they
// began.
func (r *record) history(c cell, final map[int64][]int64) *check.History {
	h := &check.History{Final: final, Shard: make(map[int64]int)}
	for _, t := range slices.SortedFunc(maps.Values(r.txns), func(a, b *check.Txn) int { return cmp.Compare(a.Begin, b.Begin) }) {
		several := false
		for _, o := range t.Ops {
			h.Shard[o.Key] = int(o.Key / listsOf)
			several = several || h.Shard[o.Key] != h.Shard[t.Ops[0].Key]
		}
		t.Cut = c.Setting != check.Off && !t.Confined && (c.Level == check.RepeatableRead || c.Level == check.Serializable && several)
		for _, away := range r.outages {
			t.Early = t.Early || t.Begin < away[1] && t.End > away[0] && t.End-t.Begin > int64(waits)
		}
		h.Txns = append(h.Txns, *t)
	}
	return h
}
