package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/xapg/xapg/xadriver/internal/origin"

	"github.com/xapg/xapg/xadriver/internal/plan"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// describer asks home, within the transaction if there is one.
type describer struct {
	ctx  context.Context
	conn *Conn
}

func (d *describer) Describe(sql string) (*plan.Description, error) {
	c := d.conn
	var (
		got *shard.Description
		err error
	)
	if c.txn != nil {
		b, berr := c.branch(d.ctx, c.connector.home)
		if berr != nil {
			return nil, berr
		}
		got, err = b.Describe(d.ctx, sql)
	} else {
		leave, aerr := c.enter(d.ctx, []int{c.connector.home.Index()})
		if aerr != nil {
			return nil, aerr
		}
		defer leave()
		conn, aerr := c.acquire(d.ctx, c.connector.home)
		if aerr != nil {
			return nil, aerr
		}
		got, err = conn.Describe(d.ctx, sql)
		c.session.release(conn)
	}
	if err != nil {
		return nil, err
	}
	out := &plan.Description{Params: got.Params}
	for _, f := range got.Columns {
		out.Columns = append(out.Columns, plan.Described{Name: f.Name, OID: f.DataTypeOID})
	}
	return out, nil
}

// errBusy is what comes of a statement while an earlier one's rows are open.
func errBusy(sh *shard.Shard) error {
	return origin.Errorf(sh.Name(), "55006", "conn busy: rows of an earlier statement of the transaction are still open there; close them first")
}

// notRetried makes sure that a statement of which other parts may have run is not
// run again by database/sql.
func notRetried(sh *shard.Shard, err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		return origin.Errorf(sh.Name(), origin.Lost, "no working connection could be had")
	}
	return err
}
