package etcdlog

import (
	"context"
	"encoding/json"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// pageLimit is how many keys are read at once, and getLimit how many that do not
// follow each other.
const (
	pageLimit = 1000
	getLimit  = 100
)

// get reads under the guards, at one moment.
func (l *Log) get(ctx context.Context, ops ...clientv3.Op) (answers, error) {
	a, _, err := l.txn(ctx, nil, ops, nil)
	return a, err
}

// HasMark tells whether m is one of this log's marks.
func (l *Log) HasMark(ctx context.Context, m txlog.Mark) (bool, error) {
	if err := l.use(ctx); err != nil {
		return false, err
	}
	defer l.open.RUnlock()
	if m.Seq < 1 {
		return false, nil
	}
	a, err := l.get(ctx, clientv3.OpGet(l.key.mark(m.Seq)))
	if err != nil || a.entry(0) == nil {
		return false, l.explain("reading", err)
	}
	o, err := l.opening(a.entry(0))
	return o.Mark == m, err
}

// Lookup returns the decision on transaction id, or [txlog.ErrNoDecision].
func (l *Log) Lookup(ctx context.Context, id uuid.UUID) (txlog.Decision, error) {
	if err := l.use(ctx); err != nil {
		return txlog.Decision{}, err
	}
	defer l.open.RUnlock()
	// Asked first: between the two, what is finished may become stored, but not the
	// other way round.
	finished := l.finishes.has(id)
	a, err := l.get(ctx, clientv3.OpGet(l.key.decision(id)), clientv3.OpGet(l.key.unfinishedOne(id), clientv3.WithCountOnly()))
	if err != nil {
		return txlog.Decision{}, l.explain("reading", err)
	}
	kv := a.entry(0)
	if kv == nil {
		return txlog.Decision{}, txlog.ErrNoDecision
	}
	d, err := l.decision(kv)
	d.Finished = finished || a.list[1].GetResponseRange().GetCount() == 0
	return d, err
}

// Unfinished returns up to limit unfinished decisions with ids greater than after, in
// ascending order of ids.
func (l *Log) Unfinished(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	if err := l.use(ctx); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	finished := l.finishes.snapshot()
	var list []txlog.Decision
	for len(list) < limit {
		want := min(limit-len(list), pageLimit)
		a, err := l.get(ctx, rangeAfter(l.key.unfinished(), l.key.unfinishedOne(after), want))
		if err != nil {
			return nil, l.explain("reading", err)
		}
		var ids []uuid.UUID
		for _, kv := range a.entries(0) {
			if after, err = idOf(kv.Key); err != nil {
				return nil, l.damaged(kv.Key, err)
			}
			if _, ok := finished[after]; !ok {
				ids = append(ids, after)
			}
		}
		found, err := l.decisionsOf(ctx, ids) // without those that were just forgotten
		if err != nil {
			return nil, l.explain("reading", err)
		}
		for _, d := range found {
			list = append(list, d.Decision)
		}
		if len(a.entries(0)) < want {
			break
		}
	}
	return list, nil
}

// Records returns up to limit decisions with ids greater than after, in ascending
// order of ids.
func (l *Log) Records(ctx context.Context, after uuid.UUID, limit int) ([]txlog.Decision, error) {
	if err := l.use(ctx); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	finished := l.finishes.snapshot()
	var list []txlog.Decision
	for len(list) < limit {
		want := min(limit-len(list), pageLimit)
		// At one moment, the unfinished ones among the first of all decisions are
		// among the first of the unfinished ones.
		a, err := l.get(ctx, rangeAfter(l.key.decisions(), l.key.decision(after), want),
			rangeAfter(l.key.unfinished(), l.key.unfinishedOne(after), want))
		if err != nil {
			return nil, l.explain("reading", err)
		}
		unfinished := make(map[string]bool)
		for _, kv := range a.entries(1) {
			unfinished[string(kv.Key)] = true
		}
		for _, kv := range a.entries(0) {
			d, err := l.decision(kv)
			if err != nil {
				return nil, err
			}
			_, pending := finished[d.ID]
			d.Finished = pending || !unfinished[l.key.unfinishedOne(d.ID)]
			list, after = append(list, d), d.ID
		}
		if len(a.entries(0)) < want {
			break
		}
	}
	return list, nil
}

// Openings returns up to limit openings with marks greater than after, in ascending
// order.
func (l *Log) Openings(ctx context.Context, after int64, limit int) ([]txlog.Opening, error) {
	if err := l.use(ctx); err != nil {
		return nil, err
	}
	defer l.open.RUnlock()
	var list []txlog.Opening
	for len(list) < limit {
		want := min(limit-len(list), pageLimit)
		a, err := l.get(ctx, rangeAfter(l.key.marks(), l.key.mark(max(after, 0)), want))
		if err != nil {
			return nil, l.explain("reading", err)
		}
		for _, kv := range a.entries(0) {
			o, err := l.opening(kv)
			if err != nil {
				return nil, err
			}
			list, after = append(list, o), o.Mark.Seq
		}
		if len(a.entries(0)) < want {
			break
		}
	}
	return list, nil
}

// rangeAfter reads the keys with a prefix that follow another key.
func rangeAfter(prefix, after string, limit int) clientv3.Op {
	return clientv3.OpGet(next(after), clientv3.WithRange(endOf(prefix)), clientv3.WithLimit(int64(limit)))
}

// decisionsOf reads the decisions on some transactions, in their order, and leaves out
// those that do not exist.
func (l *Log) decisionsOf(ctx context.Context, ids []uuid.UUID) ([]found, error) {
	var list []found
	for len(ids) > 0 {
		n := min(len(ids), getLimit)
		gets := make([]clientv3.Op, n)
		for i, id := range ids[:n] {
			gets[i] = clientv3.OpGet(l.key.decision(id))
		}
		ids = ids[n:]
		a, err := l.get(ctx, gets...)
		if err != nil {
			return nil, err
		}
		for i := range gets {
			if kv := a.entry(i); kv != nil {
				d, err := l.decision(kv)
				if err != nil {
					return nil, err
				}
				list = append(list, found{d, kv.CreateRevision})
			}
		}
	}
	return list, nil
}

// decision reads a decision's key.
func (l *Log) decision(kv *mvccpb.KeyValue) (txlog.Decision, error) {
	id, err := idOf(kv.Key)
	if err != nil {
		return txlog.Decision{}, l.damaged(kv.Key, err)
	}
	d, err := decode(id, kv.Value)
	if err != nil {
		return txlog.Decision{}, l.damaged(kv.Key, err)
	}
	return d, nil
}

// opening reads a mark's key.
func (l *Log) opening(kv *mvccpb.KeyValue) (txlog.Opening, error) {
	var o opening
	seq, err := seqOf(kv.Key)
	if err == nil {
		err = json.Unmarshal(kv.Value, &o)
	}
	if err != nil {
		return txlog.Opening{}, l.damaged(kv.Key, err)
	}
	return txlog.Opening{Mark: txlog.Mark{Seq: seq, ID: o.ID}, By: o.By, At: o.At.Local()}, nil
}
