package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// torture is one run.
type torture struct {
	*crew
	schedule *schedule
	r        *rand.Rand
	base     map[int]int64
}

// chaos is everything at once.
func (t *torture) chaos(ctx context.Context) error {
	var all []duty
	for slot := range t.apps {
		all = append(all, duty{role: application, slot: slot})
	}
	for slot := range t.backups {
		all = append(all, duty{role: backupOf(slot), slot: slot})
	}
	err := t.stage(ctx, "everything at once", all, func(stop <-chan struct{}) {
		newInjector(t.crew, t.backups).run(t.schedule, stop)
	})
	for _, l := range t.watch.take() {
		t.report.finished(&t.report.inChaos, l, l.after)
	}
	return err
}

// kills measures how soon one backup finishes what applications leave that are killed
// in the midst of a commit: nobody else resolves, and nothing else is wrong.
func (t *torture) kills(ctx context.Context) error {
	all := []duty{{role: backupOf(t.round + 1), steady: true}}
	for slot := range t.apps {
		all = append(all, duty{role: application, slot: slot, kills: true, noResolver: true})
	}
	err := t.stage(ctx, "killed in every phase, one backup", all, func(stop <-chan struct{}) { <-stop })
	for _, l := range t.watch.take() {
		t.report.finished(&t.report.withBackup, l, l.after)
		if limit := t.resolveAfter + slack; t.strict && l.after > limit {
			t.report.violate(vLate, "%s of %s %d, killed %s, was gone after %s, with a backup alive (limit %s)", l.gid, l.by.Role, l.by.Slot, l.by.fate().point, l.after, limit)
		}
	}
	return err
}

// slack is what is promised beyond resolve_after.
const slack = 2 * time.Second

// alone measures how soon a program finishes, when it is started again, what all
// programs have left that were killed, with nobody there in the meantime.
func (t *torture) alone(ctx context.Context) error {
	var next time.Time
	var all []duty
	for slot := range t.apps {
		all = append(all, duty{role: application, slot: slot, kills: true, noResolver: true, once: true})
	}
	err := t.stage(ctx, "all killed, nobody there", all, func(stop <-chan struct{}) {
		var first []*process
		limit := time.After(4 * time.Second)
		for slot := range t.apps {
			for t.at(application, slot) == nil {
				time.Sleep(time.Millisecond)
			}
			first = append(first, t.at(application, slot))
		}
		for _, p := range first {
			select {
			case <-p.Dead():
				continue
			case <-limit:
				limit = time.After(0)
			}
			p.kill()
			<-p.Dead()
		}
		time.Sleep(time.Duration(t.r.IntN(1500)) * time.Millisecond)
		next = time.Now()
		t.employ(duty{role: application, steady: true})
		select {
		case <-stop:
		case <-time.After(t.resolveAfter/4 + 1500*time.Millisecond):
		}
	})
	for _, l := range t.watch.take() {
		after := l.gone.Sub(next)
		if after < 0 {
			continue // what was under way when its coordinator died, and was carried out
		}
		t.report.finished(&t.report.atStart, l, after)
		if t.strict && after > slack {
			t.report.violate(vLate, "%s of %s %d, killed %s, was gone %s after the next start (limit %s)", l.gid, l.by.Role, l.by.Slot, l.by.fate().point, after, slack)
		}
	}
	return err
}

// stage runs processes until they have had their time, which begins when the first of them
// are ready, waits until all is quiet, and compares what is there with what they were told.
func (t *torture) stage(ctx context.Context, name string, first []duty, act func(stop <-chan struct{})) error {
	t.report.enter(name)
	t.begin()
	t.gather(ctx, first)
	stop := make(chan struct{})
	timer := time.AfterFunc(t.stageFor, func() { close(stop) })
	act(stop)
	timer.Stop()
	t.broadcast(logGood)
	t.pause()
	s, err := t.settled(context.WithoutCancel(ctx))
	if err != nil {
		t.abandon()
		return fmt.Errorf("after %q: %w", name, err)
	}
	t.dismiss()
	s.Base, s.Total = t.base, int64(len(t.everybody())*startBalance)
	txns := t.history.take()
	bad := check(txns, s)
	for _, v := range bad {
		t.report.violated(v)
	}
	t.report.checked(txns)
	t.base = make(map[int]int64)
	for _, mask := range t.masks {
		for shard := range t.names {
			if mask&(1<<shard) != 0 {
				t.base[mask] = s.Counters[shard][mask]
			}
		}
	}
	if len(bad) > 0 {
		return errViolated
	}
	return t.sweep(context.WithoutCancel(ctx))
}
