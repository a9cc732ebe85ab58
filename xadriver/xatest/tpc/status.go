package tpc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

var readOnly = &sql.TxOptions{ReadOnly: true}

// OrderStatus is the transaction of clause 2.6: what became of a customer's last
// order?
type OrderStatus struct{ Client Client }

// Run does the transaction.
func (o OrderStatus) Run(ctx context.Context, db *sql.DB) (screen []string, err error) {
	err = within(ctx, db, readOnly, func(tx *sql.Tx) error {
		screen, err = o.run(ctx, tx)
		return err
	})
	return screen, err
}

func (o OrderStatus) run(ctx context.Context, tx *sql.Tx) (screen []string, err error) {
	c := o.Client
	if c.ID, err = c.find(ctx, tx); err != nil {
		return nil, err
	}
	var first, last, balance string
	err = tx.QueryRowContext(ctx, "SELECT c_first, c_last, c_balance FROM customer WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3",
		c.Warehouse, c.District, c.ID).Scan(&first, &last, &balance)
	if err != nil {
		return nil, err
	}
	var order int
	var entered time.Time
	var carrier sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT o_id, o_entry_d, o_carrier_id FROM orders
		WHERE o_w_id = $1 AND o_d_id = $2 AND o_c_id = $3 ORDER BY o_id DESC LIMIT 1`, c.Warehouse, c.District, c.ID).
		Scan(&order, &entered, &carrier)
	if err != nil {
		return nil, err
	}
	screen = append(screen, fmt.Sprintf("%s %s, balance %s: order %d of %s, carrier %d", first, last, balance, order, entered.Format(time.DateTime), carrier.Int64))
	rows, err := tx.QueryContext(ctx, `SELECT ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_delivery_d FROM order_line
		WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3 ORDER BY ol_number`, c.Warehouse, c.District, order)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var item, supplier, quantity int
		var amount string
		var delivered sql.NullTime
		if err := rows.Scan(&item, &supplier, &quantity, &amount, &delivered); err != nil {
			return nil, err
		}
		screen = append(screen, fmt.Sprintf("%d of %d from %d, %s, %s", quantity, item, supplier, amount, delivered.Time.Format(time.DateTime)))
	}
	return screen, rows.Err()
}

// StockLevel is the transaction of clause 2.8: how many of the items in a
// district's last twenty orders are nearly sold out?
type StockLevel struct{ Warehouse, District, Threshold int }

// Run does the transaction.
func (s StockLevel) Run(ctx context.Context, db *sql.DB) (screen []string, err error) {
	var next, low int
	err = within(ctx, db, readOnly, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT d_next_o_id FROM district WHERE d_w_id = $1 AND d_id = $2", s.Warehouse, s.District).Scan(&next)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT count(DISTINCT s_i_id) FROM order_line, stock
			WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id >= $3 AND ol_o_id < $4
			  AND s_w_id = $1 AND s_i_id = ol_i_id AND s_quantity < $5`, s.Warehouse, s.District, next-20, next, s.Threshold).Scan(&low)
	})
	return []string{fmt.Sprintf("low stock: %d", low)}, err
}

// Delivery is the transaction of clause 2.7: the oldest new order of each
// district is delivered.
type Delivery struct {
	Warehouse, Carrier int
	Delivered          time.Time
}

// Run does the transaction.
func (d Delivery) Run(ctx context.Context, db *sql.DB) (screen []string, err error) {
	err = within(ctx, db, nil, func(tx *sql.Tx) error {
		screen = nil
		for district := 1; district <= districts; district++ {
			order, err := d.deliver(ctx, tx, district)
			if err != nil {
				return err
			}
			screen = append(screen, fmt.Sprintf("district %d: order %d", district, order))
		}
		return nil
	})
	return screen, err
}

// deliver gives the number of the order, 0 when there was nothing to deliver.
func (d Delivery) deliver(ctx context.Context, tx *sql.Tx, district int) (order int, err error) {
	err = tx.QueryRowContext(ctx, "SELECT no_o_id FROM new_order WHERE no_w_id = $1 AND no_d_id = $2 ORDER BY no_o_id LIMIT 1 FOR UPDATE",
		d.Warehouse, district).Scan(&order)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	err = one(ctx, tx, "DELETE FROM new_order WHERE no_w_id = $1 AND no_d_id = $2 AND no_o_id = $3", d.Warehouse, district, order)
	if err != nil {
		return 0, err
	}
	var customer int
	err = tx.QueryRowContext(ctx, "UPDATE orders SET o_carrier_id = $4 WHERE o_w_id = $1 AND o_d_id = $2 AND o_id = $3 RETURNING o_c_id",
		d.Warehouse, district, order, d.Carrier).Scan(&customer)
	if err != nil {
		return 0, err
	}
	if _, err = tx.ExecContext(ctx, "UPDATE order_line SET ol_delivery_d = $4 WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3",
		d.Warehouse, district, order, d.Delivered); err != nil {
		return 0, err
	}
	var total string
	err = tx.QueryRowContext(ctx, "SELECT sum(ol_amount) FROM order_line WHERE ol_w_id = $1 AND ol_d_id = $2 AND ol_o_id = $3",
		d.Warehouse, district, order).Scan(&total)
	if err != nil {
		return 0, err
	}
	return order, one(ctx, tx, `UPDATE customer SET c_balance = c_balance + $4, c_delivery_cnt = c_delivery_cnt + 1
		WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3`, d.Warehouse, district, customer, total)
}
