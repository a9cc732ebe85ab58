package tpc

import (
	"cmp"
	"slices"
	"time"
)

// Mix makes a sequence of transactions, always the same one for the same seed.
type Mix struct {
	Company
	random
	deck []byte
	at   time.Time
}

// Mix begins a sequence of transactions in the company.
func (c Company) Mix(seed uint64) *Mix {
	return &Mix{Company: c, random: newRandom(seed, 101), at: Opening}
}

const (
	deck = "NNNNNNNNNNPPPPPPPPPPDSO" // how many of each kind, by their first letters (clause 5.2.4.2)

	// Of a hundred.
	remoteLines    = 5
	remotePayments = 15
	byLastName     = 60
	badOrders      = 1
)

// Next makes the next transaction.
func (m *Mix) Next() Transaction {
	if len(m.deck) == 0 {
		m.deck = []byte(deck)
		m.Shuffle(len(m.deck), func(i, j int) { m.deck[i], m.deck[j] = m.deck[j], m.deck[i] })
	}
	kind := m.deck[0]
	m.deck = m.deck[1:]
	m.at = m.at.Add(time.Second)
	warehouse, district := m.between(1, m.Warehouses), m.between(1, districts)
	switch kind {
	case 'N':
		return m.newOrder(warehouse, district)
	case 'P':
		client := m.client(warehouse, district)
		if m.chance(remotePayments) {
			client = m.client(m.other(warehouse), m.between(1, districts))
		}
		return Payment{Warehouse: warehouse, District: district, Client: client, Amount: cents(m.between(100, 500_000)), Paid: m.at}
	case 'D':
		return Delivery{Warehouse: warehouse, Carrier: m.between(1, 10), Delivered: m.at}
	case 'S':
		return StockLevel{Warehouse: warehouse, District: district, Threshold: m.between(10, 20)}
	}
	return OrderStatus{m.client(warehouse, district)}
}

func (m *Mix) newOrder(warehouse, district int) NewOrder {
	n := NewOrder{Warehouse: warehouse, District: district, Customer: m.skewed(m.Customers), Entered: m.at}
	for range m.between(5, 15) {
		l := Line{Item: m.skewed(m.Items), Supplier: warehouse, Quantity: m.between(1, 10)}
		if m.chance(remoteLines) {
			l.Supplier = m.other(warehouse)
		}
		n.Lines = append(n.Lines, l)
	}
	// All take stock in the same order, so that none waits for the other in a circle.
	slices.SortFunc(n.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Supplier, b.Supplier), cmp.Compare(a.Item, b.Item))
	})
	if m.chance(badOrders) {
		n.Lines[len(n.Lines)-1].Item = m.Items + 1
	}
	return n
}

func (m *Mix) client(warehouse, district int) Client {
	c := Client{Warehouse: warehouse, District: district}
	if m.chance(byLastName) {
		c.Last = LastName((m.skewed(m.Customers) - 1) / namesakes)
	} else {
		c.ID = m.skewed(m.Customers)
	}
	return c
}

// other is another warehouse, if there is one.
func (m *Mix) other(warehouse int) int {
	if m.Warehouses == 1 {
		return warehouse
	}
	return (warehouse-1+m.between(1, m.Warehouses-1))%m.Warehouses + 1
}

func (m *Mix) chance(percent int) bool { return m.IntN(100) < percent }

// skewed is a number from 1 to the highest, of which some come much more often
// (clause 2.1.6).
func (m *Mix) skewed(highest int) int {
	return ((m.IntN(highest/2+1)|m.IntN(highest))+7)%highest + 1
}
