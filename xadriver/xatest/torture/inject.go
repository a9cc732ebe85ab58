package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/xapg/xapg/xadriver/xatest"
)

// injector carries faults out. Each ends by itself, and undoes itself.
type injector struct {
	*crew
	backups int

	mu   sync.Mutex
	busy map[string]bool // what is being tormented; one fault at a time
	done sync.WaitGroup
}

func newInjector(c *crew, backups int) *injector {
	return &injector{crew: c, backups: backups, busy: make(map[string]bool)}
}

// run carries out the schedule until told to stop, and waits for what is under way.
func (j *injector) run(s *schedule, stop <-chan struct{}) {
	defer j.done.Wait()
	for {
		f := s.next()
		select {
		case <-stop:
			return
		case <-time.After(f.Wait):
		}
		if j.verbose {
			j.report.log("%s", f)
		}
		j.start(f)
	}
}

func (j *injector) start(f fault) {
	target, act := j.plan(f)
	j.mu.Lock()
	defer j.mu.Unlock()
	if act == nil || j.busy[target] {
		j.report.count(&j.report.skipped, string(f.Kind))
		return
	}
	j.busy[target] = true
	j.done.Go(func() {
		if act() {
			j.report.count(&j.report.faults, string(f.Kind))
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.busy, target)
	})
}

// plan says whom a fault concerns, and what is to be done, which tells whether it had
// any effect.
func (j *injector) plan(f fault) (target string, act func() bool) {
	server := j.cluster.Shards[f.Shard]
	app := f.App
	if app < 0 {
		app = 0
	}
	onServer, onApp, onShard := fmt.Sprint("server ", f.Shard), fmt.Sprint("application ", app), fmt.Sprint(f.Kind, " ", f.Shard)
	switch f.Kind {
	case killApp:
		return fmt.Sprint("kill ", app), func() bool { return j.kill(application, app) }
	case killBackup:
		if j.backups == 0 {
			return "", nil
		}
		slot := f.Shard % j.backups
		return fmt.Sprint("backup ", slot), func() bool { return j.kill(backupOf(slot), slot) }
	case freezeApp:
		return onApp, func() bool { return j.freeze(app, f.For) }
	case stopServer:
		return onServer, func() bool { return j.stopServer(server, f.For) }
	case freezeServer:
		return onServer, func() bool { return j.freezeServer(server, f.For) }
	case fillLog:
		return "log", func() bool {
			if j.keeper == nil {
				return j.fill(f)
			}
			if j.stopServer(j.keeper.Shards[0], f.For) {
				j.report.count(&j.report.faults, string(stopLog))
			}
			return false
		}
	case loseLog:
		return "log", func() bool { return j.lose(f.For) }
	case stallAsking, stallAnswers, stallAndCut:
		return fmt.Sprint("stall ", f.Shard), func() bool { return j.disturb(f) }
	default:
		return onShard, func() bool { return j.disturb(f) }
	}
}

func (j *injector) kill(as role, slot int) bool {
	p := j.at(as, slot)
	return p != nil && p.kill()
}

func (j *injector) freeze(slot int, d time.Duration) bool {
	p := j.at(application, slot)
	if p == nil || p.IsDead() {
		return false
	}
	p.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	p.Signal(syscall.SIGCONT)
	return true
}

func (j *injector) stopServer(s *xatest.Server, d time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx, xatest.Immediate); err != nil {
		j.report.violate(vBroken, "server %s does not stop: %v", s.Name(), err)
		return false
	}
	j.report.crashed("server", "stopped at once")
	time.Sleep(d / 2)
	if err := s.Start(ctx); err != nil {
		j.report.violate(vBroken, "server %s does not start: %v", s.Name(), err)
	}
	return true
}

func (j *injector) freezeServer(s *xatest.Server, d time.Duration) bool {
	if s.Freeze() != nil {
		return false
	}
	time.Sleep(d)
	return s.Thaw() == nil
}

// fill leaves no room for the log: on its disk, where that can be done, or else, and
// by turns, by a refusal that comes from the processes themselves. On a disk that is
// full a log can go on for a while, in the room that it has already.
func (j *injector) fill(f fault) bool {
	if j.disk == nil || f.N%2 == 0 {
		j.broadcast(logFull)
		time.Sleep(f.For)
		j.broadcast(logGood)
		return true
	}
	err := j.disk.Fill()
	time.Sleep(f.For)
	if empty := j.disk.Empty(); empty != nil {
		j.report.violate(vBroken, "no room can be made on the log's disk: %v", empty)
	}
	return err == nil
}

func (j *injector) lose(d time.Duration) bool {
	j.broadcast(logLost)
	time.Sleep(d)
	j.broadcast(logGood)
	return true
}

// ways are the proxies that a fault concerns.
func (j *injector) ways(f fault) (list []*xatest.Proxy) {
	for app, row := range j.proxies {
		if f.App < 0 || f.App == app {
			list = append(list, row[f.Shard])
		}
	}
	return list
}

// disturb does something to connections, and undoes it.
func (j *injector) disturb(f fault) (met bool) {
	for _, p := range j.ways(f) {
		met = j.begin(f, p) || met
	}
	switch f.Kind {
	case cutAll, cutOne:
		return met
	case loseAnswer, loseQuestion:
		time.Sleep(f.For + 500*time.Millisecond)
	default:
		time.Sleep(f.For)
	}
	for _, p := range j.ways(f) {
		met = j.undo(f, p) || met
	}
	return met
}

func (j *injector) begin(f fault, p *xatest.Proxy) bool {
	const lag = 30 * time.Millisecond
	switch f.Kind {
	case cutAll:
		p.Cut()
	case cutOne:
		return p.CutOne()
	case loseAnswer:
		p.CutBeforeReply(f.Say)
		return false // not yet
	case loseQuestion:
		p.CutBeforeForward(f.Say)
		return false
	case delayAsking:
		p.Delay(lag)
	case delayAnswers:
		p.DelayAnswers(lag)
	case stallAsking:
		p.Stall(true, false)
	case stallAnswers:
		p.Stall(false, true)
	case stallAndCut:
		p.Stall(f.N%2 == 0, f.N%2 == 1)
	case refuseToServe:
		p.Refuse(true)
		p.Cut()
	}
	return true
}

func (j *injector) undo(f fault, p *xatest.Proxy) bool {
	switch f.Kind {
	case loseAnswer, loseQuestion:
		met := !p.Armed()
		p.Disarm()
		return met
	case delayAsking:
		p.Delay(0)
	case delayAnswers:
		p.DelayAnswers(0)
	case stallAndCut:
		p.Cut()
		p.Stall(false, false)
	case stallAsking, stallAnswers:
		p.Stall(false, false)
	case refuseToServe:
		p.Refuse(false)
	}
	return false
}
