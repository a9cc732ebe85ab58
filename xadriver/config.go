package xadriver

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/xapg/xapg/shardmap"
	"github.com/xapg/xapg/txlog"
)

// Config says what a cluster consists of. The zero value of a setting is its
// default; a negative duration means "off" where that is possible. See Settings
// for all of them.
type Config struct {
	Cluster string           // 1 to 16 of a-z 0-9 -; part of every gid
	Log     string           // where decisions are kept: sqlite:PATH or postgres://…
	Shards  []Shard          // in order; the order decides which buckets are whose
	Home    string           // the shard of unsharded tables; the first, by default
	Tables  map[string]Table // by name, as in SQL: schema-qualified and quoted where needed
	Keys    []string         // columns by which all tables that have one are sharded
	Buckets int              // of hash placement: a power of two; 4096 by default

	ConsistentReads string        // what sees one state of all shards: snapshot, statement or off
	CutShare        int           // percent of the time in which readers of this process may keep writers waiting; 4
	CutWait         time.Duration // how long a cut through all shards may take; 15s

	// DeadlockTimeout is how long a statement runs before it is looked whether it waits in
	// a circle of transactions; 1s.
	DeadlockTimeout time.Duration

	LockWait       time.Duration // how long a statement waits for a lock once its transaction spans shards; off, or 5s without deadlock_timeout
	ResolveAfter   time.Duration // age from which an undecided transaction is taken for abandoned; 10s
	ResolveEvery   time.Duration // between two looks for abandoned transactions; 5s
	AlarmAfter     time.Duration // age from which a transaction in doubt is reported; 1m
	Retain         time.Duration // how long finished decisions are kept; 24h
	CommitTimeout  time.Duration // how long a shard may take to vote, or to answer COMMIT; 30s
	FinishWait     time.Duration // how long Commit waits for the shards after the decision; 10s
	PlanCache      int           // statements whose plans are kept; 4096
	SchemaCheck    time.Duration // how often home is asked whether others changed the schema; negative for never
	IDStride       int           // how far apart the numbers of one shard's sequences are; at least the number of shards there will ever be
	UniquePerShard bool          // let through unique constraints of sharded tables without their key, which each shard judges by its own rows
	GatherLimit    int           // rows that a statement may bring together in one place; -1 for none
	Ping           string        // whom Ping asks: all shards (the default), home, or none
	Raw            string        // whose connection sql.Conn.Raw hands out with a single shard: xapg (the default) or pgx
	ShardConns     int           // connections to each shard at most, per process; no limit by default
	ConnLifetime   time.Duration // after which a connection is closed, once nobody uses it; 1h
	ConnMaxIdle    time.Duration // after which an unused connection is closed; 5m
	HealthCheck    time.Duration // how often unused connections are looked after; 30s

	// Resources are participants other than PostgreSQL: see Enlist. With any, even a
	// single shard needs a cluster's name and a log.
	Resources []Resource
	// AbsentResources names resources of other programs of the cluster, which this one
	// cannot reach, such as the command xapg: it leaves their parts to those programs.
	AbsentResources []string

	// DecisionLog is an open log to use instead of Log. The caller closes it,
	// after the connector.
	DecisionLog txlog.Log
	// Logger is told what the background does. slog.Default() by default.
	Logger *slog.Logger
	// OnStep is called synchronously before and after each step of the commit
	// protocol, on any goroutine. It is for tests and demonstrations that stop a
	// program at a given step, and for measuring; it delays what it watches.
	OnStep func(Step)

	// OnNotice is given the notices and warnings that shards send, on any goroutine.
	// With Pgx, the configuration's own OnNotice is called as well.
	OnNotice func(shard string, n *pgconn.Notice)
	// Tracer is told of statements, their parts, and the phases of commits.
	Tracer Tracer

	// NoResolver keeps this process from resolving in the background. It is for
	// tools that only look; somebody else must resolve.
	NoResolver bool
	// LogMustExist keeps this process from making a new log where there is none. It is for
	// tools: who has lost his log does not want them to begin another one.
	LogMustExist bool
}

// Shard is one PostgreSQL database. It is reached through pgx, by its DSN or by a
// configuration of pgx with whatever tracers and hooks it has; or by a connector of
// any driver.
type Shard struct {
	Name     string   // 1 to 63 of letters, digits, _ and -
	DSN      string   // a URL or keywords, or what stdlib.RegisterConnConfig returned
	Replicas []string // DSNs of its standbys: whichever server takes writes is the shard

	// Pgx is used instead of DSN. It is copied, and may be made by pgx.ParseConfig only.
	Pgx *pgx.ConnConfig
	// Options are those of pgx's stdlib: hooks before and after connecting, and
	// before a connection is used again.
	Options []stdlib.OptionOpenDB
	// Connector is used instead of DSN and Pgx.
	Connector driver.Connector
}

// Table says how a table's rows are placed.
type Table struct {
	Key       string  // the column that places a row: by hash, unless Range or List is given
	Range     []Range // in ascending order
	List      []List
	Reference bool // a full copy on every shard
	Unsharded bool // on home, though it has one of the columns of Keys
}

// Range takes keys below a bound, from the bound of the one before it.
type Range struct {
	Below string // exclusive; empty on the last: all others
	Shard string
}

// List takes keys by value.
type List struct {
	Shard   string
	Values  []string
	Default bool // and all values that no list has
}

// ConfigError says what is wrong in a configuration, and where.
type ConfigError struct {
	Source       string // the file, or "dsn"
	Line, Column int    // in a file, from 1; 0 when not known
	Path         string // of the setting, such as tables.events.range[1].shard
	Problem      string
	Valid        []string // what would be right
}

func (e *ConfigError) Error() string {
	var b strings.Builder
	b.WriteString("xapg: ")
	if e.Source != "" {
		b.WriteString(e.Source)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
		}
		b.WriteString(": ")
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	b.WriteString(e.Problem)
	if len(e.Valid) > 0 {
		b.WriteString("; valid: " + strings.Join(e.Valid, ", "))
	}
	return b.String()
}

var (
	clusterName = regexp.MustCompile(`^[a-z0-9-]{1,16}$`)
	shardName   = regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`)
)

// Validate fills in the defaults and reports everything that is wrong, as
// *ConfigError, joined.
func (c *Config) Validate() error {
	var errs []error
	wrong := func(path, problem string, valid ...string) {
		errs = append(errs, &ConfigError{Path: path, Problem: problem, Valid: valid})
	}
	for i := range settings {
		settings[i].fill(c)
	}
	if c.ResolveAfter < 0 {
		wrong("resolve_after", "abandoned transactions must be resolved at some time: it cannot be off")
	}
	if c.ResolveEvery < 0 {
		wrong("resolve_every", "abandoned transactions must be looked for: it cannot be off")
	}
	if c.Raw == rawPgx && len(c.Shards) > 0 && !c.plain() {
		wrong("raw", c.several()+", no connection of pgx stands for all of them: use Conn.Shard")
	}
	if len(c.Shards) == 0 {
		wrong("shards", "there is none: give at least one")
	}
	var names []string
	for i, s := range c.Shards {
		path := "shards." + s.Name
		switch {
		case s.Name == "" && len(c.Shards) == 1:
			c.Shards[i].Name = "main"
		case !shardName.MatchString(s.Name):
			wrong(path, fmt.Sprintf("%q cannot be a shard's name", s.Name), "1 to 63 of letters, digits, _ and -")
		case slices.Contains(names, s.Name):
			wrong(path, "there are two shards of this name")
		}
		names = append(names, s.Name)
		if s.Connector == nil && s.Pgx == nil {
			if err := checkShardDSN(s); err != nil {
				errs = append(errs, err)
			}
		}
		if err := checkReplicas(s); err != nil {
			errs = append(errs, err)
		}
	}
	c.checkResources(wrong, names)
	if len(c.Shards) > 0 && !c.plain() {
		if !clusterName.MatchString(c.Cluster) {
			wrong("cluster", fmt.Sprintf("%s, the cluster needs a name; %q is none", c.several(), c.Cluster), "1 to 16 of a-z, 0-9 and -")
		}
		switch {
		case c.DecisionLog != nil:
		case c.Log == "":
			wrong("log", c.several()+", say where the decisions of commits are kept, for instance log=sqlite:/var/lib/app/xapg.db")
		default:
			var bad *txlog.URLError
			if errors.As(txlog.CheckURL(c.Log), &bad) {
				wrong("log", bad.Problem, bad.Valid...)
			}
		}
		if c.Home != "" && !slices.Contains(names, c.Home) {
			wrong("home", fmt.Sprintf("no shard is named %q", c.Home), names...)
		}
	}
	if len(errs) == 0 {
		spec, err := c.spec()
		if err == nil {
			_, err = shardmap.New(spec)
		}
		if err != nil {
			errs = append(errs, specError(err))
		}
	}
	return errors.Join(errs...)
}

// specError passes on what the shard map found, in this package's words.
func specError(err error) error {
	var s *shardmap.SpecError
	if errors.As(err, &s) {
		return &ConfigError{Path: s.Path, Problem: s.Problem, Valid: s.Valid}
	}
	return err
}

// registered is how the names begin that stdlib.RegisterConnConfig gives.
const registered = "registeredConnConfig"

// checkShardDSN reads a shard's DSN. What pgx says of a bad one quotes it, and is
// not passed on.
func checkShardDSN(s Shard) error {
	if strings.HasPrefix(s.DSN, registered) {
		return nil
	}
	if _, err := pgx.ParseConfig(s.DSN); err != nil {
		return &ConfigError{Path: "shards." + s.Name, Problem: "its DSN cannot be read" + reason(err) + " (it is not shown, as it may hold a password)",
			Valid: []string{"postgres://user@host:port/database", "host=… port=… dbname=… user=…"}}
	}
	return nil
}

// checkReplicas reads the DSNs of a shard's standbys.
func checkReplicas(s Shard) error {
	switch {
	case len(s.Replicas) == 0:
		return nil
	case s.Connector != nil || strings.HasPrefix(s.DSN, registered):
		return &ConfigError{Path: "shards." + s.Name + ".replicas", Problem: "only a shard that is given as a DSN, or as a configuration of pgx, can have replicas"}
	case s.Pgx != nil:
		return s.withReplicas(s.Pgx.Copy())
	}
	config, err := pgx.ParseConfig(s.DSN)
	if err != nil {
		return nil //nolint:nilerr // reported with the DSN itself
	}
	return s.withReplicas(config)
}

// plainReason is what pgx says of a bad DSN, as far as it has nothing of the DSN in it.
var plainReason = regexp.MustCompile("`: ([a-z_/ ]{1,60}?)( \\(|:|$)")

func reason(err error) string {
	if m := plainReason.FindStringSubmatch(err.Error()); m != nil {
		return ": " + m[1]
	}
	return ""
}

// spec is the shard map that the configuration describes.
func (c *Config) spec() (shardmap.Spec, error) {
	spec := shardmap.Spec{Home: c.Home, Buckets: c.Buckets, Keys: c.Keys}
	for _, s := range c.Shards {
		spec.Shards = append(spec.Shards, s.Name)
	}
	names := make([]string, 0, len(c.Tables))
	for name := range c.Tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		t := c.Tables[name]
		schema, table, err := shardmap.ParseName(name)
		if err != nil {
			return spec, &ConfigError{Path: "tables." + name, Problem: err.Error()}
		}
		ts := shardmap.TableSpec{Schema: schema, Name: table, Reference: t.Reference, Unsharded: t.Unsharded, Key: t.Key}
		for _, r := range t.Range {
			ts.Range = append(ts.Range, shardmap.RangeBound(r))
		}
		for _, l := range t.List {
			ts.List = append(ts.List, shardmap.ListEntry(l))
		}
		spec.Tables = append(spec.Tables, ts)
	}
	return spec, nil
}

// String describes the configuration without its secrets.
func (c *Config) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cluster=%s log=%s home=%s", c.Cluster, txlog.Redact(c.Log), c.Home)
	for _, s := range c.Shards {
		fmt.Fprintf(&b, " shard.%s=%s", s.Name, redact(s.DSN))
	}
	for name, t := range c.Tables {
		fmt.Fprintf(&b, " table.%s={key:%s reference:%t unsharded:%t}", name, t.Key, t.Reference, t.Unsharded)
	}
	return b.String()
}

// GoString keeps secrets from %#v.
func (c *Config) GoString() string { return c.String() }

// LogValue implements slog.LogValuer.
func (c *Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String describes the shard without its secrets.
func (s Shard) String() string { return s.Name + "=" + redact(s.DSN) }

// GoString keeps secrets from %#v.
func (s Shard) GoString() string { return s.String() }

// harmless is what hosts, users and databases are commonly made of.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_.,:/-]*$`)

// redact shows where a DSN leads, and nothing that it may keep secret.
func redact(dsn string) string {
	if dsn == "" {
		return dsn
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return "(not shown)"
	}
	for _, part := range []string{cfg.Host, cfg.User, cfg.Database} {
		if !harmless.MatchString(part) {
			return "(not shown)" // a DSN that went wrong may have its password anywhere
		}
	}
	u := url.URL{Scheme: "postgres", User: url.User(cfg.User), Host: fmt.Sprintf("%s:%d", cfg.Host, cfg.Port), Path: "/" + cfg.Database}
	return u.String()
}
