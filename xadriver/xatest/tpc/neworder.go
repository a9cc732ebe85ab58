package tpc

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// NewOrder is the transaction of clause 2.4: a customer orders items, some of
// which may come from other warehouses. An item that does not exist, which is the
// last one, rolls everything back.
type NewOrder struct {
	Warehouse, District, Customer int
	Lines                         []Line
	Entered                       time.Time
}

// Line is an item that is ordered.
type Line struct {
	Item, Supplier int // the supplier is a warehouse
	Quantity       int
}

var errNoItem = errors.New("tpc: item number is not valid")

// Run does the transaction.
func (n NewOrder) Run(ctx context.Context, db *sql.DB) (screen []string, err error) {
	err = within(ctx, db, nil, func(tx *sql.Tx) error {
		screen, err = n.run(ctx, tx)
		return err
	})
	if errors.Is(err, errNoItem) {
		return append(screen, "Item number is not valid"), nil
	}
	return screen, err
}

func (n NewOrder) run(ctx context.Context, tx *sql.Tx) (screen []string, err error) {
	var discount, last, credit, warehouseTax, districtTax string
	err = tx.QueryRowContext(ctx, `SELECT c_discount, c_last, c_credit, w_tax FROM customer, warehouse
		WHERE w_id = $1 AND c_w_id = w_id AND c_d_id = $2 AND c_id = $3`, n.Warehouse, n.District, n.Customer).
		Scan(&discount, &last, &credit, &warehouseTax)
	if err != nil {
		return nil, err
	}
	var order int
	err = tx.QueryRowContext(ctx, "SELECT d_next_o_id, d_tax FROM district WHERE d_w_id = $1 AND d_id = $2 FOR UPDATE",
		n.Warehouse, n.District).Scan(&order, &districtTax)
	if err != nil {
		return nil, err
	}
	if err := one(ctx, tx, "UPDATE district SET d_next_o_id = $3 WHERE d_w_id = $1 AND d_id = $2", n.Warehouse, n.District, order+1); err != nil {
		return nil, err
	}
	local := 1
	for _, l := range n.Lines {
		if l.Supplier != n.Warehouse {
			local = 0
		}
	}
	err = one(ctx, tx, `INSERT INTO orders (o_id, o_d_id, o_w_id, o_c_id, o_entry_d, o_carrier_id, o_ol_cnt, o_all_local)
		VALUES ($1, $2, $3, $4, $5, NULL, $6, $7)`, order, n.District, n.Warehouse, n.Customer, n.Entered, len(n.Lines), local)
	if err != nil {
		return nil, err
	}
	if err := one(ctx, tx, "INSERT INTO new_order (no_o_id, no_d_id, no_w_id) VALUES ($1, $2, $3)", order, n.District, n.Warehouse); err != nil {
		return nil, err
	}
	screen = append(screen, fmt.Sprintf("order %d of %s, credit %s, discount %s", order, last, credit, discount))
	total := 0
	for i, l := range n.Lines {
		amount, shown, err := n.line(ctx, tx, order, i+1, l)
		if err != nil {
			return screen, err
		}
		screen = append(screen, shown)
		total += amount
	}
	due, err := payable(total, discount, warehouseTax, districtTax)
	return append(screen, "total "+string(due)), err
}

// line takes one item from its warehouse's stock.
func (n NewOrder) line(ctx context.Context, tx *sql.Tx, order, number int, l Line) (amount int, shown string, err error) {
	var price, name, itemData string
	err = tx.QueryRowContext(ctx, "SELECT i_price, i_name, i_data FROM item WHERE i_id = $1", l.Item).Scan(&price, &name, &itemData)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", errNoItem
	}
	if err != nil {
		return 0, "", err
	}
	var (
		quantity    int
		stock, dist string
	)
	err = tx.QueryRowContext(ctx, fmt.Sprintf("SELECT s_quantity, s_data, s_dist_%02d FROM stock WHERE s_i_id = $1 AND s_w_id = $2 FOR UPDATE", n.District),
		l.Item, l.Supplier).Scan(&quantity, &stock, &dist)
	if err != nil {
		return 0, "", err
	}
	if quantity -= l.Quantity; quantity < 10 {
		quantity += 91
	}
	remote := 0
	if l.Supplier != n.Warehouse {
		remote = 1
	}
	err = one(ctx, tx, `UPDATE stock SET s_quantity = $3, s_ytd = s_ytd + $4, s_order_cnt = s_order_cnt + 1, s_remote_cnt = s_remote_cnt + $5
		WHERE s_i_id = $1 AND s_w_id = $2`, l.Item, l.Supplier, quantity, l.Quantity, remote)
	if err != nil {
		return 0, "", err
	}
	each, err := parseFixed(price, 2)
	if err != nil {
		return 0, "", err
	}
	amount = each * l.Quantity
	err = one(ctx, tx, `INSERT INTO order_line (ol_o_id, ol_d_id, ol_w_id, ol_number, ol_i_id, ol_supply_w_id, ol_quantity, ol_amount, ol_dist_info)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		order, n.District, n.Warehouse, number, l.Item, l.Supplier, l.Quantity, string(cents(amount)), dist)
	if err != nil {
		return 0, "", err
	}
	brand := "G"
	if strings.Contains(itemData, "ORIGINAL") && strings.Contains(stock, "ORIGINAL") {
		brand = "B"
	}
	return amount, fmt.Sprintf("%d %s of %d from %d, left %d, %s, %s", l.Quantity, name, l.Item, l.Supplier, quantity, brand, cents(amount)), nil
}

// payable is the amount in hundredths less the discount, with both taxes.
func payable(amount int, discount, warehouseTax, districtTax string) (Number, error) {
	d, err1 := parseFixed(discount, 4)
	w, err2 := parseFixed(warehouseTax, 4)
	t, err3 := parseFixed(districtTax, 4)
	return fixed(amount*(10_000-d)*(10_000+w+t), 10), errors.Join(err1, err2, err3)
}
