package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// crashes kills the program twice in the middle of a payment. What it left is
// found and finished by this process, which shares its decision log.
func (b *bank) crashes(ctx context.Context) error {
	title("Killed between prepare and decision")
	if err := b.killed(ctx, "prepared"); err != nil {
		return err
	}
	say("no decision was made: it must end as if it had never been")
	if err := b.healed(ctx); err != nil {
		return err
	}
	if err := b.expect(ctx, 0, 200); err != nil {
		return err
	}
	title("Killed between the decision and the last COMMIT PREPARED")
	if err := b.killed(ctx, "decided"); err != nil {
		return err
	}
	say("the decision to commit is in the log: it must end committed on both shards")
	if err := b.healed(ctx); err != nil {
		return err
	}
	return b.expect(ctx, 100, 100)
}

// killed runs this program again, to have it killed while Bob pays 100 to Alice.
func (b *bank) killed(ctx context.Context, when string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, exe, "-child", when, "-dsn", b.dsn)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			say("process %d: killed (signal %d)", cmd.Process.Pid, status.Signal())
			return nil
		}
	}
	return fmt.Errorf("the payment should have been cut off by kill -9; it ended with: %w", err)
}

// payAndDie is what the killed process does.
func payAndDie(ctx context.Context, dsn, when string) error {
	cfg, err := xadriver.ParseDSN(dsn)
	if err != nil {
		return err
	}
	var began atomic.Int32
	cfg.OnStep = func(s xadriver.Step) {
		switch {
		case s.Point == xadriver.AfterPrepare:
			say("process %d: shard %s has voted yes", os.Getpid(), s.Shard)
		case s.Point == xadriver.BeforeDecide && when == "prepared":
			die()
		case s.Point == xadriver.AfterDecide:
			say("process %d: the decision to commit is stored", os.Getpid())
		case s.Point == xadriver.BeforeFinish && when == "decided" && began.Add(1) > 1:
			select {} // the other shard does not hear of it any more
		case s.Point == xadriver.AfterFinish && when == "decided":
			say("process %d: shard %s has committed", os.Getpid(), s.Shard)
			die()
		}
	}
	connector, err := xadriver.NewConnector(*cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	return pay(ctx, db, "Bob", "Alice", 100)
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// healed waits until nothing is in doubt any more.
func (b *bank) healed(ctx context.Context) error {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		left := int64(0)
		for _, s := range b.cluster.Shards {
			n, err := count(ctx, s, "SELECT count(*) FROM pg_prepared_xacts")
			if err != nil {
				return err
			}
			left += n
		}
		if left == 0 {
			say("resolved %.1f s after the kill", time.Since(begin).Seconds())
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
}
