// Package xadriver is the database/sql driver "xapg": it makes several stock
// PostgreSQL servers behave like one.
//
//	db, err := sql.Open("xapg", "cluster=bank log=sqlite:/var/lib/app/xapg.db "+
//		"shard.athos='host=db1 dbname=athos' shard.porthos='host=db2 dbname=porthos' "+
//		"key.accounts=owner key.ledger=owner reference=currencies")
//
// A statement goes to the shards that hold its rows, which the driver finds in
// its text and arguments; what it cannot answer as one PostgreSQL would, it
// refuses with an [UnsupportedError]. A transaction opens a branch on each shard
// it touches, and Commit is atomic over all of them: prepare everywhere, decide
// once in the decision log, commit everywhere. What a crash leaves behind is
// finished by a resolver that runs in every process that has the database open.
//
// With a single shard the driver stands aside: whatever pgx's stdlib does with a
// DSN, "xapg" does with it, so that an application can be sharded later.
//
// # Configuration
//
// A DSN is a PostgreSQL URL or keyword string (one shard), the path of a YAML
// file, or keywords with shard.NAME= entries; see [ParseDSN] and [Config].
//
// # Errors
//
// PostgreSQL's errors come through as bare *pgconn.PgError. The driver's own are
// typed. The one that every caller of Commit should know is [InDoubtError]: the
// outcome is not known, and the transaction must not simply be run again.
package xadriver

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
)

func init() {
	sql.Register("xapg", &Driver{})
}

// Driver is the driver registered as "xapg". It has no state.
type Driver struct{}

var (
	_ driver.Driver        = (*Driver)(nil)
	_ driver.DriverContext = (*Driver)(nil)
)

// OpenConnector reads the DSN and opens the decision log. From then on, until the
// connector is closed, transactions left in doubt are being resolved; sql.DB
// closes its connector.
func (*Driver) OpenConnector(dsn string) (driver.Connector, error) {
	cfg, err := ParseDSN(dsn)
	if err != nil {
		return nil, err
	}
	return NewConnector(*cfg)
}

// Open opens one connection with a connector of its own. database/sql does not
// call it.
func (d *Driver) Open(dsn string) (driver.Conn, error) {
	connector, err := d.OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	c := connector.(*Connector)
	conn, err := c.Connect(context.Background())
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if own, ok := conn.(*Conn); ok { // not with raw=pgx, where there is nothing to be closed besides
		own.owned = c
	}
	return conn, nil
}
