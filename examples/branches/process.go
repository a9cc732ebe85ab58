package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"github.com/google/uuid"

	"github.com/xapg/xapg/xadriver"
)

// process is this program once more, as a coordinator or as a backup. Lines of its
// output that begin with "#" are for its parent; the others are for the reader.
type process struct {
	*exec.Cmd
	stdin io.WriteCloser
	lines chan string
}

// start starts a coordinator that stops at a step, or a backup. It ends with its
// standard input, and so with its parent.
func (b *bank) start(ctx context.Context, what string) (*process, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &process{Cmd: exec.CommandContext(ctx, exe, "-child", what, "-dsn", b.dsn), lines: make(chan string, 16)}
	p.Stderr = os.Stderr
	if p.stdin, err = p.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if line, ok := strings.CutPrefix(s.Text(), "#"); ok {
				p.lines <- line
				continue
			}
			fmt.Println(s.Text())
		}
	}()
	return p, nil
}

// next is the next line that the process says to its parent, which begins with word.
func (p *process) next(word string) (string, error) {
	line, ok := <-p.lines
	if !ok {
		return "", fmt.Errorf("process %d ended without saying %q", p.Process.Pid, word)
	}
	rest, ok := strings.CutPrefix(line, word+" ")
	if !ok {
		return "", fmt.Errorf("process %d said %q instead of %q", p.Process.Pid, line, word)
	}
	return rest, nil
}

// stops waits until the coordinator has come to its step, and returns the id under which
// xapg knows its transaction and the one of its passbook entries.
func (p *process) stops() (txn, book uuid.UUID, err error) {
	line, err := p.next("at")
	if err != nil {
		return txn, book, err
	}
	a, b, _ := strings.Cut(line, " ")
	if txn, err = uuid.Parse(a); err != nil {
		return txn, book, err
	}
	book, err = uuid.Parse(b)
	return txn, book, err
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.Process.Kill()
	for range p.lines { // until it is gone
	}
	_ = p.Wait()
}

// end lets the process go on to its end.
func (p *process) end() error {
	_ = p.stdin.Close()
	for range p.lines {
	}
	return p.Wait()
}

// coordinate is what a coordinator does: it makes the payment, and stops at a step of
// the commit protocol until its parent says a word.
func coordinate(ctx context.Context, dsn, at string) error {
	book := uuid.New()
	var once sync.Once
	connector, err := connect(dsn, func(s xadriver.Step) {
		switch {
		case s.Point == xadriver.AfterPrepare:
			say("coordinator, process %d: %s has voted", os.Getpid(), s.Shard)
		case s.Point == xadriver.AfterDecide && at != string(s.Point):
			say("coordinator, process %d: the register has answered", os.Getpid())
		}
		if at == string(s.Point) {
			once.Do(func() {
				fmt.Printf("#at %s %s\n", s.Txn, book)
				if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
					os.Exit(1) // its parent is gone
				}
				say("coordinator, process %d: awake again, at %s", os.Getpid(), at)
			})
		}
	})
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	err = transfer(ctx, db, book, payment())
	var overruled *xadriver.OverruledError
	switch {
	case err == nil:
		fmt.Println("#told committed")
	case errors.As(err, &overruled):
		say("coordinator, process %d: its application is told %q", os.Getpid(), err)
		fmt.Println("#told aborted")
	default:
		return err
	}
	return nil
}

// backUp resolves what others have left in doubt, until its standard input ends.
func backUp(dsn string) error {
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return err
	}
	cfg.Logger = slog.New(&narrator{})
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return err
	}
	say("backup, process %d: looking after all branches; it shares the log with the others, and nothing else", os.Getpid())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, connector.Close())
}

// narrator prints what the backup does.
type narrator struct{ attrs []slog.Attr }

func (*narrator) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

func (n *narrator) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &narrator{append(n.attrs[:len(n.attrs):len(n.attrs)], attrs...)}
}

func (n *narrator) WithGroup(string) slog.Handler { return n }

func (n *narrator) Handle(_ context.Context, r slog.Record) error {
	if r.Level > slog.LevelInfo {
		return nil // a branch that is down: the story tells that itself
	}
	var b strings.Builder
	fmt.Fprintf(&b, "backup, process %d, %s: %s", os.Getpid(), r.Time.Format("15:04:05.000"), r.Message)
	add := func(a slog.Attr) bool {
		fmt.Fprintf(&b, ", %s %s", a.Key, a.Value)
		return true
	}
	for _, a := range n.attrs {
		add(a)
	}
	r.Attrs(add)
	say("%s", b.String())
	return nil
}

// The signals of a process that sleeps and wakes up, as a machine does that is paused.
func (p *process) sleep() error { return p.Process.Signal(syscall.SIGSTOP) }

func (p *process) wake() error {
	_, err := io.WriteString(p.stdin, "\n")
	return errors.Join(err, p.Process.Signal(syscall.SIGCONT))
}
