package etcdlog

import (
	"context"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// clock is what an opening knows of the log's own clock.
//
// The clock is a row of keys, the ticks. The value of each is a duration: for how
// long the log had been open, by somebody, when it was put. Whoever puts a tick has
// seen the one before it at some moment, and adds the time that has passed since, by
// his own measure: so the difference of two ticks is never more than the time between
// them. A decision whose revision is less than a tick's is older than the tick.
type clock struct {
	mu    sync.Mutex
	last  int64         // the number of the latest tick that was seen
	value time.Duration // its value
	seen  time.Time     // when it was first seen, with a monotonic reading
}

// Ticks are a hundredth of the age apart that Forget is asked for, within bounds.
const (
	minTick = time.Second
	maxTick = 10 * time.Minute
)

// tick is one of the clock's keys.
type tick struct {
	seq      int64
	revision int64
	value    time.Duration
}

// oldEnough returns a revision up to which all decisions were made age ago or
// earlier, and moves the clock on.
func (l *Log) oldEnough(ctx context.Context, age time.Duration) (revision int64, err error) {
	l.clock.mu.Lock()
	defer l.clock.mu.Unlock()
	a, err := l.get(ctx, clientv3.OpGet(l.key.ticks(), clientv3.WithPrefix()))
	if err != nil {
		return 0, err
	}
	seen := time.Now()
	var ticks []tick
	for _, kv := range a.entries(0) {
		t, err := l.tick(kv)
		if err != nil {
			return 0, err
		}
		ticks = append(ticks, t)
	}
	now, since := l.clock.read(ticks, seen)
	if len(ticks) == 0 || since >= min(max(age/100, minTick), maxTick) {
		if err := l.addTick(ctx, now); err != nil {
			return 0, err
		}
	}
	useless := ""
	for _, t := range ticks {
		if now-t.value < age {
			break
		}
		revision, useless = t.revision, l.key.tick(t.seq)
	}
	if revision > 0 && useless != l.key.tick(ticks[0].seq) {
		// What is older than these is older than the one that is kept.
		_, _, err = l.txn(ctx, nil, []clientv3.Op{clientv3.OpDelete(l.key.ticks(), clientv3.WithRange(useless))}, nil)
	}
	return revision, err
}

// read tells what the clock shows, by the ticks that were just read and the time since
// the last of them was first seen.
func (c *clock) read(ticks []tick, seen time.Time) (now, since time.Duration) {
	if len(ticks) == 0 {
		return 0, 0
	}
	if t := ticks[len(ticks)-1]; c.last != t.seq || c.value != t.value {
		c.last, c.value, c.seen = t.seq, t.value, seen
	}
	since = seen.Sub(c.seen)
	return c.value + since, since
}

// addTick adds a tick, unless somebody else has added one meanwhile.
func (l *Log) addTick(ctx context.Context, now time.Duration) error {
	seq := l.clock.last + 1
	key := l.key.tick(seq)
	now = now.Truncate(time.Microsecond)
	_, added, err := l.txn(ctx, []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(key), "=", 0)},
		[]clientv3.Op{clientv3.OpPut(key, strconv.FormatInt(now.Microseconds(), 10))}, nil)
	if added { // not earlier than it was put: the clock must not be fast
		l.clock.last, l.clock.value, l.clock.seen = seq, now, time.Now()
	}
	return err
}

func (l *Log) tick(kv *mvccpb.KeyValue) (tick, error) {
	seq, err := seqOf(kv.Key)
	if err != nil {
		return tick{}, l.damaged(kv.Key, err)
	}
	micros, err := strconv.ParseInt(string(kv.Value), 10, 64)
	if err != nil {
		return tick{}, l.damaged(kv.Key, err)
	}
	return tick{seq: seq, revision: kv.CreateRevision, value: time.Duration(micros) * time.Microsecond}, nil
}
