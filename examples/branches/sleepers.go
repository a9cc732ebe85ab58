package main

import (
	"context"
	"fmt"

	"github.com/xapg/xapg/xadriver"
)

// sleepers shows coordinators that are not dead: they sleep, are presumed dead, and
// wake up when it is over.
func (b *bank) sleepers(ctx context.Context, _ options) error {
	title("A coordinator that only sleeps, before it decides")
	if err := b.sleeper(ctx, xadriver.BeforeDecide, "abort", "aborted"); err != nil {
		return err
	}
	say("it wished to commit, obeyed the register, and told its application the truth")
	if err := b.expect(ctx, 0); err != nil {
		return err
	}
	title("A coordinator that sleeps after it has decided")
	if err := b.sleeper(ctx, xadriver.AfterDecide, "commit", "committed"); err != nil {
		return err
	}
	say("the backup did what was decided; the application is told the same")
	return b.expect(ctx, 1)
}

func (b *bank) sleeper(ctx context.Context, at xadriver.Point, decision, told string) error {
	c, err := b.start(ctx, string(at))
	if err != nil {
		return err
	}
	defer c.kill()
	txn, book, err := c.stops()
	if err != nil {
		return err
	}
	if err := c.sleep(); err != nil {
		return err
	}
	say("coordinator, process %d: stopped in its tracks (SIGSTOP)", c.Process.Pid)
	if err := b.nothingLeft(ctx, txn); err != nil {
		return err
	}
	say("all branches have heard a decision from the backup; now the coordinator goes on (SIGCONT)")
	if err := c.wake(); err != nil {
		return err
	}
	got, err := c.next("told")
	if err != nil {
		return err
	}
	if got != told {
		return fmt.Errorf("the application was told %q, and should have been told %q", got, told)
	}
	b.told(book, told == "committed")
	if err := c.end(); err != nil {
		return err
	}
	return b.whoDecided(ctx, txn, decision)
}
