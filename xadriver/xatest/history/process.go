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
	*spawn.Child
	ready chan struct{} // closed when it has said hello, or cannot any more

	mu     sync.Mutex
	hello  bool
	killed bool
	failed string // why it could not go on
}

// launch starts this program again, as a child.
func launch(s spec, dir string, hear func(event)) (p *process, err error) {
	p = &process{ready: make(chan struct{})}
	p.Child, err = spawn.Start(spawn.Options{
		Variable: childEnv, Spec: s, More: []string{"GOMAXPROCS=2"}, Stderr: filepath.Join(dir, fmt.Sprintf("%d.stderr", s.Inc)),
	})
	if err != nil {
		return nil, err
	}
	p.Listen(func(line []byte) { p.heard(line, hear) }, p.ended)
	return p, nil
}

func (p *process) heard(line []byte, hear func(event)) {
	var e event
	switch err := json.Unmarshal(line, &e); {
	case err != nil:
		p.fail("it said " + string(line))
	case e.E == saysFailed:
		p.fail(e.Err)
	case e.E == saysDying:
		p.dies()
	case e.E == saysHello:
		p.hello = true
		close(p.ready)
	default:
		hear(e)
	}
}

func (p *process) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failed == "" && err != nil && !p.killed {
		p.failed = err.Error() + ": " + p.Tail()
	}
	if !p.hello {
		close(p.ready)
	}
}

func (p *process) fail(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = why
}

func (p *process) dies() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
}

// kill is kill -9. It reports whether the child was alive.
func (p *process) kill() bool {
	p.dies()
	return p.Kill()
}

// trouble is why the child could not go on, or what is wrong with it as a program.
func (p *process) trouble() string {
	if text := p.Broken(); text != "" {
		return text
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}
