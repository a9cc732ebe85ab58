package branch_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/DATA-DOG/go-sqlmock"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/txlog"
	"github.com/xapg/xapg/xadriver/internal/branch"
	"github.com/xapg/xapg/xadriver/internal/commit"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// connector lets a mock stand in for a shard.
type connector struct {
	driver driver.Driver
	dsn    string
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// tag is a result that tells its command tag.
type tag string

func (t tag) LastInsertId() (int64, error) { return 0, errors.New("none") }
func (t tag) RowsAffected() (int64, error) { return 1, nil }
func (t tag) CommandTag() string           { return string(t) }

// register is a decision log in memory.
type register struct {
	stored txlog.Outcome
	err    error
	done   bool
}

func (r *register) Decide(_ context.Context, _ uuid.UUID, want txlog.Outcome, _ []txlog.Participant) (txlog.Outcome, error) {
	if r.err != nil {
		return txlog.Unknown, r.err
	}
	if r.stored == txlog.Unknown {
		r.stored = want
	}
	return r.stored, nil
}

func (r *register) Finish(context.Context, uuid.UUID) error {
	r.done = true
	return nil
}

// successor notes what is left to it.
type successor struct{ finish, settle []string }

func (s *successor) Finish(_ uuid.UUID, outcome txlog.Outcome, shards []string, _ bool) {
	s.finish = append(s.finish, outcome.String()+" "+strings.Join(shards, ","))
}
func (s *successor) Settle(_ uuid.UUID, shards []string) {
	s.settle = append(s.settle, strings.Join(shards, ","))
}

// cluster is two mocked shards and a coordinator.
type cluster struct {
	t      *testing.T
	shards []*shard.Shard
	mocks  []sqlmock.Sqlmock
	log    *register
	next   *successor
	txn    *branch.Txn
	c      *commit.Coordinator
}

var txnID = uuid.MustParse("0192f6a0-0000-7000-8000-000000000001")

func newCluster(t *testing.T, names ...string) *cluster {
	t.Helper()
	cl := &cluster{t: t, log: &register{}, next: &successor{}}
	for i, name := range names {
		dsn := t.Name() + name
		db, mock, err := sqlmock.NewWithDSN(dsn, sqlmock.QueryMatcherOption(sqlmock.QueryMatcherEqual))
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		s, err := shard.New(name, i, connector{db.Driver(), dsn}, shard.Options{})
		require.NoError(t, err)
		cl.shards, cl.mocks = append(cl.shards, s), append(cl.mocks, mock)
	}
	cl.txn = branch.NewTxn(len(names), branch.Options{
		LockWait: 5 * time.Second,
		Acquire:  func(ctx context.Context, s *shard.Shard) (*shard.Conn, error) { return s.Acquire(ctx) },
		Release:  func(c *shard.Conn) { c.Release() },
	})
	cl.c = &commit.Coordinator{
		Register: cl.log, Successor: cl.next, Ready: func(context.Context, []string) error { return nil },
		Name:  func(_ uuid.UUID, s string) string { return "gid_" + s },
		NewID: func() (uuid.UUID, error) { return txnID, nil }, Timeout: context.WithTimeout, FinishWait: time.Second,
	}
	return cl
}

// expect says what a shard is to be sent, in order, and what it answers.
func (cl *cluster) expect(i int, sql string, answer any) {
	m := cl.mocks[i]
	switch a := answer.(type) {
	case error:
		m.ExpectExec(sql).WillReturnError(a)
	case driver.Result:
		m.ExpectExec(sql).WillReturnResult(a)
	case bool:
		m.ExpectQuery(sql).WillReturnRows(sqlmock.NewRows([]string{"wrote"}).AddRow(a))
	}
}

func (cl *cluster) exec(i int, sql string, e branch.Effect) {
	cl.t.Helper()
	b, err := cl.txn.Branch(context.Background(), cl.shards[i])
	require.NoError(cl.t, err)
	_, err = b.Exec(context.Background(), sql, nil, e)
	require.NoError(cl.t, err)
}

func (cl *cluster) commit() error {
	cl.t.Helper()
	_, err := cl.c.Commit(context.Background(), cl.txn.Participants())
	for _, m := range cl.mocks {
		assert.NoError(cl.t, m.ExpectationsWereMet())
	}
	return err
}

const (
	ask  = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"
	wait = "SET LOCAL lock_timeout = 5000"
)

// written makes both shards writers of one row each.
func (cl *cluster) written() {
	cl.expect(0, "BEGIN", tag("BEGIN"))
	cl.expect(0, "UPDATE a", tag("UPDATE 1"))
	cl.expect(1, "BEGIN", tag("BEGIN"))
	cl.expect(1, wait, tag("SET"))
	cl.expect(1, "UPDATE b", tag("UPDATE 1"))
	cl.exec(0, "UPDATE a", branch.Writes)
	cl.exec(1, "UPDATE b", branch.Writes)
}

func TestOneWriterCommitsInOnePhase(t *testing.T) {
	cl := newCluster(t, "athos")
	cl.expect(0, "BEGIN", tag("BEGIN"))
	cl.expect(0, "UPDATE a", tag("UPDATE 1"))
	cl.expect(0, "COMMIT", tag("COMMIT"))
	cl.exec(0, "UPDATE a", branch.Writes)
	require.NoError(t, cl.commit())
	assert.Equal(t, txlog.Unknown, cl.log.stored, "the log is not needed")
}

func TestReadersAreNotPrepared(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.expect(0, "BEGIN", tag("BEGIN"))
	cl.expect(0, "UPDATE a", tag("UPDATE 1"))
	cl.expect(1, "BEGIN", tag("BEGIN"))
	cl.expect(1, wait, tag("SET"))
	cl.expect(1, "SELECT f()", tag("SELECT 1"))
	cl.expect(1, ask, false)
	cl.expect(1, "COMMIT", tag("COMMIT"))
	cl.expect(0, "COMMIT", tag("COMMIT"))
	cl.exec(0, "UPDATE a", branch.Writes)
	cl.exec(1, "SELECT f()", branch.Reads)
	require.NoError(t, cl.commit())
	assert.Equal(t, txlog.Unknown, cl.log.stored)
}

func TestAFunctionThatWroteMakesAWriter(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.expect(0, "BEGIN", tag("BEGIN"))
	cl.expect(0, "UPDATE a", tag("UPDATE 1"))
	cl.expect(1, "BEGIN", tag("BEGIN"))
	cl.expect(1, wait, tag("SET"))
	cl.expect(1, "SELECT f()", tag("SELECT 1"))
	cl.expect(1, ask, true)
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
		cl.expect(i, "COMMIT PREPARED 'gid_"+s+"'", tag("COMMIT PREPARED"))
	}
	cl.exec(0, "UPDATE a", branch.Writes)
	cl.exec(1, "SELECT f()", branch.Reads)
	require.NoError(t, cl.commit())
	assert.Equal(t, txlog.Commit, cl.log.stored)
}

func TestTwoWritersCommitInTwoPhases(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
		cl.expect(i, "COMMIT PREPARED 'gid_"+s+"'", tag("COMMIT PREPARED"))
	}
	require.NoError(t, cl.commit())
	assert.Equal(t, txlog.Commit, cl.log.stored)
	assert.True(t, cl.log.done)
}

func TestAFailedPrepareRollsTheOthersBack(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.written()
	no := &pgconn.PgError{Severity: "ERROR", Code: "23505", Message: "duplicate key"}
	cl.expect(0, "PREPARE TRANSACTION 'gid_athos'", tag("PREPARE TRANSACTION"))
	cl.expect(0, "ROLLBACK PREPARED 'gid_athos'", tag("ROLLBACK PREPARED"))
	cl.expect(1, "PREPARE TRANSACTION 'gid_porthos'", no)
	require.ErrorIs(t, cl.commit(), no)
	assert.Equal(t, txlog.Unknown, cl.log.stored)
}

func TestATagOfRollbackIsNoVote(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.written()
	cl.expect(0, "PREPARE TRANSACTION 'gid_athos'", tag("PREPARE TRANSACTION"))
	cl.expect(0, "ROLLBACK PREPARED 'gid_athos'", tag("ROLLBACK PREPARED"))
	cl.expect(1, "PREPARE TRANSACTION 'gid_porthos'", tag("ROLLBACK"))
	require.ErrorIs(t, cl.commit(), branch.ErrRolledBack)
	assert.Equal(t, txlog.Unknown, cl.log.stored)
}

func TestADriverThatHidesTagsIsAskedForTheVote(t *testing.T) {
	const list = "SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE gid = 'gid_%s' AND database = current_database()"
	cl := newCluster(t, "athos", "porthos")
	cl.written()
	cl.expect(0, "PREPARE TRANSACTION 'gid_athos'", sqlmock.NewResult(0, 0))
	cl.mocks[0].ExpectQuery(strings.Replace(list, "%s", "athos", 1)).WillReturnRows(sqlmock.NewRows([]string{"gid"}).AddRow("gid_athos"))
	cl.expect(0, "ROLLBACK PREPARED 'gid_athos'", tag("ROLLBACK PREPARED"))
	cl.expect(1, "PREPARE TRANSACTION 'gid_porthos'", sqlmock.NewResult(0, 0))
	cl.mocks[1].ExpectQuery(strings.Replace(list, "%s", "porthos", 1)).WillReturnRows(sqlmock.NewRows([]string{"gid"}))
	require.ErrorIs(t, cl.commit(), branch.ErrRolledBack)
}

func TestALostPrepareIsLeftToTheSuccessor(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.written()
	cl.expect(0, "PREPARE TRANSACTION 'gid_athos'", tag("PREPARE TRANSACTION"))
	cl.expect(0, "ROLLBACK PREPARED 'gid_athos'", tag("ROLLBACK PREPARED"))
	cl.expect(1, "PREPARE TRANSACTION 'gid_porthos'", errors.New("broken pipe"))
	err := cl.commit()
	require.Error(t, err)
	var doubt *commit.InDoubtError
	assert.NotErrorAs(t, err, &doubt, "nobody decided to commit: it is rolled back")
	assert.Equal(t, []string{"abort porthos"}, cl.next.finish)
}

func TestALogThatStoredNothingMeansRollback(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.log.err = errors.Join(txlog.ErrNotStored, errors.New("disk full"))
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
		cl.expect(i, "ROLLBACK PREPARED 'gid_"+s+"'", tag("ROLLBACK PREPARED"))
	}
	var undecided *commit.UndecidedError
	require.ErrorAs(t, cl.commit(), &undecided)
}

func TestALogThatDoesNotAnswerMeansDoubt(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.log.err = errors.New("input/output error")
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
	}
	var doubt *commit.InDoubtError
	require.ErrorAs(t, cl.commit(), &doubt)
	assert.Equal(t, txnID, doubt.ID)
	assert.Equal(t, []string{"athos,porthos"}, cl.next.settle)
}

func TestACoordinatorObeysAnAbortThatCameFirst(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.log.stored = txlog.Abort
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
		cl.expect(i, "ROLLBACK PREPARED 'gid_"+s+"'", &pgconn.PgError{Severity: "ERROR", Code: "42704"})
	}
	var overruled *commit.OverruledError
	require.ErrorAs(t, cl.commit(), &overruled)
	assert.Empty(t, cl.next.finish, "the resolver was faster, and is done")
}

func TestAFinishThatFailsIsLeftToTheSuccessor(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
	}
	cl.expect(0, "COMMIT PREPARED 'gid_athos'", tag("COMMIT PREPARED"))
	cl.expect(1, "COMMIT PREPARED 'gid_porthos'", errors.New("broken pipe"))
	require.NoError(t, cl.commit(), "it is committed, and will be everywhere")
	assert.Equal(t, []string{"commit athos,porthos"}, cl.next.finish)
	assert.False(t, cl.log.done, "the record stays until all have heard")
}

func TestALostCommitIsInDoubt(t *testing.T) {
	for name, lost := range map[string]error{
		"broken connection": errors.New("broken pipe"),
		"server shut down":  &pgconn.PgError{Severity: "FATAL", Code: "57P01"},
	} {
		t.Run(name, func(t *testing.T) {
			cl := newCluster(t, "athos")
			cl.expect(0, "BEGIN", tag("BEGIN"))
			cl.expect(0, "UPDATE a", tag("UPDATE 1"))
			cl.expect(0, "COMMIT", lost)
			cl.exec(0, "UPDATE a", branch.Writes)
			var doubt *commit.InDoubtError
			require.ErrorAs(t, cl.commit(), &doubt)
			assert.Equal(t, []string{"athos"}, doubt.Shards)
		})
	}
}

func TestABranchThatOpensLateHearsWhatWasSaid(t *testing.T) {
	cl := newCluster(t, "athos", "porthos")
	ctx := context.Background()
	require.NoError(t, cl.txn.Set(ctx, branch.Setting{SQL: "SET LOCAL work_mem = '5MB'", Name: "work_mem", Values: []string{"5MB"}, Local: true}))
	require.NoError(t, cl.txn.Savepoint(ctx, "s"))
	require.NoError(t, cl.txn.Savepoint(ctx, "gone"))
	require.NoError(t, cl.txn.RollbackTo(ctx, "s"))
	for _, sql := range []string{"BEGIN", "SET LOCAL work_mem = '5MB'", `SAVEPOINT "s"`, "UPDATE b"} {
		cl.expect(1, sql, tag("OK"))
	}
	cl.exec(1, "UPDATE b", branch.Writes)
	cl.expect(1, "ROLLBACK", tag("ROLLBACK"))
	cl.c.Rollback(ctx, cl.txn.Participants())
	require.NoError(t, cl.mocks[1].ExpectationsWereMet())
}

func TestAReaderBesideTwoWritersIsNotPrepared(t *testing.T) {
	cl := newCluster(t, "athos", "porthos", "aramis")
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
		cl.expect(i, "COMMIT PREPARED 'gid_"+s+"'", tag("COMMIT PREPARED"))
	}
	for _, sql := range []string{"BEGIN", wait, "SELECT 1"} {
		cl.expect(2, sql, tag("OK"))
	}
	cl.expect(2, ask, false)
	cl.expect(2, "COMMIT", tag("COMMIT"))
	cl.exec(2, "SELECT 1", branch.Reads)
	require.NoError(t, cl.commit())
	assert.Equal(t, txlog.Commit, cl.log.stored)
}

func TestAReaderThatCannotCommitAbortsTheWriters(t *testing.T) {
	cl := newCluster(t, "athos", "porthos", "aramis")
	cl.written()
	for i, s := range []string{"athos", "porthos"} {
		cl.expect(i, "PREPARE TRANSACTION 'gid_"+s+"'", tag("PREPARE TRANSACTION"))
		cl.expect(i, "ROLLBACK PREPARED 'gid_"+s+"'", tag("ROLLBACK PREPARED"))
	}
	for _, sql := range []string{"BEGIN", wait, "SELECT 1"} {
		cl.expect(2, sql, tag("OK"))
	}
	serialization := &pgconn.PgError{Severity: "ERROR", Code: "40001"}
	cl.expect(2, ask, false)
	cl.expect(2, "COMMIT", serialization)
	cl.exec(2, "SELECT 1", branch.Reads)
	require.ErrorIs(t, cl.commit(), serialization)
	assert.Equal(t, txlog.Unknown, cl.log.stored)
}
