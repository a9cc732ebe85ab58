package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/spawn"
)

// process is one child, from its start to its end.
type process struct {
	spec
	*spawn.Child
	started time.Time
	ready   chan struct{} // closed when it has said hello

	mu      sync.Mutex
	opening int64     // of the log, by it
	killed  time.Time // when it was, or killed itself; zero if it was not
	point   string    // where it killed itself
	asleep  time.Time // since when it has stopped itself
	paused  bool
	failed  string // why it could not go on
	quiet   bool   // it is to end by itself
}

// launch starts this program again, as a child.
func launch(s spec, dir string, hear func(*process, event)) (p *process, err error) {
	p = &process{spec: s, ready: make(chan struct{}), started: time.Now()}
	p.Child, err = spawn.Start(spawn.Options{
		Variable: childEnv, Spec: s, More: []string{"GOMAXPROCS=2"}, System: attributes(), Stderr: filepath.Join(dir, fmt.Sprintf("%s-%d.stderr", s.Role, s.Slot)),
	})
	if err != nil {
		return nil, err
	}
	p.Listen(func(line []byte) { p.heard(line, hear) }, p.ended)
	return p, nil
}

func (p *process) heard(line []byte, hear func(*process, event)) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		p.fail("it said " + string(line))
		return
	}
	p.hear(e)
	hear(p, e)
}

func (p *process) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.killed.IsZero() && p.failed == "" && (err != nil || !p.quiet) {
		p.failed = fmt.Sprintf("it ended with %v: %s", err, p.Tail())
	}
}

func (p *process) hear(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.E {
	case saysHello:
		p.opening = e.Opening
		close(p.ready)
	case saysDying:
		p.killed, p.point = time.Now(), e.Point
	case saysSleeping:
		p.asleep, p.point = time.Now(), e.Point
	case saysPaused:
		p.paused = true
	case saysFailed:
		p.failed = e.Err
	}
}

func (p *process) fail(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = why
}

// kill is kill -9.
func (p *process) kill() bool {
	p.mu.Lock()
	if !p.killed.IsZero() || p.failed != "" {
		p.mu.Unlock()
		return false
	}
	p.killed = time.Now()
	p.mu.Unlock()
	if !p.Kill() {
		p.mu.Lock()
		p.killed = time.Time{} // it had ended by itself
		p.mu.Unlock()
		return false
	}
	return true
}

// wake lets a child go on that has stopped itself.
func (p *process) wake() {
	p.mu.Lock()
	p.asleep = time.Time{}
	p.mu.Unlock()
	p.Signal(syscall.SIGCONT)
}

// end lets the child end by itself, as a program that is no longer needed.
func (p *process) end() {
	p.mu.Lock()
	p.quiet = true
	p.mu.Unlock()
	p.End()
}

// fate is what became of a child.
type fate struct {
	killed time.Time
	point  string
	failed string
	opened int64
}

func (p *process) fate() fate {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fate{p.killed, p.point, p.failed, p.opening}
}

func (p *process) isPaused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused
}
