// Package xamysql lets a MySQL or MariaDB database take part in the transactions of
// xapg, by the XA statements of these servers.
//
//	mysql, err := sql.Open("mysql", "app@tcp(db9)/stock")          // the application's driver
//	stock, err := xamysql.New("stock", mysql, xamysql.Options{})
//	cfg.Resources = []xadriver.Resource{stock}                     // recovery knows it
//	…
//	tx, err := db.BeginTx(ctx, nil)                                // xapg's
//	my, err := xadriver.Enlist(ctx, tx, stock)                     // a part of tx
//	_, err = my.ExecContext(ctx, "UPDATE shelf SET n = n - 1 WHERE item = ?", item)
//	err = tx.Commit()                                              // both or neither
//
// The package needs no MySQL driver of its own: it works on any *sql.DB whose
// errors have the server's numbers in their texts, as those of
// github.com/go-sql-driver/mysql do.
//
// # Which servers
//
// A prepared branch must outlive its connection, so MySQL before 5.7.7 and MariaDB
// before 10.5 are refused. Tables must be InnoDB's, or another engine's with XA. See
// docs/resources.md for what MySQL and MariaDB say of crashes while a statement is
// being written to the binary log.
//
// # Two pools
//
// A branch holds a connection of the *sql.DB from Enlist until the transaction has
// ended. Where that pool has a limit, enlist always in the same order, for instance
// after the first statement on a shard, or let the limit be at least the number of
// transactions at once: otherwise two of them may wait for what the other holds.
package xamysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/xapg/xapg/xadriver"
)

// Options of a Resource. The zero value is good.
type Options struct {
	// Silence is for how long a server holds a prepared branch for a coordinator of
	// which it hears nothing, before others can finish it: MariaDB, and MySQL before
	// 8.0.29, let nobody else do that while the connection stands. It is the
	// session's wait_timeout while the branch is prepared; whole seconds, 10 by default.
	Silence time.Duration
}

// Resource is one MySQL or MariaDB server, or a database on it. It is safe for
// concurrent use.
type Resource struct {
	name    string
	db      *sql.DB
	silence int
	checked atomic.Bool
}

var (
	_         xadriver.Resource    = (*Resource)(nil)
	_         xadriver.Opener[*Tx] = (*Resource)(nil)
	_         xadriver.Branch      = (*Tx)(nil)
	shortName                      = regexp.MustCompile(fmt.Sprintf(`^[A-Za-z0-9_-]{1,%d}$`, maxName))
)

// New makes a resource of a database. Nothing is sent. The pool stays the caller's,
// who closes it after xapg's own database.
//
// The name is part of each branch's XA identifier, which leaves room for 27 bytes.
func New(name string, db *sql.DB, o Options) (*Resource, error) {
	switch {
	case !shortName.MatchString(name):
		return nil, fmt.Errorf("xamysql: %q cannot be a resource's name: 1 to %d of letters, digits, _ and -", name, maxName)
	case db == nil:
		return nil, errors.New("xamysql: there is no database")
	case o.Silence < 0:
		return nil, errors.New("xamysql: a negative Silence")
	case o.Silence == 0:
		o.Silence = 10 * time.Second
	}
	return &Resource{name: name, db: db, silence: max(1, int(o.Silence/time.Second))}, nil
}

// Name implements xadriver.Resource.
func (r *Resource) Name() string { return r.name }

// Begin implements xadriver.Opener: it is called by xadriver.Enlist.
func (r *Resource) Begin(ctx context.Context, gid string) (*Tx, error) {
	x, err := xidOf(gid)
	if err != nil {
		return nil, err
	}
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	t := &Tx{resource: r, conn: conn, xid: x}
	if err = r.check(ctx, conn); err == nil {
		_, err = conn.ExecContext(ctx, "XA START "+x.String())
	}
	if err != nil {
		t.abandon()
		t.Release()
		return nil, err
	}
	return t, nil
}

// InDoubt implements xadriver.Resource. Whatever else is prepared on the server is
// not looked at.
func (r *Resource) InDoubt(ctx context.Context, prefix string) (list []xadriver.PreparedBranch, err error) {
	err = r.with(ctx, func(conn *sql.Conn) error {
		xids, err := recoverable(ctx, conn)
		for _, x := range xids {
			if gid, ok := x.gid(r.name); ok && strings.HasPrefix(gid, prefix) {
				list = append(list, xadriver.PreparedBranch{GID: gid})
			}
		}
		return err
	})
	return list, err
}

// Commit implements xadriver.Resource.
func (r *Resource) Commit(ctx context.Context, gid string) error {
	return r.finish(ctx, xaCommitCommand, gid)
}

// Rollback implements xadriver.Resource.
func (r *Resource) Rollback(ctx context.Context, gid string) error {
	return r.finish(ctx, xaRollbackCommand, gid)
}

const (
	xaCommitCommand   = "XA COMMIT "
	xaRollbackCommand = "XA ROLLBACK "
)

func (r *Resource) finish(ctx context.Context, command, gid string) error {
	x, err := xidOf(gid)
	if err != nil {
		return err
	}
	return r.with(ctx, func(conn *sql.Conn) error { return end(ctx, conn, command, x) })
}

// end finishes a prepared branch. "Unknown XID" proves nothing: that is also what a
// server answers while the connection stands on which the branch was prepared. The
// server's list is what tells.
func end(ctx context.Context, conn *sql.Conn, command string, x xid) error {
	_, err := conn.ExecContext(ctx, command+x.String())
	switch {
	case err == nil:
		return nil
	case number(err) == xaRollback && command == xaRollbackCommand:
		return nil
	case number(err) == xaRollback:
		return fmt.Errorf("the server has rolled back a branch that it had prepared; that is well if the branch only read, which MariaDB forgets with its connection, "+
			"but if it wrote, the transaction is not whole: %w", err)
	case number(err) != xaerNota:
		return err
	}
	list, lerr := recoverable(ctx, conn)
	switch {
	case lerr != nil:
		return errors.Join(err, lerr)
	case !x.in(list):
		return fmt.Errorf("%w: %w", xadriver.ErrNoSuchBranch, err)
	default:
		return fmt.Errorf("%w: the server keeps it for the connection that prepared it, until that is closed or silent for too long: %w", xadriver.ErrBranchBusy, err)
	}
}

// with runs f on a connection, once the server is known to be fit.
func (r *Resource) with(ctx context.Context, f func(*sql.Conn) error) error {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := r.check(ctx, conn); err != nil {
		return err
	}
	return f(conn)
}

// recoverable lists all that is prepared on the server.
func recoverable(ctx context.Context, conn *sql.Conn) ([]xid, error) {
	rows, err := conn.QueryContext(ctx, "XA RECOVER")
	if err != nil {
		if number(err) == accessDenied {
			err = fmt.Errorf("the application's user may not see what is prepared: GRANT XA_RECOVER_ADMIN ON *.* to it: %w", err)
		}
		return nil, err
	}
	defer rows.Close()
	var list []xid
	for rows.Next() {
		var (
			x            xid
			gtrid, bqual int
			data         []byte
		)
		if err := rows.Scan(&x.format, &gtrid, &bqual, &data); err != nil {
			return nil, err
		}
		if gtrid < 0 || bqual < 0 || gtrid+bqual > len(data) {
			return nil, fmt.Errorf("XA RECOVER gave %d and %d bytes of %d", gtrid, bqual, len(data))
		}
		x.gtrid, x.bqual = string(data[:gtrid]), string(data[gtrid:gtrid+bqual])
		list = append(list, x)
	}
	return list, rows.Err()
}

// discard closes a connection instead of giving it back to its pool.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}
