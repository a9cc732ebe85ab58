package etcdlog

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/xapg/xapg/txlog"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// maxBy is how many bytes are kept of who opened the log.
const maxBy = 200

// enter makes a log if there is nothing under the prefix, checks that it is the
// cluster's log if there is something, and leaves a mark.
func (l *Log) enter(ctx context.Context, o Options) error {
	created := ""
	for {
		at, err := l.look(ctx)
		switch {
		case err != nil:
			return err
		case at.log == nil && at.any != nil:
			return l.notALog(at)
		case at.log == nil:
			if created, err = l.create(ctx, o); err != nil {
				return err
			}
			continue
		case o.Contents != nil && string(at.log.Value) != created:
			return &txlog.ForeignError{Log: l.where, Reason: "there is a log already, which nothing can be moved into; name another prefix"}
		}
		if err := l.identify(at.log, o.Cluster); err != nil {
			return err
		}
		if at.lost != nil {
			return l.brokenError()
		}
		l.guards = []clientv3.Cmp{clientv3.Compare(clientv3.Value(l.key.log()), "=", string(at.log.Value)), l.unbroken()}
		if at.sealed != nil {
			return l.enterSealed(at, o)
		}
		if done, err := l.leaveMark(ctx, at.last, o.By); err != nil || done {
			return err
		}
	}
}

// sight is what is under a prefix.
type sight struct {
	log, sealed, filling, lost *mvccpb.KeyValue
	last                       *mvccpb.KeyValue // the latest mark
	any                        *mvccpb.KeyValue // some key
}

func (l *Log) look(ctx context.Context) (s sight, err error) {
	a, err := l.get(ctx, clientv3.OpGet(l.key.log()), clientv3.OpGet(l.key.sealed()), clientv3.OpGet(l.key.filling()),
		clientv3.OpGet(l.key.marks(), append(clientv3.WithLastKey(), clientv3.WithLimit(1))...),
		clientv3.OpGet(l.key.prefix, clientv3.WithPrefix(), clientv3.WithKeysOnly(), clientv3.WithLimit(1)),
		clientv3.OpGet(l.key.lost()))
	if err != nil {
		return s, err
	}
	return sight{log: a.entry(0), sealed: a.entry(1), filling: a.entry(2), last: a.entry(3), any: a.entry(4), lost: a.entry(5)}, nil
}

// notALog says what there is instead of a log.
func (l *Log) notALog(at sight) error {
	switch {
	case at.filling != nil:
		return &txlog.ForeignError{Log: l.where, Reason: "a log is being moved to this place, or was and that failed: wait, or delete all keys under " +
			"the prefix (etcdctl del --prefix " + l.key.prefix + ") and move it again"}
	case at.last != nil:
		return l.damaged([]byte(l.key.log()), fmt.Errorf("it is missing, and there are marks of openings"))
	}
	return &txlog.ForeignError{Log: l.where, Reason: fmt.Sprintf("there are keys under its prefix, such as %q, and they are not a decision log's; name another prefix", at.any.Key)}
}

// create makes a log where there is nothing. Somebody else may do so at the same
// time: one of them wins, and which one is looked at afterwards.
func (l *Log) create(ctx context.Context, o Options) (value string, err error) {
	d := description{Format: format, Cluster: o.Cluster, ID: newLogID(), Etcd: l.history.clusterText(), Created: time.Now().UTC()}
	if o.Contents != nil {
		if got := o.Contents.Identity.Cluster; got != o.Cluster {
			return "", &txlog.ForeignError{Log: "what is moved", Reason: "it is the log of cluster " + got + ", not of " + o.Cluster}
		}
		d.ID = o.Contents.Identity.ID
		return text(d), l.fill(ctx, text(d), o.Contents)
	}
	_, _, err = l.txn(ctx, []clientv3.Cmp{l.empty()}, []clientv3.Op{clientv3.OpPut(l.key.log(), text(d))}, nil)
	return text(d), err
}

// empty holds when there is nothing under the prefix.
func (l *Log) empty() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(l.key.prefix).WithPrefix(), "=", 0)
}

// unsealed holds when the log was not sealed.
func (l *Log) unsealed() clientv3.Cmp {
	return clientv3.Compare(clientv3.CreateRevision(l.key.sealed()), "=", 0)
}

// identify reads whose log it is, and refuses another cluster's.
func (l *Log) identify(kv *mvccpb.KeyValue, cluster string) error {
	var d description
	if err := json.Unmarshal(kv.Value, &d); err != nil || d.Format < 1 || d.Cluster == "" {
		return &txlog.ForeignError{Log: l.where, Reason: fmt.Sprintf("its key %q is not a decision log's; name another prefix", kv.Key)}
	}
	if d.Format > format {
		return &txlog.ForeignError{Log: l.where, Reason: fmt.Sprintf(
			"it was written by a newer version (format %d, this one knows up to %d); use the newer version", d.Format, format)}
	}
	if len(d.ID) != 12 {
		return l.damaged(kv.Key, fmt.Errorf("%q is not a log's id", d.ID))
	}
	if d.Cluster != cluster {
		return &txlog.ForeignError{Log: l.where, Reason: fmt.Sprintf(
			"it is the log of cluster %q, not of %q; name another prefix, or correct the cluster's name", d.Cluster, cluster)}
	}
	if d.Etcd != l.history.clusterText() {
		return l.brokenError()
	}
	l.identity = txlog.Identity{Cluster: d.Cluster, ID: d.ID}
	return nil
}

// enterSealed opens a sealed log for reading: there is no mark but the latest one.
func (l *Log) enterSealed(at sight, o Options) error {
	if !o.Sealed {
		return l.sealedError(at.sealed)
	}
	if at.last == nil {
		return nil
	}
	last, err := l.opening(at.last)
	l.mark = last.Mark
	l.guardMark(string(at.last.Value))
	return err
}

// guardMark makes all that follows depend on a mark: in a cluster restored from a
// snapshot that is older than the mark, it is missing.
func (l *Log) guardMark(value string) {
	l.guards = append(l.guards, clientv3.Compare(clientv3.Value(l.key.mark(l.mark.Seq)), "=", value))
}

// leaveMark leaves a mark with the next number, unless somebody else takes it first
// or the log is sealed.
func (l *Log) leaveMark(ctx context.Context, last *mvccpb.KeyValue, by string) (done bool, err error) {
	seq := int64(1)
	if last != nil {
		before, err := seqOf(last.Key)
		if err != nil {
			return false, l.damaged(last.Key, err)
		}
		seq = before + 1
	}
	mark := txlog.Mark{Seq: seq, ID: newID()}
	by = strings.ToValidUTF8(by[:min(len(by), maxBy)], "")
	value := text(opening{ID: mark.ID, At: l.now().UTC(), By: by})
	key := l.key.mark(seq)
	a, put, err := l.txn(ctx, []clientv3.Cmp{l.unsealed(), clientv3.Compare(clientv3.CreateRevision(key), "=", 0)},
		[]clientv3.Op{clientv3.OpPut(key, value)}, []clientv3.Op{clientv3.OpGet(key)})
	if err != nil {
		return false, err
	}
	// When the first answer was lost, the mark that is there is this one.
	if !put && (a.entry(0) == nil || string(a.entry(0).Value) != value) {
		return false, nil
	}
	l.mark, l.marked = mark, true
	l.guardMark(value)
	return true, nil
}
