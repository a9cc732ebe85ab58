package etcdlog

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// forgetLimit is how many decisions are dropped by one request: each takes two of the
// 128 operations of a transaction.
const forgetLimit = 60

// Forget drops finished decisions that were made age ago or earlier by the log's own
// clock (see the package's description), some at a time. What another opening has
// decided may be dropped later than that.
func (l *Log) Forget(ctx context.Context, age time.Duration) (total int, err error) {
	if err := l.use(ctx); err != nil {
		return 0, err
	}
	defer l.open.RUnlock()
	if err := l.flushAll(ctx); err != nil {
		return 0, err
	}
	f := forgetting{log: l, age: age, upTo: math.MaxInt64}
	if age > 0 {
		if f.upTo, err = l.oldEnough(ctx, age); err != nil {
			return 0, l.explain("reading", err)
		}
	}
	for more := true; more; {
		if l.closing.Load() {
			return total, txlog.ErrClosed
		}
		var n int
		n, more, err = f.page(ctx)
		total += n
		if err != nil {
			return total, l.explain("writing", err)
		}
	}
	if total > 0 {
		// Without it, nothing is wrong but that there is one more key.
		_, _, _ = l.txn(ctx, nil, []clientv3.Op{clientv3.OpDelete(l.key.receipt(l.mark.Seq))}, nil)
	}
	return total, nil
}

// forgetting is one call of Forget.
type forgetting struct {
	log  *Log
	age  time.Duration
	upTo int64 // decisions up to this revision are old enough
}

// page drops the oldest decisions, all in one request, and tells how many, and whether
// there may be more.
func (f *forgetting) page(ctx context.Context) (n int, more bool, err error) {
	l := f.log
	a, err := l.get(ctx, clientv3.OpGet(l.key.finished(), clientv3.WithPrefix(), clientv3.WithLimit(forgetLimit)))
	if err != nil {
		return 0, false, err
	}
	var ifs []clientv3.Cmp
	var drops []clientv3.Op
	for _, kv := range a.entries(0) {
		id, idErr := idOf(kv.Key)
		revision, err := revisionOf(kv.Key)
		at, by, ageErr := decodeAge(kv.Value)
		for _, err := range []error{idErr, err, ageErr} {
			if err != nil {
				return 0, false, l.damaged(kv.Key, err)
			}
		}
		if !f.old(revision, at, by) {
			break
		}
		ifs = append(ifs, clientv3.Compare(clientv3.CreateRevision(string(kv.Key)), "=", kv.CreateRevision))
		drops = append(drops, clientv3.OpDelete(string(kv.Key)), clientv3.OpDelete(l.key.decision(id)))
	}
	if len(ifs) == 0 {
		return 0, false, nil
	}
	// When an answer is lost, the receipt tells whether these were dropped by this
	// call or by somebody else.
	receipt, key := uuid.NewString(), l.key.receipt(l.mark.Seq)
	a, dropped, err := l.txn(ctx, ifs, append(drops, clientv3.OpPut(key, receipt)), []clientv3.Op{clientv3.OpGet(key)})
	if err != nil {
		return 0, false, err
	}
	if !dropped && (a.entry(0) == nil || string(a.entry(0).Value) != receipt) {
		return 0, true, nil // somebody else is forgetting, too
	}
	return len(ifs), len(ifs) == forgetLimit, nil
}

// old tells whether a decision is old enough: this opening's by its own clock,
// another's by its revision.
func (f *forgetting) old(revision int64, at time.Time, by int64) bool {
	own := f.log.marked && by == f.log.mark.Seq
	return revision <= f.upTo || own && f.log.now().Sub(at) >= f.age
}
