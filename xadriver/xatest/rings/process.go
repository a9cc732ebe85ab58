package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/xapg/xapg/xadriver/xatest/spawn"
)

// process is one child, from its start to its end.
type process struct {
	spec
	*spawn.Child
	ready chan struct{} // closed when it has said hello

	mu     sync.Mutex
	failed string // why it could not go on
	over   bool   // it is to end by itself
}

// launch starts this program again, as a child.
func launch(s spec, dir string, hear func(event)) (p *process, err error) {
	p = &process{spec: s, ready: make(chan struct{})}
	p.Child, err = spawn.Start(spawn.Options{Variable: childEnv, Spec: s, Stderr: filepath.Join(dir, fmt.Sprintf("%d.stderr", s.Slot))})
	if err != nil {
		return nil, err
	}
	p.Listen(func(line []byte) { p.heard(line, hear) }, p.ended)
	return p, nil
}

func (p *process) heard(line []byte, hear func(event)) {
	var e event
	if err := json.Unmarshal(line, &e); err != nil {
		p.fail("it said " + string(line))
		return
	}
	switch e.E {
	case saysHello:
		close(p.ready)
	case saysFailed:
		p.fail(e.Err)
	default:
		hear(e)
	}
}

func (p *process) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == "" && (err != nil || !p.over) {
		p.failed = fmt.Sprintf("it ended with %v: %s", err, p.Tail())
	}
}

func (p *process) fail(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = why
}

// tell gives the child an order. A child that has ended is not told.
func (p *process) tell(o order) {
	line, err := json.Marshal(o)
	if err != nil {
		panic(err) // all of its fields can be marshaled
	}
	p.Tell(string(line))
}

// awaitReady waits until the child is ready.
func (p *process) awaitReady() error {
	select {
	case <-p.ready:
		return nil
	case <-p.Dead():
		return p.trouble()
	case <-time.After(time.Minute):
		return fmt.Errorf("application %d does not begin: %s", p.Slot, p.Tail())
	}
}

// end lets the child end by itself, and tells what was wrong with it.
func (p *process) end() error {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	p.End()
	select {
	case <-p.Dead():
	case <-time.After(time.Minute):
		_ = p.Kill()
		<-p.Dead()
	}
	return p.trouble()
}

// trouble is why the child is not well, if so.
func (p *process) trouble() error {
	p.mu.Lock()
	failed := p.failed
	p.mu.Unlock()
	if broken := p.Broken(); broken != "" {
		failed = broken
	}
	if failed == "" {
		return nil
	}
	return errors.New("application " + fmt.Sprint(p.Slot) + ": " + failed)
}
