package resolve

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/xapg/xapg/txlog"
)

// A transaction that stays in doubt keeps its rows locked, and whoever wants them
// is told of a lock, not of the reason. So it is reported: once when it has been in
// doubt for Config.AlarmAfter, and again with growing pauses for as long as it stays.

// Left is a transaction that a look has left in doubt on a shard.
type Left struct {
	Txn   uuid.UUID
	Age   time.Duration
	Why   string // what it waits for
	Stuck bool   // the shard or the log refused: waiting alone may not help
}

// alarm is one that was raised.
type alarm struct {
	shards map[string]Left
	again  time.Time // when it is to be repeated
	pause  time.Duration
}

// alarms holds those of all shards.
type alarms struct {
	mu     sync.Mutex
	raised map[uuid.UUID]*alarm
}

const (
	longestPause = time.Hour
	mostLines    = 10 // of one look; more are counted in one line
)

// overdue lists what has been in doubt on the shard for too long. What the last
// successful look saw there, is still there when the shard cannot be looked at.
func (s *sweeper) overdue(now time.Time, err error) map[uuid.UUID]Left {
	out := make(map[uuid.UUID]Left)
	for _, l := range s.left {
		l.Age += now.Sub(s.state.Looked)
		if err != nil {
			l.Why, l.Stuck = "shard "+s.shard.Name()+", which cannot be looked at: "+err.Error(), false
		}
		if l.Age >= s.r.AlarmAfter {
			out[l.Txn] = l
		}
	}
	for id, since := range s.r.waiting(s.shard.Name()) {
		if _, ok := out[id]; ok || now.Sub(since) < s.r.AlarmAfter {
			continue
		}
		why := "shard " + s.shard.Name() + ", which has not answered"
		if err != nil {
			why += ": " + err.Error()
		}
		out[id] = Left{Txn: id, Age: now.Sub(since), Why: why}
	}
	return out
}

// waiting tells since when this process has known of decided transactions that a
// shard has yet to hear of.
func (r *Resolver) waiting(shard string) map[uuid.UUID]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make(map[uuid.UUID]time.Time)
	for id, p := range r.pending {
		if p.shards[shard] {
			out[id] = p.since
		}
	}
	return out
}

// note takes what is overdue on a shard, and tells how many of those are new there.
func (a *alarms) note(ctx context.Context, log *slog.Logger, shard string, overdue map[uuid.UUID]Left, after time.Duration) (fresh int) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.raised == nil {
		a.raised = make(map[uuid.UUID]*alarm)
	}
	var due []uuid.UUID
	for id, l := range overdue {
		raised := a.raised[id]
		if raised == nil {
			raised = &alarm{shards: make(map[string]Left), again: now, pause: after}
			a.raised[id] = raised
		}
		if _, known := raised.shards[shard]; !known {
			fresh++
		}
		raised.shards[shard] = l
		if !raised.again.After(now) {
			due = append(due, id)
			raised.again, raised.pause = now.Add(raised.pause), min(2*raised.pause, longestPause)
		}
	}
	for id, raised := range a.raised {
		if _, still := overdue[id]; still {
			continue
		}
		if _, was := raised.shards[shard]; !was {
			continue
		}
		if delete(raised.shards, shard); len(raised.shards) == 0 {
			delete(a.raised, id)
			log.InfoContext(ctx, "a transaction is no longer in doubt", "txn", id)
		}
	}
	a.tell(ctx, log, due)
	return fresh
}

// tell logs the oldest one by one and counts the rest.
func (a *alarms) tell(ctx context.Context, log *slog.Logger, due []uuid.UUID) {
	age := func(id uuid.UUID) (age time.Duration) {
		for _, l := range a.raised[id].shards {
			age = max(age, l.Age)
		}
		return age
	}
	slices.SortFunc(due, func(x, y uuid.UUID) int {
		return cmp.Or(-cmp.Compare(age(x), age(y)), strings.Compare(x.String(), y.String()))
	})
	for i, id := range due {
		if i == mostLines {
			log.WarnContext(ctx, "more transactions are in doubt for too long", "transactions", len(due)-i, "oldest", age(id).Round(time.Millisecond))
			return
		}
		raised, level := a.raised[id], slog.LevelWarn
		var why []string
		shards := slices.Sorted(maps.Keys(raised.shards))
		for _, s := range shards {
			l := raised.shards[s]
			if l.Stuck {
				level = slog.LevelError
			}
			if !slices.Contains(why, l.Why) {
				why = append(why, l.Why)
			}
		}
		log.Log(ctx, level, "a transaction is in doubt for too long", "txn", id, "shards", strings.Join(shards, ","),
			"age", age(id).Round(time.Millisecond), "waits_for", strings.Join(why, "; "), "again_in", raised.pause/2)
	}
}

// left describes a transaction that was not finished.
func (s *sweeper) leave(report *Report, p Prepared, txn uuid.UUID, err error) {
	l := Left{Txn: txn, Age: p.Age}
	var refused *pgconn.PgError
	switch {
	case err == nil:
		l.Why = "its coordinator, or somebody who is finishing it"
	case errors.As(err, &refused):
		l.Why, l.Stuck = "an operator: shard "+s.shard.Name()+" refuses: "+err.Error(), true
	case errors.Is(err, txlog.ErrNotStored):
		l.Why, l.Stuck = "the decision log: "+err.Error(), true
	default:
		l.Why = err.Error()
	}
	report.Left = append(report.Left, l)
	report.Oldest = max(report.Oldest, p.Age)
}
