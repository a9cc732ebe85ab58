package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/xadriver"
)

// torn is a bank whose next commit stops when one shard has heard of the decision and
// the other has not, until it is let go.
type torn struct {
	*bank
	writer *sql.DB
	names  []string
	steps  *stepper
	half   chan struct{} // closed when it has stopped
	goOn   chan struct{}
	done   chan error
}

func tear(t *testing.T, late int, more ...string) *torn {
	t.Helper()
	b := openBank(t, 2, append(more, "resolve_every=1h")...) // or a resolver takes over what has stopped
	x := &torn{bank: b, steps: &stepper{}, half: make(chan struct{}), goOn: make(chan struct{}), done: make(chan error, 1)}
	x.writer = openStepped(t, b.dsn, x.steps, nil)
	x.names = owners(t, b)
	for _, name := range x.names {
		_, err := b.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, 100)", name)
		require.NoError(t, err)
	}
	x.steps.arm(fmt.Sprintf("before_finish/%s", servers(t).Shards[late].Name()), func() {
		close(x.half)
		<-x.goOn
	})
	go func() { x.done <- x.transfer(x.writer) }()
	<-x.half
	require.Eventually(t, func() bool {
		return b.on(t, 1-late, "SELECT count(*)::text FROM pg_prepared_xacts WHERE database = current_database()") == "0"
	},
		10*time.Second, time.Millisecond, "the other shard shows the transaction")
	return x
}

func (x *torn) transfer(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	for i, n := range []int{-10, 10} {
		if _, err := tx.Exec("UPDATE accounts SET balance = balance + $1 WHERE owner = $2", n, x.names[i]); err != nil {
			_ = tx.Rollback()
			return err
		}
	}
	return tx.Commit()
}

// queryer is a transaction, or a database.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func allBalances(ctx context.Context, q queryer) (list []int, err error) {
	rows, err := q.QueryContext(ctx, "SELECT balance FROM accounts")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

func sum(list []int) (total int) {
	for _, n := range list {
		total += n
	}
	return total
}

// readers read all balances, in the ways in which one state of all shards is promised.
var readers = map[string]struct {
	setting string
	read    func(context.Context, *sql.DB) ([]int, error)
}{
	"REPEATABLE READ": {"snapshot", func(ctx context.Context, db *sql.DB) ([]int, error) {
		return inTransaction(ctx, db, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	}},
	"LevelSnapshot": {"snapshot", func(ctx context.Context, db *sql.DB) ([]int, error) {
		return inTransaction(ctx, db, &sql.TxOptions{Isolation: sql.LevelSnapshot})
	}},
	"a statement": {"statement", func(ctx context.Context, db *sql.DB) ([]int, error) { return allBalances(ctx, db) }},
	"a statement within a block": {"statement", func(ctx context.Context, db *sql.DB) ([]int, error) {
		return inTransaction(ctx, db, nil)
	}},
}

func inTransaction(ctx context.Context, db *sql.DB, o *sql.TxOptions) ([]int, error) {
	tx, err := db.BeginTx(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }()
	return allBalances(ctx, tx)
}

func TestAReaderNeverSeesHalfOfATransaction(t *testing.T) {
	for name, r := range readers {
		for late := range 2 {
			t.Run(fmt.Sprintf("%s/shard %d late", name, late), func(t *testing.T) {
				x := tear(t, late, "consistent_reads="+r.setting)
				got := make(chan []int, 1)
				go func() {
					list, err := r.read(t.Context(), x.DB)
					assert.NoError(t, err)
					got <- list
				}()
				time.Sleep(50 * time.Millisecond) // the reader meets the torn transaction, most likely
				close(x.goOn)
				assert.Equal(t, 200, sum(<-got))
				require.NoError(t, <-x.done)
			})
		}
	}
}

// The same, without: this is what the tests above would see.
func TestWithoutCutsReadersSeeHalves(t *testing.T) {
	for name, o := range map[string]*sql.TxOptions{"off": {Isolation: sql.LevelRepeatableRead}, "snapshot": nil} {
		x := tear(t, 1, "consistent_reads="+name)
		list, err := inTransaction(t.Context(), x.DB, o)
		require.NoError(t, err)
		assert.Equal(t, 190, sum(list), name)
		close(x.goOn)
		require.NoError(t, <-x.done)
	}
}

// What a transaction sees does not change while it lasts, on any shard, whenever it
// first looks at it; and what was committed before it began is seen.
func TestARepeatableReadIsOneStateFromTheFirstStatementOn(t *testing.T) {
	b := openBank(t, 3)
	names := owners(t, b)
	x := &torn{bank: b, names: names}
	for _, name := range names {
		_, err := b.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, 100)", name)
		require.NoError(t, err)
	}
	tx, err := b.BeginTx(t.Context(), &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	require.NoError(t, x.transfer(b.DB), "before its first statement")
	var n int
	require.NoError(t, tx.QueryRow("SELECT balance FROM accounts WHERE owner = $1", names[0]).Scan(&n))
	assert.Equal(t, 90, n)
	require.NoError(t, x.transfer(b.DB))
	_, err = b.Exec("UPDATE accounts SET balance = 0 WHERE owner = $1", names[2])
	require.NoError(t, err)
	for i, want := range []int{90, 110, 100} {
		require.NoError(t, tx.QueryRow("SELECT balance FROM accounts WHERE owner = $1", names[i]).Scan(&n))
		assert.Equal(t, want, n)
	}
	// It writes by what it has seen, or not at all.
	_, err = tx.Exec("UPDATE accounts SET balance = balance + 1 WHERE owner = $1", names[2])
	var state interface{ SQLState() string }
	require.ErrorAs(t, err, &state)
	assert.Equal(t, "40001", state.SQLState())
}

// A transaction sees what it has written itself, in a statement with a cut of its own.
func TestAStatementWithACutSeesItsOwnTransaction(t *testing.T) {
	b := openBank(t, 2, "consistent_reads=statement")
	names := owners(t, b)
	tx, err := b.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	for i, name := range names {
		_, err = tx.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, $2)", name, i+1)
		require.NoError(t, err)
	}
	for range 2 {
		list, err := allBalances(t.Context(), tx)
		require.NoError(t, err)
		assert.ElementsMatch(t, []int{1, 2}, list)
		var n int
		require.NoError(t, tx.QueryRow("SELECT sum(balance) FROM accounts WHERE balance < $1", 10).Scan(&n))
		assert.Equal(t, 3, n)
		require.NoError(t, tx.QueryRow("SELECT balance FROM accounts WHERE balance > $1 ORDER BY balance DESC LIMIT 1", 0).Scan(&n))
		assert.Equal(t, 2, n)
	}
	require.NoError(t, tx.Commit())
}

// A coordinator dies after its votes: whoever wants to see one state must wait until
// somebody has decided, and is told for whom he waits.
func TestATransactionInDoubtKeepsReadersForATimeOnly(t *testing.T) {
	b := openBank(t, 2, "cut_wait=3s", "resolve_after=1h")
	names := owners(t, b)
	x := &torn{bank: b, names: names}
	for _, name := range names {
		_, err := b.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, 100)", name)
		require.NoError(t, err)
	}
	steps := &stepper{}
	dead := openStepped(t, b.dsn, steps, func(c *xadriver.Config) { c.NoResolver = true })
	release := make(chan struct{})
	steps.arm("before_decide", func() { <-release })
	done := make(chan error, 1)
	go func() { done <- x.transfer(dead) }()
	require.Eventually(t, func() bool { return b.prepared(t) == 2 }, 10*time.Second, 5*time.Millisecond)

	_, err := inTransaction(t.Context(), b.DB, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	var waited *xadriver.InconsistentError
	require.ErrorAs(t, err, &waited)
	assert.Equal(t, "55P03", waited.SQLState())
	require.Len(t, waited.Transactions, 1, waited.Error())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	// Writers of other rows go on meanwhile.
	_, err = b.Exec("INSERT INTO accounts (owner) VALUES ('another')")
	require.NoError(t, err)

	close(release)
	require.NoError(t, <-done)
	list, err := inTransaction(t.Context(), b.DB, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	require.NoError(t, err)
	assert.Equal(t, 200, sum(list))
}

// What was put off to the end of the transaction may wait for locks, and who passes a
// gate must not: it is done before.
func TestWhatIsDeferredIsDoneBeforeTheGateIsPassed(t *testing.T) {
	b := openBank(t, 2)
	names := owners(t, b)
	_, err := b.Exec(`CREATE FUNCTION alone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF EXISTS (SELECT FROM pg_locks WHERE relation::regclass::text LIKE '%ga' || 'te' AND pid = pg_backend_pid()) THEN RAISE 'it is held'; END IF; RETURN NULL; END $$`)
	require.NoError(t, err)
	_, err = b.Exec("CREATE CONSTRAINT TRIGGER alone AFTER INSERT OR UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION alone()")
	require.NoError(t, err)
	for n := 1; n <= 2; n++ {
		tx, err := b.Begin()
		require.NoError(t, err)
		for _, name := range names[:n] {
			_, err = tx.Exec("INSERT INTO accounts (owner) VALUES ($1) ON CONFLICT (owner) DO UPDATE SET note = 'again'", name)
			require.NoError(t, err)
		}
		require.NoError(t, tx.Commit())
	}
}

// What writes nothing has no gate to pass, and a session that writes nothing may say so.
func TestASessionThatOnlyReadsMayCallFunctions(t *testing.T) {
	b := openBank(t, 2)
	_, err := b.Exec("CREATE FUNCTION said() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'")
	require.NoError(t, err)
	conn, err := b.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "SET default_transaction_read_only = on")
	require.NoError(t, err)
	var n int
	require.NoError(t, conn.QueryRowContext(t.Context(), "/* xapg:shard=s1 */ SELECT said()").Scan(&n))
	assert.Equal(t, 1, n)
	_, err = conn.ExecContext(t.Context(), "INSERT INTO accounts (owner) VALUES ('a')")
	var state interface{ SQLState() string }
	require.ErrorAs(t, err, &state)
	assert.Equal(t, "25006", state.SQLState())
}

// Whoever has read enough of a statement with a cut may ask the same again.
func TestAStatementWithACutCanBeLeftAndAskedAgain(t *testing.T) {
	b := openBank(t, 2, "consistent_reads=statement")
	for _, name := range owners(t, b) {
		_, err := b.Exec("INSERT INTO accounts (owner, balance) VALUES ($1, 1)", name)
		require.NoError(t, err)
	}
	tx, err := b.Begin()
	require.NoError(t, err)
	defer func() { _ = tx.Rollback() }()
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		rows, err := tx.QueryContext(ctx, "SELECT balance FROM accounts")
		require.NoError(t, err)
		require.True(t, rows.Next())
		require.True(t, rows.Next())
		require.False(t, rows.Next())
		cancel()
		_ = rows.Close()
	}
	list, err := allBalances(t.Context(), tx)
	require.NoError(t, err)
	assert.Equal(t, 2, sum(list))
}
