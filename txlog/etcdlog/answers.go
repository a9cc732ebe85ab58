package etcdlog

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// answers are what a transaction's operations have found.
type answers struct {
	revision int64 // of the transaction, if it wrote
	list     []*pb.ResponseOp
	sealed   *mvccpb.KeyValue // the seal, where it was in the way
}

// entries are the keys that operation i has read.
func (a answers) entries(i int) []*mvccpb.KeyValue { return a.list[i].GetResponseRange().GetKvs() }

// entry is the key that operation i has read, or nil.
func (a answers) entry(i int) *mvccpb.KeyValue {
	if list := a.entries(i); len(list) > 0 {
		return list[0]
	}
	return nil
}

// nested is what the transaction that was operation i has found, and whether its
// conditions held.
func (a answers) nested(i int) (answers, bool) {
	inner := a.list[i].GetResponseTxn()
	return answers{revision: a.revision, list: inner.GetResponses()}, inner.GetSucceeded()
}
