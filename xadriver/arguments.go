package xadriver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/xapg/xapg/xadriver/internal/shard"
)

// arguments tells pgx's options, which come before a statement's arguments,
// from the arguments themselves, and lets named arguments become numbered ones.
func arguments(ctx context.Context, query string, args []driver.NamedValue) (string, []driver.NamedValue, []driver.NamedValue, error) {
	for i := range args {
		switch v := args[i].Value.(type) {
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
			continue
		case pgx.QueryRewriter:
			rest := make([]any, 0, len(args)-i-1)
			for _, a := range args[i+1:] {
				rest = append(rest, a.Value)
			}
			sql, rewritten, err := v.RewriteQuery(ctx, nil, query, rest)
			if err != nil {
				return "", nil, nil, fmt.Errorf("xapg: rewriting the query: %w", err)
			}
			all := slices.Clone(args[:i])
			for _, a := range rewritten {
				all = append(all, driver.NamedValue{Ordinal: len(all) + 1, Value: a})
			}
			return sql, all, all[i:], nil
		}
		return query, args, args[i:], nil
	}
	return query, args, nil, nil
}

// untyped reports whether arguments are sent without knowing the parameters' types.
func (c *Connector) untyped() bool {
	return slices.ContainsFunc(c.own, (*shard.Shard).Untyped) || slices.ContainsFunc(c.shards, (*shard.Shard).Untyped)
}

// asSent gives the values as the server will read them. Where pgx sends arguments
// without knowing the parameters' types, it writes them as text by their Go types
// alone: times as UTC, bytes as hexadecimal, durations as intervals, whatever the
// column is. A key must be hashed as it arrives.
func (c *Conn) asSent(args, values []driver.NamedValue) []driver.NamedValue {
	untyped := c.connector.untyped()
	for _, a := range args[:len(args)-len(values)] {
		if mode, ok := a.Value.(pgx.QueryExecMode); ok {
			untyped = mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
		}
	}
	if !untyped {
		return values
	}
	sent := values
	for i, v := range values {
		if _, text := v.Value.(string); text || v.Value == nil {
			continue
		}
		if len(sent) > 0 && &sent[0] == &values[0] {
			sent = slices.Clone(values)
		}
		sent[i].Value = asText(v.Value)
	}
	return sent
}

// encoders are pgx's, which are not safe for concurrent use.
var encoders = sync.Pool{New: func() any { return pgtype.NewMap() }}

// asText is a value as pgx writes it when it does not know what for. What it
// cannot write that way stays as it is.
func asText(v any) any {
	m := encoders.Get().(*pgtype.Map)
	defer encoders.Put(m)
	text, err := m.Encode(0, pgx.TextFormatCode, v, nil)
	switch {
	case err != nil:
		return v
	case text == nil:
		return nil
	default:
		return string(text)
	}
}
