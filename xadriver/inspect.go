package xadriver

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/xadriver/internal/catalog"
	"github.com/xapg/xapg/xadriver/internal/gid"
	"github.com/xapg/xapg/xadriver/internal/shard"
)

// Finding is one thing that Check looked at.
type Finding struct {
	Shard string `json:"shard"`
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Note  string `json:"note"`

	Warning bool `json:"warning,omitempty"` // it works, but should not stay so
}

// Check looks whether every shard can do its part: whether it can be reached,
// allows prepared transactions, has a clock near ours and the rights that are
// needed, whether a failover may lose what it has acknowledged or has lost something,
// whether it has the same tables as home, and what is left prepared there. With rows,
// it also counts the rows that are on the wrong shard, which reads all tables.
func (c *Connector) Check(ctx context.Context, rows bool) ([]Finding, error) {
	if c.single != nil {
		return nil, ErrSingleShard
	}
	lists := make([][]Finding, len(c.shards))
	catalogs := make([]*catalog.Catalog, len(c.shards))
	var wg sync.WaitGroup
	for i, sh := range c.shards {
		wg.Go(func() {
			in := &inspection{c: c, sh: sh}
			in.run(ctx, rows)
			lists[i], catalogs[i] = in.found, in.tables
		})
	}
	wg.Wait()
	home := catalogs[c.home.Index()]
	var out []Finding
	for i, list := range lists {
		out = append(out, list...)
		if home != nil && catalogs[i] != nil && c.shards[i] != c.home {
			out = append(out, sameTables(c.shards[i].Name(), home, catalogs[i]))
		}
	}
	if home != nil {
		out = append(out, c.sequences(home, catalogs)...)
	}
	return slices.Concat(out, c.inspectResources(ctx), c.inspectLog(ctx)), nil
}

// sequences looks whether the sequences of sharded tables give each number once.
func (c *Connector) sequences(home *catalog.Catalog, catalogs []*catalog.Catalog) []Finding {
	var out []Finding
	for _, s := range c.planner.Counting(home) {
		used := make(map[int64]string)
		for i, sh := range c.shards {
			if catalogs[i] == nil {
				continue
			}
			o, ok := catalogs[i].Sequence(s)
			if !ok {
				continue // told by the comparison of tables
			}
			step := max(o.Increment, -o.Increment)
			place := ((o.Start % step) + step) % step
			switch other, taken := used[place]; {
			case step < int64(len(c.shards)), o.Increment%c.planner.Stride != 0, taken:
				note := fmt.Sprintf("START %d INCREMENT %d", o.Start, o.Increment)
				if taken {
					note += ", as on " + other
				}
				out = append(out, Finding{Shard: sh.Name(), What: "sequence " + s, Note: note + fmt.Sprintf(
					": numbers may come twice; on this shard: ALTER SEQUENCE %s INCREMENT BY %d START WITH n RESTART WITH n, with an n above all numbers in use and n %% %d = %d",
					s, c.planner.Stride, c.planner.Stride, i+1)})
			default:
				used[place] = sh.Name()
			}
		}
	}
	return out
}

type inspection struct {
	c      *Connector
	sh     *shard.Shard
	conn   *shard.Conn
	tables *catalog.Catalog
	found  []Finding
}

func (in *inspection) add(what string, ok bool, format string, args ...any) {
	in.found = append(in.found, Finding{Shard: in.sh.Name(), What: what, OK: ok, Note: fmt.Sprintf(format, args...)})
}

// warn is add for what is in order as long as nothing happens.
func (in *inspection) warn(what, format string, args ...any) {
	in.add(what, true, format, args...)
	in.found[len(in.found)-1].Warning = true
}

func (in *inspection) run(ctx context.Context, rows bool) {
	begin := time.Now()
	conn, err := in.sh.Acquire(ctx)
	if err != nil {
		in.add("reachable", false, "%v", err)
		return
	}
	defer conn.Release()
	in.conn = conn
	in.add("reachable", true, "in %s", time.Since(begin).Round(100*time.Microsecond))
	in.version(ctx)
	in.voting(ctx)
	in.clock(ctx)
	in.rights(ctx)
	in.leftovers(ctx)
	in.remembering(ctx)
	in.replication(ctx)
	in.heuristics(ctx)
	if in.tables, err = catalog.Load(ctx, queryer{conn}); err != nil {
		in.add("tables", false, "%v", err)
		return
	}
	in.placed(ctx, rows)
}

// row asks for one row of text.
func (in *inspection) row(ctx context.Context, sql string, columns int) ([]string, error) {
	all, err := in.all(ctx, sql, columns)
	if err != nil || len(all) == 0 {
		return make([]string, columns), errors.Join(err, errNoRow(err, len(all)))
	}
	return all[0], nil
}

func errNoRow(err error, n int) error {
	if err == nil && n == 0 {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (in *inspection) all(ctx context.Context, sql string, columns int) ([][]string, error) {
	rows, err := in.conn.Query(ctx, sql, nil)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for v := make([]driver.Value, columns); ; {
		if err := rows.Next(v); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, errors.Join(err, rows.Close())
		}
		line := make([]string, columns)
		for i := range v {
			line[i] = fmt.Sprint(v[i])
		}
		out = append(out, line)
	}
}

func (in *inspection) version(ctx context.Context) {
	v, err := in.row(ctx, "SELECT current_setting('server_version'), current_setting('server_version_num'), current_setting('server_encoding')", 3)
	if err != nil {
		in.add("version", false, "%v", err)
		return
	}
	const oldest = "140000"
	in.add("version", v[1] >= oldest, "PostgreSQL %s", v[0])
	if v[2] != "UTF8" {
		in.add("encoding", false, "%s: keys of text are hashed as UTF8, and would not be found", v[2])
	}
}

func (in *inspection) voting(ctx context.Context) {
	v, err := in.row(ctx, "SELECT current_setting('max_prepared_transactions'), current_setting('max_connections')", 2)
	switch {
	case err != nil:
		in.add("max_prepared_transactions", false, "%v", err)
	case v[0] == "0":
		in.add("max_prepared_transactions", false, "it is 0: set it to at least max_connections (%s) and restart the server", v[1])
	default:
		in.add("max_prepared_transactions", true, "%s, with max_connections = %s", v[0], v[1])
	}
}

func (in *inspection) clock(ctx context.Context) {
	begin := time.Now()
	v, err := in.row(ctx, "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text", 1)
	if err != nil {
		in.add("clock", false, "%v", err)
		return
	}
	var ms int64
	_, _ = fmt.Sscan(v[0], &ms)
	middle := begin.Add(time.Since(begin) / 2)
	skew := time.UnixMilli(ms).Sub(middle).Round(time.Millisecond)
	const most = 5 * time.Second
	in.add("clock", skew.Abs() < most, "%s from ours (nothing depends on it but now() in your SQL)", skew)
}

func (in *inspection) rights(ctx context.Context) {
	v, err := in.row(ctx, `SELECT to_regclass('_xapg.log_mark') IS NOT NULL,
		has_database_privilege(current_database(), 'CREATE'), current_user,
		CASE WHEN to_regclass('_xapg.log_mark') IS NULL THEN false ELSE has_table_privilege('_xapg.log_mark', 'SELECT, INSERT, UPDATE') END`, 4)
	switch {
	case err != nil:
		in.add("rights", false, "%v", err)
	case v[0] == "true" && v[3] == "true":
		in.add("rights", true, "%s may mark the log", v[2])
	case v[0] == "true":
		in.add("rights", false, "grant USAGE on schema _xapg and SELECT, INSERT, UPDATE on _xapg.log_mark to %s", v[2])
	default:
		in.add("rights", v[1] == "true", "%s may create the schema _xapg: %s", v[2], v[1])
	}
}

func (in *inspection) leftovers(ctx context.Context) {
	list, err := in.all(ctx, "SELECT gid, (extract(epoch FROM now() - prepared))::bigint::text FROM pg_prepared_xacts WHERE database = current_database()", 2)
	if err != nil {
		in.add("prepared", false, "%v", err)
		return
	}
	own, others := 0, []string(nil)
	prefix := gid.Prefix(in.c.cfg.Cluster, in.c.log.Identity().ID)
	for _, l := range list {
		if strings.HasPrefix(l[0], prefix) {
			own++
			continue
		}
		others = append(others, fmt.Sprintf("%s (%s s)", l[0], l[1]))
	}
	in.add("prepared", len(others) == 0, "%d of this log's", own)
	if len(others) > 0 {
		in.add("prepared by others", false, "not of this log, and never touched: %s", strings.Join(others, ", "))
	}
}

// placed looks at the tables that the map names.
func (in *inspection) placed(ctx context.Context, rows bool) {
	for name, t := range in.c.cfg.Tables {
		schema, table, err := shardmap.ParseName(name)
		if err != nil {
			continue
		}
		r := in.tables.Relation(schema, table)
		if r == nil {
			in.add("table "+name, false, "it does not exist (yet)")
			continue
		}
		placed, err := in.c.layout.Table(schema, table, columnsOf(r))
		if err != nil {
			in.add("table "+name, false, "%v", err)
			continue
		}
		if rows && placed.Kind == shardmap.Sharded && placed.Strategy == shardmap.ByHash && !t.Reference {
			in.misplaced(ctx, r, placed)
		}
	}
}

func columnsOf(r *catalog.Relation) []shardmap.Column {
	out := make([]shardmap.Column, len(r.Columns))
	for i, c := range r.Columns {
		out[i] = shardmap.Column{Name: c.Name, TypeOID: c.TypeOID, Typmod: c.Typmod, NonDeterministic: c.NonDeterministic}
	}
	return out
}

// misplaced counts rows whose key belongs to another shard, by the server's own
// hash functions.
func (in *inspection) misplaced(ctx context.Context, r *catalog.Relation, t *shardmap.Table) {
	quote := func(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
	buckets := in.c.layout.Buckets()
	bucket := fmt.Sprintf("((((hash_array_extended(ARRAY[%s], %d) & %d) + %d - 31) & %d) * %d / %d)",
		quote(t.Key), shardmap.Seed, buckets-1, buckets, buckets-1, len(in.c.shards), buckets)
	v, err := in.row(ctx, fmt.Sprintf("SELECT count(*)::text FROM %s.%s WHERE %s <> %d", quote(r.Schema), quote(r.Name.Name), bucket, in.sh.Index()), 1)
	switch {
	case err != nil:
		in.add("rows of "+r.String(), false, "%v", err)
	default:
		in.add("rows of "+r.String(), v[0] == "0", "%s on the wrong shard", v[0])
	}
}

// sameTables compares a shard's tables with home's.
func sameTables(name string, home, other *catalog.Catalog) Finding {
	var missing, extra, differ []string
	for _, r := range home.Relations() {
		if r.System() || strings.HasPrefix(r.Schema, "_xapg") {
			continue
		}
		o := other.Relation(r.Schema, r.Name.Name)
		switch {
		case o == nil:
			missing = append(missing, r.String())
		case !slices.EqualFunc(r.Columns, o.Columns, func(a, b catalog.Column) bool { return a.Name == b.Name && a.TypeOID == b.TypeOID }):
			differ = append(differ, r.String())
		}
	}
	for _, r := range other.Relations() {
		if !r.System() && !strings.HasPrefix(r.Schema, "_xapg") && home.Relation(r.Schema, r.Name.Name) == nil {
			extra = append(extra, r.String())
		}
	}
	var notes []string
	for what, list := range map[string][]string{"missing": missing, "not on home": extra, "different columns": differ} {
		if len(list) > 0 {
			slices.Sort(list)
			notes = append(notes, what+": "+strings.Join(list, ", "))
		}
	}
	slices.Sort(notes)
	if len(notes) == 0 {
		return Finding{Shard: name, What: "tables", OK: true, Note: "the same as on home"}
	}
	return Finding{Shard: name, What: "tables", Note: strings.Join(notes, "; ")}
}
