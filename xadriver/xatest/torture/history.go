package main

import "sync"

// txn is what is known of a transaction by what its process said.
type txn struct {
	ID      int64
	Kind    string
	On      []int // the shards that it writes
	Mask    int
	Told    told
	Err     string
	Why     string
	Begin   int64 // by the host's monotonic clock; 0 when not known
	End     int64 // when its application was told; 0 when it never was
	Reads   []read
	Appends []string
	Locked  bool
}

// history is what all processes of a round said.
type history struct {
	mu   sync.Mutex
	txns map[int64]*txn
}

func newHistory() *history { return &history{txns: make(map[int64]*txn)} }

// note takes an event, and tells which transaction it was the end of.
func (h *history) note(e event) (ended *txn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.txns[e.ID]
	switch e.E {
	case saysBegin:
		h.txns[e.ID] = &txn{ID: e.ID, Kind: e.Kind, On: e.On, Mask: e.Mask, Begin: e.At, Told: untold}
	case saysSaw:
		t.Reads, t.Appends, t.Locked = e.Reads, e.Appends, e.Locked
	case saysTold:
		t.Told, t.End, t.Err, t.Why = e.Told, e.At, e.Err, e.Why
		return t
	}
	return nil
}

// take returns the history, and begins a new one.
func (h *history) take() []*txn {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]*txn, 0, len(h.txns))
	for _, t := range h.txns {
		list = append(list, t)
	}
	h.txns = make(map[int64]*txn)
	return list
}
