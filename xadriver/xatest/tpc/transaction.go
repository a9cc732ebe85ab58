package tpc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Transaction is one of the five kinds of TPC-C, with its inputs. All that it
// does depends on those and on what is in the tables.
type Transaction interface {
	// Run does the transaction and tells what a terminal would show.
	Run(ctx context.Context, db *sql.DB) (screen []string, err error)
}

// within commits what a function does, unless that fails.
func within(ctx context.Context, db *sql.DB, opts *sql.TxOptions, do func(tx *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Retry runs a transaction until it is not in the way of others any more.
func Retry(ctx context.Context, db *sql.DB, t Transaction) (screen []string, err error) {
	for {
		screen, err = t.Run(ctx, db)
		var coded interface{ SQLState() string }
		if err == nil || !errors.As(err, &coded) || !slices.Contains([]string{"40001", "40P01", "55P03"}, coded.SQLState()) {
			return screen, err
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), err)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Client is a customer who is known by a number or, when that is 0, by a last name.
type Client struct {
	Warehouse, District int
	ID                  int
	Last                string
}

// find gives the customer's number. Of several namesakes it is the one in the middle.
func (c Client) find(ctx context.Context, tx *sql.Tx) (int, error) {
	if c.ID != 0 {
		return c.ID, nil
	}
	rows, err := tx.QueryContext(ctx, "SELECT c_id FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_last = $3 ORDER BY c_first, c_id",
		c.Warehouse, c.District, c.Last)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var list []int
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
		list = append(list, id)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return 0, fmt.Errorf("tpc: nobody is named %s in district %d of warehouse %d", c.Last, c.District, c.Warehouse)
	}
	return list[(len(list)-1)/2], nil
}

// one runs a statement that must change exactly one row.
func one(ctx context.Context, tx *sql.Tx, query string, args ...any) error {
	result, err := tx.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("tpc: %d rows instead of one: %s: %w", n, query, err)
	}
	return nil
}
