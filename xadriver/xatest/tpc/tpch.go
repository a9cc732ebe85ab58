package tpc

import (
	_ "embed" // the schemas
	"fmt"
	"strings"
	"time"
)

// TPCHSchema makes the tables of TPC-H.
//
//go:embed schema/tpch.sql
var TPCHSchema string

// TPCHSettings are the keywords of a DSN that shard the tables of TPC-H.
var TPCHSettings = []string{
	"key.orders=o_orderkey", "key.lineitem=l_orderkey", "key.customer=c_custkey", "key.part=p_partkey",
	"key.partsupp=ps_partkey", "key.supplier=s_suppkey", "reference=nation,region",
}

// Scale is how large the tables of TPC-H are. A scale of 1 is 1,500,000 orders.
type Scale float64

// SmallScale is as much as every query needs to find something: 1,500 orders of
// about 6,000 lines.
const SmallScale Scale = 0.001

// Spans of dates.
var (
	firstDay   = time.Date(1992, 1, 1, 0, 0, 0, 0, time.UTC)
	currentDay = time.Date(1995, 6, 17, 0, 0, 0, 0, time.UTC)
)

const (
	orderDays        = 2405 // the last order is from 1998-08-02
	minimumSuppliers = 100  // four in each nation
	suppliersOfPart  = 4
)

// tpch makes the rows of TPC-H.
type tpch struct {
	seed                                uint64
	suppliers, parts, customers, orders int
}

// Tables makes the eight tables, in an order in which they can be filled.
func (s Scale) Tables() []Table {
	of := func(n float64) int { return int(n*float64(s) + 0.5) }
	g := tpch{seed: 1992, suppliers: max(of(10_000), minimumSuppliers), parts: of(200_000), customers: of(150_000), orders: of(1_500_000)}
	orders, lines := g.orderTables()
	return []Table{g.region(), g.nation(), g.part(), g.supplier(), g.partsupp(), g.customer(), orders, lines}
}

func (g tpch) region() Table {
	r := newRandom(g.seed, 1)
	t := Table{Name: "region", Reference: true, Columns: columns("r_regionkey r_name r_comment")}
	for i, name := range regions {
		t.Rows = append(t.Rows, []any{i, name, r.comment(152)})
	}
	return t
}

func (g tpch) nation() Table {
	r := newRandom(g.seed, 2)
	t := Table{Name: "nation", Reference: true, Columns: columns("n_nationkey n_name n_regionkey n_comment")}
	for i, n := range nations {
		t.Rows = append(t.Rows, []any{i, n.name, n.region, r.comment(152)})
	}
	return t
}

func (g tpch) part() Table {
	r := newRandom(g.seed, 3)
	t := Table{Name: "part", Columns: columns("p_partkey p_name p_mfgr p_brand p_type p_size p_container p_retailprice p_comment")}
	for key := 1; key <= g.parts; key++ {
		maker := r.between(1, 5)
		t.Rows = append(t.Rows, []any{
			key, strings.Join(r.some(colours, 5), " "), fmt.Sprintf("Manufacturer#%d", maker), fmt.Sprintf("Brand#%d%d", maker, r.between(1, 5)),
			r.of(typeSizes) + " " + r.of(typeFinishes) + " " + r.of(typeMetals), r.between(1, 50),
			r.of(containerSizes) + " " + r.of(containerKinds), cents(retailPrice(key)), r.comment(23),
		})
	}
	return t
}

// retailPrice is a part's price in hundredths.
func retailPrice(part int) int { return 90_000 + part/10%20_001 + 100*(part%1000) }

func (g tpch) supplier() Table {
	r := newRandom(g.seed, 4)
	t := Table{Name: "supplier", Columns: columns("s_suppkey s_name s_address s_nationkey s_phone s_acctbal s_comment")}
	for key := 1; key <= g.suppliers; key++ {
		nation := key * 7 % len(nations)
		comment := r.comment(101)
		switch key % 10 {
		case 3:
			comment = r.commentWith(101, "Customer", "Complaints")
		case 8:
			comment = r.commentWith(101, "Customer", "Recommends")
		}
		t.Rows = append(t.Rows, []any{key, fmt.Sprintf("Supplier#%09d", key), r.address(), nation, r.phone(nation), cents(r.between(-99_999, 999_999)), comment})
	}
	return t
}

// supplierOf is the i-th of a part's suppliers.
func (g tpch) supplierOf(part, i int) int {
	return (part+i*(g.suppliers/suppliersOfPart+(part-1)/g.suppliers))%g.suppliers + 1
}

func (g tpch) partsupp() Table {
	r := newRandom(g.seed, 5)
	t := Table{Name: "partsupp", Columns: columns("ps_partkey ps_suppkey ps_availqty ps_supplycost ps_comment")}
	for part := 1; part <= g.parts; part++ {
		for i := range suppliersOfPart {
			t.Rows = append(t.Rows, []any{part, g.supplierOf(part, i), r.between(1, 9999), cents(r.between(100, 100_000)), r.comment(120)})
		}
	}
	return t
}

func (g tpch) customer() Table {
	r := newRandom(g.seed, 6)
	t := Table{Name: "customer", Columns: columns("c_custkey c_name c_address c_nationkey c_phone c_acctbal c_mktsegment c_comment")}
	for key := 1; key <= g.customers; key++ {
		nation := r.IntN(len(nations))
		t.Rows = append(t.Rows, []any{
			key, fmt.Sprintf("Customer#%09d", key), r.address(), nation, r.phone(nation),
			cents(r.between(-99_999, 999_999)), r.of(segments), r.comment(117),
		})
	}
	return t
}

// orderTables makes the orders and their lines, which must agree.
func (g tpch) orderTables() (orders, lines Table) {
	r := newRandom(g.seed, 7)
	orders = Table{Name: "orders", Columns: columns("o_orderkey o_custkey o_orderstatus o_totalprice o_orderdate o_orderpriority o_clerk o_shippriority o_comment")}
	lines = Table{Name: "lineitem", Columns: columns(`l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax
		l_returnflag l_linestatus l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment`)}
	for i := range g.orders {
		key := i/8*32 + i%8 + 1 // of 32 keys, 8 are used
		customer := r.between(1, g.customers)
		for customer%3 == 0 { // every third has no orders
			customer = r.between(1, g.customers)
		}
		day := firstDay.AddDate(0, 0, r.IntN(orderDays+1))
		total, shipped, count := 0, 0, r.between(1, 7)
		for n := 1; n <= count; n++ {
			row, price, done := g.line(r, day)
			lines.Rows = append(lines.Rows, append([]any{key, row[0], row[1], n}, row[2:]...))
			total += price
			if done {
				shipped++
			}
		}
		status := "P"
		switch shipped {
		case 0:
			status = "O"
		case count:
			status = "F"
		}
		comment := r.comment(79)
		if r.IntN(20) == 0 {
			comment = r.commentWith(79, "special", "requests")
		}
		orders.Rows = append(orders.Rows, []any{
			key, customer, status, cents(total), day, r.of(priorities),
			fmt.Sprintf("Clerk#%09d", r.between(1, max(1, g.orders/100))), 0, comment,
		})
	}
	return orders, lines
}

// line makes a line of an order, but for its key and number. It also gives the
// line's part of the order's total price, and whether it was shipped.
func (g tpch) line(r random, ordered time.Time) (row []any, price int, done bool) {
	part := r.between(1, g.parts)
	quantity, discount, tax := r.between(1, 50), r.between(0, 10), r.between(0, 8)
	extended := quantity * retailPrice(part)
	ship := ordered.AddDate(0, 0, r.between(1, 121))
	commit := ordered.AddDate(0, 0, r.between(30, 90))
	receipt := ship.AddDate(0, 0, r.between(1, 30))
	returned, status := "N", "O"
	if !receipt.After(currentDay) {
		returned = r.of([]string{"R", "A"})
	}
	if done = !ship.After(currentDay); done {
		status = "F"
	}
	row = []any{
		part, g.supplierOf(part, r.IntN(suppliersOfPart)), cents(quantity * 100), cents(extended), cents(discount), cents(tax),
		returned, status, ship, commit, receipt, r.of(shipHow), r.of(shipModes), r.comment(44),
	}
	return row, (extended*(100+tax)*(100-discount) + 5000) / 10_000, done
}
