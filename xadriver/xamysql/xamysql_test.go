package xamysql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xapg/xapg/xadriver"
	"github.com/xapg/xapg/xadriver/xamysql"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	prefix = "xapg_bank_k3v9_"
	name   = prefix + "0192f6a0-0000-7000-8000-000000000001_stock"
	xid    = "'xapg_bank_k3v9','0192f6a0-0000-7000-8000-000000000001_stock',2019651687"

	setTimeout   = "SET @xapg_wait_timeout = @@SESSION.wait_timeout, SESSION wait_timeout = 10"
	resetTimeout = "SET SESSION wait_timeout = @xapg_wait_timeout"
)

// script is a server that expects statements, in order, and answers each with nil or
// an error.
func script(t *testing.T, version string) (*xamysql.Resource, sqlmock.Sqlmock, *sql.DB) {
	t.Helper()
	db, mock, err := sqlmock.New(sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual))
	require.NoError(t, err)
	t.Cleanup(func() {
		mock.ExpectClose()
		_ = db.Close()
	})
	mock.ExpectQuery("SELECT VERSION()").WillReturnRows(sqlmock.NewRows([]string{"v"}).AddRow(version))
	r, err := xamysql.New("stock", db, xamysql.Options{})
	require.NoError(t, err)
	return r, mock, db
}

func expect(mock sqlmock.Sqlmock, statement string, err error) {
	e := mock.ExpectExec(statement)
	if err != nil {
		e.WillReturnError(err)
		return
	}
	e.WillReturnResult(driver.RowsAffected(0))
}

func listed(mock sqlmock.Sqlmock, data ...string) {
	rows := sqlmock.NewRows([]string{"formatID", "gtrid_length", "bqual_length", "data"})
	for _, d := range data {
		gtrid, bqual, _ := strings.Cut(d, "|")
		rows.AddRow(2019651687, len(gtrid), len(bqual), gtrid+bqual)
	}
	mock.ExpectQuery("XA RECOVER").WillReturnRows(rows)
}

const maria = "10.11.19-MariaDB-0+deb12u1"

func TestOldServersAreRefused(t *testing.T) {
	for version, fit := range map[string]bool{
		maria: true, "10.5.0-MariaDB": true, "11.4.2-MariaDB-log": true, "5.7.7": true, "5.7.44-log": true, "8.0.36": true, "9.1.0": true,
		"10.4.34-MariaDB": false, "5.5.68-MariaDB": false, "5.7.6-m16": false, "5.6.51": false, "8.0.11-TiDB-v7.5.0": false, "": false, "nonsense": false,
	} {
		t.Run(version, func(t *testing.T) {
			r, mock, _ := script(t, version)
			if fit {
				listed(mock)
			}
			_, err := r.InDoubt(t.Context(), prefix)
			var old *xamysql.VersionError
			assert.Equal(t, !fit, errors.As(err, &old), "%v", err)
		})
	}
}

func TestAnAnswerIsARefusalOnlyWhereTheServerSaysSo(t *testing.T) {
	refusals := map[string]bool{
		"Error 1402 (XA100): XA_RBROLLBACK: Transaction branch was rolled back":                true,
		"Error 1613 (XA106): XA_RBTIMEOUT: Transaction branch was rolled back: took too long":  true,
		"Error 1614 (XA102): XA_RBDEADLOCK: Transaction branch was rolled back: deadlock":      true,
		"ERROR 1399 (XAE07): XAER_RMFAIL: The command cannot be executed in the ROLLBACK ONLY": true,
		"Error 1401 (XAE03): XAER_RMERR: Fatal error occurred in the transaction branch":       false,
		"Error 1397 (XAE04): XAER_NOTA: Unknown XID":                                           false,
		"Error 1053 (08S01): Server shutdown in progress":                                      false,
		"invalid connection": false,
	}
	for text, refused := range refusals {
		for _, how := range []string{"prepare", "one phase"} {
			t.Run(how+" "+text, func(t *testing.T) {
				r, mock, db := script(t, maria)
				expect(mock, "XA START "+xid, nil)
				b, err := r.Begin(t.Context(), name)
				require.NoError(t, err)
				command, act := "XA PREPARE "+xid, b.Prepare
				if how == "one phase" {
					command, act = "XA COMMIT "+xid+" ONE PHASE", b.Commit
				} else {
					expect(mock, setTimeout, nil)
				}
				expect(mock, "XA END "+xid, nil)
				expect(mock, command, errors.New(text))
				if refused {
					expect(mock, "XA ROLLBACK "+xid, nil)
					if how == "prepare" {
						expect(mock, resetTimeout, nil)
					}
				} else {
					mock.ExpectClose() // a connection of which nobody knows what it did
				}
				err = act(t.Context())
				require.Error(t, err)
				assert.Equal(t, refused, errors.Is(err, xadriver.ErrRolledBack), "%v", err)
				b.Release()
				assert.Equal(t, map[bool]int{true: 1}[refused], db.Stats().OpenConnections)
				assert.NoError(t, mock.ExpectationsWereMet())
			})
		}
	}
}

func TestWhatFailsBeforeTheVoteIsRolledBack(t *testing.T) {
	r, mock, _ := script(t, maria)
	expect(mock, "XA START "+xid, nil)
	b, err := r.Begin(t.Context(), name)
	require.NoError(t, err)
	expect(mock, setTimeout, nil)
	expect(mock, "XA END "+xid, errors.New("invalid connection"))
	expect(mock, "XA ROLLBACK "+xid, errors.New("invalid connection"))
	mock.ExpectClose()
	require.ErrorIs(t, b.Prepare(t.Context()), xadriver.ErrRolledBack)
	b.Release()
	require.NoError(t, mock.ExpectationsWereMet())
}

func TestAnUnknownXIDProvesNothingByItself(t *testing.T) {
	unknown := errors.New("Error 1397 (XAE04): XAER_NOTA: Unknown XID")
	rolledBack := errors.New("Error 1402 (XA100): XA_RBROLLBACK: Transaction branch was rolled back")
	ours := "xapg_bank_k3v9|0192f6a0-0000-7000-8000-000000000001_stock"
	for _, test := range []struct {
		name    string
		command string
		answer  error
		list    []string // nil where it is not asked for
		want    error    // nil where the answer counts as done
	}{
		{"done", "XA COMMIT ", nil, nil, nil},
		{"unknown, and not in the list", "XA COMMIT ", unknown, []string{"a|b"}, xadriver.ErrNoSuchBranch},
		{"unknown, and in the list", "XA COMMIT ", unknown, []string{"a|b", ours}, xadriver.ErrBranchBusy},
		{"unknown to a rollback, and in the list", "XA ROLLBACK ", unknown, []string{ours}, xadriver.ErrBranchBusy},
		{"a rollback that was done before", "XA ROLLBACK ", rolledBack, nil, nil},
		{"a commit that was rolled back", "XA COMMIT ", rolledBack, nil, rolledBack},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, mock, _ := script(t, maria)
			expect(mock, test.command+xid, test.answer)
			if test.list != nil {
				listed(mock, test.list...)
			}
			act := r.Commit
			if test.command == "XA ROLLBACK " {
				act = r.Rollback
			}
			require.ErrorIs(t, act(t.Context(), name), test.want)
			require.NoError(t, mock.ExpectationsWereMet())
		})
	}
}

func TestOnlyOwnBranchesAreListed(t *testing.T) {
	r, mock, _ := script(t, maria)
	const txn = "0192f6a0-0000-7000-8000-000000000001"
	listed(mock, "someone|else", "xapg_bank_k3v9|"+txn+"_stock", "xapg_bank_k3v9|"+txn+"_other", "xapg_bank_zzzz|"+txn+"_stock", "xapg_bank|k3v9_"+txn+"_stock")
	list, err := r.InDoubt(t.Context(), prefix)
	require.NoError(t, err)
	assert.Equal(t, []xadriver.PreparedBranch{{GID: name}}, list)

	mock.ExpectQuery("XA RECOVER").WillReturnError(errors.New("Error 1227 (42000): Access denied; you need (at least one of) the XA_RECOVER_ADMIN privilege(s)"))
	_, err = r.InDoubt(context.Background(), prefix)
	assert.ErrorContains(t, err, "GRANT XA_RECOVER_ADMIN")
}

func TestWrongOptionsAreRefused(t *testing.T) {
	db, _, err := sqlmock.New()
	require.NoError(t, err)
	defer db.Close()
	for _, test := range []struct {
		name string
		db   *sql.DB
		o    xamysql.Options
	}{
		{"", db, xamysql.Options{}},
		{"it's", db, xamysql.Options{}},
		{strings.Repeat("s", 28), db, xamysql.Options{}},
		{"stock", nil, xamysql.Options{}},
		{"stock", db, xamysql.Options{Silence: -time.Second}},
	} {
		_, err := xamysql.New(test.name, test.db, test.o)
		assert.Error(t, err, "%+v", test)
	}
}
