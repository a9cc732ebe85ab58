package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"

	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/merge"
	"github.com/xapg/xapg/xadriver/internal/origin"
	"github.com/xapg/xapg/xadriver/internal/scratch"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Rows passes a shard's rows through as its driver gives them, and gives the
// connection back when they end.
type Rows struct {
	inner   driver.Rows
	sets    []driver.Rows    // the result sets that follow
	conn    *shard.Conn      // to be released, outside of a transaction
	session *session         // to which conn goes back
	branch  *branch.Branch   // that is to hear of errors, within a transaction
	writes  bool             // rows are those of RETURNING
	scratch *scratch.Session // to be closed with the rows
	txn     *transaction     // that fails with them
	ended   bool             // there are no more of this result

	// Within a transaction: for whom they were asked, and of what.
	ctx context.Context
	of  *transaction

	row []driver.Value // the current one, where database/sql leaves scanning to the driver
}

var (
	_ driver.Rows                           = (*Rows)(nil)
	_ driver.RowsNextResultSet              = (*Rows)(nil)
	_ driver.RowsColumnTypeScanType         = (*Rows)(nil)
	_ driver.RowsColumnTypeDatabaseTypeName = (*Rows)(nil)
	_ driver.RowsColumnTypeLength           = (*Rows)(nil)
	_ driver.RowsColumnTypeNullable         = (*Rows)(nil)
	_ driver.RowsColumnTypePrecisionScale   = (*Rows)(nil)
)

// Columns implements driver.Rows.
func (r *Rows) Columns() []string { return r.inner.Columns() }

// Next implements driver.Rows.
func (r *Rows) Next(dest []driver.Value) error { return r.came(r.inner.Next(dest)) }

// came takes notice of a row, or of what came instead of one.
func (r *Rows) came(err error) error {
	if err != nil {
		r.over(err)
	}
	switch {
	case err == nil:
		if r.writes && r.branch != nil {
			r.branch.NoteWrite()
		}
	case errors.Is(err, io.EOF):
	case r.conn != nil:
		_ = origin.Note(err, r.conn.Shard().Name())
	case r.branch != nil:
		r.branch.NoteError(err)
	case r.txn != nil:
		r.txn.Fail()
	}
	return err
}

// over tells the connection that there are no more rows.
func (r *Rows) over(err error) {
	switch {
	case r.ended:
	case r.conn != nil:
		r.conn.Done(err)
	case r.branch != nil:
		r.branch.Conn().Done(err)
	}
	r.ended = true
}

// Close implements driver.Rows. Where the context ends before the rows do, database/sql
// closes them and tells the application so: then the statement was cut short, and its
// transaction has failed, even if all shards had answered by then.
func (r *Rows) Close() error {
	cut := r.of != nil && (!r.ended || len(r.sets) > 0) && r.ctx.Err() != nil
	err := r.inner.Close()
	r.over(err)
	switch {
	case err == nil:
	case r.branch != nil:
		r.branch.NoteError(err)
	case r.txn != nil:
		r.txn.Fail()
	}
	if r.scratch != nil {
		err = errors.Join(err, r.scratch.Close())
		r.scratch = nil
	}
	if r.conn != nil {
		r.session.release(r.conn)
		r.session.reading.Add(-1)
		r.conn = nil
	}
	if cut {
		r.of.Fail()
		if err == nil {
			err = r.ctx.Err()
		}
	}
	return err
}

// HasNextResultSet implements driver.RowsNextResultSet: a text of several statements
// may have several.
func (r *Rows) HasNextResultSet() bool {
	if len(r.sets) > 0 {
		return true
	}
	n, ok := r.inner.(driver.RowsNextResultSet)
	return ok && n.HasNextResultSet()
}

// NextResultSet implements driver.RowsNextResultSet.
func (r *Rows) NextResultSet() error {
	if len(r.sets) > 0 {
		r.inner, r.sets, r.row, r.ended = r.sets[0], r.sets[1:], nil, false
		return nil
	}
	if n, ok := r.inner.(driver.RowsNextResultSet); ok {
		return n.NextResultSet()
	}
	return io.EOF
}

// ColumnTypeScanType implements driver.RowsColumnTypeScanType.
func (r *Rows) ColumnTypeScanType(i int) reflect.Type { return merge.ScanType(r.inner, i) }

// ColumnTypeDatabaseTypeName implements driver.RowsColumnTypeDatabaseTypeName.
func (r *Rows) ColumnTypeDatabaseTypeName(i int) string { return merge.TypeName(r.inner, i) }

// ColumnTypeLength implements driver.RowsColumnTypeLength.
func (r *Rows) ColumnTypeLength(i int) (int64, bool) { return merge.Length(r.inner, i) }

// ColumnTypeNullable implements driver.RowsColumnTypeNullable.
func (r *Rows) ColumnTypeNullable(i int) (nullable, ok bool) { return merge.Nullable(r.inner, i) }

// ColumnTypePrecisionScale implements driver.RowsColumnTypePrecisionScale.
func (r *Rows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	return merge.PrecisionScale(r.inner, i)
}
