package deadlock_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver/internal/deadlock"
	"github.com/xapg/xapg/xadriver/internal/gid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The shards of the planted cluster, whose numbers are those of their names in order.
var names = []string{"athos", "porthos", "aramis"}

const aramis, athos, porthos = "aramis", "athos", "porthos"

var number = map[string]int{aramis: 0, athos: 1, porthos: 2}

// noon is when the planted transactions begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// ids are such that their last 8 digits tell them apart.
func id(n int) uuid.UUID {
	return uuid.MustParse(fmt.Sprintf("0192f6a0-0000-7000-8000-0000%08x", n))
}

// world is what the shards say, for a test to plant.
type world map[string]*deadlock.View

func newWorld() world {
	w := make(world)
	for _, name := range names {
		w[name] = &deadlock.View{Shard: name, Now: noon.Add(time.Minute)}
	}
	return w
}

func (w world) views() []*deadlock.View {
	var list []*deadlock.View
	for _, name := range names {
		list = append(list, w[name])
	}
	return list
}

func (w world) graph() *deadlock.Graph { return deadlock.NewGraph(w.views(), names) }

// vxid is that of a process's transaction, which the pid tells.
func vxid(pid int) string { return fmt.Sprintf("3/%d", pid) }

// session is in a transaction that began so many seconds after noon.
func (w world) session(shard string, pid, began int) {
	at := noon.Add(time.Duration(began) * time.Second)
	w[shard].Sessions = append(w[shard].Sessions, deadlock.Session{
		PID: pid, VXID: vxid(pid), Began: &at, State: "active", Query: fmt.Sprintf("UPDATE by process %d", pid),
	})
}

// txn is a transaction of the n-th id with a session on each of the shards, in order, all
// with the same process id. It began so many seconds after noon.
func (w world) txn(n, pid, began int, shards ...string) {
	for i, shard := range shards {
		w.session(shard, pid, began+i)
		if i > 0 {
			w.key(shard, pid, deadlock.MakeKey(id(n), number[shards[0]], uint32(pid)))
		}
	}
}

func (w world) key(shard string, pid int, key deadlock.Key) {
	w[shard].Keys = append(w[shard].Keys, deadlock.Holding{PID: pid, VXID: vxid(pid), Key: key})
}

// wait lets a process wait for others; 0 stands for what is prepared.
func (w world) wait(shard string, pid int, blockers ...int) *deadlock.Waiting {
	v := w[shard]
	v.Waits = append(v.Waits, deadlock.Waiting{
		PID: pid, VXID: vxid(pid), Since: fmt.Sprintf("2026-11-21T12:00:30.%06d+00:00", pid), Mode: "ShareLock",
		What: fmt.Sprintf("transaction %d", 700+blockers[0]), Tag: fmt.Sprintf("transactionid/%d", blockers[0]), Blockers: blockers,
	})
	return &v.Waits[len(v.Waits)-1]
}

// prepared is a part of the n-th transaction that is prepared on a shard and holds a lock
// that somebody waits for, as wait has it.
func (w world) prepared(shard string, n int) {
	v := w[shard]
	name := gid.ID{Cluster: "bank", Log: "log", Txn: id(n), Shard: shard}.String()
	v.Prepared = append(v.Prepared, deadlock.Prepared{VXID: "-1/9", GID: name, At: noon})
	v.Held = append(v.Held, deadlock.Held{VXID: "-1/9", Mode: "ExclusiveLock", Tag: "transactionid/0"})
}

// preparing lets a session prepare its part of the n-th transaction.
func (w world) preparing(shard string, pid, n int) {
	s := w[shard].Session(pid)
	s.Query = "PREPARE TRANSACTION '" + gid.ID{Cluster: "bank", Log: "log", Txn: id(n), Shard: shard}.String() + "'"
}

// opposite is two transactions that wait for each other: the first of them is older.
func opposite() world {
	w := newWorld()
	w.txn(1, 11, 0, athos, porthos)
	w.txn(2, 22, 10, porthos, athos)
	w.wait(porthos, 11, 22)
	w.wait(athos, 22, 11)
	return w
}

// asked is a shard that says what was planted, one view after the other, and then the
// last one.
type asked struct {
	name    string
	views   []*deadlock.View
	cancels []string
	refuse  bool
}

var errDown = errors.New("it is down")

func (a *asked) Name() string { return a.name }

func (a *asked) Look(context.Context) (*deadlock.View, error) {
	v := a.views[0]
	if len(a.views) > 1 {
		a.views = a.views[1:]
	}
	if v == nil {
		return nil, errDown
	}
	return v, nil
}

func (a *asked) Cancel(_ context.Context, w *deadlock.Waiting) (bool, error) {
	if a.refuse {
		return false, nil
	}
	a.cancels = append(a.cancels, fmt.Sprintf("%s/%d since %s in %s", a.name, w.PID, w.Since, w.VXID))
	return true, nil
}

// process is one that looks for circles in what was planted.
type process struct {
	*deadlock.Detector
	shards   []*asked
	now      time.Time
	mu       sync.Mutex
	verdicts []pgconn.PgError
}

// newProcess is a process to which the sessions belong that mine names, as shard/pid.
func newProcess(mine []string, worlds ...world) *process {
	p := &process{now: noon}
	p.Detector = &deadlock.Detector{
		Grace: time.Second, Fresh: time.Second, Answer: time.Minute, Clock: func() time.Time { return p.now },
		Pause: func(context.Context) error { return nil },
		Mine: func(shard string, pid int) deadlock.Statement {
			for _, m := range mine {
				if m == fmt.Sprintf("%s/%d", shard, pid) {
					return func(verdict pgconn.PgError, send func() bool) bool {
						p.mu.Lock()
						p.verdicts = append(p.verdicts, verdict)
						p.mu.Unlock()
						return send()
					}
				}
			}
			return nil
		},
	}
	for _, name := range names {
		a := &asked{name: name}
		for _, w := range worlds {
			a.views = append(a.views, w[name])
		}
		p.shards, p.Shards = append(p.shards, a), append(p.Shards, a)
	}
	return p
}

// cancels are those that were sent.
func (p *process) cancels() (list []string) {
	for _, a := range p.shards {
		list = append(list, a.cancels...)
	}
	return list
}
