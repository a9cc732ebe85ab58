package xadriver

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// RetryOptions say how Retry runs a transaction. The zero value is a default.
type RetryOptions struct {
	Tx       *sql.TxOptions
	Tries    uint          // at most; 10 by default
	MinDelay time.Duration // before the second try, about; doubled for each further one; 5ms by default
	MaxDelay time.Duration // 1s by default
}

// Beginner is a *sql.DB or a *sql.Conn.
type Beginner interface {
	BeginTx(ctx context.Context, opts *sql.TxOptions) (*sql.Tx, error)
}

// Retry runs f in a transaction and commits it. When f or the commit fails with
// serialization_failure (40001) or deadlock_detected (40P01), nothing of the
// transaction was done and it is run again, after a random and growing delay. So it
// is after an *OverruledError, whose SQLSTATE is 40001, too.
// A SERIALIZABLE transaction that turned out to need several shards fails so once, and
// takes its turn at the second try.
// Nothing else is run again: not a transaction that is in doubt, above all, nor one
// whose connection was lost.
//
// f may run several times: what it does besides its statements must bear that. It
// must return the errors of its statements, and not end the transaction itself. If
// it panics, the transaction is rolled back. The last error is returned as it is.
func Retry(ctx context.Context, db Beginner, opts *RetryOptions, f func(*sql.Tx) error) error {
	o := RetryOptions{}
	if opts != nil {
		o = *opts
	}
	if o.Tries == 0 {
		o.Tries = 10
	}
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval, delay.Multiplier = orDefault(o.MinDelay, 5*time.Millisecond), orDefault(o.MaxDelay, time.Second), 2
	var last error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		if last = once(again(ctx, last), db, o.Tx, f); last != nil && !canRunAgain(last) {
			return struct{}{}, backoff.Permanent(last)
		}
		return struct{}{}, last
	}, backoff.WithBackOff(delay), backoff.WithMaxTries(o.Tries), backoff.WithMaxElapsedTime(0))
	if err != nil && last != nil {
		return last // as it is, even where the context ended the waiting
	}
	return err
}

func orDefault(d, standard time.Duration) time.Duration {
	if d <= 0 {
		return standard
	}
	return d
}

func once(ctx context.Context, db Beginner, opts *sql.TxOptions, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to roll back, and otherwise nothing to be done
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// canRunAgain reports whether an error says that nothing was done, and that doing
// it again may succeed.
func canRunAgain(err error) bool {
	var doubt *InDoubtError
	if errors.As(err, &doubt) {
		return false
	}
	switch state(err) {
	case "40001", "40P01":
		return true
	default:
		return false
	}
}
