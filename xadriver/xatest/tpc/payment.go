package tpc

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Payment is the transaction of clause 2.5: a customer pays, maybe at a warehouse
// that is not the customer's own.
type Payment struct {
	Warehouse, District int // where
	Client              Client
	Amount              Number
	Paid                time.Time
}

// Run does the transaction.
func (p Payment) Run(ctx context.Context, db *sql.DB) (screen []string, err error) {
	err = within(ctx, db, nil, func(tx *sql.Tx) error {
		screen, err = p.run(ctx, tx)
		return err
	})
	return screen, err
}

func (p Payment) run(ctx context.Context, tx *sql.Tx) (screen []string, err error) {
	var warehouse, warehouseCity, district, districtCity string
	err = tx.QueryRowContext(ctx, "UPDATE warehouse SET w_ytd = w_ytd + $2 WHERE w_id = $1 RETURNING w_name, w_city",
		p.Warehouse, string(p.Amount)).Scan(&warehouse, &warehouseCity)
	if err != nil {
		return nil, err
	}
	err = tx.QueryRowContext(ctx, "UPDATE district SET d_ytd = d_ytd + $3 WHERE d_w_id = $1 AND d_id = $2 RETURNING d_name, d_city",
		p.Warehouse, p.District, string(p.Amount)).Scan(&district, &districtCity)
	if err != nil {
		return nil, err
	}
	c := p.Client
	if c.ID, err = c.find(ctx, tx); err != nil {
		return nil, err
	}
	var first, middle, last, street, credit, limit, discount string
	var since time.Time
	err = tx.QueryRowContext(ctx, `SELECT c_first, c_middle, c_last, c_street_1, c_since, c_credit, c_credit_lim, c_discount FROM customer
		WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3 FOR UPDATE`, c.Warehouse, c.District, c.ID).
		Scan(&first, &middle, &last, &street, &since, &credit, &limit, &discount)
	if err != nil {
		return nil, err
	}
	note := ""
	if credit == "BC" {
		note = fmt.Sprintf("%d %d %d %d %d %s|", c.ID, c.District, c.Warehouse, p.District, p.Warehouse, p.Amount)
	}
	var balance, data string
	err = tx.QueryRowContext(ctx, `UPDATE customer SET c_balance = c_balance - $4, c_ytd_payment = c_ytd_payment + $4,
			c_payment_cnt = c_payment_cnt + 1, c_data = left($5::text || c_data, 500)
		WHERE c_w_id = $1 AND c_d_id = $2 AND c_id = $3 RETURNING c_balance, left(c_data, 200)`,
		c.Warehouse, c.District, c.ID, string(p.Amount), note).Scan(&balance, &data)
	if err != nil {
		return nil, err
	}
	err = one(ctx, tx, `INSERT INTO history (h_c_id, h_c_d_id, h_c_w_id, h_d_id, h_w_id, h_date, h_amount, h_data)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.District, c.Warehouse, p.District, p.Warehouse, p.Paid, string(p.Amount), warehouse+"    "+district)
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("%s, %s; %s, %s", warehouse, warehouseCity, district, districtCity),
		fmt.Sprintf("customer %d: %s %s %s, %s, since %s, %s %s -%s", c.ID, first, middle, last, street, since.Format(time.DateTime), credit, limit, discount),
		fmt.Sprintf("paid %s, balance %s, %s", p.Amount, balance, data),
	}, nil
}
