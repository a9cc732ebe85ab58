package main

import (
	"bufio"
	"encoding/json"
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
	spec
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr string
	dead   chan struct{} // closed when it has ended and all it said is heard

	mu     sync.Mutex
	killed bool
	broken string // why it ended, if that was not as it should be
}

// launch starts this program again, as a child.
func launch(s spec, dir string, hear func(counts)) (*process, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{spec: s, dead: make(chan struct{}), stderr: filepath.Join(dir, fmt.Sprintf("%s-%d.stderr", s.Role, s.Slot))}
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

// listen hears what the child says, until its end. Children end when their standard
// input does, so that none is left when this process is killed.
func (p *process) listen(out io.Reader, hear func(counts)) {
	defer close(p.dead)
	lines := bufio.NewReaderSize(out, 1<<16)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break // a line that was cut off was never said
		}
		var c counts
		if err := json.Unmarshal(line, &c); err != nil {
			p.mu.Lock()
			p.broken = "it said " + strings.TrimSpace(string(line))
			p.mu.Unlock()
			continue
		}
		if c.Dying != "" {
			p.mu.Lock()
			p.killed = true
			p.mu.Unlock()
		}
		hear(c)
	}
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.stdin.Close()
	if err != nil && !p.killed {
		p.broken = fmt.Sprintf("%v: %s", err, tail(p.stderr))
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	_ = p.cmd.Process.Kill()
}

// order tells the child at which point to end.
func (p *process) order(point string) { _, _ = io.WriteString(p.stdin, point+"\n") }

// finish lets the child end by itself.
func (p *process) finish() { _ = p.stdin.Close() }

func (p *process) trouble() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
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
