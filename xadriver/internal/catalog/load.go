package catalog

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

// Queryer runs a query on one shard.
type Queryer interface {
	QueryContext(ctx context.Context, sql string, args []driver.NamedValue) (driver.Rows, error)
}

// Reader reads the catalogs of one shard. What is PostgreSQL's own it reads once, and
// again only if the server became another one.
type Reader struct{ system atomic.Pointer[system] }

// Load reads a catalog from the reader's shard, mostly in one round trip.
func (r *Reader) Load(ctx context.Context, q Queryer) (*Catalog, error) {
	f, err := ask(ctx, q, everything)
	if err != nil {
		return nil, fmt.Errorf("reading the system catalogs: %w", err)
	}
	s := r.system.Load()
	if s == nil || s.mark != f.System {
		own, err := ask(ctx, q, theSystem)
		if err != nil {
			return nil, fmt.Errorf("reading the system catalogs: %w", err)
		}
		s = own.asSystem()
		r.system.Store(s)
	}
	return f.catalog(s), nil
}

// Load reads a catalog from any shard.
func Load(ctx context.Context, q Queryer) (*Catalog, error) { return new(Reader).Load(ctx, q) }

// Numbers reads a catalog of nothing but tables whose rows sequences number, and those
// sequences.
func Numbers(ctx context.Context, q Queryer) (*Catalog, error) {
	f, err := ask(ctx, q, ofNumbers)
	if err != nil {
		return nil, err
	}
	return f.catalog(&system{}), nil
}

// Temporaries reads the temporary relations of a connection's session.
func Temporaries(ctx context.Context, q Queryer) ([]*Relation, error) {
	f, err := ask(ctx, q, ofTheSession)
	if err != nil {
		return nil, err
	}
	list := f.relations()
	for _, r := range list {
		r.Schema, r.Parent = Temp, nil
	}
	return list, nil
}

// ask asks for facts.
func ask(ctx context.Context, q Queryer, sql string) (*facts, error) {
	answer, err := one(ctx, q, sql, nil)
	if err != nil {
		return nil, err
	}
	f := new(facts)
	return f, json.Unmarshal([]byte(answer), f)
}

// one asks for a single text, "" for none.
func one(ctx context.Context, q Queryer, sql string, args []driver.NamedValue) (string, error) {
	rows, err := q.QueryContext(ctx, sql, args)
	if err != nil {
		return "", err
	}
	v, answer := make([]driver.Value, 1), ""
	for {
		if err := rows.Next(v); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return answer, errors.Join(err, rows.Close())
		}
		switch v := v[0].(type) {
		case string:
			answer = v
		case []byte:
			answer = string(v)
		}
	}
}
