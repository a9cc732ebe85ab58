package xadriver_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/xatest"
)

// These benchmarks compare statements over the rows of four shards with the same
// statements on one server that has all rows. With as many cores as there are
// here, four shards cannot do more than the one server would with parallel
// workers: so everything is measured without these (workers=0), and with as many
// as a server takes by itself (workers=auto).

const (
	benchShards = 4
	bigRows     = 1_000_000
	sortedRows  = 100_000
	joinedRows  = 10_000
	countedRows = 10_000
	countedGrps = 1_000 // of ten rows each
	batchRows   = 100
	batchShards = 2
)

const spreadSchema = `
CREATE TABLE big (id bigint PRIMARY KEY, grp int NOT NULL, v bigint NOT NULL, note text NOT NULL);
CREATE TABLE sorted (id bigint PRIMARY KEY, v bigint NOT NULL, note text NOT NULL);
CREATE TABLE lefts (id bigint PRIMARY KEY, v bigint NOT NULL, note text NOT NULL);
CREATE TABLE rights (id bigint PRIMARY KEY, v bigint NOT NULL, note text NOT NULL);
CREATE TABLE counted (id bigint PRIMARY KEY, grp int NOT NULL, n bigint NOT NULL);
CREATE INDEX ON counted (grp)`

// spreadRows fills the tables with the rows for which a condition on the key holds.
func spreadRows(condition string) string {
	return fmt.Sprintf(`
INSERT INTO big SELECT id, id * 31 %% 100, id * 7919 %% 1000003, 'note ' || id FROM generate_series(1, %d::bigint) AS id WHERE %[6]s;
INSERT INTO sorted SELECT id, id * 7919 %% %[2]d, 'note ' || id FROM generate_series(1, %[2]d::bigint) AS id WHERE %[6]s;
INSERT INTO lefts SELECT id, id * 7919 %% %[3]d, 'left ' || id FROM generate_series(1, %[3]d::bigint) AS id WHERE %[6]s;
INSERT INTO rights SELECT id, id * 104729 %% %[3]d, 'right ' || id FROM generate_series(1, %[3]d::bigint) AS id WHERE %[6]s;
INSERT INTO counted SELECT id, id %% %[5]d, 0 FROM generate_series(1, %[4]d::bigint) AS id WHERE %[6]s`,
		bigRows, sortedRows, joinedRows, countedRows, countedGrps, condition)
}

// spread is what the benchmarks run on.
type spread struct {
	cluster *xatest.Cluster
	systems []benchSystem
}

// benchSystem is one server by pgx, or four by xapg.
type benchSystem struct {
	name, workers string
	db            *sql.DB
}

func newSpread(b *testing.B) *spread {
	b.Helper()
	names := []string{"plain"}
	for i := range benchShards {
		names = append(names, fmt.Sprintf("s%d", i+1))
	}
	s := &spread{cluster: xatest.Start(b, xatest.Names(names...), xatest.Durable(), xatest.Set("shared_buffers", "64MB"), xatest.Set("max_wal_size", "4GB"))}
	for _, workers := range []string{"0", "auto"} {
		s.systems = append(s.systems,
			benchSystem{"pgx", workers, s.open(b, "pgx", s.url(0, "postgres", workers))},
			benchSystem{"xapg", workers, s.sharded(b, "postgres", benchShards, workers, "keys=id")})
	}
	_, err := s.systems[0].db.Exec(spreadSchema)
	require.NoError(b, err)
	_, err = s.systems[1].db.Exec(spreadSchema)
	require.NoError(b, err)
	fillShards(b, s.cluster.Shards, func(i int) string {
		if i == 0 {
			return spreadRows("true")
		}
		return spreadRows(onShard("id", i-1, benchShards))
	})
	for _, server := range s.cluster.Shards { // what filling leaves to do is not to be measured
		db := s.open(b, "pgx", server.DSN())
		for _, statement := range []string{"VACUUM ANALYZE", "CHECKPOINT"} {
			_, err := db.Exec(statement)
			require.NoError(b, err)
		}
	}
	return s
}

// url leads to a database of a server: 0 is the plain one.
func (s *spread) url(server int, database, workers string) string {
	url := s.cluster.Shards[server].Database(database)
	if workers != "auto" {
		url += "&max_parallel_workers_per_gather=" + workers
	}
	return url
}

func (s *spread) sharded(b *testing.B, database string, shards int, workers string, more ...string) *sql.DB {
	dsn := "cluster=bench log=" + xatest.Quote("sqlite:"+filepath.Join(b.TempDir(), "xapg.db"))
	for i := range shards {
		dsn += fmt.Sprintf(" shard.s%d=%s", i+1, xatest.Quote(s.url(i+1, database, workers)))
	}
	return s.open(b, "xapg", dsn+" "+strings.Join(more, " "))
}

func (s *spread) open(b *testing.B, driver, dsn string) *sql.DB {
	b.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	db.SetMaxIdleConns(16)
	return db
}

// drain reads a statement's rows as an application does that scans them.
func drain(db *sql.DB, query string, args []any, each func([]any)) (n int, err error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return 0, err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for ; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return n, err
		}
		if each != nil {
			each(values)
		}
	}
	return n, rows.Err()
}

// answer is a statement's rows, put in order.
func (s benchSystem) answer(b *testing.B, query string, args []any) []string {
	b.Helper()
	var list []string
	_, err := drain(s.db, query, args, func(row []any) { list = append(list, fmt.Sprint(row...)) })
	require.NoError(b, err)
	slices.Sort(list)
	return list
}

// BenchmarkReadShards reads rows of all shards.
func BenchmarkReadShards(b *testing.B) {
	s := newSpread(b)
	for _, q := range []struct {
		name, sql string
		args      []any
	}{
		{"Count1M", "SELECT count(*) FROM big", nil},
		{"Groups1M", "SELECT grp, count(*), sum(v), avg(v) FROM big GROUP BY grp", nil},
		{"Sort100k", "SELECT id, v, note FROM sorted ORDER BY v", nil},
		{"Index100k", "SELECT id, v, note FROM sorted ORDER BY id", nil},
		{"Unordered100k", "SELECT id, v, note FROM sorted", nil},
		{"Join10k", "SELECT l.id, r.note FROM lefts l JOIN rights r ON r.v = l.v", nil},
		{"JoinCount10k", "SELECT count(*), sum(l.id * r.id) FROM lefts l JOIN rights r ON r.v = l.v", nil},
		{"Sort10", "SELECT id, n FROM counted WHERE grp = $1 ORDER BY n, id", []any{7}},
		{"Count10", "SELECT count(*), max(id) FROM counted WHERE grp = $1", []any{7}},
		{"Join10", "SELECT c.id, d.n FROM counted c JOIN counted d ON d.grp = c.grp WHERE c.grp = $1 AND d.id = $2", []any{7, 7}},
	} {
		b.Run(q.name, func(b *testing.B) {
			want := s.systems[0].answer(b, q.sql, q.args)
			for _, system := range s.systems {
				if got := system.answer(b, q.sql, q.args); !slices.Equal(want, got) {
					b.Fatalf("%s: %d rows, not the %d of %s", system.name, len(got), len(want), s.systems[0].name)
				}
				b.Run(system.name+"/workers="+system.workers, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						if n, err := drain(system.db, q.sql, q.args, nil); err != nil || n != len(want) {
							b.Fatal(n, err)
						}
					}
				})
			}
		})
	}
}

// BenchmarkFirstRun compares statements that were run before with the same ones in
// a text that is new each time: xapg plans, describes and composes it, and the
// servers prepare it. Its servers are new: scratch sessions leave dead rows in
// home's catalogs until they are vacuumed, which the questions about the schema
// have to pass by.
func BenchmarkFirstRun(b *testing.B) {
	s := newSpread(b)
	n := 0
	for _, q := range []struct {
		name, sql string
		args      []any
	}{
		{"OneShard", "SELECT n FROM counted WHERE id = $1", []any{7}},
		{"Sort10", "SELECT id, n FROM counted WHERE grp = $1 ORDER BY n, id", []any{7}},
		{"Count10", "SELECT count(*), max(id) FROM counted WHERE grp = $1", []any{7}},
		{"Join10", "SELECT c.id, d.n FROM counted c JOIN counted d ON d.grp = c.grp WHERE c.grp = $1 AND d.id = $2", []any{7, 7}},
	} {
		for _, system := range s.systems[:2] { // without workers
			for _, first := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%s/new=%t", q.name, system.name, first), func(b *testing.B) {
					text := q.sql
					b.ReportAllocs()
					for b.Loop() {
						if first {
							n++
							text = fmt.Sprintf("%s -- %d", q.sql, n)
						}
						if _, err := drain(system.db, text, q.args, nil); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// BenchmarkWriteShards writes rows of several shards, which then commit together.
func BenchmarkWriteShards(b *testing.B) {
	s := newSpread(b)
	plain, x := s.systems[0], s.systems[1]
	for _, clients := range []int{1, 8} {
		for _, system := range []benchSystem{plain, x} {
			b.Run(fmt.Sprintf("Update10/%s/clients=%d", system.name, clients), func(b *testing.B) {
				b.ReportAllocs()
				drive(b, clients, func(ctx context.Context) error {
					return retried(func() error {
						res, err := system.db.ExecContext(ctx, "UPDATE counted SET n = n + 1 WHERE grp = $1", rand.IntN(countedGrps))
						if err != nil {
							return err
						}
						if n, err := res.RowsAffected(); err != nil || n != countedRows/countedGrps {
							return fmt.Errorf("%d rows: %w", n, err)
						}
						return nil
					})
				})
			})
		}
	}
	s.batches(b)
}

// batches inserts rows by the hundred, over two shards.
func (s *spread) batches(b *testing.B) {
	ctx := context.Background()
	for i := range batchShards + 1 {
		_, err := s.cluster.Shards[i].CreateDatabase(ctx, "two")
		require.NoError(b, err)
	}
	const schema = "CREATE TABLE batch (id bigint PRIMARY KEY, v bigint NOT NULL, note text NOT NULL)"
	plain := s.open(b, "pgx", s.url(0, "two", "0"))
	x := s.sharded(b, "two", batchShards, "0", "key.batch=id")
	for _, db := range []*sql.DB{plain, x} {
		_, err := db.Exec(schema)
		require.NoError(b, err)
	}
	next := newKeys(b)
	whole, half := batchInsert(batchRows), batchInsert(batchRows/2)
	insert := func(e interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}, query string, args []any) error {
		_, err := e.ExecContext(ctx, query, args...)
		return err
	}
	for _, way := range []struct {
		name string
		do   func() error
	}{
		{"pgx", func() error { return insert(plain, whole, next(batchRows, -1)) }},
		{"xapg/one_shard", func() error { return insert(x, whole, next(batchRows, 1)) }},
		{"xapg/two_shards", func() error { return insert(x, whole, next(batchRows, -1)) }},
		{"xapg/two_shards_by_hand", func() error { // two statements, each for one shard
			tx, err := x.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer tx.Rollback()
			for shard := range batchShards {
				if err := insert(tx, half, next(batchRows/2, shard)); err != nil {
					return err
				}
			}
			return tx.Commit()
		}},
	} {
		b.Run("Insert100/"+way.name, func(b *testing.B) {
			for range 100 { // statements prepared, connections open
				require.NoError(b, way.do())
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := way.do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*batchRows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func batchInsert(rows int) string {
	list := make([]string, rows)
	for i := range list {
		list[i] = fmt.Sprintf("($%d, $%d, $%d)", 3*i+1, 3*i+2, 3*i+3)
	}
	return "INSERT INTO batch (id, v, note) VALUES " + strings.Join(list, ", ")
}

// newKeys makes arguments for rows that were not there before: on one of two
// shards, or with -1 on any.
func newKeys(b *testing.B) func(rows, shard int) []any {
	b.Helper()
	m, err := shardmap.New(shardmap.Spec{Shards: []string{"s1", "s2"}, Tables: []shardmap.TableSpec{{Name: "batch", Key: "id"}}})
	require.NoError(b, err)
	const bigint = 20
	table, err := m.Table("public", "batch", []shardmap.Column{{Name: "id", TypeOID: bigint, Typmod: -1}})
	require.NoError(b, err)
	last := int64(0)
	return func(rows, shard int) []any {
		args := make([]any, 0, 3*rows)
		for len(args) < 3*rows {
			last++
			if shard >= 0 {
				key, err := table.Type.Key(last)
				require.NoError(b, err)
				if at, err := table.Shard(key); err != nil || at != shard {
					continue
				}
			}
			args = append(args, last, last, "a note")
		}
		return args
	}
}
