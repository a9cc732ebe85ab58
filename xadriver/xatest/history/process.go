package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// process is one child, from its start to its end.
type process struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr string
	ready  chan struct{} // closed when it has said hello
	dead   chan struct{} // closed when it has ended and all it said is heard

	mu     sync.Mutex
	killed bool
	failed string // why it could not go on
}

// launch starts this program again, as a child.
func launch(s spec, dir string, hear func(event)) (*process, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{ready: make(chan struct{}), dead: make(chan struct{}), stderr: filepath.Join(dir, fmt.Sprintf("%d.stderr", s.Inc))}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	p.cmd = exec.Command(exe)
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(raw), "GOMAXPROCS=2")
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	// Its end tells the child to end, also when we die.
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(out, hear)
	return p, nil
}

// listen hears what the child says, until its end.
func (p *process) listen(out io.Reader, hear func(event)) {
	defer close(p.dead)
	lines := bufio.NewReaderSize(out, 1<<16)
	hello := false
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // a line that was cut off was never said
		}
		var e event
		switch err := json.Unmarshal(line, &e); {
		case err != nil:
			p.fail("it said " + strings.TrimSpace(string(line)))
		case e.E == saysFailed:
			p.fail(e.Err)
		case e.E == saysDying:
			p.dies()
		case e.E == saysHello:
			hello = true
			close(p.ready)
		default:
			hear(e)
		}
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.stdin.Close()
	if p.failed == "" && err != nil && !p.killed {
		p.failed = err.Error() + ": " + tail(p.stderr)
	}
	if !hello {
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

func (p *process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// kill is kill -9. It reports whether the child was alive.
func (p *process) kill() bool {
	p.dies()
	return !errors.Is(p.cmd.Process.Kill(), os.ErrProcessDone)
}

// end lets the child end by itself, when its transactions are over.
func (p *process) end() { _ = p.stdin.Close() }

// trouble is why the child could not go on, or what is wrong with it as a program.
func (p *process) trouble() string {
	if text := tail(p.stderr); strings.Contains(text, "DATA RACE") || strings.Contains(text, "panic: ") || strings.Contains(text, "fatal error: ") {
		return text
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

// tail is the end of a file.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	const most = 8000
	return string(b[max(0, len(b)-most):])
}
