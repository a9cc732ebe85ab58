package etcdlog

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Seal makes the log refuse every later decision, by whichever opening, and every
// later opening. Each of their transactions has the condition that the seal's key
// does not exist, so that there is no moment in between.
func (l *Log) Seal(ctx context.Context, to string) error {
	if err := l.use(ctx); err != nil {
		return err
	}
	defer l.open.RUnlock()
	_, _, err := l.txn(ctx, []clientv3.Cmp{l.unsealed()},
		[]clientv3.Op{clientv3.OpPut(l.key.sealed(), text(seal{To: to, At: time.Now().UTC()}))}, nil)
	return l.explain("sealing", err)
}

// Unseal takes the seal away, for a move that has failed.
func (l *Log) Unseal(ctx context.Context) error {
	if err := l.use(ctx); err != nil {
		return err
	}
	defer l.open.RUnlock()
	_, _, err := l.txn(ctx, nil, []clientv3.Op{clientv3.OpDelete(l.key.sealed())}, nil)
	return l.explain("unsealing", err)
}

// Sealed tells where the log has gone, and whether it has.
func (l *Log) Sealed(ctx context.Context) (to string, sealed bool, err error) {
	if err := l.use(ctx); err != nil {
		return "", false, err
	}
	defer l.open.RUnlock()
	a, err := l.get(ctx, clientv3.OpGet(l.key.sealed()))
	if err != nil || a.entry(0) == nil {
		return "", false, l.explain("reading", err)
	}
	return goneTo(a.entry(0)), true, nil
}

func goneTo(kv *mvccpb.KeyValue) string {
	var s seal
	_ = json.Unmarshal(kv.Value, &s) // a seal that cannot be read is a seal
	return s.To
}

func (l *Log) sealedError(kv *mvccpb.KeyValue) error {
	return &txlog.SealedError{Log: l.where, To: goneTo(kv)}
}

// filling stores what a new log begins with. Until all of it is there, the prefix has
// the key filling and no key that makes it a log.
type filling struct {
	log     *Log
	claim   clientv3.Cmp
	ops     []clientv3.Op
	size    int
	records []txlog.Decision // of those in ops, the finished ones
}

// fill makes a log with contents, all of them or none.
func (l *Log) fill(ctx context.Context, log string, contents *txlog.Contents) error {
	token := uuid.NewString()
	claimed, put, err := l.txn(ctx, []clientv3.Cmp{l.empty()}, []clientv3.Op{clientv3.OpPut(l.key.filling(), token)},
		[]clientv3.Op{clientv3.OpGet(l.key.filling())})
	if err != nil {
		return err
	}
	if !put && (claimed.entry(0) == nil || string(claimed.entry(0).Value) != token) {
		return nil // somebody else was first, which the caller sees
	}
	f := &filling{log: l, claim: clientv3.Compare(clientv3.Value(l.key.filling()), "=", token)}
	if err = f.all(ctx, contents); err == nil {
		err = f.complete(ctx, log)
	}
	if err != nil {
		// What is left of it is no log, whether or not this succeeds.
		_, _, _ = l.txn(context.WithoutCancel(ctx), []clientv3.Cmp{f.claim}, []clientv3.Op{clientv3.OpDelete(l.key.prefix, clientv3.WithPrefix())}, nil)
	}
	return err
}

func (f *filling) all(ctx context.Context, contents *txlog.Contents) error {
	for o, err := range contents.Openings {
		if err != nil {
			return err
		}
		value := text(opening{ID: o.Mark.ID, At: o.At.UTC(), By: o.By})
		if err := f.add(ctx, clientv3.OpPut(f.log.key.mark(o.Mark.Seq), value)); err != nil {
			return err
		}
	}
	for d, err := range contents.Records {
		if err != nil {
			return err
		}
		record := []clientv3.Op{clientv3.OpPut(f.log.key.decision(d.ID), encode(d))}
		if d.Finished {
			f.records = append(f.records, d)
		} else {
			record = append(record, clientv3.OpPut(f.log.key.unfinishedOne(d.ID), ""))
		}
		if err := f.add(ctx, record...); err != nil {
			return err
		}
	}
	return f.send(ctx)
}

// add puts one more record, with others. Its keys are put by one request: they are
// created in one revision.
func (f *filling) add(ctx context.Context, record ...clientv3.Op) error {
	f.ops = append(f.ops, record...)
	for _, op := range record {
		f.size += len(op.KeyBytes()) + len(op.ValueBytes())
	}
	if len(f.ops) < groupLimit && f.size < groupSize/4 {
		return nil
	}
	return f.send(ctx)
}

// send puts what was added. The keys of the finished ones have the revision in which
// their decisions were put, or a later one: here they are as old as the move.
func (f *filling) send(ctx context.Context) error {
	if len(f.ops) == 0 {
		return nil
	}
	a, err := f.put(ctx, f.ops)
	f.ops, f.size = nil, 0
	if err != nil || len(f.records) == 0 {
		return err
	}
	indexes := make([]clientv3.Op, len(f.records))
	for i, d := range f.records {
		indexes[i] = clientv3.OpPut(f.log.key.finishedOne(a.revision, d.ID), encodeAge(d.At, d.By))
	}
	f.records = nil
	_, err = f.put(ctx, indexes)
	return err
}

var errFilling = errors.New("etcdlog: somebody has deleted the keys of the log while it was moved; move it again")

func (f *filling) put(ctx context.Context, ops []clientv3.Op) (answers, error) {
	a, ours, err := f.log.txn(ctx, []clientv3.Cmp{f.claim}, ops, nil)
	if err == nil && !ours {
		err = errFilling
	}
	return a, err
}

// complete makes it a log.
func (f *filling) complete(ctx context.Context, log string) error {
	a, ours, err := f.log.txn(ctx, []clientv3.Cmp{f.claim},
		[]clientv3.Op{clientv3.OpPut(f.log.key.log(), log), clientv3.OpDelete(f.log.key.filling())},
		[]clientv3.Op{clientv3.OpGet(f.log.key.log())})
	// When the first answer was lost, the log that is there is this one.
	if err == nil && !ours && (a.entry(0) == nil || string(a.entry(0).Value) != log) {
		err = errFilling
	}
	return err
}
