package etcdlog

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/xapg/xapg/txlog"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// history notices when the cluster is not the one any more that this opening knows,
// or has gone back to an earlier state: when it was restored from a snapshot, or begun
// anew from one member that did not have everything (etcd's --force-new-cluster). The
// decisions made since are missing then, and would be made a second time.
type history struct {
	cluster uint64       // the id of the etcd cluster, from the first answer
	highest atomic.Int64 // the latest revision that an answer has shown
	broken  atomic.Bool
}

// clusterText is how the cluster's id is stored: as etcdctl member list shows ids.
func (h *history) clusterText() string { return strconv.FormatUint(h.cluster, 16) }

// goesOn tells whether an answer continues the history, of which so much was known
// when the question was asked: answers are linearizable, and show at least that.
func (h *history) goesOn(header *pb.ResponseHeader, known int64) bool {
	if header.ClusterId != h.cluster || header.Revision < known {
		return false
	}
	for {
		highest := h.highest.Load()
		if header.Revision <= highest || h.highest.CompareAndSwap(highest, header.Revision) {
			return true
		}
	}
}

// breaks notes, here and in the log, that a part of the history is missing. From then
// on nobody decides anything with this log.
func (l *Log) breaks(client *clientv3.Client) error {
	if l.history.broken.CompareAndSwap(false, true) && l.identity.ID != "" {
		ctx, cancel := context.WithTimeout(context.Background(), l.wait/attempts)
		defer cancel()
		note := text(seal{To: l.identity.ID, At: time.Now().UTC()})
		// Somebody else may notice it, too, if this one cannot say so.
		_, _ = client.Txn(ctx).If(clientv3.Compare(clientv3.CreateRevision(l.key.log()), ">", 0)).Then(clientv3.OpPut(l.key.lost(), note)).Commit()
	}
	return l.brokenError()
}

// brokenError says that decisions may be missing.
func (l *Log) brokenError() error {
	return &txlog.DamagedError{Log: l.where, Err: errors.New("the etcd cluster was restored from a snapshot, or has lost a part of its history otherwise"),
		Advice: "decisions that were made may be missing, and would be made again: stop every process that uses the log, end by hand what is " +
			"still prepared on the shards (xapg txns, xapg resolve ID --force), and begin a new log under another prefix"}
}

// unbroken holds as long as nobody has noticed that a part of the history is missing.
func (l *Log) unbroken() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(l.key.lost()), "=", 0)
}
