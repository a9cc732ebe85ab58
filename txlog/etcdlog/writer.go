package etcdlog

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A request holds as many decisions as etcd's --max-txn-ops allows by default (128,
// of which each nested transaction takes one, and what is in it up to two more) and
// not more bytes than its --max-request-bytes (1.5 MiB).
const (
	groupLimit = 100
	groupSize  = 1 << 20
)

// write is the goroutine that stores decisions. It ends when the queue is closed and
// empty.
func (l *Log) write() {
	defer close(l.stop)
	for range l.queue.Wake() {
		for l.queue.Len() > 0 {
			l.store()
		}
		if l.queue.Drained() {
			return
		}
	}
}

// store stores what waits, in one request. Jobs are taken only when the cluster
// answers: until then nothing was sent, and their callers may still turn back.
func (l *Log) store() {
	if err := l.answering(); err != nil {
		err = notStored(l.explain("reaching", err))
		for _, group := range l.take(groupLimit, groupSize) {
			answer(group, txlog.Unknown, err)
		}
		return
	}
	groups := l.take(groupLimit, groupSize)
	if len(groups) == 0 {
		return
	}
	l.hook("log.before_request")
	at := l.now()
	var found answers
	o := l.try(l.life, func(ctx context.Context, client *clientv3.Client) (err error) {
		found, err = l.put(ctx, client, at, groups)
		return err
	})
	l.doubtful = o.err != nil
	if o.err == nil {
		l.hook("log.after_request")
		l.settle(at, groups, found, o.unknown)
		return
	}
	l.settleFailure(groups, o)
}

// answering makes sure that the cluster has answered just now, or did so last time
// on a connection that is still there.
func (l *Log) answering() error {
	if !l.doubtful && l.to.connected() {
		return nil
	}
	_, _, err := l.txn(l.life, nil, []clientv3.Op{clientv3.OpGet(l.key.log(), clientv3.WithCountOnly())}, nil)
	l.doubtful = err != nil
	return err
}

// put sends a group of decisions once. For each there is an answer: what the nested
// transaction has found or, if the log was sealed, the key of its decision.
func (l *Log) put(ctx context.Context, client *clientv3.Client, at time.Time, groups [][]*job) (answers, error) {
	puts := make([]clientv3.Op, len(groups))
	gets := make([]clientv3.Op, len(groups), len(groups)+1)
	for i, group := range groups {
		j := group[0]
		get := clientv3.OpGet(l.key.decision(j.id))
		puts[i] = clientv3.OpTxn(
			[]clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(l.key.decision(j.id)), "=", 0)},
			[]clientv3.Op{clientv3.OpPut(l.key.decision(j.id), j.value(at, l.mark.Seq)), clientv3.OpPut(l.key.unfinishedOne(j.id), "")},
			[]clientv3.Op{get})
		gets[i] = get
	}
	found, unsealed, err := l.txnOnce(ctx, client, []clientv3.Cmp{l.unsealed()}, puts, append(gets, clientv3.OpGet(l.key.sealed())))
	if err == nil && !unsealed {
		found.sealed = found.entry(len(groups))
	}
	return found, err
}

// settle answers the calls from what a request has found. Unknown tells that an
// earlier attempt may yet be carried out, should the seal be taken away.
func (l *Log) settle(at time.Time, groups [][]*job, found answers, unknown bool) {
	for i, group := range groups {
		j := group[0]
		entry, put := found, false
		kv := (*mvccpb.KeyValue)(nil)
		if found.sealed != nil {
			kv = entry.entry(i)
		} else if entry, put = found.nested(i); !put {
			kv = entry.entry(0)
		}
		switch {
		case put:
			l.fresh.add(j.id, spot{found.revision, at})
			answer(group, j.want, nil)
		case kv != nil:
			stored, err := l.stored(j.id, kv)
			answer(group, stored, err)
		case unknown:
			answer(group, txlog.Unknown, l.unknownError(l.sealedError(found.sealed), 1))
		default:
			answer(group, txlog.Unknown, notStored(l.sealedError(found.sealed)))
		}
	}
}

// settleFailure answers the calls when the request has failed. What is stored all the
// same, by whomever, can be told. That nothing is stored proves something only when
// each request sent was answered.
func (l *Log) settleFailure(groups [][]*job, o outcome) {
	for _, group := range groups {
		j := group[0]
		ctx, cancel := context.WithTimeout(l.life, l.wait/attempts)
		found, _, err := l.txn(ctx, nil, []clientv3.Op{clientv3.OpGet(l.key.decision(j.id))}, nil)
		cancel()
		if err == nil && found.entry(0) != nil {
			stored, err := l.stored(j.id, found.entry(0))
			answer(group, stored, err)
			continue
		}
		if o.unknown || noRoom(o.err) && err != nil {
			answer(group, txlog.Unknown, l.unknownError(o.err, o.attempts))
			continue
		}
		answer(group, txlog.Unknown, notStored(l.explain("writing", o.err)))
	}
}

func (l *Log) unknownError(err error, attempts int) error {
	return fmt.Errorf("not known whether the decision was stored, after asking %d times: %w", attempts, l.explain("writing", err))
}

// stored reads the outcome that is stored.
func (l *Log) stored(id uuid.UUID, kv *mvccpb.KeyValue) (txlog.Outcome, error) {
	d, err := decode(id, kv.Value)
	if err != nil {
		return txlog.Unknown, l.damaged(kv.Key, err)
	}
	return d.Outcome, nil
}

func answer(group []*job, stored txlog.Outcome, err error) {
	for _, j := range group {
		j.answer(stored, err)
	}
}
