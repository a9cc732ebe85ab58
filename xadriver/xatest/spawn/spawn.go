// Package spawn runs a test program again as processes of its own, which can be killed.
//
// A parent that wants to know what becomes of a database's clients when they die cannot
// be such a client itself. So it starts its own executable anew, with what the child is
// to do in an environment variable, in JSON. A child says what happens on its standard
// output, a line each; a line that was cut off by its death was never said. It is told
// what to do on its standard input, and ends when that ends, so that no child is left
// when the parent is killed.
package spawn

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Child is a process, from its start to its end. Its methods may be called concurrently.
type Child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     io.Reader
	stderr  string
	dead    chan struct{}
	writing sync.Mutex
}

// Options say how a child is started.
type Options struct {
	Variable string   // of the environment, by which it knows that it is a child
	Spec     any      // what it is to do: the variable's value, in JSON
	Stderr   string   // the file that gets its standard error
	More     []string // variables
	System   *syscall.SysProcAttr
}

// Start starts this program again. Listen is to be called next.
func Start(o Options) (*Child, error) {
	raw, err := json.Marshal(o.Spec)
	if err != nil {
		return nil, err
	}
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	stderr, err := os.Create(o.Stderr)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	c := &Child{cmd: exec.Command(exe), stderr: o.Stderr, dead: make(chan struct{})}
	c.cmd.Env = append(append(os.Environ(), o.Variable+"="+string(raw)), o.More...)
	c.cmd.Stderr, c.cmd.SysProcAttr = stderr, o.System
	if c.out, err = c.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return c, c.cmd.Start()
}

// Listen calls heard with each line that the child says, without its end, and over with
// how it ended (see exec.Cmd.Wait), both on a goroutine that ends with the child.
func (c *Child) Listen(heard func(line []byte), over func(error)) {
	go func() {
		defer close(c.dead)
		lines := bufio.NewReaderSize(c.out, 1<<16)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				break
			}
			heard(bytes.TrimSpace(line))
		}
		err := c.cmd.Wait()
		c.End()
		over(err)
	}()
}

// Dead is closed when the child has ended, and all that it said was heard.
func (c *Child) Dead() <-chan struct{} { return c.dead }

// IsDead reports whether it is.
func (c *Child) IsDead() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// Kill is kill -9. It reports whether the child was still there.
func (c *Child) Kill() bool { return !errors.Is(c.cmd.Process.Kill(), os.ErrProcessDone) }

// Signal sends the child a signal.
func (c *Child) Signal(sig os.Signal) { _ = c.cmd.Process.Signal(sig) }

// Tell gives the child a line. One that has ended is not told.
func (c *Child) Tell(line string) {
	c.writing.Lock()
	defer c.writing.Unlock()
	_, _ = io.WriteString(c.in, line+"\n")
}

// End lets the child end by itself: it is told nothing more.
func (c *Child) End() { _ = c.in.Close() }

// How much of what a child wrote to its standard error is told.
const most = 8000

// Tail is the end of what the child wrote to its standard error.
func (c *Child) Tail() string {
	b, err := os.ReadFile(c.stderr)
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-most):])
}

// Broken is what a child that is wrong as a program has said of itself, from there on:
// of a data race, or a panic. It is "" for one of which no such thing is known.
func (c *Child) Broken() string {
	b, err := os.ReadFile(c.stderr)
	if err != nil {
		return err.Error()
	}
	for _, sign := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: "} {
		if i := bytes.Index(b, []byte(sign)); i >= 0 {
			return string(b[i:min(len(b), i+most)])
		}
	}
	return ""
}
