package tpc

import (
	_ "embed" // the schema
	"strings"
	"time"
)

// TPCCSchema makes the tables of TPC-C. Its foreign keys are those that stay
// within a warehouse or lead to the items.
//
//go:embed schema/tpcc.sql
var TPCCSchema string

// TPCCSettings are the keywords of a DSN that shard the tables of TPC-C by their
// warehouse.
var TPCCSettings = []string{
	"key.warehouse=w_id", "key.district=d_w_id", "key.customer=c_w_id", "key.history=h_w_id", "key.new_order=no_w_id",
	"key.orders=o_w_id", "key.order_line=ol_w_id", "key.stock=s_w_id", "reference=item",
}

// Company is the size of the company that TPC-C is about.
type Company struct {
	Warehouses int
	Customers  int // in each district; as many orders, of which the last three tenths are new
	Items      int
}

// SmallCompany is enough for every case of every transaction. Of its warehouses,
// some are on each of two or four shards.
var SmallCompany = Company{Warehouses: 7, Customers: 12, Items: 100}

const (
	districts     = 10    // of each warehouse
	firstPayment  = 1_000 // that each customer has made, in hundredths
	namesakes     = 3     // customers of a district with the same last name
	originalsFrom = 91    // modulo 100, items whose data say ORIGINAL begin here
)

// Opening is the time from which the company does business.
var Opening = time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)

// Tables makes the nine tables, in an order in which they can be filled.
func (c Company) Tables() []Table {
	g := &tpcc{Company: c, random: newRandom(1992, 100), at: Opening.AddDate(0, 0, -7)}
	list := []Table{g.items()}
	g.table("warehouse", "w_id w_name w_street_1 w_street_2 w_city w_state w_zip w_tax w_ytd")
	g.table("stock", `s_i_id s_w_id s_quantity s_dist_01 s_dist_02 s_dist_03 s_dist_04 s_dist_05 s_dist_06 s_dist_07 s_dist_08
		s_dist_09 s_dist_10 s_ytd s_order_cnt s_remote_cnt s_data`)
	g.table("district", "d_id d_w_id d_name d_street_1 d_street_2 d_city d_state d_zip d_tax d_ytd d_next_o_id")
	g.table("customer", `c_id c_d_id c_w_id c_first c_middle c_last c_street_1 c_street_2 c_city c_state c_zip c_phone c_since c_credit
		c_credit_lim c_discount c_balance c_ytd_payment c_payment_cnt c_delivery_cnt c_data`)
	g.table("history", "h_c_id h_c_d_id h_c_w_id h_d_id h_w_id h_date h_amount h_data")
	g.table("orders", "o_id o_d_id o_w_id o_c_id o_entry_d o_carrier_id o_ol_cnt o_all_local")
	g.table("new_order", "no_o_id no_d_id no_w_id")
	g.table("order_line", "ol_o_id ol_d_id ol_w_id ol_number ol_i_id ol_supply_w_id ol_delivery_d ol_quantity ol_amount ol_dist_info")
	for w := 1; w <= c.Warehouses; w++ {
		g.warehouse(w)
	}
	for _, t := range g.made {
		list = append(list, *t)
	}
	return list
}

// tpcc makes the rows of TPC-C.
type tpcc struct {
	Company
	random
	at   time.Time
	made []*Table
}

func (g *tpcc) table(name, list string) {
	g.made = append(g.made, &Table{Name: name, Columns: columns(list)})
}

func (g *tpcc) add(name string, row ...any) {
	for _, t := range g.made {
		if t.Name == name {
			t.Rows = append(t.Rows, row)
			return
		}
	}
	panic("tpc: no table " + name)
}

const (
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits  = "0123456789"
)

func (g *tpcc) items() Table {
	t := Table{Name: "item", Reference: true, Columns: columns("i_id i_im_id i_name i_price i_data")}
	for i := 1; i <= g.Items; i++ {
		t.Rows = append(t.Rows, []any{i, g.between(1, 10_000), g.from(letters, 14, 24), cents(g.between(100, 10_000)), g.data(i)})
	}
	return t
}

// data is a text of which one in ten says that the item is an original.
func (g *tpcc) data(item int) string {
	text := g.from(letters+digits, 26, 40)
	if item%100 >= originalsFrom {
		text = text[:10] + "ORIGINAL" + text[10:]
	}
	return text
}

// place is the end of an address: two streets, city, state and zip code.
func (g *tpcc) place() []any {
	return []any{g.from(letters, 10, 20), g.from(letters, 10, 20), g.from(letters, 10, 20), strings.ToUpper(g.from(letters, 2, 2)), g.from(digits, 4, 4) + "11111"}
}

func (g *tpcc) tax() Number { return fixed(g.between(0, 2000), 4) }

func (g *tpcc) warehouse(w int) {
	row := append([]any{w, g.from(letters, 6, 10)}, g.place()...)
	g.add("warehouse", append(row, g.tax(), cents(districts*g.Customers*firstPayment))...)
	for i := 1; i <= g.Items; i++ {
		row := []any{i, w, g.between(10, 100)}
		for range districts {
			row = append(row, g.from(letters, 24, 24))
		}
		g.add("stock", append(row, 0, 0, 0, g.data(i+w))...)
	}
	for d := 1; d <= districts; d++ {
		g.district(w, d)
	}
}

func (g *tpcc) district(w, d int) {
	row := append([]any{d, w, g.from(letters, 6, 10)}, g.place()...)
	g.add("district", append(row, g.tax(), cents(g.Customers*firstPayment), g.Customers+1)...)
	for c := 1; c <= g.Customers; c++ {
		g.customer(w, d, c)
	}
	for i, c := range g.Perm(g.Customers) {
		g.order(w, d, i+1, c+1)
	}
}

func (g *tpcc) customer(w, d, c int) {
	credit := "GC"
	if c%10 == d%10 {
		credit = "BC"
	}
	row := append([]any{c, d, w, g.from(letters, 8, 16), "OE", LastName((c - 1) / namesakes)}, g.place()...)
	g.add("customer", append(row, g.from(digits, 16, 16), g.at, credit, cents(5_000_000), fixed(g.between(0, 5000), 4),
		cents(-firstPayment), cents(firstPayment), 1, 0, g.from(letters, 50, 200))...)
	g.add("history", c, d, w, d, w, g.at, cents(firstPayment), g.from(letters, 12, 24))
}

// order makes one of the orders that are there from the beginning.
func (g *tpcc) order(w, d, o, customer int) {
	g.at = g.at.Add(time.Second)
	isNew := o > g.Customers-g.Customers*3/10
	count := g.between(3, 8) // fewer than later, to fill the tables sooner
	var carrier, delivered any = g.between(1, 10), g.at
	if isNew {
		carrier, delivered = nil, nil
		g.add("new_order", o, d, w)
	}
	g.add("orders", o, d, w, customer, g.at, carrier, count, 1)
	for n := 1; n <= count; n++ {
		amount := 0
		if isNew {
			amount = g.between(1, 999_999)
		}
		g.add("order_line", o, d, w, n, g.between(1, g.Items), w, delivered, 5, cents(amount), g.from(letters, 24, 24))
	}
}

var syllables = strings.Fields("BAR OUGHT ABLE PRI PRES ESE ANTI CALLY ATION EING")

// LastName is the name of a number below 1000.
func LastName(n int) string { return syllables[n/100%10] + syllables[n/10%10] + syllables[n%10] }
