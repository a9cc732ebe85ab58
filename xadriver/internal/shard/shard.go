// Package shard connects to the shards.
//
// A Shard is one PostgreSQL database and the pool of connections to it that this
// process holds; a Conn is one of these connections. Everything else in the
// driver speaks to servers through a Conn: statements with arguments go through
// the shard's own database/sql driver untouched, so that values are converted
// as that driver converts them; transaction control goes beside it, because the
// protocol must see the server's command tags.
//
// For shards that are given as a DSN the driver is pgx's stdlib, and statements
// such as BEGIN travel in the same message as the statement that follows them
// (see ahead). Shards given as any other driver.Connector work too, at the price
// of a round trip more.
package shard

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jackc/puddle/v2"
)

// Shard is one PostgreSQL database. Its methods are safe for concurrent use.
type Shard struct {
	name      string
	index     int
	config    atomic.Pointer[pgx.ConnConfig] // of a shard reached through pgx, once it is known
	connector driver.Connector               // of a shard given as a connector, or by a name
	learnt    atomic.Bool                    // a connection of a connector has told the mode
	mode      atomic.Int32                   // pgx's default query exec mode, as far as it is known
	learn     func(*pgx.ConnConfig)          // with a name: what is to be done to the configuration
	options   Options
	alone     []int
	pool      *puddle.Pool[*Conn]
	parking   parking
	roster    roster
	epoch     atomic.Int64 // how often this process has changed tables
	counts    counts

	lead       atomic.Int32  // which of its hosts was the primary last
	replicated atomic.Bool   // it has standbys
	timeline   atomic.Uint32 // of the server that is the shard, as far as it is known
}

// Options of a shard's pool.
type Options struct {
	MaxConns int           // connections that this process opens at most; 0 is no limit
	Lifetime time.Duration // of a connection, about; 0 is no limit
	MaxIdle  time.Duration // after which an unused connection is closed; 0 is no limit

	Pgx []stdlib.OptionOpenDB // hooks of connections that are reached through pgx
	// Asking makes each new connection ask which server it leads to (Conn.Timeline),
	// even where the shard has no other than that one.
	Asking bool
}

// New makes a shard that is reached through another driver.
func New(name string, index int, connector driver.Connector, o Options) (*Shard, error) {
	s := &Shard{name: name, index: index, connector: connector}
	return s, s.open(o)
}

// NewPgx makes a shard that is reached through pgx.
func NewPgx(name string, index int, config *pgx.ConnConfig, o Options) (*Shard, error) {
	s := &Shard{name: name, index: index}
	s.config.Store(config)
	s.mode.Store(int32(config.DefaultQueryExecMode))
	return s, s.open(o)
}

// NewRegistered makes a shard whose configuration is known to pgx's stdlib by a
// name. It is learnt from the first connection, and then passed through adapt.
func NewRegistered(name string, index int, dsn string, adapt func(*pgx.ConnConfig), o Options) (*Shard, error) {
	connector, err := stdlib.GetDefaultDriver().(driver.DriverContext).OpenConnector(dsn)
	if err != nil {
		return nil, err
	}
	s := &Shard{name: name, index: index, connector: connector, learn: adapt}
	return s, s.open(o)
}

func (s *Shard) open(o Options) error {
	s.options, s.alone = o, []int{s.index}
	limit := int32(math.MaxInt32)
	if o.MaxConns > 0 && o.MaxConns < math.MaxInt32 {
		limit = int32(o.MaxConns)
	}
	pool, err := puddle.NewPool(&puddle.Config[*Conn]{
		Constructor: s.connect,
		Destructor:  (*Conn).close,
		MaxSize:     limit,
	})
	if err != nil {
		return fmt.Errorf("shard %s: %w", s.name, err)
	}
	s.pool = pool
	return nil
}

// Name is the shard's name in the configuration.
func (s *Shard) Name() string { return s.name }

// Alone is a list of just this shard's index, not to be changed.
func (s *Shard) Alone() []int { return s.alone }

// Index is the shard's place in the configuration, from 0.
func (s *Shard) Index() int { return s.index }

// RuntimeParam is a server setting that the shard's DSN gives, "" when it gives none.
func (s *Shard) RuntimeParam(name string) string {
	config := s.config.Load()
	if config == nil {
		return ""
	}
	return config.RuntimeParams[name]
}

// Untyped reports whether pgx sends arguments to this shard without asking the
// server for the parameters' types (default_query_exec_mode exec or simple_protocol).
func (s *Shard) Untyped() bool {
	mode := pgx.QueryExecMode(s.mode.Load())
	return mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
}

// Dial opens a connection outside of the pool, to be closed by its Close.
func (s *Shard) Dial(ctx context.Context) (driver.Conn, error) {
	c, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	s.roster.remove(c)
	return c.inner, nil
}

func (s *Shard) connect(ctx context.Context) (*Conn, error) {
	ctx, done := patiently(ctx)
	defer done()
	c := &Conn{shard: s, state: Idle}
	connector := s.connector
	if s.learn != nil && s.config.Load() == nil {
		if err := s.learnFrom(ctx); err != nil {
			return nil, err
		}
	}
	if known := s.config.Load(); known != nil {
		// Each connection has a copy of the configuration, because building its
		// frontend is the one place where it can be reached from inside pgx. Each host
		// that is tried has a frontend of its own: pgx may still be closing the last one.
		config := *known
		build := config.BuildFrontend
		config.BuildFrontend = func(r io.Reader, w io.Writer) *pgproto3.Frontend {
			c.ahead = &ahead{}
			return c.ahead.frontend(r, w, build)
		}
		connector = s.leading(config)
	}
	inner, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c.inner = inner
	c.pgx = Pgx(inner)
	if c.pgx != nil && s.config.Load() == nil && s.learnt.CompareAndSwap(false, true) {
		s.mode.Store(int32(c.pgx.Conn().Config().DefaultQueryExecMode))
	}
	c.epoch = s.epoch.Load()
	c.born(s.options.Lifetime)
	s.counts.opened.Add(1)
	s.roster.add(c)
	return c, nil
}

// learnFrom opens a connection by name to learn the configuration behind it.
func (s *Shard) learnFrom(ctx context.Context) error {
	inner, err := s.connector.Connect(ctx)
	if err != nil {
		return err
	}
	defer inner.Close()
	c := Pgx(inner)
	if c == nil {
		return fmt.Errorf("xapg: shard %s: a connection of pgx was expected, not %T", s.name, inner)
	}
	config := c.Conn().Config()
	s.learn(config)
	s.mode.Store(int32(config.DefaultQueryExecMode))
	s.config.CompareAndSwap(nil, config)
	return nil
}

// Pgx finds pgx below drivers that wrap it and say so; nil where it is not there.
func Pgx(conn driver.Conn) *stdlib.Conn {
	for {
		if c, ok := conn.(*stdlib.Conn); ok {
			return c
		}
		r, ok := conn.(interface{ Raw() driver.Conn })
		if !ok {
			return nil
		}
		conn = r.Raw()
	}
}

// Close closes the pool; it waits for connections that are in use.
func (s *Shard) Close() error {
	s.pool.Close()
	if c, ok := s.connector.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// ErrClosed is the error of Acquire after Close.
var ErrClosed = puddle.ErrClosedPool

// IsClosed reports whether err says that the pool is closed.
func IsClosed(err error) bool { return errors.Is(err, ErrClosed) }
