package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/xapg/xapg/xadriver/xatest/spawn"
)

// process is one child, from its start to its end.
type process struct {
	spec
	*spawn.Child

	mu     sync.Mutex
	killed bool
	broken string // why it ended, if that was not as it should be
}

// launch starts this program again, as a child.
func launch(s spec, dir string, hear func(counts)) (p *process, err error) {
	p = &process{spec: s}
	p.Child, err = spawn.Start(spawn.Options{Variable: childEnv, Spec: s, Stderr: filepath.Join(dir, fmt.Sprintf("%s-%d.stderr", s.Role, s.Slot))})
	if err != nil {
		return nil, err
	}
	p.Listen(func(line []byte) { p.heard(line, hear) }, p.ended)
	return p, nil
}

func (p *process) heard(line []byte, hear func(counts)) {
	var c counts
	if err := json.Unmarshal(line, &c); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.broken = "it said " + string(line)
		return
	}
	if c.Dying != "" {
		p.mu.Lock()
		p.killed = true
		p.mu.Unlock()
	}
	hear(c)
}

func (p *process) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && !p.killed {
		p.broken = fmt.Sprintf("%v: %s", err, p.Tail())
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	_ = p.Kill()
}

func (p *process) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}
