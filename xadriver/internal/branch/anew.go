package branch

import (
	"context"
	"errors"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// InSavepoint reports whether a savepoint is set.
func (t *Txn) InSavepoint() bool {
	for _, e := range t.journal.entries {
		if e.savepoint != "" {
			return true
		}
	}
	return false
}

// Change changes the transaction's options before its first statement: branches that are
// open hear of it by sql, those to come with their BEGIN.
func (t *Txn) Change(ctx context.Context, sql string, change func(*Options)) error {
	if err := t.all(ctx, sql); err != nil {
		return err
	}
	t.Choose(change)
	return nil
}

// Choose changes the options for branches that are yet to begin, or to begin anew.
func (t *Txn) Choose(change func(*Options)) { change(&t.options) }

// Lead opens the branch on a shard with a statement before everything else that it is
// told, savepoints included: what the statement does is then not undone by a rollback to
// one of them. If the branch is open, it begins anew: nothing must have been done on it.
func (t *Txn) Lead(ctx context.Context, s *shard.Shard, first string) (*Branch, error) {
	b, err := t.Branch(ctx, s)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		if !b.conn.Unsent() && b.conn.Status() != shard.Idle {
			if _, err := b.conn.Command(ctx, "ROLLBACK"); err != nil {
				return nil, b.after(err)
			}
		}
		b.conn.Ended()
		b.conn.Unqueue()
		b.begun, b.lockWait, b.shown = false, false, false
		b.conn.Queue(t.options.begin())
		b.conn.Queue(first)
		for _, e := range t.journal.entries {
			b.conn.Queue(e.sql)
		}
		_, err := b.conn.Command(ctx, "")
		if err == nil || try > 1 || ctx.Err() != nil || !errors.Is(err, shard.ErrNotSent) && b.conn.Alive() {
			b.begun = true
			return b, b.after(err)
		}
		// The idle connection was dead: what was sent on it is gone with it.
		s.Reset()
		if err := t.Reopen(ctx, b); err != nil {
			return nil, err
		}
	}
}
