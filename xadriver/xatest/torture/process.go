package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is one child, from its start to its end.
type process struct {
	spec
	cmd     *exec.Cmd
	stdin   io.WriteCloser
	stderr  string
	started time.Time
	ready   chan struct{} // closed when it has said hello
	dead    chan struct{} // closed when it has ended and all it said is heard

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
func launch(s spec, dir string, hear func(*process, event)) (*process, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{spec: s, ready: make(chan struct{}), dead: make(chan struct{}), stderr: filepath.Join(dir, fmt.Sprintf("%s-%d.stderr", s.Role, s.Slot))}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	p.cmd = exec.Command(exe)
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(raw), "GOMAXPROCS=2")
	p.cmd.Stderr = stderr
	p.cmd.SysProcAttr = attributes()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	p.started = time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go p.listen(out, hear)
	return p, nil
}

// listen hears what the child says, until its end.
func (p *process) listen(out io.Reader, hear func(*process, event)) {
	defer close(p.dead)
	lines := bufio.NewReaderSize(out, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // a line that was cut off was never said
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			p.fail("it said " + strings.TrimSpace(string(line)))
			continue
		}
		p.hear(e)
		hear(p, e)
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.stdin.Close()
	if p.killed.IsZero() && p.failed == "" && (err != nil || !p.quiet) {
		p.failed = fmt.Sprintf("it ended with %v: %s", err, tail(p.stderr))
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

// tell gives the child an order. A child that has ended is not told.
func (p *process) tell(order string) { _, _ = io.WriteString(p.stdin, order+"\n") }

// kill is kill -9.
func (p *process) kill() bool {
	p.mu.Lock()
	if !p.killed.IsZero() || p.failed != "" {
		p.mu.Unlock()
		return false
	}
	p.killed = time.Now()
	p.mu.Unlock()
	if err := p.cmd.Process.Kill(); err != nil && errors.Is(err, os.ErrProcessDone) {
		p.mu.Lock()
		p.killed = time.Time{} // it had ended by itself
		p.mu.Unlock()
		return false
	}
	return true
}

// signal stops the child and lets it go on.
func (p *process) signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// wake lets a child go on that has stopped itself.
func (p *process) wake() {
	p.mu.Lock()
	p.asleep = time.Time{}
	p.mu.Unlock()
	p.signal(syscall.SIGCONT)
}

// end lets the child end by itself, as a program that is no longer needed.
func (p *process) end() {
	p.mu.Lock()
	p.quiet = true
	p.mu.Unlock()
	_ = p.stdin.Close()
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

func (p *process) isDead() bool {
	select {
	case <-p.dead:
		return true
	default:
		return false
	}
}

// trouble is what a broken program says of itself, from there on.
func (p *process) trouble() string {
	b, err := os.ReadFile(p.stderr)
	if err != nil {
		return err.Error()
	}
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if i := bytes.Index(b, []byte(sign)); i >= 0 {
			return string(b[i:min(len(b), i+6000)])
		}
	}
	return ""
}

// tail is the end of a file.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	const most = 6000
	return string(b[max(0, len(b)-most):])
}
