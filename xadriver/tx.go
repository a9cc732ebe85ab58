package xadriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// Tx is a transaction over as many shards as its statements need.
type Tx struct {
	conn *Conn
	txn  *transaction
	ctx  context.Context
}

var _ driver.Tx = (*Tx)(nil)

// Commit commits on all shards or on none. Nil means committed; an error for
// which errors.As finds *InDoubtError means that the outcome is not known; any
// other error means rolled back.
//
// The context of BeginTx ends a commit that is not yet decided; afterwards it
// only bounds how long Commit waits for the shards to hear of the decision.
func (t *Tx) Commit() error {
	if t.conn.txn != t.txn {
		return t.ended()
	}
	return t.conn.commit(t.ctx)
}

// Rollback rolls back on all shards.
func (t *Tx) Rollback() error {
	if t.conn.txn != t.txn {
		return t.ended()
	}
	t.conn.rollback(t.ctx)
	return nil
}

// ended is what comes of a transaction that was ended by a COMMIT or ROLLBACK as text.
func (t *Tx) ended() error { return sql.ErrTxDone }
