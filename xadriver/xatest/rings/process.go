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
	"time"
)

// process is one child, from its start to its end.
type process struct {
	spec
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr string
	ready  chan struct{} // closed when it has said hello
	dead   chan struct{} // closed when it has ended and all it said is heard

	writing sync.Mutex
	mu      sync.Mutex
	failed  string // why it could not go on
	over    bool   // it is to end by itself
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
	p := &process{spec: s, ready: make(chan struct{}), dead: make(chan struct{}), stderr: filepath.Join(dir, fmt.Sprintf("%d.stderr", s.Slot))}
	stderr, err := os.Create(p.stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	p.cmd = exec.Command(exe)
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(raw))
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
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
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			p.fail("it said " + strings.TrimSpace(string(line)))
			continue
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
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.stdin.Close()
	if p.failed == "" && (err != nil || !p.over) {
		p.failed = fmt.Sprintf("it ended with %v: %s", err, tail(p.stderr))
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
	p.writing.Lock()
	defer p.writing.Unlock()
	_, _ = p.stdin.Write(append(line, '\n'))
}

// awaitReady waits until the child is ready.
func (p *process) awaitReady() error {
	select {
	case <-p.ready:
		return nil
	case <-p.dead:
		return p.trouble()
	case <-time.After(time.Minute):
		return fmt.Errorf("application %d does not begin: %s", p.Slot, tail(p.stderr))
	}
}

// end lets the child end by itself, and tells what was wrong with it.
func (p *process) end() error {
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	_ = p.stdin.Close()
	select {
	case <-p.dead:
	case <-time.After(time.Minute):
		_ = p.cmd.Process.Kill()
		<-p.dead
	}
	return p.trouble()
}

// trouble is why the child is not well, if so.
func (p *process) trouble() error {
	p.mu.Lock()
	failed := p.failed
	p.mu.Unlock()
	b, _ := os.ReadFile(p.stderr)
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if i := bytes.Index(b, []byte(sign)); i >= 0 {
			failed = string(b[i:min(len(b), i+6000)])
		}
	}
	if failed == "" {
		return nil
	}
	return errors.New("application " + fmt.Sprint(p.Slot) + ": " + failed)
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
