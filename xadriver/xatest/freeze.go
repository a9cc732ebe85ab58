package xatest

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Freeze stops the server and all of its sessions in their tracks, until Thaw. When it
// returns, none of them does anything any more.
func (s *Server) Freeze() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, err := s.pid()
	if err != nil {
		return err
	}
	// The postmaster first, so that it starts no more sessions.
	if err := freeze(pid); err != nil {
		return err
	}
	return freeze(children(pid)...)
}

// Thaw lets a frozen server go on.
func (s *Server) Thaw() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	pid, err := s.pid()
	if err != nil {
		return err
	}
	return thaw(pid)
}

// thaw lets a server go on, its sessions first.
func thaw(postmaster int) error {
	for _, child := range children(postmaster) {
		_ = syscall.Kill(child, syscall.SIGCONT)
	}
	return syscall.Kill(postmaster, syscall.SIGCONT)
}

// freeze stops processes and waits until they stand still: the signal is one thing, and
// when a process gets as far as taking notice of it is another. Those that end meanwhile
// are left.
func freeze(pids ...int) error {
	var names []string
	for _, pid := range pids {
		err := syscall.Kill(pid, syscall.SIGSTOP)
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
		names = append(names, strconv.Itoa(pid))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(names) > 0 {
		// It says nothing, and fails, when there are none any more.
		states, _ := exec.CommandContext(ctx, "ps", "-o", "state=", "-p", strings.Join(names, ",")).Output()
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("the processes %v do not stop: %w", names, err)
		}
		if strings.Trim(string(states), "TZ \n") == "" {
			return nil
		}
	}
	return nil
}

// children are the processes that a process has started, and that still run.
func children(pid int) []int {
	out, _ := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	var pids []int
	for _, f := range strings.Fields(string(out)) {
		if child, err := strconv.Atoi(f); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}
